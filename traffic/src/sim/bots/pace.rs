//! How a program waits between requests.
//!
//! Programs sleep a fixed time, a time with jitter, or an exponential one, and then wait for the
//! answer as well; now and then a connection stalls. Each bot draws its own shape and width, so
//! that no constant gives it away.

use crate::sim::dice::Dice;
use crate::sim::visit::Turn;

/// Waits of one bot.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Pace {
    gap_s: f64,
    shape: Shape,
    /// How long an answer takes from here, on top of the sleep.
    latency_s: f64,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    /// `sleep(gap * uniform(1 - j, 1 + j))`
    Uniform(f64),
    /// `sleep(gap + normal * j * gap)`
    Normal(f64),
    /// Exponential gaps: no memory, hence no beat.
    Memoryless,
    /// `sleep(gap)`
    Fixed,
    /// Lognormal gaps with this σ, as people have them.
    Lognormal(f64),
    /// No sleep at all: the gap is the answer's time, and this share of the time the machine, the
    /// network or the shop is busy for as long as this, in seconds.
    Answered { busy_share: f64, busy_s: f64 },
}

/// How often a connection stalls: once in 200 requests, for 3 to 10 gaps, as time-outs and retries
/// do.
const STALL_SHARE: f64 = 0.005;

impl Pace {
    /// A beat of about `gap_s`, with jitter of ±5 to ±30 %.
    pub(in crate::sim) fn regular(gap_s: f64, dice: &mut Dice) -> Self {
        let jitter = dice.between(0.05, 0.30);
        // A normal with the same spread as that uniform has a standard deviation of j/√3.
        let shape = if dice.chance(0.5) {
            Shape::Uniform(jitter)
        } else {
            Shape::Normal(jitter / 3.0_f64.sqrt())
        };
        Self::with(gap_s, shape, dice)
    }

    /// Exactly this jitter: uniform over `gap_s` ± its share `jitter`.
    pub(in crate::sim) fn jittered(gap_s: f64, jitter: f64, dice: &mut Dice) -> Self {
        Self::with(gap_s, Shape::Uniform(jitter), dice)
    }

    /// Exponential gaps of mean `gap_s`.
    pub(in crate::sim) fn memoryless(gap_s: f64, dice: &mut Dice) -> Self {
        Self::with(gap_s, Shape::Memoryless, dice)
    }

    /// The same sleep every time; only answers differ.
    pub(in crate::sim) fn fixed(gap_s: f64, dice: &mut Dice) -> Self {
        Self::with(gap_s, Shape::Fixed, dice)
    }

    /// Lognormal gaps of median `gap_s`, as wide as people's (σ 0.6 to 1.1).
    pub(in crate::sim) fn lognormal(gap_s: f64, dice: &mut Dice) -> Self {
        let sigma = dice.between(0.6, 1.1);
        Self::with(gap_s, Shape::Lognormal(sigma), dice)
    }

    /// As fast as it is answered: an answer in about `gap_s`, anything between a quiet machine and
    /// a busy one.
    pub(in crate::sim) fn answered(gap_s: f64, dice: &mut Dice) -> Self {
        let shape = Shape::Answered {
            busy_share: dice.between(0.0, 0.4),
            busy_s: dice.log_between(0.002, 0.03),
        };
        Self { gap_s, shape, latency_s: 0.0 }
    }

    fn with(gap_s: f64, shape: Shape, dice: &mut Dice) -> Self {
        // Data centres are near: a few milliseconds to a few tens. Never more than a fraction of
        // the gap, or the bot would not hold the speed it was given.
        Self { gap_s, shape, latency_s: dice.log_between(0.003, 0.04).min(gap_s * 0.2) }
    }

    /// Lets one gap pass.
    pub(in crate::sim) fn wait(&self, turn: &mut Turn<'_>) {
        let dice = &mut *turn.dice;
        let sleep = match self.shape {
            Shape::Uniform(jitter) => self.gap_s * dice.between(1.0 - jitter, 1.0 + jitter),
            Shape::Normal(jitter) => self.gap_s * (1.0 + jitter * dice.normal()).max(0.05),
            Shape::Memoryless => dice.exponential(self.gap_s),
            Shape::Fixed => self.gap_s,
            Shape::Lognormal(sigma) => dice.lognormal(self.gap_s, sigma),
            Shape::Answered { busy_share, busy_s } => {
                let busy = if dice.chance(busy_share) { dice.exponential(busy_s) } else { 0.0 };
                dice.lognormal(self.gap_s, 0.4) + busy
            }
        };
        let stall =
            if dice.chance(STALL_SHARE) { self.gap_s * dice.between(3.0, 10.0) } else { 0.0 };
        let latency = dice.lognormal(self.latency_s, 0.4);
        turn.wait(sleep + latency + stall);
    }
}
