//! From a score and a client's standing to a decision, with a reason.
//!
//! A client's [`Standing`] is what the policy remembers of it: its last score, until when it is
//! limited or banned, how many offences it has, and its tokens. Time and tokens are integers, so a
//! replay decides the same.
//!
//! ```text
//!         score ≥ limit      page after page        score ≥ block, page after page
//!   free ───────────────► limited ─► slowed ─► held ─────────────────────────────► banned
//!    ▲                      │ score < limit − hysteresis               │ the ban expires
//!    └──────────────────────┴──────────────────────────────────────────┘
//! ```
//!
//! Each ban is twice as long as the one before, up to a maximum. A client that still scores at the
//! block threshold when its ban expires is limited and banned again.
//!
//! Limited means: pages take tokens from a bucket, assets pass. A refusal never refills the bucket.
//! Whoever goes on has less and less: [`rung`] has the steps.
//!
//! **The guard** ([`crate::guard`]) limits as well, whatever the score, a client that does what no
//! person can do. It never blocks.
//!
//! **A passed challenge** ([`Policy::ease`]) puts a client on the first rung for some time, with a
//! full bucket, and keeps it there: it climbs no rung, and its limit ends neither earlier nor
//! later. It excuses nothing else: the block threshold bans as before, and a ban ends the pass.
//!
//! **A block waits** until [`PolicyConfig::block_after_pages`] pages in a row score at the block
//! threshold or beyond. Until then the client is limited. A person comes to such a score by a few
//! even gaps or by seven list pages in half a minute, and leaves it with the next page; a program
//! stays (`docs/design/policy.md` has the figures). After each ban that is not forgotten, half as
//! many pages are enough, down to one: a client that goes on after 5 minutes as before has shown
//! that it stays. The block threshold is proven for single scores, so waiting keeps the proof.
//!
//! **Shared addresses**: an address from which [`SHARED_MIN`] browsers or more come within the hour
//! is taken for that of many people and is never blocked. What would be a block, or a ban in force,
//! is a limit instead. Its bucket fills faster with the number of browsers, up to
//! [`SHARED_RATE_MAX`] times, while its score leaves a doubt. A browser counts by its requests in a
//! row ([`crate::state::browsers`]): a client that names another browser at every request is no
//! shared address. Where as many browsers load the pages' pictures, the address stays on the first
//! rung whatever its points, because people share it. Where they do not, names are all there is to
//! see: it is slowed at most while its score leaves a doubt, and held when it leaves none.

mod bucket;
mod challenge;
mod config;
pub mod rung;
mod standing;

pub use config::{MIN_PAGES, PolicyConfig, PolicyError};
pub use rung::Rung;
pub use standing::{Ban, Cause, SHARED_MIN, Standing};

use crate::guard::{Rule, Rules};
use crate::model::{Model, Score};
use crate::time::Timestamp;
use crate::url::Class;
pub use crate::verdict::{Action, Decision, Reason, Verdict};

use bucket::Rate;
use config::ThresholdsInForce;
use standing::NEVER;

/// A policy that was checked against its model.
#[derive(Clone, Debug)]
pub struct Policy {
    config: PolicyConfig,
    min_pages: u32,
    limit_margin: Option<f32>,
    block_margin: Option<f32>,
    cohort_margin: Option<f32>,
}

/// How many times a limited client's rate a shared address may have at most. It is reached with
/// [`SHARED_MIN`] + 2 browsers, and is what some dozens of people need.
pub const SHARED_RATE_MAX: u32 = 4;

/// Log-odds above the limit threshold from which on a score is beyond doubt where no block
/// threshold is proven: odds of 20 to 1.
const CERTAIN: f32 = 3.0;

/// Seconds for which an endpoint counts as attacked after the last alarm, because a botnet pauses,
/// too.
const ALARM_S: u64 = 600;

/// In each ring of the table, the newcomers that write to an attacked endpoint share this part of a
/// limited client's rate. A 64th in each of 64 rings is one client's rate for the whole endpoint
/// ([`crate::cohort::endpoint`] asserts that the two numbers are equal).
pub const ENDPOINT_RATE_PART: u32 = 64;

impl Policy {
    /// Checks a policy against the model that it will judge with.
    ///
    /// # Errors
    /// Names the key that is out of range and the range.
    pub fn new(config: PolicyConfig, model: Option<&Model>) -> Result<Self, PolicyError> {
        let ThresholdsInForce { min_pages, limit_margin, block_margin, cohort_margin } =
            config.check(model)?;
        Ok(Self { config, min_pages, limit_margin, block_margin, cohort_margin })
    }

    /// The policy as the operator wrote it.
    pub fn config(&self) -> &PolicyConfig {
        &self.config
    }

    /// Is there a score that leads to anything but allow?
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

