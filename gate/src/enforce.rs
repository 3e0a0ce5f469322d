//! Law 7: a shadow verdict is another type than an enforced one.
//!
//! [`rule`] is the only way from a [`Verdict`] to a [`Ruling`], and only an [`Enforced`] one
//! can become a [`Refusal`], which is the only thing a door refuses with. So no code
//! path turns a shadow verdict into a changed response, and a slip does not compile.
//!
//! A shadowed verdict has no refusal:
//! ```compile_fail,E0599
//! fn slip(shadowed: gate::enforce::Shadowed) {
//!     shadowed.refusal();
//! }
//! ```
//! An enforced one does (the same lines, so that the test above fails for its reason and no other):
//! ```
//! fn meant(enforced: gate::enforce::Enforced) {
//!     enforced.refusal();
//! }
//! ```
//! And nobody outside this module can make one:
//! ```compile_fail
//! fn forge(verdict: detector::Verdict) -> gate::enforce::Enforced {
//!     gate::enforce::Enforced(verdict)
//! }
//! ```

use detector::{Action, Mode, Verdict};

/// What becomes of a verdict in this mode.
pub const fn rule(mode: Mode, verdict: Verdict) -> Ruling {
    match mode {
        Mode::Shadow => Ruling::Shadowed(Shadowed(verdict)),
        Mode::Enforce => Ruling::Enforced(Enforced(verdict)),
    }
}

/// A verdict with what its mode makes of it.
#[derive(Clone, Copy, Debug)]
pub enum Ruling {
    /// To be recorded only.
    Shadowed(Shadowed),
    /// To be carried out.
    Enforced(Enforced),
}

/// A verdict that must not change the response.
#[derive(Clone, Copy, Debug)]
pub struct Shadowed(Verdict);

/// A verdict that is carried out.
#[derive(Clone, Copy, Debug)]
pub struct Enforced(Verdict);

impl Ruling {
    /// The verdict, to record and count.
    pub const fn verdict(&self) -> &Verdict {
        match self {
            Self::Shadowed(Shadowed(verdict)) | Self::Enforced(Enforced(verdict)) => verdict,
        }
    }

    /// How the verdict was ruled.
    pub const fn mode(&self) -> Mode {
        match self {
            Self::Shadowed(_) => Mode::Shadow,
            Self::Enforced(_) => Mode::Enforce,
        }
    }

    /// What to refuse with, if this is an enforced verdict and not an allowance.
    pub const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Shadowed(_) => None,
            Self::Enforced(enforced) => enforced.refusal(),
        }
    }
}

impl Enforced {
    /// What to refuse with; `None` lets the request through.
    pub const fn refusal(&self) -> Option<Refusal> {
        match self.0.action {
            Action::Allow => None,
            Action::Limit => Some(Refusal(Kind::Limit { retry_after_s: self.0.retry_after_s })),
            Action::Block => Some(Refusal(Kind::Block)),
        }
    }
}

/// A refusal that was ruled, not made up: nobody else can construct it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(Kind);

/// The two ways to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 429: come back in so many seconds.
    Limit {
        /// For `Retry-After`.
        retry_after_s: u32,
    },
    /// 403.
    Block,
}

impl Refusal {
    /// Which of the two.
    pub const fn kind(self) -> Kind {
        self.0
    }
}
