//! Score and standing → verdict, with a reason.
//!
//! A client's [`Standing`] is what the policy remembers of it: its last score, until when it is
//! limited or banned, how often it has offended, and its tokens. Everything is integer time and
//! integer tokens, so a replay decides the same.
//!
//! ```text
//!            score ≥ limit               score ≥ block, page after page
//!   free ───────────────────► limited ───────────────────────────► banned (doubling, with a maximum)
//!    ▲                           │ score < limit − hysteresis          │ expires; still scoring ≥ block → limited, banned again
//!    └───────────────────────────┴─────────────────────────────────────┘
//! ```
//!
//! Limited means: pages come out of a token bucket, assets pass. A refusal never refills the
//! bucket.
//!
//! **A block waits**: until [`PolicyConfig::block_after_pages`] pages in a row score at the block
//! threshold or beyond; until then their client is limited. A person comes to such a score by a few
//! even gaps or seven list pages in half a minute, and leaves it with the next page; a program
//! stays (docs/design.md has the numbers). After each ban that is not forgotten half as many pages
//! are enough, down to one: who goes on after 5 minutes as before has shown already that he stays.
//! The proof of the block threshold is of single scores, so what waits keeps it.
//!
//! **Shared**: an address from which [`SHARED_MIN`] browsers come or more within the hour is taken
//! for many people's, and is never blocked; what would be is limited, and a ban in force is too.
//! Below the block threshold its bucket fills faster with the number of browsers, up to
//! [`SHARED_RATE_MAX`] times; beyond it it does not, because browsers are as easily named as
//! changed: a bot that names another at every request gets a limited client's pages and no more.

use serde::{Deserialize, Serialize};

use crate::browsers::Browsers;
use crate::event::AgentKey;
use crate::model::{Model, Score};
use crate::table::RINGS;
use crate::time::Timestamp;
use crate::url::Class;
pub use crate::verdict::{Action, Decision, Reason, Verdict};

/// The policy as an operator writes it, unchecked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// Score (0..1) from which a client is limited; the model's own threshold when absent.
    pub limit_score: Option<f32>,
    /// Score (0..1) from which a client is blocked; the model's own threshold when absent. A model
    /// without one never blocks.
    pub block_score: Option<f32>,
    /// So many pages in a row must score at the block threshold or beyond before their client is
    /// blocked; half as many after each earlier ban, and one at least.
    pub block_after_pages: u8,
    /// Score (0..1) of what a network's newcomers do together from which they are limited together;
    /// the model's own threshold when absent. A model without one limits nobody for his company.
    pub cohort_score: Option<f32>,
    /// Below this many page requests nobody is judged; the model's own number when absent. Less
    /// than that only with thresholds of one's own: the model's prove nothing there.
    pub min_pages: Option<u32>,
    /// How far, in log-odds, a score must fall below the limit threshold before a limited client is
    /// free again.
    pub hysteresis: f32,
    /// Pages a minute for a limited client.
    pub limit_pages_per_min: u32,
    /// Pages a limited client may ask for at once.
    pub limit_burst_pages: u32,
    /// Seconds a client stays limited after its last score above the threshold.
    pub limit_s: u64,
    /// Seconds of a first ban; each further one is twice as long.
    pub block_s: u64,
    /// Longest ban, in seconds.
    pub block_max_s: u64,
    /// Seconds without an offence after which earlier ones are forgotten.
    pub forget_s: u64,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            limit_score: None,
            block_score: None,
            block_after_pages: 8, // of 97,000 simulated people one scored so on six pages, nobody on seven
            cohort_score: None,
            min_pages: None,
            hysteresis: 0.5, // a score that wavers by a few per cent does not flap
            limit_pages_per_min: 30, // a person reads slower; a scraper of 20,000 products needs 11 hours
            limit_burst_pages: 10,   // a person who opens tabs notices nothing
            limit_s: 60,
            block_s: 300,
            block_max_s: 86_400, // addresses change hands within a day
            forget_s: 86_400,
        }
    }
}

