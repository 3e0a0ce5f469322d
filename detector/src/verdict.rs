//! What to do with a request, and why. The event log, the metrics and reports use these words.

use serde::{Deserialize, Serialize};

use crate::event::Exempt;
use crate::guard::Rule;
use crate::model::{Score, TopContributions};
use crate::policy::rung::Rung;
use crate::time::Timestamp;
use crate::url::Class;

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Forward it.
    Allow,
    /// Refuse it with status 429: come back later.
    Limit,
    /// Refuse it with status 403.
    Block,
}

/// Why a verdict is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The operator's allow list names this client or path.
    AllowList,
    /// There is no model, or no threshold is in force.
    NoThreshold,
    /// The client has too few pages to be judged.
    TooFewPages,
    /// The client scores as people do.
    Usual,
    /// The client is limited: within its rate (allow) or beyond it (limit).
    Limited,
    /// The client is limited and went on: it has fewer pages than at first. Within its rate
    /// (allow) or beyond it (limit).
    Slowed,
    /// The client went on for long, or its score left no doubt: it has a page now and then. Within
    /// its rate (allow) or beyond it (limit).
    Held,
    /// The client scored beyond the block threshold, page after page.
    Score,
    /// The client would be blocked, but many browsers share its address: it is limited instead, as
    /// with [`Reason::Limited`].
    Shared,
    /// An earlier ban has not expired.
    Banned,
    /// The client is a newcomer, and the newcomers of its network together score like a bot; or it
    /// writes where many others fail. They are limited together: within their rate (allow) or
    /// beyond it (limit).
    Cohort,
    /// The table is full and this client was not here lately. It gets a place when it returns.
    Crowded,
    /// Judging failed; the gate fails open.
    Failure,
    /// The request is a proxy's own, or comes from a proxy that is not declared. No client can be
    /// judged by it.
    Proxy,
    /// The client opens different pages faster than any hand ([`Rule::Pace`]), and is limited as
    /// with [`Reason::Limited`]. So it is with the three that follow.
    #[serde(rename = "guard:pace")]
    GuardPace,
    /// The client asks for many paths that only attack tools ask for ([`Rule::AttackPaths`]).
    #[serde(rename = "guard:attack_paths")]
    GuardAttackPaths,
    /// The client fails to log in, again and again ([`Rule::FailedLogins`]).
    #[serde(rename = "guard:failed_logins")]
    GuardFailedLogins,
    /// The client counts through numbers in URLs faster than any hand ([`Rule::Counting`]).
    #[serde(rename = "guard:counting")]
    GuardCounting,
}

impl Action {
    /// All of them, for metric labels.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Limit, Self::Block];

    /// As written in the event log and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Limit => "limit",
            Self::Block => "block",
        }
    }
}

impl Exempt {
    /// The reason that the verdict gives.
    pub const fn reason(self) -> Reason {
        match self {
            Self::AllowList => Reason::AllowList,
            Self::Proxy => Reason::Proxy,
        }
    }
}

impl Reason {
    /// The reason of a verdict on a client that is limited by its own score.
    pub const fn of_rung(rung: Rung) -> Self {
        match rung {
            Rung::Limited => Self::Limited,
            Rung::Slowed => Self::Slowed,
            Rung::Held => Self::Held,
        }
    }

    /// Is the client limited by its own score, whatever it still has?
    pub const fn is_score_limit(self) -> bool {
        matches!(self, Self::Limited | Self::Slowed | Self::Held)
    }

    /// Is the client limited by its own score or by a rule of the guard, whatever it still has?
    pub const fn is_own_limit(self) -> bool {
        self.is_score_limit() || self.rule().is_some()
    }

    /// Is the client limited, by itself or with others, whatever it still has?
    pub const fn is_limit(self) -> bool {
        self.is_own_limit() || matches!(self, Self::Shared | Self::Cohort)
    }

    /// All of them, for metric labels.
    pub const ALL: [Self; 18] = [
        Self::AllowList,
        Self::NoThreshold,
        Self::TooFewPages,
        Self::Usual,
        Self::Limited,
        Self::Slowed,
        Self::Held,
        Self::Score,
        Self::Shared,
        Self::Banned,
        Self::Cohort,
        Self::Crowded,
        Self::Failure,
        Self::Proxy,
        Self::GuardPace,
        Self::GuardAttackPaths,
        Self::GuardFailedLogins,
        Self::GuardCounting,
    ];

    /// As written in the event log and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowList => "allow_list",
            Self::NoThreshold => "no_threshold",
            Self::TooFewPages => "too_few_pages",
            Self::Usual => "usual",
            Self::Limited => "limited",
            Self::Slowed => "slowed",
            Self::Held => "held",
            Self::Score => "score",
            Self::Shared => "shared",
            Self::Banned => "banned",
            Self::Cohort => "cohort",
            Self::Crowded => "crowded",
            Self::Failure => "failure",
            Self::Proxy => "proxy",
            Self::GuardPace => "guard:pace",
            Self::GuardAttackPaths => "guard:attack_paths",
            Self::GuardFailedLogins => "guard:failed_logins",
            Self::GuardCounting => "guard:counting",
        }
    }

    /// The reason of a client that is limited by this rule of the guard.
    pub const fn of_rule(rule: Rule) -> Self {
        match rule {
            Rule::Pace => Self::GuardPace,
            Rule::AttackPaths => Self::GuardAttackPaths,
            Rule::FailedLogins => Self::GuardFailedLogins,
            Rule::Counting => Self::GuardCounting,
        }
    }

    /// The rule of the guard that limits the client, if one does.
    pub const fn rule(self) -> Option<Rule> {
        match self {
            Self::GuardPace => Some(Rule::Pace),
            Self::GuardAttackPaths => Some(Rule::AttackPaths),
            Self::GuardFailedLogins => Some(Rule::FailedLogins),
            Self::GuardCounting => Some(Rule::Counting),
            _ => None,
        }
    }
}

/// What to do with one request, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The client's last score, when it has one.
    pub score: Option<Score>,
    /// Limit: seconds until the next page is granted. Block: seconds until the ban expires.
    /// Otherwise 0.
    pub retry_after_s: u32,
    /// The time the request counted for.
    pub at: Timestamp,
    /// The client's event number: orders what happened in the same microsecond.
    pub seq: u32,
    /// What the request was taken for: [`Event::class`](crate::Event::class), or a page if no page
    /// accounts for the asset ([`crate::AssetCredit`]).
    pub class: Class,
    /// The features that raised the score most; empty on allow.
    pub because: TopContributions,
}

/// What the policy decides: a verdict without its score and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// See [`Verdict::retry_after_s`].
    pub retry_after_s: u32,
}

impl Decision {
    pub(crate) const fn new(action: Action, reason: Reason, retry_after_s: u32) -> Self {
        Self { action, reason, retry_after_s }
    }
}
