//! The reference that drift is measured against: distributions in the traffic that a model was
//! trained on. The comparison is the detector's ([`detector::drift`]), so that a gate can make it
//! live.

use std::collections::BTreeSet;

use detector::model::{Reference, Scorer};

use crate::samples::Sample;

/// The reference from the rows with at least `min_pages` pages that score below the limit
/// threshold. `None` if there are none.
pub(crate) fn reference(
    samples: &[Sample],
    scorer: &Scorer,
    min_pages: u32,
    limit: Option<f32>,
) -> Option<Reference> {
    let scored = samples
        .iter()
        .filter(|sample| sample.pages >= min_pages)
        .map(|sample| (sample, scorer.margin(&sample.features)));
    let passed: Vec<(&Sample, f32)> =
        scored.filter(|(_, margin)| limit.is_none_or(|limit| *margin < limit)).collect();
    let clients: BTreeSet<_> =
        passed.iter().map(|(sample, _)| (sample.site, sample.client)).collect();
    detector::drift::reference(
        passed.iter().map(|(sample, margin)| (&sample.features, *margin)),
        clients.len() as u64,
    )
}
