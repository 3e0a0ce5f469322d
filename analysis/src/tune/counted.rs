//! Whom tuning has counted: each client once, with the highest score that it reached, over as many
//! logs as one model was tuned on.
//!
//! Adding a log joins what it says of a client to what is known: the higher of two scores, and the
//! label that speaks more against a person. Joining is commutative, associative and idempotent. So
//! days may come in any order and grouping, and a log that comes twice changes nothing.
//!
//! Only a client's first visit is judged from the model's number of pages on, as a gate does, and
//! its later ones from their first page on ([`trainer::visits`]). Which visit was the first is
//! found out by joining, too. It is exact where a day of silence lies between a client's visits in
//! two logs. Where a visit reaches from one log into the next, the rest of it is judged as a later
//! visit.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use detector::{ClientKey, Model, Timestamp};
use sha2::{Digest, Sha256};
use trainer::label::{Label, Labelled};
use trainer::poison::OUTCOME;
use trainer::visits::VisitScores;

use super::people::{People, ProvingPeople};

/// A client's key, hashed with the model's digest: the same client has another hash in the proof
/// of another model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientHash(pub(super) u128);

impl ClientHash {
    fn of(client: ClientKey, model_sha256: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(b"kidoban: counted client\0")
            .chain_update(model_sha256.as_bytes())
            .chain_update(client.to_bits().to_be_bytes())
            .finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(u128::from_be_bytes(bytes))
    }
}

/// What is known of one client.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CountedClient {
    pub(super) label: Label,
    /// The reason of the label; empty where the client is no person, because nothing asks for it.
    pub(super) why: String,
    /// Was it there before the end of the model's training?
    pub(super) may_have_trained: bool,
    /// The first of its visits in all logs.
    pub(super) first: VisitScores,
    /// The highest score of its later visits.
    pub(super) later: Option<f32>,
    /// The highest score of a cohort that it met.
    pub(super) met: Option<f32>,
}

impl CountedClient {
    /// Is it worth remembering?
    fn says_something(&self) -> bool {
        self.label != Label::Unknown
            || self.may_have_trained
            || self.first.as_later.is_some()
            || self.met.is_some()
    }

    /// Whether it proves anything: a person whom the model has not seen.
    fn is_stranger(&self) -> bool {
        self.label == Label::Human && !self.may_have_trained
    }

    /// Its highest score in log-odds, of those that are enforced; `None` if it was never judged.
    fn margin(&self) -> Option<f32> {
        higher(self.first.as_first, self.later)
    }

    /// Whether its own score proves a threshold.
    fn proves(&self) -> bool {
        self.is_stranger() && self.margin().is_some()
    }

    /// Adds a visit, and other visits that are known to be later than that.
    fn visit(&mut self, other: VisitScores, later: Option<f32>) {
        self.later = higher(self.later, later);
        match self.first.first_at.cmp(&other.first_at) {
            Ordering::Equal => {
                self.first.as_first = higher(self.first.as_first, other.as_first);
                self.first.as_later = higher(self.first.as_later, other.as_later);
            }
            Ordering::Less => self.later = higher(self.later, other.as_later),
            Ordering::Greater => {
                self.later = higher(self.later, self.first.as_later);
                self.first = other;
            }
        }
    }

    /// Adds what another log says of it. A labels file may name a person who was none before.
    fn join(&mut self, other: Self, labels_are_given: bool) {
        self.may_have_trained |= other.may_have_trained;
        self.visit(other.first, other.later);
        self.met = higher(self.met, other.met);
        let is_named = labels_are_given && other.label != Label::Unknown;
        if is_named
            || speaks_against(other.label, &other.why) > speaks_against(self.label, &self.why)
        {
            (self.label, self.why) = (other.label, other.why);
        }
    }
}

/// The higher of two scores, of which either may be missing.
fn higher(one: Option<f32>, other: Option<f32>) -> Option<f32> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}

/// The order of what logs say of a client: the more, the more it counts. An attack on one day
/// outweighs an order on another, as it does within one log.
fn speaks_against(label: Label, why: &str) -> (u8, bool, std::cmp::Reverse<&str>) {
    let rank = match label {
        Label::Unknown => 0,
        Label::Human => 1,
        Label::GoodBot => 2,
        Label::Bad => 3,
    };
    (rank, why.starts_with(OUTCOME), std::cmp::Reverse(why))
}

