//! What a model remembers of the traffic it was trained on, so that a change shows later. The
//! comparison itself is the detector's ([`detector::drift`]), so that the gate can make it live.

use std::collections::BTreeSet;

use detector::model::{Reference, Scorer};

use crate::samples::Sample;

/// What the gate will compare with: the rows, from `min_pages` on, that score below the limit
/// threshold. `None` without any.
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