/// Why a policy was refused.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct PolicyError {
    /// The offending key of [`PolicyConfig`].
    pub key: &'static str,
    /// What is wrong and what to write instead.
    pub problem: String,
}

/// A checked policy.
#[derive(Clone, Debug)]
pub struct Policy {
    config: PolicyConfig,
    min_pages: u32,
    limit_margin: Option<f32>,
    block_margin: Option<f32>,
    cohort_margin: Option<f32>,
}

/// What the policy remembers of a client. 40 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    limited_until: Timestamp,
    banned_until: Timestamp,
    bucket_at: Timestamp,
    /// Tokens in millionths of a page; only meaningful while limited.
    bucket_micros: u32,
    /// The last margin; NaN when there was none, because an `Option` would take twice the room.
    margin: f32,
    offences: u8,
    /// Pages in a row that scored at the block threshold or beyond.
    beyond: u8,
    browsers: Browsers,
}

/// A ban, kept apart from the window so that it survives the window's eviction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// When it expires, or did.
    pub until: Timestamp,
    /// Bans so far; the next one lasts `block_s · 2^offences`.
    pub offences: u32,
}

/// Page requests from which a client is judged: below, even a clock can hardly be told from a
/// person.
pub const MIN_PAGES: u32 = 5;

/// From this many browsers an hour on an address counts as shared. A family has three or four; a
/// bot that rotates the four that it knows gains nothing.
pub const SHARED_MIN: u32 = 5;
/// How many times a limited client's pages a shared address may have: with two browsers more than
/// the least, as many as some dozens of people ask for.
pub const SHARED_RATE_MAX: u32 = 4;

/// How long an endpoint counts as attacked after the last failure that shows it: a botnet pauses,
/// too.
const ALARM_S: u64 = 600;

/// Of the ordinary rate of a limited client, how many times how small a part.
#[derive(Clone, Copy)]
struct Rate {
    times: u32,
    part: u32,
}

impl Rate {
    const ONE: Self = Self { times: 1, part: 1 };
}

/// A time before every event.
const NEVER: Timestamp = Timestamp::from_micros(i64::MIN);
/// One page of a token bucket.
const PAGE_MICROS: u32 = 1_000_000;

impl Ban {
    /// No ban, no offence.
    pub const NONE: Self = Self { until: NEVER, offences: 0 };
}

impl Standing {
    /// A client with nothing against it but, perhaps, an earlier ban.
    pub const fn new(ban: Ban) -> Self {
        Self {
            limited_until: NEVER,
            banned_until: ban.until,
            bucket_at: NEVER,
            bucket_micros: 0,
            margin: f32::NAN,
            // Beyond 32 a ban is no longer.
            offences: if ban.offences > u8::MAX as u32 { u8::MAX } else { ban.offences as u8 },
            beyond: 0,
            browsers: Browsers::NONE,
        }
    }

    /// Its ban, expired or not.
    pub const fn ban(&self) -> Ban {
        Ban { until: self.banned_until, offences: self.offences as u32 }
    }

    /// Is it limited or banned at `at`?
    pub fn is_suspect(&self, at: Timestamp) -> bool {
        self.limited_until > at || self.banned_until > at
    }

    /// Takes in which browser a request names.
    pub fn see(&mut self, agent: AgentKey, at: Timestamp) {
        self.browsers.see(agent, at);
    }

    /// How many browsers there were at least within the hour; see [`Browsers::count`].
    pub fn browsers(&self) -> u32 {
        self.browsers.count()
    }

    fn is_shared(&self) -> bool {
        self.browsers.count() >= SHARED_MIN
    }

    /// Its last score.
    pub const fn score(&self) -> Option<Score> {
        if self.margin.is_nan() { None } else { Some(Score::from_margin(self.margin)) }
    }
}

