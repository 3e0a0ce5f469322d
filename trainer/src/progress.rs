//! How far a training run is, for a progress bar.
//!
//! Most of the time is fitting. How many trees a fit takes is decided by held-out clients and not
//! known before. So what is left is estimated from the fits that are over, and before the first of
//! them from the largest number of trees.

use std::fmt;

/// Boosting grows its trees twice: first to find how many are enough, then for the model.
const PASSES: u64 = 2;

/// What is being done and how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage<'a> {
    /// What is being done: "cross-fitting".
    pub name: &'a str,
    /// How much of it is over, in units.
    pub done: u64,
    /// How much there is in all. This is an estimate that changes on the way; 0 if unknown.
    pub of: u64,
    /// The unit: "trees".
    pub unit: &'static str,
}

impl fmt::Display for Stage<'_> {
    /// Its name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What training reports as it goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// A stage begins, with so many fits; 0 if nothing is fitted in it.
    Begins {
        name: &'static str,
        fits: u64,
        /// In boosting, the most trees of one pass. `None` if fits are counted and not trees.
        trees_max: Option<u64>,
    },
    /// One more tree is grown.
    Grown,
    /// One more fit is over.
    Fitted,
}

/// The function that training reports to; [`nobody`] if no one listens.
pub(crate) type Tell<'a> = &'a (dyn Fn(Moment) + 'a);

/// Ignores all reports.
pub(crate) fn nobody(_: Moment) {}

/// Turns reports into stages.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    name: &'static str,
    trees_max: Option<u64>,
    fits_left: u64,
    fits_done: u64,
    /// Trees of this stage, and of the fit that is going on.
    trees: u64,
    trees_of_fit: u64,
    /// Trees and fits that are over, of all stages so far.
    trees_fitted: u64,
    fits_of_trees: u64,
}

impl Ledger {
    /// Takes a report in and returns the stage as it is now.
    pub fn take(&mut self, moment: Moment) -> Stage<'static> {
        match moment {
            Moment::Begins { name, fits, trees_max } => {
                let Self { trees_fitted, fits_of_trees, .. } = *self;
                *self = Self {
                    name,
                    trees_max,
                    fits_left: fits,
                    trees_fitted,
                    fits_of_trees,
                    ..Self::default()
                };
            }
            Moment::Grown => {
                self.trees += 1;
                self.trees_of_fit += 1;
            }
            Moment::Fitted => {
                if self.trees_max.is_some() {
                    self.trees_fitted += self.trees_of_fit;
                    self.fits_of_trees += 1;
                }
                self.trees_of_fit = 0;
                self.fits_done += 1;
                self.fits_left = self.fits_left.saturating_sub(1);
            }
        }
        self.stage()
    }

    fn stage(&self) -> Stage<'static> {
        let Self { name, fits_left, fits_done, .. } = *self;
        let Some(trees_max) = self.trees_max else {
            return Stage { name, done: fits_done, of: fits_done + fits_left, unit: "fits" };
        };
        let a_fit = self.trees_fitted.checked_div(self.fits_of_trees).unwrap_or(PASSES * trees_max);
        // A fit that takes longer than the others is supposed to end with the next tree.
        let left = (a_fit * fits_left).saturating_sub(self.trees_of_fit).max(fits_left);
        Stage { name, done: self.trees, of: self.trees + left, unit: "trees" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_reckoned_from_the_fits_that_are_over() {
        let mut ledger = Ledger::default();
        let mut check = |moment, done, of, unit| {
            let stage = ledger.take(moment);
            assert_eq!((stage.done, stage.of, stage.unit), (done, of, unit), "{moment:?}");
        };
        check(Moment::Begins { name: "a", fits: 3, trees_max: Some(50) }, 0, 300, "trees");
        check(Moment::Grown, 1, 300, "trees");
        check(Moment::Grown, 2, 300, "trees");
        // Two trees were enough: so the other two fits take four.
        check(Moment::Fitted, 2, 6, "trees");
        check(Moment::Grown, 3, 6, "trees");
        check(Moment::Fitted, 3, 4, "trees");
        check(Moment::Begins { name: "b", fits: 4, trees_max: None }, 0, 4, "fits");
        check(Moment::Grown, 0, 4, "fits");
        check(Moment::Fitted, 1, 4, "fits");
        // What was learnt in another stage is not forgotten.
        check(Moment::Begins { name: "c", fits: 10, trees_max: Some(50) }, 0, 10, "trees");
        check(Moment::Begins { name: "d", fits: 0, trees_max: None }, 0, 0, "fits");
    }
}
