//! A runtime on threads of its own, until it is told to stop.

use std::io;
use std::thread::JoinHandle;

use tokio::runtime::Builder;
use tokio::sync::watch;

/// Word of the stop: true once it has been given.
pub(crate) type Stop = watch::Receiver<bool>;

/// A runtime and the means to end it.
pub(crate) struct Threads {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Threads {
    /// Runs `main`, and what it spawns, on `count` threads. One thread has nobody to steal work
    /// from, and does not ask.
    pub(crate) fn start<F: Future<Output = ()>>(
        name: &str,
        count: usize,
        main: impl FnOnce(Stop) -> F + Send + 'static,
    ) -> io::Result<Self> {
        let mut builder = match count {
            0 | 1 => Builder::new_current_thread(),
            _ => Builder::new_multi_thread(),
        };
        if count > 1 {
            builder.worker_threads(count);
        }
        let runtime = builder.thread_name(name).enable_all().build()?;
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || runtime.block_on(main(stopped)))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Threads {
    /// Tells it to stop, and waits until it has.
    fn drop(&mut self) {
        // No receiver means that it has ended already.
        let _ = self.stop.send(true);
        // A panic in it was reported when it happened.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
