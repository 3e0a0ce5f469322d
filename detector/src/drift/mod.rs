//! Has traffic changed since the model was trained? The population stability index (PSI) of the
//! features against the deciles in the model file.
//!
//! PSI = Σ (q − p) · ln(q / p) over bins, where p is the share in training and q the share now.
//! Without drift it is not 0: with N clients in training and M now it is about χ² distributed with
//! B − 1 degrees of freedom, times 1/N + 1/M (Yurdakul 2018). An alarm needs a PSI above 0.1
//! **and** above that noise.
//!
//! Only clients below the limit threshold are compared, each at a few page counts ([`SCHEDULE`]).
//! So a wave of bots that are stopped is no drift, and no client has to be known for a person.

mod counts;
mod deciles;
mod shift;
mod statistics;
#[cfg(test)]
mod tests;

pub use counts::{ClientsSeen, DriftCounts, SCHEDULE};
pub use deciles::{deciles, reference};
pub use shift::{Drift, SCORE, Shift};
pub use statistics::{ONCE_IN_100_000, PSI_ALARM, noise, psi};