impl Policy {
    /// Checks a policy against the model it will judge with.
    ///
    /// # Errors
    /// Names the key that is out of range and the range.
    pub fn new(config: PolicyConfig, model: Option<&Model>) -> Result<Self, PolicyError> {
        let wrong = |key, problem: &str| Err(PolicyError { key, problem: problem.to_owned() });
        let scores = [
            ("limit_score", config.limit_score),
            ("block_score", config.block_score),
            ("cohort_score", config.cohort_score),
        ];
        for (key, score) in scores {
            if score.is_some_and(|score| !(score > 0.0 && score < 1.0)) {
                return wrong(key, "must be above 0 and below 1");
            }
        }
        let thresholds = model.map(Model::thresholds);
        let margin = |score: Option<f32>, own: Option<f32>| {
            score.map(|score| Score::from_value(score).margin()).or(own)
        };
        let limit_margin =
            margin(config.limit_score, thresholds.and_then(|thresholds| thresholds.limit.margin));
        let block_margin =
            margin(config.block_score, thresholds.and_then(|thresholds| thresholds.block.margin));
        let cohort_margin =
            margin(config.cohort_score, thresholds.and_then(|thresholds| thresholds.cohort.margin));
        if let (Some(limit), Some(block)) = (limit_margin, block_margin)
            && block < limit
        {
            return wrong(
                "block_score",
                "lies below the limit threshold: a client would be blocked before it is limited",
            );
        }
        let proven_from = thresholds.map_or(MIN_PAGES, |thresholds| thresholds.min_pages);
        let min_pages = config.min_pages.unwrap_or(proven_from);
        if min_pages < 1 {
            return wrong("min_pages", "must be at least 1");
        }
        let is_models = |own: Option<f32>, score: Option<f32>| own.is_some() && score.is_none();
        if min_pages < proven_from
            && (is_models(limit_margin, config.limit_score)
                || is_models(block_margin, config.block_score)
                || is_models(cohort_margin, config.cohort_score))
        {
            let problem = format!(
                "is below {proven_from}, from which the model's thresholds were calibrated"
            );
            return wrong("min_pages", &problem);
        }
        if config.block_after_pages < 1 {
            return wrong("block_after_pages", "must be from 1 to 255");
        }
        if !(0.0..=10.0).contains(&config.hysteresis) {
            return wrong("hysteresis", "must be from 0 to 10 (log-odds)");
        }
        if !(1..=60_000).contains(&config.limit_pages_per_min) {
            return wrong("limit_pages_per_min", "must be from 1 to 60000");
        }
        if !(1..=4_000).contains(&config.limit_burst_pages) {
            return wrong("limit_burst_pages", "must be from 1 to 4000");
        }
        for (key, seconds) in [
            ("limit_s", config.limit_s),
            ("block_s", config.block_s),
            ("forget_s", config.forget_s),
        ] {
            if !(1..=31_536_000).contains(&seconds) {
                return wrong(key, "must be from 1 second to a year");
            }
        }
        if config.block_max_s < config.block_s || config.block_max_s > 31_536_000 {
            return wrong("block_max_s", "must be at least block_s and at most a year");
        }
        Ok(Self { config, min_pages, limit_margin, block_margin, cohort_margin })
    }

    /// As the operator wrote it.
    pub fn config(&self) -> &PolicyConfig {
        &self.config
    }

    /// Does any score lead to anything but allow?
    pub fn has_threshold(&self) -> bool {
        self.limit_margin.is_some() || self.block_margin.is_some()
    }

    /// The margin from which on a client is limited, if any.
    pub fn limit_margin(&self) -> Option<f32> {
        self.limit_margin
    }

    /// The margin from which on a client is blocked, if any.
    pub fn block_margin(&self) -> Option<f32> {
        self.block_margin
    }

    /// The margin from which on a cohort is limited, if any. Without one nobody looks at cohorts.
    pub fn cohort_margin(&self) -> Option<f32> {
        self.cohort_margin
    }

    /// Microseconds after a ban's end from which it no longer counts.
    pub fn forget_us(&self) -> u64 {
        self.config.forget_s * 1_000_000
    }

    /// Page requests needed before anybody is judged.
    pub fn min_pages(&self) -> u32 {
        self.min_pages
    }

