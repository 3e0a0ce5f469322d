//! Whose verdict changes between two judges, of one reading of a log.
//!
//! Both detectors are shown the same requests; each hashes and places them by its own model. Kept
//! are sums, one [`Fate`] a client (about 100 bytes) and a bounded number of paths, never lines.
//! Whatever the number of watchers, the sums are the same.
mod comparison;
mod difference;
mod finish;
mod pass;
mod path_shape;
#[cfg(test)]
mod tests;

pub use comparison::{Comparison, OTHER_PATHS};
pub use difference::{
    Affected, Cell, ClientChange, Difference, FirstChange, PathChange, ReasonChange, Side, Told,
};
pub use pass::{DiffPass, DiffWatch};
pub use path_shape::path_shape;
