//! Counters of a door that edges ask, such as the decision service: their questions, and what comes
//! back of the requests that passed.

use metrics::{Counter, Label};

const QUESTIONS: &str = "kidoban_edge_questions_total";
const OUTCOMES: &str = "kidoban_edge_outcomes_total";

/// Name and help of each.
pub const EDGE_METRICS: [(&str, &str); 2] = [
    (
        QUESTIONS,
        "Questions of edges: decided; repeated for a request that was decided; unreadable; of a \
            stranger, whom the configuration does not name.",
    ),
    (
        OUTCOMES,
        "Ends of requests that an edge was told to let pass: concluded; lost, of which nothing was \
            heard; unknown, heard of too late or twice; unreadable lines.",
    ),
];

/// What became of an edge's question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeQuestion {
    /// It was decided.
    Decided,
    /// The edge asked again about a request that was decided before, and got the same answer.
    Repeated,
    /// It does not say what is asked about.
    Unreadable,
    /// It came from somebody who may not ask.
    Stranger,
}

/// What became of an edge's request that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeOutcome {
    /// The edge said how it ended.
    Concluded,
    /// The edge did not say it in time.
    Lost,
    /// The edge spoke of a request that nobody waits for.
    Unknown,
    /// The edge sent what cannot be read.
    Unreadable,
}

impl EdgeQuestion {
    /// All of them, for metric labels.
    pub const ALL: [Self; 4] = [Self::Decided, Self::Repeated, Self::Unreadable, Self::Stranger];

    /// The word in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::Repeated => "repeated",
            Self::Unreadable => "unreadable",
            Self::Stranger => "stranger",
        }
    }
}

impl EdgeOutcome {
    /// All of them, for metric labels.
    pub const ALL: [Self; 4] = [Self::Concluded, Self::Lost, Self::Unknown, Self::Unreadable];

    /// The word in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Concluded => "concluded",
            Self::Lost => "lost",
            Self::Unknown => "unknown",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A counter of each.
pub struct EdgeCounters {
    questions: [Counter; EdgeQuestion::ALL.len()],
    outcomes: [Counter; EdgeOutcome::ALL.len()],
}

impl EdgeCounters {
    pub(super) fn new(counter: &impl Fn(&'static str, Vec<Label>) -> Counter) -> Self {
        let label = |word| vec![Label::from_static_parts("result", word)];
        Self {
            questions: EdgeQuestion::ALL.map(|kind| counter(QUESTIONS, label(kind.as_str()))),
            outcomes: EdgeOutcome::ALL.map(|kind| counter(OUTCOMES, label(kind.as_str()))),
        }
    }

    /// Counts a question.
    pub fn asked(&self, question: EdgeQuestion) {
        self.questions[question as usize].increment(1);
    }

    /// Counts ends of requests.
    pub fn ended(&self, outcome: EdgeOutcome, count: u64) {
        self.outcomes[outcome as usize].increment(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_the_order_of_their_variants() {
        let sorted =
            |indices: Vec<usize>| indices.iter().enumerate().all(|(at, index)| at == *index);
        assert!(sorted(EdgeQuestion::ALL.map(|kind| kind as usize).to_vec()));
        assert!(sorted(EdgeOutcome::ALL.map(|kind| kind as usize).to_vec()));
    }
}
