//! How a program waits between requests.
//!
//! Programs sleep a fixed time, a time with jitter, or an exponential time. Then they also wait for
//! the answer, and sometimes a connection stalls. Each bot draws its own distribution and width, so
//! that no constant gives it away.

use crate::sim::dice::Dice;
use crate::sim::visit::Turn;

/// How one bot waits between requests.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    gap_s: f64,
    shape: Shape,
    /// Median time of an answer, which is added to the sleep.
    latency_s: f64,
}

/// The distribution of the sleep; `gap` is the gap and `j` the jitter.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// `sleep(gap * uniform(1 - j, 1 + j))`
    Uniform(f64),
    /// `sleep(gap + normal * j * gap)`
    Normal(f64),
    /// Exponential gaps, which have no memory and so no regular beat.
    Memoryless,
    /// `sleep(gap)`
    Fixed,
    /// Lognormal gaps with this σ, like those of people.
    Lognormal(f64),
    /// No sleep: the gap is the response time. A share of the responses is slower by `busy_s`
    /// seconds on average, because the machine, the network or the shop is busy.
    Answered { busy_share: f64, busy_s: f64 },
}

/// The share of requests at which a connection stalls: one in 200. A stall lasts 3 to 10 gaps, like
/// time-outs and retries.
const STALL_SHARE: f64 = 0.005;

impl Pace {
    /// A regular gap of about `gap_s`, with jitter of ± 5 to ± 30 %.
    pub fn regular(gap_s: f64, dice: &mut Dice) -> Self {
        let jitter = dice.between(0.05, 0.30);
        // The uniform distribution has a standard deviation of j/√3, so the normal one gets it too.
        let shape = if dice.chance(0.5) {
            Shape::Uniform(jitter)
        } else {
            Shape::Normal(jitter / 3.0_f64.sqrt())
        };
        Self::with(gap_s, shape, dice)
    }

    /// A sleep drawn uniformly from `gap_s` ± `jitter`, a share of it from 0 to 1.
    pub fn jittered(gap_s: f64, jitter: f64, dice: &mut Dice) -> Self {
        Self::with(gap_s, Shape::Uniform(jitter), dice)
    }

    /// Exponential gaps with the mean `gap_s`.
    pub fn memoryless(gap_s: f64, dice: &mut Dice) -> Self {
        Self::with(gap_s, Shape::Memoryless, dice)
    }

    /// A sleep of exactly `gap_s`; only the response times differ.
    pub fn fixed(gap_s: f64, dice: &mut Dice) -> Self {
        Self::with(gap_s, Shape::Fixed, dice)
    }

    /// Lognormal gaps with the median `gap_s`, as wide as those of people (σ 0.6 to 1.1).
    pub fn lognormal(gap_s: f64, dice: &mut Dice) -> Self {
        let sigma = dice.between(0.6, 1.1);
        Self::with(gap_s, Shape::Lognormal(sigma), dice)
    }

    /// No sleep, with response times of about `gap_s`, on anything from a quiet machine to a busy
    /// one.
    pub fn answered(gap_s: f64, dice: &mut Dice) -> Self {
        let shape = Shape::Answered {
            busy_share: dice.between(0.0, 0.4),
            busy_s: dice.log_between(0.002, 0.03),
        };
        Self { gap_s, shape, latency_s: 0.0 }
    }

    fn with(gap_s: f64, shape: Shape, dice: &mut Dice) -> Self {
        // Data centres are near: answers take 3 to 40 milliseconds. They take at most a fifth of
        // the gap, or the bot would not keep the speed it was given.
        Self { gap_s, shape, latency_s: dice.log_between(0.003, 0.04).min(gap_s * 0.2) }
    }

    /// Lets one gap pass.
    pub(in crate::sim) fn wait(&self, turn: &mut Turn<'_>) {
        let gap_s = self.gap_s(turn.dice);
        turn.wait(gap_s);
    }

    /// Draws the seconds from one request to the next.
    pub fn gap_s(&self, dice: &mut Dice) -> f64 {
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
        sleep + latency + stall
    }
}