/// One log's clients, to be added.
pub(super) struct DayClient<'a> {
    pub(super) key: ClientKey,
    pub(super) labelled: &'a Labelled,
    pub(super) first_at: Timestamp,
    pub(super) visits: &'a [VisitScores],
    pub(super) met: Option<f32>,
}

/// All clients that one model was tuned on.
#[derive(Clone, Debug, PartialEq)]
pub struct CountedClients {
    pub(super) model: String,
    pub(super) model_sha256: String,
    /// Page requests from which on they were judged.
    pub(super) min_pages: u32,
    /// Are they labelled by a file, or by weak rules?
    pub(super) labels_are_given: bool,
    /// The times that the logs cover, in µs since the epoch: ascending, and none touches another.
    pub(super) spans_us: Vec<[i64; 2]>,
    pub(super) clients: BTreeMap<ClientHash, CountedClient>,
}

impl CountedClients {
    /// Nobody yet.
    pub fn none(model: &Model, min_pages: u32, labels_are_given: bool) -> Self {
        Self {
            model: model.file().name.clone(),
            model_sha256: model.sha256().to_owned(),
            min_pages,
            labels_are_given,
            spans_us: Vec::new(),
            clients: BTreeMap::new(),
        }
    }

    /// How many clients are remembered.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// Is nobody remembered?
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// How many people prove a threshold.
    pub fn judged(&self) -> u64 {
        self.proving().count() as u64
    }

    /// The people who prove a threshold.
    pub(super) fn proving(&self) -> impl Iterator<Item = ClientHash> {
        self.clients.iter().filter(|(_, client)| client.proves()).map(|(hash, _)| *hash)
    }

    /// Does this client prove a threshold?
    pub(super) fn proves(&self, client: &ClientHash) -> bool {
        self.clients.get(client).is_some_and(CountedClient::proves)
    }

    /// The time that the logs cover, in µs.
    pub fn covered_us(&self) -> u64 {
        self.spans_us.iter().map(|[first, last]| last.abs_diff(*first)).sum()
    }

    /// Adds one log. `trained_until_us` is `None` where nobody in it can have trained the model.
    pub(super) fn add<'a>(
        &mut self,
        day: impl Iterator<Item = DayClient<'a>>,
        span_us: Option<[i64; 2]>,
        trained_until_us: Option<i64>,
    ) {
        for client in day {
            let Labelled { label, why } = client.labelled;
            let [first, later @ ..] = client.visits else { continue };
            let mut counted = CountedClient {
                label: *label,
                why: if *label == Label::Human { why.clone() } else { String::new() },
                may_have_trained: trained_until_us
                    .is_some_and(|until| client.first_at.as_micros() <= until),
                first: *first,
                later: None,
                met: client.met,
            };
            later.iter().for_each(|visit| counted.visit(*visit, None));
            if !counted.says_something() {
                continue;
            }
            match self.clients.entry(ClientHash::of(client.key, &self.model_sha256)) {
                std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(counted)),
                std::collections::btree_map::Entry::Occupied(known) => {
                    known.into_mut().join(counted, self.labels_are_given);
                }
            }
        }
        if let Some(span) = span_us {
            self.cover(span);
        }
    }

    /// Labels of a file count for everybody whom it names, whenever they came: it may have been
    /// corrected since.
    pub(super) fn relabel<'a>(&mut self, labels: impl Iterator<Item = (ClientKey, &'a Labelled)>) {
        for (client, Labelled { label, why }) in labels {
            let hash = ClientHash::of(client, &self.model_sha256);
            if let Some(known) = self.clients.get_mut(&hash) {
                known.label = *label;
                known.why = if *label == Label::Human { why.clone() } else { String::new() };
            }
        }
    }

    fn cover(&mut self, span: [i64; 2]) {
        self.spans_us.push(span);
        self.spans_us.sort_unstable();
        let mut disjoint: Vec<[i64; 2]> = Vec::new();
        for span in self.spans_us.drain(..) {
            match disjoint.last_mut() {
                Some(last) if span[0] <= last[1] => last[1] = last[1].max(span[1]),
                _ => disjoint.push(span),
            }
        }
        self.spans_us = disjoint;
    }

    /// The people among them, the scores that prove thresholds, and the cohorts that they met.
    pub(super) fn sample(&self, trained_until_us: i64) -> ProvingPeople {
        let mut people = People::none(self.labels_are_given, trained_until_us);
        let (mut scores, mut met) = (Vec::new(), Vec::new());
        for client in self.clients.values().filter(|client| client.label == Label::Human) {
            people.known += 1;
            if !client.is_stranger() {
                people.may_have_trained += 1;
                continue;
            }
            met.push(client.met);
            match client.margin() {
                None => people.not_judged += 1,
                Some(margin) => {
                    scores.push(margin);
                    people.judged += 1;
                    *people.by_why.entry(client.why.clone()).or_default() += 1;
                }
            }
        }
        ProvingPeople { people, scores, met }
    }
}

