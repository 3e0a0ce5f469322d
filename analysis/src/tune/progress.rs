//! How far the proof of a block threshold has come, and when it will be there at this pace.

use serde::Serialize;

use crate::format::{count, counted};

/// A shorter log shows no pace: an hour of one day is not like another.
const PACE_US_MIN: u64 = 3_600_000_000;
const DAY_US: f64 = 86_400e6;

/// People who prove thresholds: of earlier logs, of these, and together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ProofProgress {
    /// People who were counted before these logs.
    pub before: u64,
    /// People whom these logs add.
    pub new: u64,
    /// People counted before who no longer count: a bot after all, or known to the model.
    pub withdrawn: u64,
    /// All people who count now: the n of the bounds.
    pub together: u64,
    /// How many the block budget needs if none of them lies above.
    pub needed: u64,
    /// How many of those are missing.
    pub missing: u64,
    /// Days that all logs cover.
    pub days: f64,
    /// New people a day in these logs; `None` where they cover less than an hour more.
    pub people_per_day: Option<f64>,
    /// In how many days nobody is missing, at this pace; `None` where nobody came, or it is not
    /// known.
    pub days_left: Option<f64>,
}

impl ProofProgress {
    /// `covered_us` is the time that all logs cover, before and now.
    pub(super) fn of(
        [before, kept, together]: [u64; 3],
        needed: u64,
        covered_us: [u64; 2],
    ) -> Self {
        let new = together.saturating_sub(kept);
        let missing = needed.saturating_sub(together);
        let [before_us, now_us] = covered_us;
        let pace = |people: u64, us: u64| {
            (us >= PACE_US_MIN).then(|| people as f64 / (us as f64 / DAY_US))
        };
        // A log that was counted before shows no pace of its own.
        let people_per_day =
            pace(new, now_us.saturating_sub(before_us)).or_else(|| pace(together, now_us));
        let days_left = match missing {
            0 => Some(0.0),
            missing => people_per_day.filter(|pace| *pace > 0.0).map(|pace| missing as f64 / pace),
        };
        Self {
            before,
            new,
            withdrawn: before.saturating_sub(kept),
            together,
            needed,
            missing,
            days: now_us as f64 / DAY_US,
            people_per_day,
            days_left,
        }
    }

    /// In a sentence or two.
    pub fn words(&self) -> String {
        let withdrawn = match self.withdrawn {
            0 => String::new(),
            people => format!(", {} no longer counted", count(people)),
        };
        let people = format!(
            "People who prove the thresholds: {} from before, {} new{withdrawn}, {} together.",
            count(self.before),
            count(self.new),
            count(self.together)
        );
        if self.missing == 0 {
            return format!("{people} The block budget needs {}.", count(self.needed));
        }
        let when = match (self.days_left, self.people_per_day) {
            (Some(days), Some(pace)) => format!(
                "at this pace ({} new a day) in {}",
                count(pace.round() as u64),
                counted(days.ceil().max(1.0) as u64, "day")
            ),
            (None, Some(_)) => "at this pace never: nobody new came".to_owned(),
            (_, None) => "these logs are too short to say when".to_owned(),
        };
        format!(
            "{people} {} more are missing to a proven block threshold, of {} if none of them lies \
                above: {when}.",
            count(self.missing),
            count(self.needed)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_who_is_missing_and_when_they_will_be_there() {
        let day = DAY_US as u64;
        let second = ProofProgress::of([300, 299, 500], 2_995, [day, 2 * day]);
        assert_eq!((second.new, second.withdrawn, second.missing), (201, 1, 2_495));
        assert_eq!(
            second.words(),
            "People who prove the thresholds: 300 from before, 201 new, 1 no longer counted, 500 \
                together. 2,495 more are missing to a proven block threshold, of 2,995 if none of \
                them lies above: at this pace (201 new a day) in 13 days."
        );
        // The same log again: the pace of all logs.
        let again = ProofProgress::of([500, 500, 500], 2_995, [2 * day, 2 * day]);
        assert_eq!((again.new, again.people_per_day), (0, Some(250.0)));
        let nobody = ProofProgress::of([500, 500, 500], 2_995, [day, 2 * day]);
        assert!(nobody.words().ends_with("at this pace never: nobody new came."));
        let short = ProofProgress::of([0, 0, 5], 2_995, [0, 60_000_000]);
        assert!(short.words().ends_with("too short to say when."), "{}", short.words());
        let done = ProofProgress::of([0, 0, 3_000], 2_995, [0, day]);
        assert!(done.words().ends_with("The block budget needs 2,995."), "{}", done.words());
    }
}
