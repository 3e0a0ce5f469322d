//! The socket at which nginx's log lines arrive.
//!
//! A thread of its own reads it, because what is not read in time is lost: the kernel keeps
//! `net.unix.max_dgram_qlen` datagrams of a unix socket, ten unless somebody sets it. Nothing is
//! lost in silence: a request of which nothing is heard is counted (`awaited.rs`).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use gate::Engine;
use gate::identity::TrustedProxies;
use gate::metrics::EdgeOutcome;

use crate::awaited::Awaited;
use crate::listen::Mailbox;
use crate::outcome::{NoOutcome, Outcome, parse};

/// How soon the thread hears of a stop.
const LOOK_UP: Duration = Duration::from_millis(100);
/// nginx sends no longer line of this format; a longer one is cut and its first fields count.
const DATAGRAM_BYTES: usize = 4_096;
/// With fewer the kernel drops lines of a busy shop: half of 13,000 a second at ten, one in a
/// hundred of 22,000 at this many.
const QUEUE_WANTED: u32 = 512;
const QUEUE_SETTING: &str = "/proc/sys/net/unix/max_dgram_qlen";

/// A thread that takes outcomes in, until dropped.
pub(crate) struct Outcomes {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Outcomes {
    pub(crate) fn start(
        mailbox: Mailbox,
        peers: TrustedProxies,
        engine: Arc<Engine>,
        awaited: Arc<Awaited>,
    ) -> io::Result<Self> {
        match &mailbox {
            Mailbox::Unix(socket, _) => {
                warn_of_short_queue();
                socket.set_read_timeout(Some(LOOK_UP))?;
            }
            Mailbox::Udp(socket) => socket.set_read_timeout(Some(LOOK_UP))?,
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let receiver = Receiver { mailbox, peers, engine, awaited };
        let thread = std::thread::Builder::new()
            .name("kidoban-outcomes".to_owned())
            .spawn(move || receiver.run(&stopped))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Outcomes {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A panic in it was reported when it happened.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Receiver {
    mailbox: Mailbox,
    peers: TrustedProxies,
    engine: Arc<Engine>,
    awaited: Arc<Awaited>,
}

impl Receiver {
    fn run(&self, stop: &AtomicBool) {
        let mut buffer = [0; DATAGRAM_BYTES];
        while !stop.load(Ordering::Relaxed) {
            // An error is the time-out, or a signal.
            let Ok((length, from)) = self.receive(&mut buffer) else { continue };
            if from.is_none_or(|from| self.peers.contains(from.ip().to_canonical())) {
                self.conclude(parse(&buffer[..length]));
            }
        }
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Option<SocketAddr>)> {
        match &self.mailbox {
            Mailbox::Unix(socket, _) => socket.recv(buffer).map(|length| (length, None)),
            Mailbox::Udp(socket) => {
                socket.recv_from(buffer).map(|(length, from)| (length, Some(from)))
            }
        }
    }

    fn conclude(&self, outcome: Result<Outcome, NoOutcome>) {
        let counted = match outcome {
            Err(NoOutcome::NoToken) => return,
            Err(NoOutcome::Unreadable) => EdgeOutcome::Unreadable,
            Ok(Outcome { id, end }) => match self.awaited.take(id) {
                None => EdgeOutcome::Unknown,
                Some(in_flight) => {
                    self.engine.conclude(in_flight, end);
                    EdgeOutcome::Concluded
                }
            },
        };
        self.engine.metrics().edge.ended(counted, 1);
    }
}

fn warn_of_short_queue() {
    let length = std::fs::read_to_string(QUEUE_SETTING).ok();
    let length: Option<u32> = length.and_then(|text| text.trim().parse().ok());
    if let Some(length) = length.filter(|length| *length < QUEUE_WANTED) {
        tracing::warn!(
            "net.unix.max_dgram_qlen is {length}: outcomes of a busy shop are lost. Set it before \
             the service starts: sysctl -w net.unix.max_dgram_qlen={QUEUE_WANTED}"
        );
    }
}
