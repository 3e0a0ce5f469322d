//! What is normal: how the features of people are distributed after the same number of pages.
//!
//! Who is a person is known only at the end of a log, so a sample of all clients is kept. At each
//! of some page counts, it keeps the thousand clients whose keys hash lowest. That choice depends
//! neither on the order of requests nor on the number of threads. Cost: 9 MB for each thread.

use std::collections::{BTreeMap, HashMap};

use detector::features::COUNT;
use detector::model::Reference;
use detector::{ClientKey, Features};
use serde::Serialize;
use trainer::evidence::{Evidence, Norms};
use trainer::label::{Label, Labels};

/// Clients kept at each page count.
const KEPT: usize = 1_000;
/// With fewer people than this, a percentile describes single persons.
pub const PEOPLE_MIN: usize = 20;
/// Every page count up to here has a sample; later ones are a fifth apart.
const EVERY_UP_TO: u32 = 20;
/// The highest page count with a sample.
const LAST: u32 = 20_000;

/// A sample of clients at each of some page counts.
#[derive(Clone, Debug, Default)]
pub struct ClientSample {
    rungs: BTreeMap<u32, BTreeMap<(u64, ClientKey), Features>>,
}

/// Whom the client was compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Clients labelled human in the labels file.
    Labelled,
    /// Clients that weak rules take for people (they load assets with a referer); no label says so.
    Guessed,
    /// The model's reference: clients of its training logs that passed, at any number of pages.
    Reference,
    /// Nobody: there are too few people here and the model has no reference.
    Nobody,
}

/// What is normal for people.
#[derive(Clone, Debug, Serialize)]
pub struct Normal {
    /// Whom it describes.
    pub source: Source,
    /// Number of clients.
    pub people: u64,
    /// At how many pages; `None` for any number.
    pub pages: Option<u32>,
    /// Distribution of each feature, in the order of the vector.
    #[serde(skip)]
    pub spreads: Vec<Option<Spread>>,
}

/// The distribution of a feature over those who have it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// 5th percentile; for a reference, the lowest decile.
    pub low: f32,
    /// Median.
    pub middle: f32,
    /// 95th percentile; for a reference, the highest decile.
    pub high: f32,
    /// Share of them below the client's value; `None` if that is missing, or if the source is a
    /// reference.
    pub below: Option<f32>,
}

/// Whether a sample is kept at this page count.
fn rung(pages: u32) -> bool {
    if pages <= EVERY_UP_TO {
        return pages >= 1;
    }
    let mut rung = EVERY_UP_TO;
    while rung < pages && rung < LAST {
        rung += (rung / 5).max(1);
    }
    rung == pages
}

impl ClientSample {
    /// Takes in a client that has asked for its `pages`-th page. `features` is called only if the
    /// client is kept.
    pub fn note(
        &mut self,
        client: ClientKey,
        pages: u32,
        features: impl FnOnce() -> Option<Features>,
    ) {
        if !rung(pages) {
            return;
        }
        let kept = self.rungs.entry(pages).or_default();
        let place = (mixed(client), client);
        if kept.len() >= KEPT && kept.last_key_value().is_some_and(|(last, _)| *last < place) {
            return;
        }
        if let Some(features) = features() {
            // A client that was evicted and came back reaches a page count twice: the first time
            // counts.
            kept.entry(place).or_insert(features);
            if kept.len() > KEPT {
                kept.pop_last();
            }
        }
    }

    /// Adds the sample of another part.
    pub fn join(&mut self, other: Self) {
        for (pages, clients) in other.rungs {
            let kept = self.rungs.entry(pages).or_default();
            kept.extend(clients);
            while kept.len() > KEPT {
                kept.pop_last();
            }
        }
    }

