//! Whether verdicts are carried out: shadow or enforce.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whether verdicts change what clients get.
///
/// The mode is an argument of every observation, because it decides two things besides the
/// response. A request that was refused has no end to learn from ([`crate::Token`]). And what was
/// held against a client in shadow mode refuses nobody after a switch to enforce mode
/// ([`crate::policy::Standing::enter`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Judge, record and count, but refuse nobody. This is the default.
    #[default]
    Shadow,
    /// Judge, record, count, and refuse.
    Enforce,
}

impl Mode {
    /// Every mode, for labels.
    pub const ALL: [Self; 2] = [Self::Shadow, Self::Enforce];

    /// The word in configuration, log and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Enforce => "enforce",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or(UnknownMode)
    }
}

/// A word that names no mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected \"shadow\" or \"enforce\"")]
pub struct UnknownMode;
