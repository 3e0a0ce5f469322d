//! A trained model: load it, check it, score with it, say why.
//!
//! One file format for every algorithm ([`Scorer::Trees`], [`Scorer::Logistic`]);
//! `models/README.md` describes it. The file is trusted last: [`Model::parse`] verifies the digest
//! of every byte, refuses what it does not know, checks each index once so that scoring needs no
//! check that can fail, and scores the golden rows again before it says yes.

mod file;
mod intervals;
mod logistic;
mod readiness;
mod reference;
mod steps;
mod trees;

pub use file::{
    Budget, Card, FORMAT, File, GoldenRow, Metric, ModelError, ScorerFile, Thresholds, seal,
};
pub use logistic::Logistic;
pub use readiness::{Readiness, Requirement, State, grouped};
pub use reference::{Deciles, Reference};
pub use trees::{Node, Trees};

use std::fmt;
use std::sync::Arc;

use crate::features::{COUNT, Definition, FEATURES, Features, Set};
use crate::memory::Memory;

/// What a model says of a client: the raw margin, in log-odds. Thresholds are compared with it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Score(f32);

impl Score {
    /// From a margin in log-odds.
    pub const fn from_margin(margin: f32) -> Self {
        Self(margin)
    }

    /// From a value in 0..=1, as people write it.
    pub fn from_value(value: f32) -> Self {
        let value = f64::from(value).clamp(1e-9, 1.0 - 1e-9);
        Self((value / (1.0 - value)).ln() as f32)
    }

    /// The margin, in log-odds.
    pub const fn margin(self) -> f32 {
        self.0
    }

    /// The margin through the logistic function: 0 like people, 1 like bots. Shown; not a
    /// probability.
    pub fn value(self) -> f32 {
        (1.0 / (1.0 + (-f64::from(self.0)).exp())) as f32
    }
}

/// How a model turns features into a margin.
#[derive(Clone, Debug)]
pub enum Scorer {
    /// A sum of regression trees (`boosted`).
    Trees(Trees),
    /// A weighted sum (`logistic`).
    Logistic(Box<Logistic>),
}

/// A checked model: scoring cannot fail.
#[derive(Clone, Debug)]
pub struct Model {
    scorer: Scorer,
    asks: Set,
    memory: Option<Arc<Memory>>,
    file: Box<File>,
    sha256: String,
}

impl Model {
    /// The features that its score and its reasons depend on. The others need not be measured.
    pub fn asks(&self) -> Set {
        self.asks
    }

    /// The score of a measured client.
    pub fn score(&self, features: &Features) -> Score {
        Score(self.scorer.margin(features))
    }

    /// How much each feature moved the margin away from the model's average. Exactly additive: base
    /// plus all contributions is the margin (up to float rounding).
    pub fn contributions(&self, features: &Features) -> Contributions {
        match &self.scorer {
            Scorer::Trees(trees) => trees.contributions(features),
            Scorer::Logistic(logistic) => logistic.contributions(features),
        }
    }

    /// Time step, in µs, of the logs it was trained on; live time is truncated to it.
    pub fn resolution_us(&self) -> u32 {
        self.file.resolution_us
    }

    /// What it remembers of the site it was trained on, if of any.
    pub fn memory(&self) -> Option<&Memory> {
        self.memory.as_deref()
    }

    /// The same, to share.
    pub fn shared_memory(&self) -> Option<Arc<Memory>> {
        self.memory.clone()
    }

    /// Thresholds and the evidence for them.
    pub fn thresholds(&self) -> &Thresholds {
        &self.file.thresholds
    }

    /// May it refuse anybody, and if not, why?
    pub fn readiness(&self) -> &Readiness {
        &self.file.readiness
    }

    /// What it was trained on and how good it is.
    pub fn card(&self) -> &Card {
        &self.file.card
    }

