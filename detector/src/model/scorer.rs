//! The algorithms that turn features into a margin.

use super::contributions::Contributions;
use super::logistic::Logistic;
use super::trees::Trees;
use crate::features::{FeatureSet, Features};

/// How a model turns features into a margin.
#[derive(Clone, Debug)]
pub enum Scorer {
    /// A sum of regression trees (`boosted`).
    Trees(Trees),
    /// A weighted sum (`logistic`).
    Logistic(Box<Logistic>),
}

impl Scorer {
    /// The features that the margin depends on.
    pub fn asks(&self) -> FeatureSet {
        match self {
            Self::Trees(trees) => trees.asks(),
            Self::Logistic(_) => FeatureSet::ALL,
        }
    }

    /// The raw margin, in log-odds.
    pub fn margin(&self, features: &Features) -> f32 {
        match self {
            Self::Trees(trees) => trees.margin(features),
            Self::Logistic(logistic) => logistic.margin(features),
        }
    }

    /// What each feature adds to the margin.
    pub fn contributions(&self, features: &Features) -> Contributions {
        match self {
            Self::Trees(trees) => trees.contributions(features),
            Self::Logistic(logistic) => logistic.contributions(features),
        }
    }
}
