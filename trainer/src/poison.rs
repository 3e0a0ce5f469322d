//! Suspects: clients that must not teach a model what is ordinary, because they may be a flood that
//! came while the log was written.
//!
//! A client is a suspect if an earlier model calls most of its windows anomalous and nobody vouches
//! for it: it is unlabelled, or labelled human by a weak rule only. Suspects do not train as people
//! and are left out of the drift reference and the warm-up percentile. When the earlier model is
//! compared with a newer one, suspects count as people unless both models call them anomalous: if
//! only one does, that is its error.

use std::collections::{BTreeMap, HashSet};

use detector::Model;

use crate::label::Label;
use crate::prune::ClientIndex;
use crate::samples::{Sample, samples_as};
use crate::site::Site;

/// How the reason of a label from an outcome begins. A checkout cannot be faked for free, so such
/// clients are vouched for.
pub const OUTCOME: &str = "outcome: ";

/// The margin from which on a window counts as anomalous: even odds. The limit threshold would be
/// too high, because it lies above everybody whom a small site knew, and a flood can stay below it.
/// People who look like bots do not train then, but they still calibrate.
const ANOMALOUS_FROM: f32 = 0.0;

/// Clients that nobody vouches for and of whose windows the model calls more than half anomalous.
pub(crate) fn suspects(
    sites: &[Site],
    model: &Model,
    resolution_us: u32,
    labels_are_checked: bool,
) -> HashSet<ClientIndex> {
    let mut suspects = HashSet::new();
    for (index, site) in sites.iter().enumerate() {
        let vouched = |client: usize| {
            let labelled = &site.clients[client].labelled;
            match labelled.label {
                Label::Unknown => false,
                Label::Human => labels_are_checked || labelled.why.starts_with(OUTCOME),
                Label::Bad | Label::GoodBot => true,
            }
        };
        let samples =
            samples_as(site, index, resolution_us, |client| (!vouched(client)).then_some(false));
        let margins: Vec<f32> =
            samples.iter().map(|sample| model.score(&sample.features).margin()).collect();
        suspects.extend(anomalous(&samples, &margins));
    }
    suspects
}

/// Clients of whose windows more than half have an anomalous margin.
pub(crate) fn anomalous(samples: &[Sample], margins: &[f32]) -> HashSet<ClientIndex> {
    let mut windows: BTreeMap<ClientIndex, (u64, u64)> = BTreeMap::new();
    for (sample, &margin) in samples.iter().zip(margins) {
        let (odd, all) = windows.entry((sample.site, sample.client)).or_default();
        *odd += u64::from(margin >= ANOMALOUS_FROM);
        *all += 1;
    }
    windows.into_iter().filter(|(_, (odd, all))| 2 * odd > *all).map(|(client, _)| client).collect()
}
