//! Explains what became of one client, and why.
//!
//! ```text
//!  every request ──► detector ──► verdict
//!      │ the client's own ─► story: score and verdict at each, and how it stood at the one that matters
//!      └ everybody's ──────► crowd: what is normal for people after as many pages
//!  story + crowd + judge ──► Explanation: words, timeline, features, contributions, counterfactuals
//! ```
//!
//! Nothing is measured or scored here: the detector does both, as it does in the gate. Each
//! counterfactual is scored by the same model and decided by the same policy, from the client's
//! standing at that request.

mod challenge_words;
mod crowd;
mod explanation;
mod follower;
mod guard_words;
mod moment;
mod otherwise;
mod pass;
mod phrases;
mod record;
mod spoken_record;
mod story;
mod words;

pub use crowd::{ClientSample, Normal, PEOPLE_MIN, Source, Spread};
pub use explanation::{
    Decisive, ExplainedFeature, Explanation, Otherwise, ScoreThresholds, Totals,
};
pub use follower::Follower;
pub use moment::{ExplainedRequest, MOMENTS_MAX, PastDecision, RequestChoice};
pub use pass::{ExplainPass, ExplainWatch};
pub use phrases::value;
pub use record::RecordedTotals;
pub use story::CohortMembers;
