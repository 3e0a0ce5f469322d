//! A change of features that would have been allowed, as data and in words.

use std::fmt;

use detector::features::{Definition, FEATURES, Features};
use serde::Serialize;

/// One feature moved to another value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Its index in the vector.
    #[serde(skip)]
    pub index: usize,
    /// Its name.
    pub feature: &'static str,
    /// The feature in plain words.
    pub words: &'static str,
    /// The measured value; `None` if it was missing.
    pub measured: Option<f32>,
    /// The nearest allowed value, rounded to the safe side.
    pub to: f32,
    /// The far end of the allowed values around it; `None` if they reach to the end of the
    /// feature's range.
    pub until: Option<f32>,
    /// Distance of the change: the share of ordinary traffic between the two values (in tenths).
    /// Without a reference, the change relative to the measured value. 1 if the value was missing.
    pub distance: f32,
}

/// Changes that together bring the margin below the threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counterfactual {
    /// One change, or the fewest that were found.
    pub changes: Vec<Change>,
    /// The margin after them, as scored, in log-odds.
    pub margin: f32,
}

/// What would bring a margin below a threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Counterfactuals {
    /// The margin is already below the threshold.
    Below,
    /// Each of these ways is enough; nearest first.
    Ways {
        /// At least one.
        ways: Vec<Counterfactual>,
    },
    /// No behaviour of the client would do it.
    Impossible {
        /// The lowest margin that this model can give.
        lowest: f32,
    },
    /// None was found, but it is not proven that there is none.
    Unknown {
        /// The lowest margin that was found.
        lowest: f32,
    },
}

impl Counterfactual {
    /// The features after these changes.
    pub fn apply(&self, features: &Features) -> Features {
        let mut changed = *features;
        for change in &self.changes {
            changed.0[change.index] = change.to;
        }
        changed
    }

    pub(super) fn distance(&self) -> f32 {
        self.changes.iter().map(|change| change.distance).sum()
    }
}

impl Counterfactuals {
    /// The ways; empty if there are none.
    pub fn ways(&self) -> &[Counterfactual] {
        match self {
            Self::Ways { ways } => ways,
            _ => &[],
        }
    }
}

impl fmt::Display for Change {
    /// Such as `distinct URLs in ten minutes ≤ 118`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, words, to, until, measured, .. } = self;
        let definition = &FEATURES[*index];
        let said = |value: f32| definition.say_exactly(value);
        // `log_n` is printed as a number of pages, so it is rounded to whole pages.
        let (is_pages, to_said) = (self.feature == "log_n", said(*to));
        // The far end is also rounded to the side that is allowed.
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

impl fmt::Display for Counterfactual {
    /// One change as above. Several as the values that were scored: `spread of gaps 0.6 and typical
    /// gap 12`.
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

/// `without errors`, for a share of 0 that can in fact be 0.
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
