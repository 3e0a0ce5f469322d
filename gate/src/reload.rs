//! Another model, policy, allow list or mode, without losing a window or a ban.
//!
//! Everything is read and checked first; only what is sound as a whole is put in force, in one
//! step. A bad file is refused with its reason, counted, and the last good one keeps serving. What
//! a running gate cannot change (listeners, upstream, sizes) is named, so that nobody believes it
//! has happened.

use std::sync::Arc;

use detector::Mode;
use detector::drift::ClientsSeen;

use crate::config::{Config, ConfigError};
use crate::engine::Engine;
use crate::in_force::InForce;
use crate::judge::{JudgeError, judge, refuse_unarmed};

/// Why a reload was refused.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The model or policy.
    #[error(transparent)]
    Judge(#[from] JudgeError),
}

/// What a reload did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// The mode now in force.
    pub mode: Mode,
    /// The name of the model now in force.
    pub model: Option<String>,
    /// Keys that were changed in the file and that only a restart puts in force.
    pub needs_restart: Vec<&'static str>,
    /// What the thresholds now in force do not stand on.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Lets a door reload itself and this engine (`swap`), counts it, and says in the log what came
    /// of it.
    ///
    /// # Errors
    /// Those of `swap`.
    pub fn reload_by(
        &self,
        swap: impl FnOnce() -> Result<Reloaded, ReloadError>,
    ) -> Result<Reloaded, ReloadError> {
        let result = swap();
        self.metrics.reloaded(result.is_ok());
        match &result {
            Ok(Reloaded { mode, model, needs_restart, warnings }) => {
                tracing::info!(%mode, ?model, ?needs_restart, "reloaded");
                warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
            }
            Err(error) => {
                tracing::error!(%error, "reload refused, the last good configuration stays in \
                    force");
            }
        }
        result
    }

    /// Puts another configuration in force. Its keys that only a restart changes keep their values
    /// and are named.
    ///
    /// # Errors
    /// Why it was refused; what was in force stays in force.
    pub fn reload(&self, next: Config) -> Result<Reloaded, JudgeError> {
        // Two at once take turns.
        let mut current = self.config.lock();
        let judge = judge(&next)?;
        refuse_unarmed(&next, judge.model.as_ref())?;
        let warnings = next.warnings_with(judge.model.as_ref());
        let model = judge.model.as_ref().map(|model| model.file().name.clone());
        let in_force = Arc::new(InForce::announced(&next, judge, &self.metrics));
        self.in_force.store(Arc::clone(&in_force));
        if current.trusted_proxies() != next.trusted_proxies() {
            self.undeclared.forget(&in_force.trusted_proxies);
            self.silent.restart();
        }
        self.tracker.begin_drift_window();
        self.metrics.drifted(None, ClientsSeen::default());
        let mode = next.mode();
        // Compared with what is running, not with what was asked for last time.
        let needs_restart = current.adopt(next);
        Ok(Reloaded { mode, model, needs_restart, warnings })
    }
}