    /// Everything the file says.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// SHA-256 of the file's content, in hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// How it scores.
    pub fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    /// How likely a score means a bot, by isotonic calibration on held-out clients, 0..=1; for
    /// people to read.
    pub fn probability(&self, score: Score) -> Option<f32> {
        let knots = &self.file.calibration;
        let above = knots.partition_point(|knot| knot[0] < score.0);
        match (above.checked_sub(1).and_then(|below| knots.get(below)), knots.get(above)) {
            (None, None) => None,
            (None, Some(first)) => Some(first[1]),
            (Some(last), None) => Some(last[1]),
            (Some(a), Some(b)) => {
                let between = a[1] + (b[1] - a[1]) * (score.0 - a[0]) / (b[0] - a[0]);
                Some(between.clamp(a[1], b[1])) // rounding may step over the end
            }
        }
    }
}

impl Scorer {
    /// The features that the margin depends on.
    pub fn asks(&self) -> Set {
        match self {
            Self::Trees(trees) => trees.asks(),
            Self::Logistic(_) => Set::ALL,
        }
    }

    /// The raw margin, in log-odds.
    pub fn margin(&self, features: &Features) -> f32 {
        match self {
            Self::Trees(trees) => trees.margin(features),
            Self::Logistic(logistic) => logistic.margin(features),
        }
    }
}

/// A margin taken apart by feature.
#[derive(Clone, Debug)]
pub struct Contributions {
    /// The margin of a client of whom nothing is known.
    pub base: f32,
    /// What each feature adds, in the order of [`FEATURES`].
    pub by_feature: [f32; COUNT],
}

/// The three features that speak loudest for a verdict, loudest first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Because([Option<Spoke>; 3]);

/// One feature's part in a verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spoke {
    feature: u8,
    /// What was measured; NaN when it was missing.
    pub value: f32,
    /// What it added to the margin, in log-odds.
    pub part: f32,
}

impl Contributions {
    /// Base plus every contribution.
    pub fn sum(&self) -> f32 {
        (f64::from(self.base) + self.by_feature.iter().map(|&part| f64::from(part)).sum::<f64>())
            as f32
    }

    /// The three largest contributions towards "bot", with what was measured.
    pub fn because(&self, features: &Features) -> Because {
        let mut top: [Option<Spoke>; 3] = [None; 3];
        for (index, &part) in self.by_feature.iter().enumerate().filter(|(_, part)| **part > 0.0) {
            let mut next = Some(Spoke { feature: index as u8, value: features.0[index], part });
            for slot in &mut top {
                if slot.is_none_or(|least| next.is_some_and(|next| next.part > least.part)) {
                    std::mem::swap(slot, &mut next);
                }
            }
        }
        Because(top)
    }
}

impl Because {
    /// Who spoke, loudest first.
    pub fn iter(&self) -> impl Iterator<Item = &Spoke> {
        self.0.iter().flatten()
    }
}

impl Spoke {
    /// The feature.
    pub fn definition(&self) -> &'static Definition {
        &FEATURES[usize::from(self.feature)]
    }
}

impl fmt::Display for Spoke {
    /// `gaps repeat 0.94 (+2.1)`: in people's words, what was measured, and what it added to the
    /// margin.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let definition = self.definition();
        write!(f, "{} {} (+{:.1})", definition.words, definition.say(self.value), self.part)
    }
}

const _: () = assert!(COUNT <= u8::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn because_names_the_three_loudest() {
        let mut by_feature = [0.0; COUNT];
        for (index, part) in [(3, 0.5), (0, 2.0), (7, -9.0), (5, 1.0), (9, 0.1)] {
            by_feature[index] = part;
        }
        let because = Contributions { base: 0.0, by_feature }.because(&Features([0.25; COUNT]));
        let names: Vec<_> = because.iter().map(|spoke| spoke.definition().name).collect();
        assert_eq!(names, [FEATURES[0].name, FEATURES[5].name, FEATURES[3].name]);
        assert_eq!(because.iter().next().unwrap().to_string(), "spread of gaps 0.25 (+2.0)");
    }

    #[test]
    fn a_value_is_its_margin_again() {
        for value in [0.01, 0.5, 0.9, 0.999] {
            assert!((Score::from_value(value).value() - value).abs() < 1e-5);
        }
    }
}
