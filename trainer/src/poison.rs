//! Suspects: clients that must not teach a model what is ordinary, because they may be a flood that
//! came while the log was written.
//!
//! A client is a suspect if an earlier model calls most of its windows anomalous and nobody vouches
//! for it: it is unlabelled, or labelled human by a weak rule only. Suspects do not train as people
//! and are left out of the drift reference and the warm-up percentile. When the earlier model is
//! compared with a newer one, suspects count as people unless both models call them anomalous: if
//! only one does, that is its error.
//!
//! If the earlier model calls nearly all of a site's people anomalous, it does not know what is
//! ordinary there, and none of them is a suspect.

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

/// If an earlier model calls a larger share of a site's people anomalous, it is wrong about the
/// site. A flood may be more than half of those who pass for people, and must not become the norm.
const SHARE_MAX: f64 = 0.8;
/// So many people must be left, or nothing says what is ordinary.
const PEOPLE_LEFT_MIN: usize = 10;

/// Who is a suspect.
#[derive(Default)]
pub(crate) struct Suspects {
    /// The suspects.
    pub clients: HashSet<ClientIndex>,
    /// Labelled people whom the earlier model calls anomalous, and who are kept because they are
    /// nearly all of a site's people.
    pub kept: u64,
}

/// Clients that nobody vouches for and of whose windows the model calls more than half anomalous.
pub(crate) fn suspects(
    sites: &[Site],
    model: &Model,
    resolution_us: u32,
    labels_are_checked: bool,
) -> Suspects {
    let mut suspects = Suspects::default();
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
        let is_human =
            |&(_, client): &ClientIndex| site.clients[client].labelled.label == Label::Human;
        let mut anomalous = anomalous(&samples, &margins);
        let people: HashSet<ClientIndex> =
            samples.iter().map(|sample| (sample.site, sample.client)).filter(is_human).collect();
        let odd = anomalous.iter().filter(|index| is_human(index)).count();
        let left = people.len() - odd;
        if odd as f64 > SHARE_MAX * people.len() as f64 || (odd > 0 && left < PEOPLE_LEFT_MIN) {
            anomalous.retain(|index| !is_human(index));
            suspects.kept += odd as u64;
        }
        suspects.clients.extend(anomalous);
    }
    suspects
}

/// How many of a site's people an earlier model calls anomalous, and how many people there are:
/// what tells whether somebody taught the site's log that bots are people. A labels file counts as
/// weak rules do, because it may be wrong; who came to an outcome is left out.
pub fn odd_people(site: &Site, model: &Model) -> [u64; 2] {
    let mut site = site.clone();
    if let Some(profile) = model.shared_site_profile() {
        site.use_profile(profile);
    }
    let is_asked = |client: usize| {
        let labelled = &site.clients[client].labelled;
        labelled.label == Label::Human && !labelled.why.starts_with(OUTCOME)
    };
    let samples =
        samples_as(&site, 0, model.resolution_us(), |client| is_asked(client).then_some(false));
    let margins: Vec<f32> =
        samples.iter().map(|sample| model.score(&sample.features).margin()).collect();
    let people: HashSet<ClientIndex> =
        samples.iter().map(|sample| (sample.site, sample.client)).collect();
    [anomalous(&samples, &margins).len() as u64, people.len() as u64]
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
