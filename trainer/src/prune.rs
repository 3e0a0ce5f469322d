//! Which labels not to believe: confident learning, one pass.
//!
//! After Northcutt, Jiang & Chuang 2021 (JAIR 70): a label is doubted when models that have not seen the client are as sure of
//! the other class as they are, on average, of clients that carry that other label. By client, not by row. Doubted
//! clients do not train; they count in every figure, and people among them still calibrate: a false-positive budget that
//! leaves out whoever looks odd would prove nothing.

use std::collections::{BTreeMap, HashSet};

use crate::samples::Sample;

/// A client: index of its site, and there.
pub(crate) type ClientIndex = (usize, usize);
/// At most this share of a class is doubted: a model that doubts more is the one to doubt.
const SHARE_MAX: f64 = 0.6;

/// Clients whose label the out-of-fold margins contradict.
pub(crate) fn doubted(samples: &[Sample], margins: &[f32]) -> HashSet<ClientIndex> {
    let mut clients: BTreeMap<ClientIndex, (bool, f64, f64)> = BTreeMap::new();
    for (sample, &margin) in samples.iter().zip(margins) {
        let p = 1.0 / (1.0 + (-f64::from(margin)).exp());
        let (_, sum, rows) = clients.entry((sample.site, sample.client)).or_insert((sample.bad, 0.0, 0.0));
        *sum += p;
        *rows += 1.0;
    }
    // How sure of its own class the model is, client by client.
    let sureness = |bad: bool| {
        let of_class = clients.values().filter(move |client| client.0 == bad);
        of_class.map(move |&(_, sum, rows)| if bad { sum / rows } else { 1.0 - sum / rows })
    };
    let mean = |bad: bool| sureness(bad).sum::<f64>() / (sureness(bad).count() as f64).max(1.0);
    let threshold = [mean(false), mean(true)];
    let mut doubted = HashSet::new();
    for bad in [false, true] {
        let of_other = |sum: f64, rows: f64| if bad { 1.0 - sum / rows } else { sum / rows };
        let mut contradicted: Vec<(f64, ClientIndex)> = clients
            .iter()
            .filter(|(_, client)| client.0 == bad)
            .map(|(&index, &(_, sum, rows))| (of_other(sum, rows), index))
            .filter(|&(other, _)| other > 0.5 && other >= threshold[usize::from(!bad)])
            .collect();
        contradicted.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let most = (sureness(bad).count() as f64 * SHARE_MAX) as usize;
        doubted.extend(contradicted.into_iter().take(most).map(|(_, index)| index));
    }
    doubted
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
    fn a_client_is_doubted_when_the_model_is_as_sure_of_the_other_class_as_of_that_class() {
        // Bots score 2 on average; one "person" scores 3, one 1.
        let samples = [(0, true), (1, true), (2, false), (3, false), (4, false), (5, false)].map(|(c, b)| sample(c, b));
        let doubted = doubted(&samples, &[2.0, 2.0, 3.0, 1.0, -2.0, -2.0]);
        assert_eq!(doubted, HashSet::from([(0, 2)]));
    }

    #[test]
    fn one_odd_row_of_many_does_not_make_a_client_doubtful() {
        let samples: Vec<Sample> =
            (0..4).map(|_| sample(0, false)).chain([sample(1, true), sample(2, false)]).collect();
        assert!(doubted(&samples, &[4.0, -2.0, -2.0, -2.0, 2.0, -2.0]).is_empty());
    }
}