    /// What is normal for people with as many pages as this client, which is not counted itself;
    /// `value` are its features.
    pub fn normal(
        &self,
        (client, pages, value): (ClientKey, u32, &Features),
        labels: Option<&Labels>,
        evidence: &HashMap<ClientKey, Evidence>,
        reference: Option<&Reference>,
    ) -> Normal {
        let norms = Norms::of(evidence.values());
        let is_person = |key: ClientKey| match labels {
            Some(labels) => labels.find(key).is_some_and(|labelled| labelled.label == Label::Human),
            None => evidence
                .get(&key)
                .is_some_and(|evidence| evidence.label(&norms).label == Label::Human),
        };
        // The nearest page count below that enough people have reached.
        for (&rung, kept) in self.rungs.range(..=pages).rev() {
            let people: Vec<&Features> = kept
                .iter()
                .filter(|((_, key), _)| *key != client && is_person(*key))
                .map(|(_, row)| row)
                .collect();
            if people.len() >= PEOPLE_MIN {
                let spreads =
                    (0..COUNT).map(|index| spread(&people, index, value.0[index])).collect();
                let source = if labels.is_some() { Source::Labelled } else { Source::Guessed };
                return Normal { source, people: people.len() as u64, pages: Some(rung), spreads };
            }
        }
        match reference {
            Some(reference) => {
                let spread = |index: usize| {
                    let edges = &reference.features.get(index)?.edges;
                    let (low, high) = (*edges.first()?, *edges.last()?);
                    Some(Spread { low, middle: edges[edges.len() / 2], high, below: None })
                };
                let spreads = (0..COUNT).map(spread).collect();
                Normal {
                    source: Source::Reference,
                    people: reference.clients,
                    pages: None,
                    spreads,
                }
            }
            None => Normal {
                source: Source::Nobody,
                people: 0,
                pages: None,
                spreads: vec![None; COUNT],
            },
        }
    }
}

fn spread(people: &[&Features], index: usize, value: f32) -> Option<Spread> {
    let mut values: Vec<f32> =
        people.iter().map(|row| row.0[index]).filter(|value| !value.is_nan()).collect();
    if values.len() < PEOPLE_MIN {
        return None;
    }
    values.sort_unstable_by(f32::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    let below = || values.partition_point(|&other| other < value) as f32 / values.len() as f32;
    Some(Spread {
        low: at(0.05),
        middle: at(0.5),
        high: at(0.95),
        below: (!value.is_nan()).then(below),
    })
}

/// A client's position in the order of sampling (Stafford's mix 13 over both halves). Any fixed
/// order would do.
fn mixed(client: ClientKey) -> u64 {
    let bits = client.to_bits();
    let mut state = (bits >> 64) as u64 ^ (bits as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> ClientKey {
        ClientKey::from_text(&format!("10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255))
    }

    #[test]
    fn rungs_are_dense_first_and_then_a_fifth_apart() {
        let rungs: Vec<u32> = (0..100).filter(|&pages| rung(pages)).collect();
        assert_eq!(rungs[..20], (1..=20).collect::<Vec<_>>());
        assert_eq!(rungs[20..], [24, 28, 33, 39, 46, 55, 66, 79, 94]);
    }

    #[test]
    fn the_sample_is_the_same_in_any_order_and_in_parts() {
        let row = |number: usize| Features([number as f32; COUNT]);
        let (mut one, mut parts) =
            (ClientSample::default(), [ClientSample::default(), ClientSample::default()]);
        for number in 0..5_000 {
            one.note(key(number), 7, || Some(row(number)));
            let number = 4_999 - number;
            parts[number % 2].note(key(number), 7, || Some(row(number)));
        }
        let [mut sum, other] = parts;
        sum.join(other);
        let keys = |crowd: &ClientSample| crowd.rungs[&7].keys().copied().collect::<Vec<_>>();
        assert_eq!(keys(&one).len(), KEPT);
        assert_eq!(keys(&one), keys(&sum));
    }

    #[test]
    fn people_are_compared_with_and_nobody_else() {
        let mut crowd = ClientSample::default();
        let mut labels = "client,label\n".to_owned();
        for number in 0..200 {
            let is_person = number % 2 == 0;
            labels.push_str(&format!(
                "{},{}\n",
                key(number),
                if is_person { "human" } else { "bad" }
            ));
            let value = if is_person { number as f32 } else { 1e6 };
            crowd.note(key(number), 9, || Some(Features([value; COUNT])));
        }
        let labels = Labels::parse("l", &labels).unwrap();
        let (nobody, mine) = (HashMap::new(), Features([99.0; COUNT]));
        let normal = crowd.normal((key(0), 11, &mine), Some(&labels), &nobody, None);
        assert_eq!((normal.source, normal.people, normal.pages), (Source::Labelled, 99, Some(9)));
        let spread = normal.spreads[0].unwrap();
        assert_eq!((spread.low, spread.middle, spread.high), (12.0, 100.0, 188.0));
        assert!((spread.below.unwrap() - 49.0 / 99.0).abs() < 1e-6);
        // With fewer pages than anybody, or nobody to compare with, the answer says so.
        assert_eq!(
            crowd.normal((key(0), 8, &mine), Some(&labels), &nobody, None).source,
            Source::Nobody
        );
        assert_eq!(crowd.normal((key(0), 9, &mine), None, &nobody, None).source, Source::Nobody);
    }
}
