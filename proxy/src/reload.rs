//! SIGHUP: reads the configuration again and hands it to the engine, without losing a window or a
//! ban.
//!
//! Everything is read and checked first; only what is sound as a whole is put in force, in one
//! step. A bad file is refused with its reason, counted, and the last good one keeps serving. What
//! a running proxy cannot change (listener, upstream, sizes) is named, so that nobody believes it
//! has happened.

use std::sync::Arc;

use gate::{Engine, ReloadError, Reloaded};
use parking_lot::Mutex;

use crate::config::Config;

/// Reloads a running gate. Two at once take turns.
pub(crate) struct Reloader {
    pub(crate) engine: Arc<Engine>,
    /// As it was started: whatever it says of the proxy's own part is still running.
    pub(crate) started: Mutex<Config>,
}

impl Reloader {
    pub(crate) fn reload(&self) -> Result<Reloaded, ReloadError> {
        let started = self.started.lock();
        self.engine.reload_by(|| self.swap(&started))
    }

    fn swap(&self, started: &Config) -> Result<Reloaded, ReloadError> {
        let next = started.reread()?;
        let mut needs_restart = started.door.needs_restart(&next.door);
        let mut reloaded = self.engine.reload(next.gate)?;
        needs_restart.append(&mut reloaded.needs_restart);
        Ok(Reloaded { needs_restart, ..reloaded })
    }
}
