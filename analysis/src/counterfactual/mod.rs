//! What would have been allowed: the smallest change of features that brings a margin under a
//! threshold.
//!
//! [`single`]: one feature alone, where that suffices; each stretch between two split points is
//! tried once, about a thousand scores, half a millisecond. [`search`]: several together, where it
//! does not. [`range`]: what a feature can be at all.
//!
//! A number that is said is a number that was scored: it is rounded to the safe side first and
//! asked for then. Offline, for people who ask why.

use std::fmt;

use detector::features::{Definition, FEATURES, Features};
use detector::model::{Reference, Scorer};
use serde::Serialize;

pub mod range;
mod search;
mod single;
#[cfg(test)]
mod tests;

use search::{Search, search, smallest};
use single::Asked;

/// One feature, elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Its place in the vector.
    #[serde(skip)]
    pub index: usize,
    /// Its name.
    pub feature: &'static str,
    /// Its name in people's words.
    pub words: &'static str,
    /// What was measured; `None` when it was missing.
    pub measured: Option<f32>,
    /// The nearest value that is allowed, rounded to the safe side.
    pub to: f32,
    /// The far end of the values that are allowed like it, where they end within the feature's
    /// range.
    pub until: Option<f32>,
    /// How far it is: the share of ordinary traffic between the two values (in tenths); without a
    /// reference, the change relative to the value measured; 1 where it was missing.
    pub distance: f32,
}

/// Changes that together bring the margin under the threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counterfactual {
    /// One, or the fewest that were found.
    pub changes: Vec<Change>,
    /// The margin there, scored.
    pub margin: f32,
}

/// What there is to say of a margin and a threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Counterfactuals {
    /// The margin lies below the threshold as it is.
    Below,
    /// Each of these alone brings it there; nearest first.
    Ways {
        /// At least one.
        ways: Vec<Counterfactual>,
    },
    /// Nothing does, whatever the client had done.
    Impossible {
        /// No margin of this model is lower.
        lowest: f32,
    },
    /// None was found, and it is not shown that there is none.
    Unknown {
        /// The lowest margin that was found.
        lowest: f32,
    },
}

impl Counterfactual {
    /// The features with these changes.
    pub fn apply(&self, features: &Features) -> Features {
        let mut changed = *features;
        for change in &self.changes {
            changed.0[change.index] = change.to;
        }
        changed
    }

    fn distance(&self) -> f32 {
        self.changes.iter().map(|change| change.distance).sum()
    }
}

impl Counterfactuals {
    /// The ways, if there are any.
    pub fn ways(&self) -> &[Counterfactual] {
        match self {
            Self::Ways { ways } => ways,
            _ => &[],
        }
    }
}

impl fmt::Display for Change {
    /// `distinct URLs in ten minutes ≤ 118`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, words, to, until, measured, .. } = self;
        let definition = &FEATURES[*index];
        let said = |value: f32| definition.say_exactly(value);
        // Of the one feature that is said as another number than it is, whole pages count.
        let (is_pages, to_said) = (self.feature == "log_n", said(*to));
        // The far end as well is rounded to the side that is allowed.
        let far = |until: f32, is_up: bool| {
            let (value, digits) = if is_pages { (until.exp(), 1.0) } else { (until, 1_000.0) };
            let scaled = f64::from(value) * digits;
            let inner = (if is_up { scaled.floor() } else { scaled.ceil() } / digits) as f32;
            let near = if is_pages { to.exp().round() } else { *to };
            let inner = if (inner >= near) == is_up { inner } else { value };
            if is_pages { inner.to_string() } else { said(inner) }
        };
        if let (Some(_), None, Some(none)) = (measured, until, none(definition, *to)) {
            return f.write_str(&none);
        }
        match (measured, until) {
            (None, _) => write!(f, "{words} at {to_said}, which is not known now"),
            (Some(measured), None) if to < measured => write!(f, "{words} ≤ {to_said}"),
            (Some(_), None) => write!(f, "{words} ≥ {to_said}"),
            (Some(measured), Some(until)) if to < measured => {
                write!(f, "{words} from {} to {to_said}", far(*until, false))
            }
            (Some(_), Some(until)) => write!(f, "{words} from {to_said} to {}", far(*until, true)),
        }
    }
}

/// `without errors`, of a share of which nothing is left and that can be nothing.
fn none(definition: &Definition, to: f32) -> Option<String> {
    const CAN_BE_NONE: [&str; 9] = [
        "gap_consistency",
        "burst_share",
        "repeat_share",
        "error_share",
        "not_found_share",
        "redirect_share",
        "sequence_share",
        "page_walk",
        "tail_share",
    ];
    let what = definition.words.strip_prefix("share of ").filter(|_| to == 0.0)?;
    CAN_BE_NONE.contains(&definition.name).then(|| format!("without {what}"))
}

impl fmt::Display for Counterfactual {
    /// One change as above; of several, the very values that were scored: `spread of gaps 0.6 and
    /// typical gap 12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [change] = self.changes.as_slice() {
            return change.fmt(f);
        }
        for (number, Change { index, words, to, .. }) in self.changes.iter().enumerate() {
            f.write_str(if number == 0 { "" } else { " and " })?;
            match none(&FEATURES[*index], *to) {
                Some(none) => f.write_str(&none)?,
                None => write!(f, "{words} {}", FEATURES[*index].say_exactly(*to))?,
            }
        }
        Ok(())
    }
}

/// What brings the margin of these features below `threshold`: for each feature that can do it
/// alone its nearest value, else the few that do it together. A missing value is filled in only
/// where nothing else helps.
pub fn counterfactuals(
    scorer: &Scorer,
    features: &Features,
    threshold: f32,
    reference: Option<&Reference>,
) -> Counterfactuals {
    if scorer.margin(features) < threshold {
        return Counterfactuals::Below;
    }
    let asked = Asked::new(scorer, reference);
    let way = |changes: Vec<Change>| {
        let mut way = Counterfactual { changes, margin: 0.0 };
        way.margin = scorer.margin(&way.apply(features));
        way
    };
    let alone = |missing: bool| -> Vec<Counterfactual> {
        let features_of =
            asked.movable().filter(|&feature| features.0[feature].is_nan() == missing);
        let nearest = |feature| asked.nearest(features, features.0[feature], feature, threshold);
        features_of.filter_map(nearest).map(|change| way(vec![change])).collect()
    };
    let together = |also_missing| search(&asked, features, threshold, also_missing);
    let small = |found: &Features| vec![way(smallest(&asked, features, found, threshold))];

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
    // Never said without having been scored.
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

/// Of several changes: so small a share that it means none is none, where that is allowed as well.
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
