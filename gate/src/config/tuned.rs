//! `[tuned]`: what the thresholds of `[policy]` stand on, as `kidoban tune --write` leaves it
//! beside them.
//!
//! A threshold means something to one model, and what proves it was found with that model and from
//! so many pages on. Whoever runs another one, judges earlier, or changes a score by hand has lost
//! the proof: [`basis`] says so of each threshold, and [`warnings`] in words.

use detector::model::Budget;
use detector::{Model, Score};
use serde::{Deserialize, Serialize};

use super::Config;

/// The keys of `[policy]` that a proof can stand behind.
pub const KEYS: [&str; 3] = ["limit_score", "block_score", "cohort_score"];

/// The section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunedSection {
    /// SHA-256 of the model that the thresholds were found for, in hex, as the model's file ends
    /// with it.
    pub model_sha256: String,
    /// What proves `policy.limit_score`.
    pub limit_score: Option<TunedProof>,
    /// What proves `policy.block_score`.
    pub block_score: Option<TunedProof>,
    /// What proves `policy.cohort_score`.
    pub cohort_score: Option<TunedProof>,
}

/// `above` of `people` whom the model had not seen lay at `score` or above, so at most a share
/// `at_most` does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunedProof {
    /// The threshold that it proves, in 0..1.
    pub score: f64,
    /// n.
    pub people: u64,
    /// k.
    pub above: u64,
    /// Bound of the share of people, in 0..1.
    pub at_most: f64,
    /// How sure it is, in 0..1.
    pub confidence: f64,
    /// It holds where nobody is judged on fewer pages.
    pub from_pages: u32,
}

/// What a threshold in force stands on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// There is no threshold.
    None,
    /// It is the model's own, whose evidence is in the model.
    Model,
    /// It was tuned for this model.
    Tuned(TunedProof),
    /// It was tuned for another model.
    OtherModel,
    /// It was tuned, and the score was changed afterwards.
    Changed,
    /// It was tuned for clients of more pages than are judged now.
    FewerPages {
        /// As many pages as the proof wants.
        from_pages: u32,
    },
    /// It was set by hand: nothing proves it.
    Hand,
}

impl TunedSection {
    /// What is wrong with it, if something is.
    pub(super) fn problem(&self) -> Option<String> {
        if self.model_sha256.len() != 64
            || !self.model_sha256.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return Some("model_sha256 is not 64 hexadecimal digits".to_owned());
        }
        let is_share = |share: f64| (0.0..=1.0).contains(&share);
        let is_sound = |proof: TunedProof| {
            proof.above <= proof.people
                && [proof.score, proof.at_most, proof.confidence].into_iter().all(is_share)
        };
        let wrong =
            KEYS.into_iter().find(|key| self.proof(key).is_some_and(|proof| !is_sound(proof)));
        wrong.map(|key| {
            format!("{key} has more people above than people, or a share outside 0 to 1")
        })
    }

    fn proof(&self, key: &str) -> Option<TunedProof> {
        match key {
            "limit_score" => self.limit_score,
            "block_score" => self.block_score,
            _ => self.cohort_score,
        }
    }
}

/// What limit, block and cohort stand on, in this order, when a configuration runs this model.
pub fn basis(config: &Config, model: Option<&Model>) -> [Basis; 3] {
    let policy = config.policy();
    let thresholds = model.map(Model::thresholds);
    let own = |key: &str| {
        let thresholds = thresholds?;
        match key {
            "limit_score" => thresholds.limit.margin,
            "block_score" => thresholds.block.margin,
            _ => thresholds.cohort.margin,
        }
    };
    let min_pages =
        policy.min_pages.or(thresholds.map(|thresholds| thresholds.min_pages)).unwrap_or(1);
    let written = [policy.limit_score, policy.block_score, policy.cohort_score];
    std::array::from_fn(|index| {
        let own = own(KEYS[index]);
        let Some(score) = written[index] else {
            return if own.is_some() { Basis::Model } else { Basis::None };
        };
        let proof = config.tuned().and_then(|tuned| Some((tuned, tuned.proof(KEYS[index])?)));
        match (proof, model) {
            (Some((tuned, proof)), Some(model)) => {
                if tuned.model_sha256 != model.sha256() {
                    Basis::OtherModel
                } else if proof.score as f32 != score {
                    Basis::Changed
                } else if min_pages < proof.from_pages {
                    Basis::FewerPages { from_pages: proof.from_pages }
                } else {
                    Basis::Tuned(proof)
                }
            }
            _ if own.is_some_and(|own| own == Score::from_value(score).margin()) => Basis::Model,
            _ => Basis::Hand,
        }
    })
}

/// The shares of people that limit and block in force reach at most, by what they stand on; `None`
/// where that is no proof.
pub(crate) fn budgets(config: &Config, model: Option<&Model>) -> [Option<f64>; 2] {
    let [limit, block, _] = basis(config, model);
    let own = model.map(Model::thresholds);
    let share = |basis: Basis, own: Option<&Budget>| match basis {
        Basis::Tuned(proof) => Some(proof.at_most),
        Basis::Model => own.map(|own| own.alpha),
        Basis::None
        | Basis::OtherModel
        | Basis::Changed
        | Basis::FewerPages { .. }
        | Basis::Hand => None,
    };
    [share(limit, own.map(|own| &own.limit)), share(block, own.map(|own| &own.block))]
}

/// What is to be said aloud of the thresholds when the gate starts, reloads or is checked.
pub fn warnings(config: &Config, model: Option<&Model>) -> Vec<String> {
    let basis = basis(config, model);
    let keys = |is_so: &dyn Fn(Basis) -> bool| -> Vec<&str> {
        KEYS.into_iter().zip(basis).filter(|(_, basis)| is_so(*basis)).map(|(key, _)| key).collect()
    };
    let mut warnings = Vec::new();
    let others = keys(&|basis| basis == Basis::OtherModel);
    if let (false, Some(model), Some(tuned)) = (others.is_empty(), model, config.tuned()) {
        warnings.push(format!(
            "{} {} tuned for another model ({}…) than {} ({}…), which is in force: nothing shows \
                how many people {} would hurt. Run \
             `kidoban tune --write` for this model, or remove {} to use its own",
            listed(&others),
            if others.len() == 1 { "was" } else { "were" },
            short(&tuned.model_sha256),
            model.file().name,
            short(model.sha256()),
            if others.len() == 1 { "it" } else { "they" },
            if others.len() == 1 { "the key" } else { "the keys" },
        ));
    }
    for key in keys(&|basis| basis == Basis::Changed) {
        warnings.push(format!(
            "{key} is not the score that [tuned] proves: it was changed by hand, \
            and nothing shows how many people it would hurt"
        ));
    }
    for (key, basis) in KEYS.into_iter().zip(basis) {
        if let Basis::FewerPages { from_pages } = basis {
            warnings.push(format!(
                "{key} is proven from {from_pages} pages on, and min_pages is \
                less: nothing shows how many people it would hurt"
            ));
        }
    }
    if keys(&|basis| basis == Basis::Hand).contains(&"block_score") {
        warnings.push(
            "block_score is set by hand: nothing shows how many people it would block".to_owned(),
        );
    }
    warnings
}

/// As many digits as tell two models apart.
fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
