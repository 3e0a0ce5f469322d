//! An attacker who floods while a model is trained must not become the norm.
//!
//! With a model from before, clients that nobody vouches for (unlabelled, or human by a weak rule
//! only) and whose windows it mostly calls anomalous are suspects. They are not taken for people:
//! they do not train as such, and are neither in the drift reference nor in a warm-up percentile.
//! Where the model from before is compared with a newer one they do count as people, unless both
//! call them anomalous: whom only one of them mistakes is that one's error.

use std::collections::{BTreeMap, HashSet};

use detector::Model;

use crate::label::Label;
use crate::prune::ClientIndex;
use crate::samples::{Sample, samples_as};
use crate::site::Site;

/// Labels from outcomes begin so: a checkout cannot be faked for free, so these are vouched for.
pub const OUTCOME: &str = "outcome: ";

/// From even odds on a window counts as anomalous: a limit threshold lies above everybody a small
/// site knew, and a flood stays below that. People who look like bots lose their say with it, and
/// no more: they still calibrate.
const ANOMALOUS_FROM: f32 = 0.0;

/// Clients that nobody vouches for, and more than half of whose windows the model calls anomalous.
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

/// Clients more than half of whose windows have an anomalous margin.
pub(crate) fn anomalous(samples: &[Sample], margins: &[f32]) -> HashSet<ClientIndex> {
    let mut windows: BTreeMap<ClientIndex, (u64, u64)> = BTreeMap::new();
    for (sample, &margin) in samples.iter().zip(margins) {
        let (odd, all) = windows.entry((sample.site, sample.client)).or_default();
        *odd += u64::from(margin >= ANOMALOUS_FROM);
        *all += 1;
    }
    windows.into_iter().filter(|(_, (odd, all))| 2 * odd > *all).map(|(client, _)| client).collect()
}