    /// What to do with the request at hand. `fresh` is its score if one was computed for it;
    /// otherwise the last stands.
    pub fn decide(
        &self,
        fresh: Option<Score>,
        class: Class,
        pages: u32,
        standing: &mut Standing,
        at: Timestamp,
    ) -> Decision {
        if let Some(score) = fresh {
            standing.margin = score.margin();
        }
        if standing.banned_until > at && standing.is_shared() {
            return self.share(class, standing, at);
        }
        if standing.banned_until > at {
            return Decision::new(
                Action::Block,
                Reason::Banned,
                seconds_until(standing.banned_until, at),
            );
        }
        let Some(score) = fresh.filter(|_| pages >= self.min_pages) else {
            return self.carry_on(class, pages, standing, at);
        };
        if self.is_block_due(score, standing, at) {
            if standing.is_shared() {
                return self.share(class, standing, at);
            }
            standing.beyond = 0;
            let ban = self.lengthen(standing.ban(), at);
            standing.banned_until = ban.until;
            standing.offences = u8::try_from(ban.offences).unwrap_or(u8::MAX);
            return Decision::new(Action::Block, Reason::Score, seconds_until(ban.until, at));
        }
        if let Some(limit) = self.limit_margin {
            self.weigh(score, limit, standing, at);
        }
        self.carry_on(class, pages, standing, at)
    }

    /// Counts the pages in a row that score at the block threshold or beyond: are they enough?
    fn is_block_due(&self, score: Score, standing: &mut Standing, at: Timestamp) -> bool {
        let is_beyond = self.block_margin.is_some_and(|block| score.margin() >= block);
        standing.beyond = if is_beyond { standing.beyond.saturating_add(1) } else { 0 };
        is_beyond && standing.beyond >= self.pages_to_block(standing, at)
    }

    /// Pages in a row at the block threshold that lead to a ban:
    /// [`PolicyConfig::block_after_pages`], half as many after each ban that still counts, and one
    /// at least.
    pub fn pages_to_block(&self, standing: &Standing, at: Timestamp) -> u8 {
        let bans = self.offences(standing.ban(), at);
        (self.config.block_after_pages >> bans.min(u8::BITS - 1)).max(1)
    }

    /// Takes in what a cohort scores; its standing is all its members'.
    pub fn weigh_cohort(&self, score: Score, standing: &mut Standing, at: Timestamp) {
        standing.margin = score.margin();
        if let Some(limit) = self.cohort_margin {
            self.weigh(score, limit, standing, at);
        }
    }

    /// What is to be done with a member's page that its own standing lets pass. `None` while its
    /// cohort is not limited.
    pub fn decide_cohort(&self, standing: &mut Standing, at: Timestamp) -> Option<Decision> {
        (standing.limited_until > at).then(|| Decision {
            reason: Reason::Cohort,
            ..self.take_token(standing, at, Rate::ONE)
        })
    }

    /// Newcomers' writes to an endpoint are limited from now on: it is attacked.
    pub fn alarm(&self, standing: &mut Standing, at: Timestamp) {
        self.limit(standing, at);
        standing.limited_until = at.plus_secs(ALARM_S);
    }

    /// What is to be done with a newcomer's write that nothing else refuses. `None` while its
    /// endpoint is not attacked.
    pub fn decide_endpoint(&self, standing: &mut Standing, at: Timestamp) -> Option<Decision> {
        let rate = Rate { times: 1, part: RINGS as u32 };
        (standing.limited_until > at)
            .then(|| Decision { reason: Reason::Cohort, ..self.take_token(standing, at, rate) })
    }

    /// Limits who scores from `limit` on, until its score is clearly below or time has passed.
    fn weigh(&self, score: Score, limit: f32, standing: &mut Standing, at: Timestamp) {
        if score.margin() >= limit {
            self.limit(standing, at);
        } else if standing.limited_until > at && score.margin() < limit - self.config.hysteresis {
            standing.limited_until = NEVER;
        }
    }