#[cfg(test)]
mod tests {
    use detector::model::ScorerFile;
    use proptest::prelude::*;
    use trainer::protocol::{model_of, without_thresholds};
    use trainer::scoring::Scoring;

    use super::*;

    const TRAINED_UNTIL: i64 = 50;

    type Seen = (u8, Label, usize, i64, Option<f32>, Option<f32>);

    fn model() -> Model {
        let zeros = || vec![0.0; detector::features::COUNT];
        let scale = vec![1.0; detector::features::COUNT];
        let scorer = ScorerFile::Logistic { bias: 0.0, mean: zeros(), scale, weight: zeros() };
        let thresholds = without_thresholds(Scoring::last_page(5));
        model_of("mute", &scorer.check().unwrap(), thresholds).unwrap()
    }

    /// A log of these clients, added.
    fn add(counted: &mut CountedClients, day: &[Seen]) {
        let whys = ["", "assets with referer", "outcome: buyer", "outcome: log-in"];
        let labelled: Vec<Labelled> = day
            .iter()
            .map(|(_, label, why, ..)| Labelled { label: *label, why: whys[*why].to_owned() })
            .collect();
        let visits: Vec<[VisitScores; 1]> = day
            .iter()
            .map(|&(_, _, _, at, margin, other)| {
                let first_at = Timestamp::from_micros(at);
                [VisitScores { first_at, as_first: margin, as_later: higher(margin, other) }]
            })
            .collect();
        let seen = day.iter().zip(&labelled).zip(&visits);
        let clients = seen.map(|((&(name, _, _, _, _, met), labelled), visits)| {
            let key = ClientKey::from_text(&format!("192.0.2.{name}"));
            DayClient { key, labelled, first_at: visits[0].first_at, visits, met }
        });
        let ends = || day.iter().map(|seen| seen.3);
        let span = ends().min().zip(ends().max()).map(|(first, last)| [first, last]);
        counted.add(clients, span, Some(TRAINED_UNTIL));
    }

    fn seen() -> impl Strategy<Value = Seen> {
        let label = prop::sample::select(&Label::ALL[..]);
        let score = || prop::option::of(-9.0_f32..9.0);
        (0_u8..40, label, 0_usize..4, 0_i64..200, score(), score())
    }

    proptest! {
        /// Days in any order, split in any way, and some of them twice, count the same people as
        /// all logs at once; and so does a file of them that was written and read between.
        #[test]
        fn order_grouping_and_repetition_count_for_nothing(
            days in prop::collection::vec(prop::collection::vec(seen(), 0..30), 1..6),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
        ) {
            let model = model();
            let mut at_once = CountedClients::none(&model, 5, false);
            add(&mut at_once, &days.concat());
            let mut by_day = CountedClients::none(&model, 5, false);
            // Some in a drawn order, then all of them backwards.
            let drawn = order.iter().map(|index| index.get(&days));
            for day in drawn.chain(days.iter().rev()) {
                add(&mut by_day, day);
                by_day = CountedClients::of_file(&by_day.to_file().unwrap()).unwrap();
            }
            prop_assert_eq!(&by_day.clients, &at_once.clients);
            let (one, other) = (by_day.sample(TRAINED_UNTIL), at_once.sample(TRAINED_UNTIL));
            prop_assert_eq!(one.scores, other.scores);
            prop_assert_eq!(one.met, other.met);
        }
    }
}