    /// The margin from which on a cohort is limited, if any. Without one no cohort is watched.
    pub fn cohort_margin(&self) -> Option<f32> {
        self.cohort_margin
    }

    /// Microseconds after its end from which a ban no longer counts.
    pub fn forget_us(&self) -> u64 {
        self.config.forget_s * 1_000_000
    }

    /// Page requests from which on a client is judged.
    pub fn min_pages(&self) -> u32 {
        self.min_pages
    }

    /// What to do with a request. `fresh` is the score that was computed for it; with `None` the
    /// client's last score stands.
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
        // A ban that somebody imposed holds, however many browsers share the address.
        if standing.banned_until > at
            && standing.is_shared()
            && standing.ban().cause != Cause::Imposed
        {
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
        if let Some(limit) = self.limit_margin {
            self.weigh(score, limit, standing, at);
        }
        if self.is_block_due(score, standing, at) {
            if standing.is_shared() {
                return self.share(class, standing, at);
            }
            let ban = self.lengthen(standing.ban(), at);
            standing.set_ban(ban);
            return Decision::new(Action::Block, Reason::Score, seconds_until(ban.until, at));
        }
        self.carry_on(class, pages, standing, at)
    }

    /// Counts the pages in a row that score at the block threshold or beyond, and tells whether
    /// they are enough for a ban.
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

    /// Takes in the score of a cohort, whose standing is shared by its members.
    pub fn weigh_cohort(&self, score: Score, standing: &mut Standing, at: Timestamp) {
        standing.margin = score.margin();
        if let Some(limit) = self.cohort_margin {
            self.weigh(score, limit, standing, at);
        }
    }

    /// What to do with a member's page that its own standing lets pass. `None` while the cohort is
    /// not limited.
    pub fn decide_cohort(&self, standing: &mut Standing, at: Timestamp) -> Option<Decision> {
        let rate = self.rung_of_cohort(standing).rate(&self.config);
        (standing.limited_until > at).then(|| take_token(standing, at, rate, Reason::Cohort))
    }

    /// Begins to limit newcomers' writes to an endpoint, which is under attack.
    pub fn alarm(&self, standing: &mut Standing, at: Timestamp) {
        start_limit(standing, at);
        standing.limited_until = at.plus_secs(ALARM_S);
    }

    /// What to do with a newcomer's write that nothing else refuses. `None` while the endpoint is
    /// not under attack.
    pub fn decide_endpoint(&self, standing: &mut Standing, at: Timestamp) -> Option<Decision> {
        let rate = Rung::Limited.rate(&self.config).part(ENDPOINT_RATE_PART);
        (standing.limited_until > at).then(|| take_token(standing, at, rate, Reason::Cohort))
    }

    /// The rules of the guard that are in force.
    pub fn guard(&self) -> Rules {
        self.config.guard
    }

    /// Limits a client that meets a rule of the guard. Each time is a point, so a client that goes
    /// on has less and less. A low score does not end such a limit: it ends some time after the
    /// rule was met last.
    pub fn weigh_guard(&self, rule: Rule, standing: &mut Standing, at: Timestamp) {
        start_limit(standing, at);
        standing.guard.set_limited_by(Some(rule));
        self.prolong(standing, at, 0.0);
    }

    /// Limits a client that scores from `limit` on, and the harder the longer it goes on. The limit
    /// ends when its score is clearly below, or after some time.
    fn weigh(&self, score: Score, limit: f32, standing: &mut Standing, at: Timestamp) {
        let beyond = score.margin() - limit;
        if beyond >= 0.0 {
            start_limit(standing, at);
            self.prolong(standing, at, beyond);
        } else if standing.limited_until > at
            && !standing.has_ease()
            && standing.guarded_by().is_none()
            && beyond < -self.config.hysteresis
        {
            standing.limited_until = at;
            standing.points /= 2;
        }
    }

    /// Counts one more reason, `beyond` log-odds above the threshold, to limit a client that is
    /// limited, and moves the end of its limit.
    fn prolong(&self, standing: &mut Standing, at: Timestamp, beyond: f32) {
        if standing.has_ease() {
            return;
        }
        standing.points = rung::add_page(standing.points, beyond);
        standing.limited_until = at.plus_secs(self.rung(standing).lasts_s(&self.config));
    }

    /// How little a client has while it is limited. An address that is surely shared keeps the rate
    /// of the first rung, because the people there share it. One that may be is not held while its
    /// score leaves a doubt.
    pub fn rung(&self, standing: &Standing) -> Rung {
        let rung = Rung::of(standing.points, &self.config);
        match () {
            () if standing.is_surely_shared() || standing.has_ease() => Rung::Limited,
            () if standing.is_shared() && !self.is_certain(standing) => rung.min(Rung::Slowed),
            () => rung,
        }
    }

