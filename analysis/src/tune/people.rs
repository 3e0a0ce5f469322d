//! Which clients count as people, and which of them can prove a threshold.

use std::collections::{BTreeMap, HashMap};

use detector::ClientKey;
use serde::Serialize;
use traffic::conversions::ReachedConversions;
use trainer::label::{Label, Labelled};
use trainer::poison::OUTCOME;
use trainer::site::Site;

use super::options::TuneOptions;

/// The people of the logs, earlier ones included. A client is an address (for IPv6 a /64), so an
/// office behind one address is one.
#[derive(Clone, Debug, Serialize)]
pub struct People {
    /// How people were identified: by a labels file, or by weak rules and conversions.
    pub source: String,
    /// Clients taken for people.
    pub known: u64,
    /// Of these, clients that the model may have been trained on, because they came before its
    /// training ended; they prove nothing.
    pub may_have_trained: u64,
    /// Of the others, clients with too few pages to be judged: they are never refused for their own
    /// behaviour.
    pub not_judged: u64,
    /// All others: the n of every bound.
    pub judged: u64,
    /// Those by the reason of their label.
    pub by_why: BTreeMap<String, u64>,
    /// End of the model's training, in µs since the epoch.
    pub trained_until_us: i64,
    /// What is known to be unusual about them.
    pub caveats: Vec<String>,
}

/// The people who prove thresholds.
pub(super) struct ProvingPeople {
    pub(super) people: People,
    /// The highest score of each who was judged, in log-odds.
    pub(super) scores: Vec<f32>,
    /// The highest score of a cohort that each met, also of those with too few pages.
    pub(super) met: Vec<Option<f32>>,
}

impl People {
    /// Nobody yet.
    pub(super) fn none(labels_are_given: bool, trained_until_us: i64) -> Self {
        let source = if labels_are_given { "the labels file" } else { "weak rules and outcomes" };
        Self {
            source: source.to_owned(),
            known: 0,
            may_have_trained: 0,
            not_judged: 0,
            judged: 0,
            by_why: BTreeMap::new(),
            trained_until_us,
            caveats: Vec::new(),
        }
    }
}

/// Labels clients that came to a conversion as people, unless an attack or a self-declared robot
/// was seen.
pub(super) fn vouch(site: &mut Site, options: &TuneOptions) {
    let mut came: HashMap<ClientKey, ReachedConversions> = HashMap::new();
    for arrival in &options.arrivals {
        let reached = came.entry(arrival.client).or_default();
        *reached = reached.and(arrival.reached);
    }
    for client in &mut site.clients {
        let Some(reached) = came.get(&client.key) else { continue };
        if matches!(client.labelled.label, Label::Unknown | Label::Human) {
            let names =
                options.outcomes.iter().enumerate().filter(|(number, _)| reached.has(*number));
            let names: Vec<&str> = names.map(|(_, (name, _))| name.as_str()).collect();
            client.labelled =
                Labelled { label: Label::Human, why: format!("{OUTCOME}{}", names.join(", ")) };
        }
    }
}

pub(super) fn caveats(people: &People, options: &TuneOptions) -> Vec<String> {
    let mut caveats = Vec::new();
    let from_outcomes: u64 =
        people.by_why.iter().filter(|(why, _)| why.starts_with(OUTCOME)).map(|(_, n)| n).sum();
    if from_outcomes > 0 {
        caveats.push(format!(
            "{from_outcomes} of them are known by an outcome, and buyers are no random sample of \
                people: they come to a decision, and see \
             other pages than those who only look around"
        ));
    }
    if !options.labels_are_given && people.judged > from_outcomes {
        caveats.push(format!(
            "{} of them are people by a weak rule: their browser loads assets and says from where; \
                apps, text browsers and full caches are \
             not among them, and a scraper with a whole browser may be",
            people.judged - from_outcomes
        ));
    }
    if options.is_unseen {
        caveats.push("that the model has not seen them is your word (--unseen)".to_owned());
    } else if people.judged > 0 {
        caveats.push(
            "who came before the model's training ended and came again is known only if that is in \
                these logs: give the training \
             logs as well and they are left out"
                .to_owned(),
        );
    }
    caveats
}
