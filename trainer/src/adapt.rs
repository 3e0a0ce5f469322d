//! Adapting a shipped model to a site: how much better the adapted model is, and whether to keep
//! it.

use detector::Model;
use detector::model::{Scorer, Trees};

use crate::error::TrainError;
use crate::statistics::{Interval, auc};

/// A model that can be adapted.
#[derive(Clone, Debug)]
pub struct Base {
    model: Model,
    trees: Trees,
}

impl Base {
    /// A base. Only a forest can be continued.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] for a model that is no forest.
    pub fn new(model: Model) -> Result<Self, TrainError> {
        match model.scorer().clone() {
            Scorer::Trees(trees) => Ok(Self { model, trees }),
            Scorer::Logistic(_) => Err(TrainError::Parameter(
                "a logistic model cannot be adapted, only one made of trees (boosted, adaboost)"
                    .to_owned(),
            )),
        }
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Its trees.
    pub fn trees(&self) -> &Trees {
        &self.trees
    }

    /// Name and digest, for the card of the adapted model.
    pub fn named(&self) -> String {
        format!("{} {}", self.model.file().name, self.model.sha256())
    }
}

/// How much better `b` tells the same bots from the same people than `a`: the difference of areas
/// with its 95 % interval (DeLong, DeLong & Clarke-Pearson 1988, paired). `None` when a side has
/// fewer than two.
pub fn gain(people: [&[f32]; 2], bots: [&[f32]; 2]) -> Option<Interval> {
    let value = auc(people[1], bots[1])? - auc(people[0], bots[0])?;
    // For each client: with how much more of the other side it is in the right order under b.
    let difference = |own: [&[f32]; 2], other: [&[f32]; 2], above: bool| -> Vec<f64> {
        let placed = |model: usize, index: usize| {
            let score = own[model][index];
            let wins = |&other: &f32| match score.total_cmp(&other) {
                std::cmp::Ordering::Equal => 0.5,
                order => f64::from(u8::from((order == std::cmp::Ordering::Greater) == above)),
            };
            other[model].iter().map(wins).sum::<f64>() / other[model].len() as f64
        };
        (0..own[0].len()).map(|index| placed(1, index) - placed(0, index)).collect()
    };
    let variance = |values: Vec<f64>| {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0) / count
    };
    if people[0].len() < 2
        || bots[0].len() < 2
        || people[0].len() != people[1].len()
        || bots[0].len() != bots[1].len()
    {
        return None;
    }
    let error = (variance(difference(people, bots, false))
        + variance(difference(bots, people, true)))
    .sqrt();
    Some(Interval { value, low: value - 1.96 * error, high: value + 1.96 * error })
}

/// Should the adapted model replace its base, given its gain on clients that it has not seen? Yes,
/// unless it loses by a standard error or more. With few people the gain is mostly chance, what is
/// learnt on the site nearly always helps, and every budget is calibrated anew.
pub fn is_worth_it(gain: Interval) -> bool {
    let error = (gain.high - gain.value) / 1.96;
    gain.value > -error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gain_of_the_same_scores_is_nothing_and_that_of_better_ones_is_seen() {
        let people: Vec<f32> = (0..200).map(|i| i as f32).collect();
        let bots: Vec<f32> = (0..200).map(|i| i as f32 + 40.0).collect();
        let none = gain([&people, &people], [&bots, &bots]).unwrap();
        assert_eq!((none.value, none.low, none.high), (0.0, 0.0, 0.0));
        assert!(!is_worth_it(none));
        let better: Vec<f32> = bots.iter().map(|score| score + 40.0).collect();
        let some = gain([&people, &people], [&bots, &better]).unwrap();
        assert!(some.low > 0.0 && some.low < some.value && is_worth_it(some), "{some:?}");
        let worse = gain([&people, &people], [&better, &bots]).unwrap();
        assert!((worse.value + some.value).abs() < 1e-12 && !is_worth_it(worse));
        let by_chance = |value| Interval { value, low: value - 0.196, high: value + 0.196 };
        assert!(
            is_worth_it(by_chance(-0.09)) && !is_worth_it(by_chance(-0.11)),
            "a standard error is 0.1"
        );
        assert_eq!(gain([&[1.0], &[1.0]], [&bots, &bots]), None);
    }
}
