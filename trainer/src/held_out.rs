//! The clients that calibrate a model, scored by models that have not seen them: what a training
//! report draws.

use std::collections::BTreeMap;

use detector::model::{Scorer, Thresholds};
use serde::Serialize;

use crate::course::Course;
use crate::evaluate::AtThreshold;
use crate::label::Label;
use crate::portrait::{Portrait, Subject, portraits};
use crate::prune::ClientIndex;
use crate::separation::Separation;
use crate::statistics::share;

/// As many clients of each side are shown one by one.
const SHOWN: usize = 20;

/// How people and bad robots lie that the scoring models did not train on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HeldOut {
    /// How their highest scores lie.
    pub separation: Separation,
    /// At the model's own thresholds; `null` where it has none, or there are not both people and
    /// bad robots.
    pub at_threshold: BTreeMap<String, Option<AtThreshold>>,
    /// People who score highest: hurt first, or labelled wrongly.
    pub people_highest: Vec<Portrait>,
    /// Bad robots that score lowest: not found, or labelled wrongly.
    pub bots_lowest: Vec<Portrait>,
}

impl HeldOut {
    pub(crate) fn of<'s>(
        course: &Course<'_>,
        scores: &[(ClientIndex, f32)],
        thresholds: &Thresholds,
        scorer: impl Fn(usize, usize) -> Option<&'s Scorer>,
    ) -> Self {
        let label = |(site, client): ClientIndex| course.sites[site].clients[client].labelled.label;
        let labelled: Vec<(Label, f32)> =
            scores.iter().map(|&(at, margin)| (label(at), margin)).collect();
        let own = [("limit", thresholds.limit.margin), ("block", thresholds.block.margin)];
        let at_threshold = own.map(|(name, margin)| {
            (name.to_owned(), margin.and_then(|margin| at(&labelled, margin)))
        });
        let first = |of: Label, sign: f32| -> Vec<ClientIndex> {
            let mut ranked: Vec<(f32, ClientIndex)> = scores
                .iter()
                .filter(|row| label(row.0) == of)
                .map(|&(client, margin)| (sign * margin, client))
                .collect();
            ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            ranked.into_iter().take(SHOWN).map(|(_, client)| client).collect()
        };
        let portray = |chosen: &[ClientIndex]| -> Vec<Portrait> {
            let mut found: BTreeMap<ClientIndex, Portrait> = BTreeMap::new();
            for (index, site) in course.sites.iter().enumerate() {
                let here = chosen.iter().filter(|(at, _)| *at == index);
                let subject = |&(_, client): &ClientIndex| {
                    Some(Subject { client, scorer: scorer(index, client)?, at_request: None })
                };
                let of: Vec<Subject<'_>> = here.filter_map(subject).collect();
                let portraits =
                    portraits(site, course.resolution_us, course.options.min_pages, &of);
                found.extend(of.iter().map(|subject| (index, subject.client)).zip(portraits));
            }
            chosen.iter().filter_map(|client| found.remove(client)).collect()
        };
        Self {
            separation: Separation::of(&labelled),
            at_threshold: at_threshold.into_iter().collect(),
            people_highest: portray(&first(Label::Human, -1.0)),
            bots_lowest: portray(&first(Label::Bad, 1.0)),
        }
    }
}

fn at(scores: &[(Label, f32)], margin: f32) -> Option<AtThreshold> {
    let of = |label: Label| {
        let all = scores.iter().filter(|row| row.0 == label);
        let above = all.clone().filter(|row| row.1 >= margin).count() as u64;
        let all = all.count() as u64;
        (all > 0).then(|| share(above, all))
    };
    let (tpr, fpr) = (of(Label::Bad)?, of(Label::Human)?);
    Some(AtThreshold { tpr: tpr.value, tpr_ci: tpr.ends(), fpr: fpr.value, fpr_ci: fpr.ends() })
}
