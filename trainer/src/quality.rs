//! Highest scores of labelled clients, and the figures that a model's card derives from them.

use std::collections::BTreeMap;

use detector::model::{Metric, Thresholds};

use crate::label::{Label, Labelled};
use crate::statistics::{Interval, auc_interval, share, tpr_at_fpr};

/// With fewer people, the share of bots caught at 1 % of people hurt means nothing.
const PEOPLE_FOR_TPR: usize = 100;

/// Clients' highest scores, each with the client's label and the reason for it.
#[derive(Default)]
pub(crate) struct Scores<'a>(pub Vec<(&'a Labelled, f32)>);

impl Scores<'_> {
    /// Scores of clients with this label.
    pub fn of(&self, label: Label) -> Vec<f32> {
        self.0.iter().filter(|row| row.0.label == label).map(|row| row.1).collect()
    }

    /// Scores of bad bots, by the reason of their label.
    pub fn by_class(&self) -> BTreeMap<&str, Vec<f32>> {
        let mut classes: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
        for (labelled, score) in self.0.iter().filter(|row| row.0.label == Label::Bad) {
            classes.entry(&labelled.why).or_default().push(*score);
        }
        classes
    }
}

/// Figures by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(pub BTreeMap<String, Metric>);

impl Figures {
    /// Inserts the area under the curve and, with enough people, the share of bots caught at 1 % of
    /// people hurt.
    pub fn insert(&mut self, name: &str, people: &[f32], bots: &[f32]) {
        let sizes = (people.len() as u64, bots.len() as u64);
        if let Some(auc) = auc_interval(people, bots) {
            self.insert_one(format!("{name}/auc"), auc, sizes);
        }
        if let Some(tpr) = tpr_at_fpr(people, bots, 0.01)
            && people.len() >= PEOPLE_FOR_TPR
        {
            let caught = (tpr * bots.len() as f64).round() as u64;
            self.insert_one(format!("{name}/tpr_at_fpr_0.01"), share(caught, sizes.1), sizes);
        }
    }

    /// Inserts the figures of labelled scores, as [`Figures::insert`] does.
    pub fn insert_scores(&mut self, name: &str, scores: &Scores<'_>) {
        self.insert(name, &scores.of(Label::Human), &scores.of(Label::Bad));
    }

    /// Inserts the share of bots at or above each threshold.
    pub fn insert_thresholds(&mut self, thresholds: &Thresholds, bots: &[f32]) {
        for (name, budget) in [("limit", &thresholds.limit), ("block", &thresholds.block)] {
            if let Some(margin) = budget.margin
                && !bots.is_empty()
            {
                let caught = bots.iter().filter(|&&score| score >= margin).count() as u64;
                let sizes = (budget.n, bots.len() as u64);
                self.insert_one(
                    format!("calibration/tpr_at_{name}"),
                    share(caught, sizes.1),
                    sizes,
                );
            }
        }
    }

    /// Inserts a figure that was measured on so many people and bots.
    pub fn insert_one(&mut self, name: String, interval: Interval, (people, bots): (u64, u64)) {
        let Interval { value, low, high } = interval;
        let metric =
            Metric { value: round(value), low: round(low), high: round(high), people, bots };
        self.0.insert(name, metric);
    }
}

/// Four digits: more would be noise, and differ between machines.
fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
