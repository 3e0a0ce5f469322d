//! When a simulated attacker asks.

use traffic::sim::{Dice, Pace};

/// How an attacker waits between pages.
#[derive(Clone, Copy, Debug)]
pub(super) enum Beat {
    /// One page at a time.
    Paced(Pace),
    /// Several pages at once, and then a pause.
    Volleys { pages: usize, pause: Pace },
}

/// The kinds of beats. Each kind of attack comes in each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Fixed,
    Jittered,
    Exponential,
    Lognormal,
    Volleys,
    /// A visitor's own gaps, all of them shorter. For programs that drive a visitor's way only.
    Hurried,
}

impl Kind {
    pub const ALL: [Self; 5] =
        [Self::Fixed, Self::Jittered, Self::Exponential, Self::Lognormal, Self::Volleys];
    /// The beats of programs that drive a visitor's way through the site.
    pub const OF_DRIVERS: [Self; 4] =
        [Self::Fixed, Self::Jittered, Self::Exponential, Self::Hurried];
}

impl Beat {
    /// A beat of this kind with about this gap.
    pub fn of(kind: Kind, gap_s: f64, dice: &mut Dice) -> Self {
        match kind {
            Kind::Fixed => Self::Paced(Pace::fixed(gap_s, dice)),
            Kind::Jittered => {
                let jitter = dice.between(0.05, 0.6);
                Self::Paced(Pace::jittered(gap_s, jitter, dice))
            }
            Kind::Exponential => Self::Paced(Pace::memoryless(gap_s, dice)),
            Kind::Lognormal | Kind::Hurried => Self::Paced(Pace::lognormal(gap_s, dice)),
            Kind::Volleys => {
                let pages = 2 + dice.below(9);
                let pause = Pace::regular(gap_s * pages as f64, dice);
                Self::Volleys { pages, pause }
            }
        }
    }

    /// Seconds before the page of this number.
    pub fn gap_s(&self, page: usize, dice: &mut Dice) -> f64 {
        match self {
            Self::Paced(pace) => pace.gap_s(dice),
            Self::Volleys { pages, pause } if page.is_multiple_of(*pages) => pause.gap_s(dice),
            Self::Volleys { .. } => dice.exponential(0.03),
        }
    }
}
