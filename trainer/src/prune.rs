//! Labels that models contradict, found in one pass, after the confident learning of Northcutt,
//! Jiang & Chuang 2021 (JAIR 70).
//!
//! A person is doubted when models that have not seen the client call it a bot at even odds. By
//! client, not by row. Bots are never doubted: the hard ones look like people and are what a model
//! must learn. And nobody is compared with how sure the model is of bots on average, as that paper
//! does: wrong labels keep it from being sure of any (`docs/design/features-and-training.md`).
//! Doubted clients do not train; they still calibrate: a false-positive budget that leaves out
//! whoever looks odd would prove nothing.

use std::collections::{BTreeMap, HashSet};

use crate::samples::Sample;

/// A client: the index of its site, and its own index there.
pub(crate) type ClientIndex = (usize, usize);
/// At most this share of people is doubted. If a model contradicts more labels, the model is wrong.
const SHARE_MAX: f64 = 0.6;

/// People whom models that have not seen them call bots.
pub(crate) fn doubted(samples: &[Sample], margins: &[f32]) -> HashSet<ClientIndex> {
    let mut clients: BTreeMap<ClientIndex, (bool, f64, f64)> = BTreeMap::new();
    for (sample, &margin) in samples.iter().zip(margins) {
        let p = 1.0 / (1.0 + (-f64::from(margin)).exp());
        let (_, sum, rows) =
            clients.entry((sample.site, sample.client)).or_insert((sample.bad, 0.0, 0.0));
        *sum += p;
        *rows += 1.0;
    }
    let people = clients.iter().filter(|(_, client)| !client.0);
    let most = (people.clone().count() as f64 * SHARE_MAX) as usize;
    let mut contradicted: Vec<(f64, ClientIndex)> = people
        .map(|(&index, &(_, sum, rows))| (sum / rows, index))
        .filter(|&(bad, _)| bad > 0.5)
        .collect();
    contradicted.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    contradicted.into_iter().take(most).map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use detector::Features;
    use detector::features::COUNT;

    use super::*;

    fn sample(client: usize, bad: bool) -> Sample {
        Sample { site: 0, client, pages: 5, features: Features([0.0; COUNT]), bad }
    }

    #[test]
    fn a_person_is_doubted_from_even_odds_on_and_a_bot_never() {
        let samples = [(0, true), (1, true), (2, false), (3, false), (4, false), (5, false)]
            .map(|(c, b)| sample(c, b));
        let doubted = doubted(&samples, &[2.0, -3.0, 3.0, -0.1, 0.1, -2.0]);
        assert_eq!(doubted, HashSet::from([(0, 2), (0, 4)]));
    }

    #[test]
    fn a_model_that_doubts_nearly_everybody_is_not_believed_altogether() {
        let samples: Vec<Sample> = (0..10).map(|client| sample(client, false)).collect();
        let margins: Vec<f32> = (0..10).map(|client| 1.0 + client as f32).collect();
        assert_eq!(doubted(&samples, &margins), (4..10).map(|client| (0, client)).collect());
    }

    #[test]
    fn one_odd_row_of_many_does_not_make_a_client_doubtful() {
        let samples: Vec<Sample> =
            (0..4).map(|_| sample(0, false)).chain([sample(1, true), sample(2, false)]).collect();
        assert!(doubted(&samples, &[4.0, -2.0, -2.0, -2.0, 2.0, -2.0]).is_empty());
    }
}