    /// How little a cohort's newcomers have together. It is never held: they did not choose their
    /// company, and who is limited for it shall still shop.
    fn rung_of_cohort(&self, standing: &Standing) -> Rung {
        let hardest = if self.is_certain(standing) { Rung::Slowed } else { Rung::Limited };
        Rung::of(standing.points, &self.config).min(hardest)
    }

    /// Does the client score beyond doubt: at the block threshold, or where there is none three
    /// log-odds above the limit's?
    fn is_certain(&self, standing: &Standing) -> bool {
        let certain = self.block_margin.or(self.limit_margin.map(|limit| limit + CERTAIN));
        certain.is_some_and(|certain| standing.margin >= certain)
    }

    /// The decision without a new score, by the standing alone.
    fn carry_on(
        &self,
        class: Class,
        pages: u32,
        standing: &mut Standing,
        at: Timestamp,
    ) -> Decision {
        if standing.limited_until > at {
            let rung = self.rung(standing);
            let reason =
                standing.guarded_by().map_or_else(|| Reason::of_rung(rung), Reason::of_rule);
            return match class {
                Class::Asset => Decision::new(Action::Allow, reason, 0),
                Class::Page => {
                    let rate = rung.rate(&self.config).times(self.times(standing, rung));
                    take_token(standing, at, rate, reason)
                }
            };
        }
        let reason = match () {
            () if !self.has_threshold() => Reason::NoThreshold,
            () if pages < self.min_pages || standing.score().is_none() => Reason::TooFewPages,
            () => Reason::Usual,
        };
        Decision::new(Action::Allow, reason, 0)
    }

    /// Limits a shared address that would otherwise be blocked, or that has a ban in force.
    fn share(&self, class: Class, standing: &mut Standing, at: Timestamp) -> Decision {
        self.limit(standing, at);
        match class {
            Class::Asset => Decision::new(Action::Allow, Reason::Shared, 0),
            Class::Page => {
                let rate = self.rung(standing).rate(&self.config);
                take_token(standing, at, rate, Reason::Shared)
            }
        }
    }

    /// How many times its rung's rate this limited client may have.
    fn times(&self, standing: &Standing, rung: Rung) -> u32 {
        let is_doubtful = rung == Rung::Limited && !self.is_certain(standing);
        match standing.browsers() {
            browsers if browsers >= SHARED_MIN && is_doubtful => {
                (browsers + 2 - SHARED_MIN).min(SHARED_RATE_MAX)
            }
            _ => 1,
        }
    }

    /// Limits a client from `at` on, on the rung that it has reached.
    fn limit(&self, standing: &mut Standing, at: Timestamp) {
        start_limit(standing, at);
        if standing.has_ease() {
            return;
        }
        let lasts_s = self.rung(standing).lasts_s(&self.config);
        standing.limited_until = standing.limited_until.max(at.plus_secs(lasts_s));
    }

    /// How many offences still count after this ban.
    fn offences(&self, ban: Ban, at: Timestamp) -> u32 {
        let forgotten = ban.until != NEVER && at.micros_since(ban.until) >= self.forget_us();
        if forgotten { 0 } else { ban.offences }
    }

    /// The ban that follows the ban `before`: twice as long, up to the maximum.
    fn lengthen(&self, before: Ban, at: Timestamp) -> Ban {
        let offences = self.offences(before, at);
        let seconds =
            self.config.block_s.saturating_mul(1 << offences.min(32)).min(self.config.block_max_s);
        let (until, offences) = (at.plus_secs(seconds), offences.saturating_add(1));
        Ban { until, offences, mode: before.mode, cause: Cause::Score }
    }
}

/// Makes the bucket full, and fades the points of earlier limits, if the client is not limited
/// already.
fn start_limit(standing: &mut Standing, at: Timestamp) {
    if standing.limited_until <= at {
        standing.points = rung::fade(standing.points, standing.limited_until, at);
        standing.full_at = at;
        standing.guard.set_limited_by(None);
        standing.end_ease();
    }
}

/// Takes a page from the bucket: allows the request if there is one, else limits it.
fn take_token(standing: &mut Standing, at: Timestamp, rate: Rate, reason: Reason) -> Decision {
    match bucket::take(&mut standing.full_at, rate, at) {
        Ok(()) => Decision::new(Action::Allow, reason, 0),
        Err(wait_us) => {
            let seconds = u32::try_from(wait_us.div_ceil(1_000_000)).unwrap_or(u32::MAX);
            Decision::new(Action::Limit, reason, seconds.max(1))
        }
    }
}

fn seconds_until(until: Timestamp, at: Timestamp) -> u32 {
    u32::try_from(until.micros_since(at).div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod rung_tests;
#[cfg(test)]
mod tests;
