//! Fitting models for a training run: once, or once for each fold of the clients.

use std::collections::HashSet;

use detector::model::Scorer;

use super::TrainingRun;
use crate::algorithm::{Algorithm, Fitted};
use crate::augmentation::Augmentation;
use crate::client_folds::{FOLDS, early_stopping_number};
use crate::error::TrainError;
use crate::progress::Moment;
use crate::prune::ClientIndex;
use crate::samples::{Rows, Sample, is_told, worst_moments};

/// How many rows a person's worst moment counts as.
const WORST_WEIGHT: usize = 3;

impl TrainingRun<'_> {
    /// Fits the chosen algorithm.
    pub fn fit(&self, samples: &[Sample]) -> Result<Fitted, TrainError> {
        self.fit_with(&self.options.algorithm, samples, None)
    }

    /// Fits an algorithm. For one site the chosen algorithm is fitted a second time, with the worst
    /// moments of its people added.
    ///
    /// Attackers of the fold `without` do not train.
    fn fit_with(
        &self,
        algorithm: &Algorithm,
        samples: &[Sample],
        without: Option<usize>,
    ) -> Result<Fitted, TrainError> {
        let mut clients = self.early_stopping_numbers(samples);
        let is_chosen = *algorithm == self.options.algorithm;
        let base = self.options.base.as_ref().filter(|_| is_chosen).map(|base| base.trees());
        let rows = self.augmented_rows(samples, &mut clients, without)?;
        let grown = || (self.tell)(Moment::Grown);
        let fitted = algorithm.fit_by_client(&rows, &clients, base, &grown)?;
        (self.tell)(Moment::Fitted);
        // A model of several sites sees only the features that mean the same on all of them. There
        // worst moments are peculiar to a site and do harm: area 0.896 → 0.889. The algorithms that
        // ours is compared with are slow to fit twice.
        if self.fits_of(is_chosen) == 1 {
            return Ok(fitted);
        }
        let worst = self.worst_moments(samples, &fitted.scorer);
        let samples: Vec<Sample> = samples.iter().chain(&worst).cloned().collect();
        let mut clients = self.early_stopping_numbers(&samples);
        let rows = self.augmented_rows(&samples, &mut clients, without)?;
        let fitted = algorithm.fit_by_client(&rows, &clients, base, &grown)?;
        (self.tell)(Moment::Fitted);
        Ok(fitted)
    }

    fn early_stopping_numbers(&self, samples: &[Sample]) -> Vec<u64> {
        let number =
            |sample: &Sample| early_stopping_number(self.client(sample.site, sample.client).key);
        samples.iter().map(number).collect()
    }

    fn augmented_rows(
        &self,
        samples: &[Sample],
        clients: &mut Vec<u64>,
        without: Option<usize>,
    ) -> Result<Rows, TrainError> {
        let told = |feature| is_told(feature, self.sites);
        let rows = Augmentation::measured(self.resolution_us).join(
            self.rows(samples),
            clients,
            samples,
            told,
        )?;
        match self.attack {
            Some(attack) => attack.join(rows, clients, samples, without),
            None => Ok(rows),
        }
    }

    /// The page request at which each of these people scores highest, several times over. A person
    /// is refused at the worst moment of a visit and not at an average one, and rows at fixed page
    /// counts rarely hit it (hard examples; Sung & Poggio 1998).
    fn worst_moments(&self, samples: &[Sample], scorer: &Scorer) -> Vec<Sample> {
        let people: HashSet<ClientIndex> =
            samples.iter().filter(|s| !s.bad).map(|s| (s.site, s.client)).collect();
        let of = |(index, site)| {
            let takes = |client| people.contains(&(index, client));
            worst_moments(site, index, self.resolution_us, self.scoring, takes, scorer)
        };
        let worst: Vec<Sample> = self.sites.iter().enumerate().flat_map(of).collect();
        worst.iter().cycle().take(worst.len() * WORST_WEIGHT).cloned().collect()
    }

    /// One model for each fold, trained on the clients of the other folds except those left out.
    pub fn cross_fit(
        &self,
        algorithm: &Algorithm,
        samples: &[Sample],
        left_out: &HashSet<ClientIndex>,
    ) -> Result<Vec<Scorer>, TrainError> {
        let of_fold = |fold: usize| {
            let trains = |s: &&Sample| {
                self.fold(s.site, s.client) != fold && !left_out.contains(&(s.site, s.client))
            };
            let kept: Vec<Sample> = samples.iter().filter(trains).cloned().collect();
            Ok(self.fit_with(algorithm, &kept, Some(fold))?.scorer)
        };
        (0..FOLDS as usize).map(of_fold).collect()
    }

    /// Each row's margin, by the model that has not seen its client.
    pub fn out_of_fold(&self, samples: &[Sample], scorers: &[Scorer]) -> Vec<f32> {
        samples.iter().map(|s| scorers[self.fold(s.site, s.client)].margin(&s.features)).collect()
    }
}
