//! Exports: bans that others enforce, such as a firewall, so that a banned client costs an edge
//! nothing more.
//!
//! - [`ledger`]: who is exported, and what has changed; the one place that chooses
//! - [`pages`]: a block list and a stream of decisions over HTTP
//! - [`geo`]: a file for nginx; [`nft`]: sets of the kernel's firewall
//!
//! Only bans made while the gate enforces are exported, never limits, each with its end. Whom the
//! allow list or `trusted_proxies` covers is never exported. A thread of its own looks once a
//! second: a request pays nothing for it.

pub mod geo;
pub mod ledger;
pub mod nft;
pub mod pages;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gate::identity::TrustedProxies;
use gate::{Engine, Mode};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use parking_lot::Mutex;

use ledger::{Banned, Bounds, Ledger};
use nft::Firewall;

/// Bans have a resolution of seconds.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A reload of nginx starts its workers anew: more often than this it would have two generations
/// all the time.
const RELOAD_EVERY: Duration = Duration::from_secs(10);

/// What is exported, and where to. No reload changes any of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExportConfig {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) api_key: Option<String>,
    pub(crate) nginx_geo: Option<PathBuf>,
    pub(crate) after_nginx_geo: Vec<String>,
    pub(crate) nft_table: Option<String>,
    pub(crate) bounds: Bounds,
}

/// What the export thread and the pages share.
pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    pub(crate) ledger: Mutex<Ledger>,
    trusted: Mutex<TrustedProxies>,
    is_reloaded: AtomicBool,
}

impl Shared {
    pub(crate) fn new(engine: Arc<Engine>, bounds: Bounds, trusted: TrustedProxies) -> Self {
        let ledger = Mutex::new(Ledger::new(bounds));
        let is_reloaded = AtomicBool::new(true);
        Self { engine, ledger, trusted: Mutex::new(trusted), is_reloaded }
    }

    /// Takes in that another configuration is in force. It also closes the breaker: an operator
    /// has looked.
    pub(crate) fn reload(&self, trusted: TrustedProxies) {
        *self.trusted.lock() = trusted;
        self.is_reloaded.store(true, Ordering::Relaxed);
    }

    /// Looks who is banned now. `seen` is the number of the last change of bans that was seen.
    fn look(&self, seen: &mut u64) {
        let now_us = self.engine.now().as_micros();
        let changes = self.engine.ban_changes(*seen);
        let is_reloaded = self.is_reloaded.swap(false, Ordering::Relaxed);
        let mut ledger = self.ledger.lock();
        if is_reloaded {
            ledger.close_breaker();
        } else if changes.next == *seen && !ledger.has_any_ended(now_us) {
            return;
        }
        *seen = changes.next;
        ledger.update(now_us, &self.banned());
    }

    fn banned(&self) -> Vec<Banned> {
        if self.engine.mode() != Mode::Enforce {
            return Vec::new();
        }
        let (allow, trusted) = (self.engine.judge().allow, self.trusted.lock().clone());
        let bans = self.engine.tracker().bans(self.engine.now(), Mode::Enforce);
        let banned = bans.into_iter().filter_map(|(client, ban)| {
            let ip =
                client.ip().filter(|ip| !allow.covers(client, "") && !trusted.contains(*ip))?;
            Some(Banned { network: network(ip), until_us: ban.until.as_micros() })
        });
        banned.collect()
    }
}

/// A client as a network: an IPv4 address alone, or an IPv6 /64.
fn network(ip: IpAddr) -> IpNet {
    match ip {
        IpAddr::V4(v4) => Ipv4Net::from(v4).into(),
        IpAddr::V6(v6) => Ipv6Net::new(v6, 64).map_or(IpNet::from(ip), |net| net.trunc().into()),
    }
}

/// A thread that exports, until dropped.
pub(crate) struct Exports {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Exports {
    /// Begins with everything that is banned now.
    ///
    /// # Errors
    /// A firewall that cannot be used, or has a foreign table of this name.
    pub(crate) fn start(config: &ExportConfig, shared: Arc<Shared>) -> io::Result<Self> {
        let firewall = config.nft_table.as_deref().map(Firewall::open).transpose()?;
        let mut targets = Targets {
            geo: config.nginx_geo.clone(),
            after_geo: config.after_nginx_geo.clone(),
            geo_written: None,
            is_unread: false,
            read_at: None,
            firewall,
        };
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("kidoban-exports".to_owned())
            .spawn(move || run(&shared, &mut targets, &stopped))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Exports {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A panic in it was reported when it happened.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn run(shared: &Shared, targets: &mut Targets, stopped: &Receiver<()>) {
    let mut seen = 0;
    loop {
        shared.look(&mut seen);
        targets.write(shared, Instant::now());
        match stopped.recv_timeout(LOOK_EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Whoever is told, rather than asks.
struct Targets {
    geo: Option<PathBuf>,
    after_geo: Vec<String>,
    /// The number of the change that the file holds.
    geo_written: Option<u64>,
    /// Has it changed since nginx was told?
    is_unread: bool,
    /// When nginx was told last.
    read_at: Option<Instant>,
    firewall: Option<Firewall>,
}

impl Targets {
    fn write(&mut self, shared: &Shared, now: Instant) {
        if let Some(path) = &self.geo {
            let (number, text) = {
                let ledger = shared.ledger.lock();
                let number = ledger.next_change();
                let is_new = self.geo_written != Some(number);
                (number, is_new.then(|| geo::render(ledger.banned())))
            };
            match text.map(|text| geo::write(path, &text)) {
                None => {}
                Some(Ok(())) => {
                    self.geo_written = Some(number);
                    self.is_unread = true;
                }
                Some(Err(error)) => {
                    tracing::error!(%error, path = %path.display(), "cannot write the bans");
                }
            }
            let is_rested = self.read_at.is_none_or(|at| now - at >= RELOAD_EVERY);
            if self.is_unread && is_rested {
                geo::run(&self.after_geo);
                (self.is_unread, self.read_at) = (false, Some(now));
            }
        }
        if let Some(firewall) = &mut self.firewall {
            let (changes, now_us) = {
                let ledger = shared.ledger.lock();
                (ledger.changes(firewall.next_change()), shared.engine.now().as_micros())
            };
            firewall.apply(&changes, now_us);
        }
    }
}
