//! A listening socket with threads of its own, bound before anything starts and stopped without
//! losing a request.
//!
//! Pingora's `Server` binds inside its service (a failure is a panic after 30 tries), sleeps
//! through its grace period and ends the process itself. Its `Service` does none of that, so it is
//! run directly: the socket is bound here and handed over as a file descriptor, the watch channel
//! stops it, and open connections are counted so that a stop can wait for exactly as long as there
//! is something to wait for.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::IntoRawFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::{Condvar, Mutex};
use pingora::apps::ServerApp;
use pingora::protocols::Stream;
use pingora::server::{Fds, ShutdownWatch};
use pingora::services::Service as _;
use pingora::services::listening::Service;
use tokio::sync::watch;

use crate::threads::Threads;

/// Accept loops end at once when told to; this only keeps a bug in them from hanging a stop.
const ACCEPT_END: Duration = Duration::from_secs(2);
/// For tasks in the middle of a step when the grace is over. Steps take microseconds.
const STEP_END: Duration = Duration::from_millis(500);

/// A bound socket that nobody accepts from yet.
pub(crate) struct Bound {
    listener: TcpListener,
    addr: SocketAddr,
}

impl Bound {
    /// Binds, so that a port in use is an error before anything starts. Port 0 takes a free one.
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        // Pingora turns the descriptor into a tokio socket, which must not block.
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Starts accepting on `threads` threads.
    ///
    /// # Errors
    /// When the system has no threads left.
    pub(crate) fn serve<A>(self, name: &str, threads: usize, app: A) -> io::Result<Serving>
    where
        A: ServerApp + Send + Sync + 'static,
    {
        let threads = Threads::start(threads, name)?;
        let open = Arc::new(Open::default());
        let address = self.addr.to_string();
        let mut fds = Fds::new();
        fds.add(address.clone(), self.listener.into_raw_fd());
        let fds = Arc::new(Mutex::new(fds));
        let mut service = Service::new(
            name.to_owned(),
            CountedApp { app: Arc::new(app), open: Arc::clone(&open) },
        );
        service.add_tcp(&address);
        let (stop, stopped) = watch::channel(false);
        let (ended, accept_ended) = channel();
        threads.handle().spawn(async move {
            service.start_service(Some(fds), stopped, 1).await;
            // Nobody listens if the stop did not wait.
            let _ = ended.send(());
        });
        Ok(Serving { addr: self.addr, stop, accept_ended, open, threads })
    }
}

/// A socket being served.
pub(crate) struct Serving {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    accept_ended: Receiver<()>,
    open: Arc<Open>,
    threads: Threads,
}

impl Serving {
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Runs a task beside the accept loop, with word of the stop.
    pub(crate) fn spawn<F>(&self, task: impl FnOnce(ShutdownWatch) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.threads.handle().spawn(task(self.stop.subscribe()));
    }

    /// Stops accepting, lets requests in flight finish for up to `grace`, and ends the threads.
    /// Blocks.
    ///
    /// Connections between two requests are closed at once. Returns how many were cut off.
    pub(crate) fn stop(self, grace: Duration) -> usize {
        // No receiver means that the service is gone already.
        let _ = self.stop.send(true);
        let _ = self.accept_ended.recv_timeout(ACCEPT_END);
        let cut_off = self.open.wait(grace);
        self.threads.end(STEP_END);
        cut_off
    }
}

/// Counts connections on their way to the app.
struct CountedApp<A> {
    app: Arc<A>,
    open: Arc<Open>,
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> ServerApp for CountedApp<A> {
    async fn process_new(
        self: &Arc<Self>,
        stream: Stream,
        shutdown: &ShutdownWatch,
    ) -> Option<Stream> {
        let _entered = Open::enter(&self.open);
        self.app.process_new(stream, shutdown).await
    }

    async fn cleanup(&self) {
        self.app.cleanup().await;
    }
}

/// How many connections are open. Locked twice in a connection's life, never for a request.
#[derive(Default)]
struct Open {
    count: Mutex<usize>,
    none: Condvar,
}

struct Entered(Arc<Open>);

impl Open {
    fn enter(this: &Arc<Self>) -> Entered {
        *this.count.lock() += 1;
        Entered(Arc::clone(this))
    }

    /// Waits until there is none; returns how many are left when the time is up.
    fn wait(&self, time: Duration) -> usize {
        let until = Instant::now() + time;
        let mut count = self.count.lock();
        while *count > 0 && !self.none.wait_until(&mut count, until).timed_out() {}
        *count
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut count = self.0.count.lock();
        *count -= 1;
        if *count == 0 {
            self.0.none.notify_all();
        }
    }
}
