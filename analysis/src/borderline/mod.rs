//! Lists the clients to label first: those whose highest score is nearest to a threshold.
//!
//! A label improves a threshold or a model most where the model is least sure; there people are
//! hurt and bots slip through. Clients that have a label are left out.

mod border;
mod pass;

pub use border::{Borderline, NearThreshold};
pub use pass::{NearThresholdPass, NearThresholdWatch};
