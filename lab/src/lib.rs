//! The bot benchmark: compares the detector with the rules that other projects ship.
//!
//! - [`baselines`]: the other projects' rules, from their public definitions, one a file
//! - [`botbench`]: runs simulated populations and real logs against the detector and those rules
//! - [`report`]: the benchmark's result on one page of HTML
//!
//! Nothing that decides about live traffic depends on this crate.

pub mod baselines;
pub mod botbench;
pub mod report;
