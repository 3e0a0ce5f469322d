//! May a newly trained model take the place of the one in force?
//!
//! Both are driven over traffic that the new one has not learnt from, at the rule that the gate
//! enforces, and the challenger must pass every gate ([`gates`]): it may refuse anybody at all, it
//! is as ready as the champion, people who are new are not refused beyond the budget, it stops what
//! the champion stops, and the people whom it learnt from are no flood in disguise.
//!
//! Only clients that come first in that traffic are judged. The champion may know some of them from
//! long ago, which flatters it: the last good model has the benefit of the doubt.

mod gates;
mod trial;

use detector::{Model, PolicyConfig, PolicyError};
use serde::Serialize;
use trainer::calibrate::Budgets;
use trainer::poison::odd_people;
use trainer::site::Site;

pub use gates::{BOTS_LOST_MAX, Gate, ODD_PEOPLE_MAX, PEOPLE_MIN};
pub use trial::Trial;

/// What the challenger learnt from, what it is judged on, and by which rule.
pub struct PromotionCase<'a> {
    /// The traffic that it was trained on.
    pub learnt: &'a Site,
    /// Later traffic of clients that are not in the other.
    pub newest: &'a Site,
    /// The policy in force.
    pub policy: &'a PolicyConfig,
    /// Which share of people may be refused.
    pub budgets: Budgets,
}

/// What was judged, and whether the challenger is promoted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Promotion {
    /// Did it pass every gate?
    pub is_promoted: bool,
    /// The conclusion in one sentence: of a challenger that is refused, every gate that it failed.
    pub words: String,
    /// Every gate.
    pub gates: Vec<Gate>,
    /// What the new model did.
    pub challenger: Trial,
    /// What the model in force did; `None` where there is none yet.
    pub champion: Option<Trial>,
}

/// Judges the challenger beside the champion.
///
/// # Errors
/// [`PolicyError`] when the policy in force contradicts one of the models.
pub fn promotion(
    challenger: &Model,
    champion: Option<&Model>,
    case: &PromotionCase<'_>,
) -> Result<Promotion, PolicyError> {
    let (new, clients) = Trial::of(challenger, case)?;
    let champion =
        champion.map(|model| Ok::<_, PolicyError>((model, Trial::of(model, case)?))).transpose()?;
    let mut gates = gates::alone(challenger, &new, case.budgets);
    if let Some((model, (old, old_clients))) = &champion {
        gates.push(gates::readiness(challenger, model));
        gates.extend(gates::beside(&clients, old_clients, [&new, old], case.budgets.delta));
        gates.push(gates::poison(odd_people(case.learnt, model)));
    }
    let failed: Vec<&str> =
        gates.iter().filter(|gate| !gate.is_passed).map(|gate| gate.words.as_str()).collect();
    let is_promoted = failed.is_empty();
    let words = match (is_promoted, &champion) {
        (true, None) => "Promoted: it is the first.".to_owned(),
        (true, Some(_)) => "Promoted: it passed every gate.".to_owned(),
        (false, None) => format!("Not promoted: {}.", failed.join("; ")),
        (false, Some(_)) => format!("The last good model stays: {}.", failed.join("; ")),
    };
    let champion = champion.map(|(_, (trial, _))| trial);
    Ok(Promotion { is_promoted, words, gates, challenger: new, champion })
}
