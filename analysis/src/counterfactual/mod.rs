//! What would have been allowed: the smallest change of features that brings a margin below a
//! threshold.
//!
//! `single.rs` moves one feature alone, if that suffices. Each stretch between two split points is
//! tried once: about a thousand scores, half a millisecond. `search.rs` moves several together if
//! it does not. [`range`] says which values a feature can have.
//!
//! A number in the answer was scored: it is rounded to the safe side first, and scored then. This
//! runs offline only.

use detector::features::{FEATURES, Features};
use detector::model::{Reference, Scorer};

mod change;
pub mod range;
mod search;
mod single;
#[cfg(test)]
mod tests;

pub use change::{Change, Counterfactual, Counterfactuals};

use search::{Search, search, smallest};
use single::ScorerProbe;

/// What brings the margin of these features below `threshold`. Features that can do it alone are
/// given with their nearest value; otherwise the few that do it together. A missing value is filled
/// in only if nothing else helps.
pub fn counterfactuals(
    scorer: &Scorer,
    features: &Features,
    threshold: f32,
    reference: Option<&Reference>,
) -> Counterfactuals {
    if scorer.margin(features) < threshold {
        return Counterfactuals::Below;
    }
    let probe = ScorerProbe::new(scorer, reference);
    let way = |changes: Vec<Change>| {
        let mut way = Counterfactual { changes, margin: 0.0 };
        way.margin = scorer.margin(&way.apply(features));
        way
    };
    let alone = |missing: bool| -> Vec<Counterfactual> {
        let features_of =
            probe.movable().filter(|&feature| features.0[feature].is_nan() == missing);
        let nearest = |feature| probe.nearest(features, features.0[feature], feature, threshold);
        features_of.filter_map(nearest).map(|change| way(vec![change])).collect()
    };
    let together = |also_missing| search(&probe, features, threshold, also_missing);
    let small = |found: &Features| vec![way(smallest(&probe, features, found, threshold))];

    let mut ways = alone(false);
    let mut answer = Search::Unknown(f32::NAN);
    if ways.is_empty() {
        answer = together(false);
        if !matches!(answer, Search::Found(_)) {
            ways = alone(true);
            if ways.is_empty() {
                answer = together(true);
            }
        }
    }
    if ways.is_empty() {
        match answer {
            Search::Found(found) => ways = small(&found),
            Search::Impossible(lowest) => return Counterfactuals::Impossible { lowest },
            Search::Unknown(lowest) => return Counterfactuals::Unknown { lowest },
        }
    }
    for way in ways.iter_mut().filter(|way| way.changes.len() > 1) {
        without(way, features, scorer, threshold);
    }
    // Only what was scored is in the answer.
    ways.retain(|way| way.margin < threshold);
    if ways.is_empty() {
        return Counterfactuals::Unknown { lowest: scorer.margin(features) };
    }
    let relative = |way: &Counterfactual| -> f32 {
        let of = |change: &Change| match change.measured {
            Some(measured) => (change.to - measured).abs() / measured.abs().max(1e-3),
            None => 1.0,
        };
        way.changes.iter().map(of).sum()
    };
    ways.sort_by(|a, b| {
        a.distance().total_cmp(&b.distance()).then(relative(a).total_cmp(&relative(b)))
    });
    Counterfactuals::Ways { ways }
}

/// If several features change: a share so small that readers take it for none becomes 0, if that is
/// allowed as well.
fn without(way: &mut Counterfactual, features: &Features, scorer: &Scorer, threshold: f32) {
    for place in 0..way.changes.len() {
        let Change { index, to, .. } = way.changes[place];
        if to <= 0.0 || to >= single::LEAST_SHARE || !FEATURES[index].is_share() {
            continue;
        }
        let mut other = way.clone();
        other.changes[place].to = 0.0;
        other.margin = scorer.margin(&other.apply(features));
        if other.margin < threshold {
            *way = other;
        }
    }
}
