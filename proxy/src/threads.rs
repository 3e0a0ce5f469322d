//! The threads a listener runs on.
//!
//! One thread has nobody to steal work from, and not asking saves 9 % of its time; two busy ones
//! lose 8 % without. Pingora's own runtime without stealing is not used: it remembers its threads
//! in a thread-local that outlives them, so a second gate in the same process would hand its
//! sockets to the first one's dead threads.

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

/// A runtime and the means to end it.
pub(crate) enum Threads {
    One { handle: Handle, end: oneshot::Sender<Duration>, thread: JoinHandle<()> },
    Several(Runtime),
}

impl Threads {
    pub(crate) fn start(count: usize, name: &str) -> io::Result<Self> {
        if count > 1 {
            let runtime = Builder::new_multi_thread()
                .worker_threads(count)
                .thread_name(name)
                .enable_all()
                .build()?;
            return Ok(Self::Several(runtime));
        }
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // A sender that was dropped ends it too, at once.
            let time = runtime.block_on(ended).unwrap_or_default();
            runtime.shutdown_timeout(time);
        })?;
        Ok(Self::One { handle, end, thread })
    }

    pub(crate) fn handle(&self) -> &Handle {
        match self {
            Self::One { handle, .. } => handle,
            Self::Several(runtime) => runtime.handle(),
        }
    }

    /// Ends all tasks at their next step, waiting no longer than `time`. Blocks; not from within a
    /// runtime.
    pub(crate) fn end(self, time: Duration) {
        match self {
            Self::One { end, thread, .. } => {
                // A thread that is gone has nothing left to end; a panic in it was reported when it
                // happened.
                let _ = end.send(time);
                let _ = thread.join();
            }
            Self::Several(runtime) => runtime.shutdown_timeout(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_or_several_run_tasks_until_they_are_ended() {
        for count in [1, 2] {
            let threads = Threads::start(count, "kidoban-test").unwrap();
            let (done, wait) = std::sync::mpsc::channel();
            threads.handle().spawn(async move { done.send(7).unwrap() });
            assert_eq!(wait.recv(), Ok(7));
            let (held, dropped) = std::sync::mpsc::channel::<()>();
            threads.handle().spawn(async move {
                let _held = held;
                std::future::pending::<()>().await;
            });
            threads.end(Duration::from_secs(5));
            assert!(dropped.recv().is_err(), "a task that waits for ever is dropped");
        }
    }
}
