//! Compares two judges on one reading of a log: whose verdict changes?
//!
//! Two detectors see the same requests, each with its own model. What is kept is sums, one tally
//! for each client (about 100 bytes) and a bounded number of paths, but no lines. The sums do not
//! depend on the number of threads.
mod comparison;
mod difference;
mod finish;
mod pass;
mod path_shape;
#[cfg(test)]
mod tests;

pub use comparison::{Comparison, OTHER_PATHS};
pub use difference::{
    ActionChange, Affected, ClientChange, Difference, FirstChange, JudgeSummary, PathChange,
    ReasonChange, VerdictWords,
};
pub use pass::{DiffPass, DiffWatch};
pub use path_shape::path_shape;
