//! Highest scores of a training run's clients: a client is judged at each request, so its highest
//! score is what decides.

use std::collections::BTreeMap;

use detector::model::Scorer;

use super::TrainingRun;
use crate::cohort::met;
use crate::label::Label;
use crate::prune::ClientIndex;
use crate::quality::Scores;
use crate::samples::{Sample, highest};
use crate::site::Site;

impl<'a> TrainingRun<'a> {
    /// Each labelled client's highest margin over its rows with enough pages.
    pub fn highest_of_rows(&self, samples: &[Sample], margins: &[f32]) -> Scores<'a> {
        let mut best: BTreeMap<ClientIndex, f32> = BTreeMap::new();
        let judged = samples
            .iter()
            .zip(margins)
            .filter(|(sample, _)| sample.pages >= self.options.min_pages);
        for (sample, &margin) in judged {
            let best = best.entry((sample.site, sample.client)).or_insert(margin);
            *best = best.max(margin);
        }
        Scores(
            best.into_iter()
                .map(|((site, client), best)| (&self.client(site, client).labelled, best))
                .collect(),
        )
    }

    /// Highest scores, over all page requests, of the clients for which there is a scorer.
    pub fn scores<'s>(&self, scorer: impl Fn(usize, usize) -> Option<&'s Scorer>) -> Scores<'a> {
        self.named_scores(&self.highest(scorer))
    }

    /// Highest scores as in [`TrainingRun::scores`], each with its client.
    pub fn highest<'s>(
        &self,
        scorer: impl Fn(usize, usize) -> Option<&'s Scorer>,
    ) -> Vec<(ClientIndex, f32)> {
        let of = |(index, site): (usize, &Site)| {
            let best =
                highest(site, self.resolution_us, self.scoring, |client| scorer(index, client));
            let best = best
                .into_iter()
                .enumerate()
                .filter_map(|(client, best)| Some(((index, client), best?)));
            best.collect::<Vec<_>>()
        };
        self.sites.iter().enumerate().flat_map(of).collect()
    }

    /// The scores, each with its client's label.
    pub fn named_scores(&self, scores: &[(ClientIndex, f32)]) -> Scores<'a> {
        Scores(
            scores
                .iter()
                .map(|&((site, client), best)| (&self.client(site, client).labelled, best))
                .collect(),
        )
    }

    /// For each labelled person for whom there is a scorer, the highest score of a cohort that it
    /// met, if it met one.
    pub fn met_by_people<'s>(
        &self,
        scorer: impl Fn(usize, usize) -> Option<&'s Scorer>,
    ) -> Vec<Option<f32>> {
        let of = |(index, site): (usize, &Site)| {
            let is_person =
                |client: usize| self.client(index, client).labelled.label == Label::Human;
            let scorer =
                |client: usize| if is_person(client) { scorer(index, client) } else { None };
            met(site, self.resolution_us, self.options.min_pages, scorer)
        };
        self.sites.iter().enumerate().flat_map(of).flatten().collect()
    }
}
