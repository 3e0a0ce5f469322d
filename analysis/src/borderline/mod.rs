//! Whom to look at first: the clients whose highest score is nearest to a threshold.
//!
//! A label moves the threshold or the model most where the model is least sure, and that is where
//! people are hurt and bots slip through. Whoever is labelled already is left out.

mod border;
mod pass;

pub use border::{Border, Borderline};
pub use pass::{BorderPass, BorderWatch};