    /// Without a new score: what the standing says.
    fn carry_on(
        &self,
        class: Class,
        pages: u32,
        standing: &mut Standing,
        at: Timestamp,
    ) -> Decision {
        if standing.limited_until > at {
            return match class {
                Class::Asset => Decision::new(Action::Allow, Reason::Limited, 0),
                Class::Page => {
                    self.take_token(standing, at, Rate { times: self.rate_of(standing), part: 1 })
                }
            };
        }
        let reason = match () {
            () if !self.has_threshold() => Reason::NoThreshold,
            () if pages < self.min_pages => Reason::TooFewPages,
            () => Reason::Usual,
        };
        Decision::new(Action::Allow, reason, 0)
    }

    /// What becomes of a block, or of a ban in force, at an address of many browsers.
    fn share(&self, class: Class, standing: &mut Standing, at: Timestamp) -> Decision {
        self.limit(standing, at);
        let decision = match class {
            Class::Asset => Decision::new(Action::Allow, Reason::Shared, 0),
            Class::Page => self.take_token(standing, at, Rate::ONE),
        };
        Decision { reason: Reason::Shared, ..decision }
    }

    /// How many times the ordinary rate a limited client may have.
    fn rate_of(&self, standing: &Standing) -> u32 {
        let is_blocked = self.block_margin.is_some_and(|block| standing.margin >= block);
        match standing.browsers() {
            browsers if browsers >= SHARED_MIN && !is_blocked => {
                (browsers + 2 - SHARED_MIN).min(SHARED_RATE_MAX)
            }
            _ => 1,
        }
    }

    /// Limits from `at` on, with a full bucket if it was not limited already.
    fn limit(&self, standing: &mut Standing, at: Timestamp) {
        if standing.limited_until <= at {
            standing.bucket_at = at;
            standing.bucket_micros = self.config.limit_burst_pages * PAGE_MICROS;
        }
        standing.limited_until = at.plus_secs(self.config.limit_s);
    }

    fn take_token(&self, standing: &mut Standing, at: Timestamp, rate: Rate) -> Decision {
        let per_min = u64::from(self.config.limit_pages_per_min * rate.times);
        let minute = 60 * u64::from(rate.part);
        let full =
            u64::from((self.config.limit_burst_pages * PAGE_MICROS / rate.part).max(PAGE_MICROS));
        let refill = at.micros_since(standing.bucket_at).saturating_mul(per_min) / minute;
        let tokens = full.min(u64::from(standing.bucket_micros) + refill);
        if refill > 0 {
            standing.bucket_at = at;
        }
        let page = u64::from(PAGE_MICROS);
        let granted = tokens >= page;
        let left = if granted { tokens - page } else { tokens };
        standing.bucket_micros = u32::try_from(left).unwrap_or(u32::MAX);
        if granted {
            return Decision::new(Action::Allow, Reason::Limited, 0);
        }
        let missing_us = (page - tokens) * minute / per_min;
        Decision::new(
            Action::Limit,
            Reason::Limited,
            u32::try_from(missing_us.div_ceil(1_000_000)).unwrap_or(u32::MAX).max(1),
        )
    }

    /// Bans that still count.
    fn offences(&self, ban: Ban, at: Timestamp) -> u32 {
        let forgotten = ban.until != NEVER && at.micros_since(ban.until) >= self.forget_us();
        if forgotten { 0 } else { ban.offences }
    }

    /// The ban that follows `before`.
    fn lengthen(&self, before: Ban, at: Timestamp) -> Ban {
        let offences = self.offences(before, at);
        let seconds =
            self.config.block_s.saturating_mul(1 << offences.min(32)).min(self.config.block_max_s);
        Ban { until: at.plus_secs(seconds), offences: offences.saturating_add(1) }
    }
}

fn seconds_until(until: Timestamp, at: Timestamp) -> u32 {
    u32::try_from(until.micros_since(at).div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

const _: () = assert!(size_of::<Standing>() <= 40);

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
