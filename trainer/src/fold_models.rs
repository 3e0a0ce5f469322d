//! Models of the folds of a training run: what they say about labels, algorithms and the base.

use std::collections::{BTreeMap, HashSet};

use detector::model::Scorer;

use crate::adaboost::AdaBoostParams;
use crate::adapt::{gain, is_worth_it};
use crate::algorithm::{Algorithm, Fitted};
use crate::attack::assumed;
use crate::boosted::BoostedParams;
use crate::calibrate::Proof;
use crate::client_folds::FOLDS;
use crate::error::TrainError;
use crate::label::Label;
use crate::logistic::LogisticParams;
use crate::poison;
use crate::progress::Moment;
use crate::prune::{ClientIndex, doubted};
use crate::quality::Figures;
use crate::samples::Sample;
use crate::training_run::TrainingRun;

/// How often assumed people are looked through for attackers.
const ROUNDS: usize = 2;

/// One model for each fold of the clients, trained without it, and what these models say about
/// labels, algorithms and the base.
pub(crate) struct FoldModels {
    /// The models by fold; empty if nothing needs them.
    pub scorers: Vec<Scorer>,
    /// Clients whose labels are contradicted and who do not train.
    pub doubted: HashSet<ClientIndex>,
    /// Is the base kept as it was, because adapting it plainly lost?
    pub keeps_base: bool,
}

impl FoldModels {
    /// Fits the models that the options and the way of proof need, and measures what they are for.
    pub fn new(
        run: &TrainingRun<'_>,
        samples: &[Sample],
        proof: Proof,
        figures: &mut Figures,
        dropped: &mut BTreeMap<String, u64>,
    ) -> Result<Self, TrainError> {
        let options = run.options;
        let mut models = Self { scorers: Vec::new(), doubted: HashSet::new(), keeps_base: false };
        let is_needed = proof == Proof::CrossFitted
            || options.base.is_some()
            || options.compares
            || options.prunes;
        if !is_needed {
            return Ok(models);
        }
        // Without people nothing can be fitted, but a base can be kept.
        if let Some(base) = &options.base
            && samples.iter().all(|sample| sample.bad)
        {
            models.scorers = vec![base.model().scorer().clone(); FOLDS as usize];
            models.keeps_base = true;
            return Ok(models);
        }
        run.begin("cross-fitting", FOLDS, &options.algorithm);
        let measure = |name: &str, margins: &[f32], figures: &mut Figures| {
            figures.insert_scores(name, &run.highest_of_rows(samples, margins));
        };
        models.scorers = run.cross_fit(&options.algorithm, samples, &models.doubted)?;
        models.leave_out_unlikely(run, samples, dropped)?;
        if options.prunes {
            run.begin("looking for wrong labels", FOLDS, &options.algorithm);
            let margins = run.out_of_fold(samples, &models.scorers);
            // Unknown clients have no label to doubt, and people by assumption were looked through.
            let is_labelled = |sample: &&Sample| {
                run.is_labelled(sample.site, sample.client)
                    && !run.is_assumed(sample.site, sample.client)
            };
            let labelled: Vec<Sample> = samples.iter().filter(is_labelled).cloned().collect();
            let of_labelled: Vec<f32> = run.out_of_fold(&labelled, &models.scorers);
            models.doubted.extend(doubted(&labelled, &of_labelled));
            measure("before_pruning", &margins, figures);
            if !models.doubted.is_empty() {
                models.prune(run, samples, &margins, figures, dropped)?;
            }
        }
        if options.compares {
            let all = [
                Algorithm::Boosted(BoostedParams::default()),
                Algorithm::Logistic(LogisticParams::default()),
                Algorithm::AdaBoost(AdaBoostParams::default()),
            ];
            // Progress is counted in fits, because only one of the algorithms grows trees as ours.
            let others =
                all.iter().filter(|other| other.name() != options.algorithm.name()).count() as u64;
            (run.tell)(Moment::Begins {
                name: "comparing algorithms",
                fits: others * FOLDS,
                trees_max: None,
            });
            for algorithm in all {
                let is_chosen = algorithm.name() == options.algorithm.name();
                let fitted = if is_chosen {
                    Ok(models.scorers.clone())
                } else {
                    run.cross_fit(&algorithm, samples, &models.doubted)
                };
                // An algorithm that fails on these rows has no line in the table.
                let Ok(scorers) = fitted else { continue };
                let margins = run.out_of_fold(samples, &scorers);
                measure(&format!("compare/{}", algorithm.name()), &margins, figures);
            }
        }
        Ok(models)
    }

    /// Leaves out those of the people taken for such by assumption that the models take for
    /// attackers, and fits again, so often as [`ROUNDS`] says: without the first of them, models
    /// see the others better.
    fn leave_out_unlikely(
        &mut self,
        run: &TrainingRun<'_>,
        samples: &[Sample],
        dropped: &mut BTreeMap<String, u64>,
    ) -> Result<(), TrainError> {
        for _ in 0..ROUNDS {
            let margins = run.out_of_fold(samples, &self.scorers);
            let unlikely = assumed::unlikely(run.sites, samples, &margins);
            if unlikely == self.doubted {
                break;
            }
            self.doubted = unlikely;
            run.begin("leaving out attackers", FOLDS, &run.options.algorithm);
            self.scorers = run.cross_fit(&run.options.algorithm, samples, &self.doubted)?;
        }
        if !self.doubted.is_empty() {
            dropped.insert(
                "taken for a person, looks like an attacker: left out".to_owned(),
                self.doubted.len() as u64,
            );
        }
        Ok(())
    }

    /// Fits again without the doubted clients. Keeps that if it orders the clients at least as well
    /// **as they are labelled**, with the doubted counted as people. The share of bots caught at 1
    /// % of people hurt is no measure here: where more than 1 % of people are bots, it only says
    /// where those lie.
    fn prune(
        &mut self,
        run: &TrainingRun<'_>,
        samples: &[Sample],
        before: &[f32],
        figures: &mut Figures,
        dropped: &mut BTreeMap<String, u64>,
    ) -> Result<(), TrainError> {
        let pruned = run.cross_fit(&run.options.algorithm, samples, &self.doubted)?;
        let before = run.highest_of_rows(samples, before);
        let after = run.highest_of_rows(samples, &run.out_of_fold(samples, &pruned));
        figures.insert_scores("after_pruning", &after);
        let [people, bots] =
            [Label::Human, Label::Bad].map(|label| [before.of(label), after.of(label)]);
        let is_kept = gain([&people[0], &people[1]], [&bots[0], &bots[1]])
            .is_some_and(|gain| gain.value >= 0.0);
        let labelled = self.doubted.iter().filter(|index| !run.is_assumed(index.0, index.1));
        for &(site, client) in labelled {
            let label = run.sites[site].clients[client].labelled.label;
            let verdict = if is_kept {
                "left out of training"
            } else {
                "trained on, as leaving them out lost"
            };
            *dropped.entry(format!("labelled {label}, looks otherwise: {verdict}")).or_insert(0) +=
                1;
        }
        if is_kept {
            self.scorers = pruned;
        } else {
            self.doubted.retain(|&(site, client)| run.is_assumed(site, client));
        }
        Ok(())
    }

    /// Keeps the base where adapting it plainly loses on clients that the adapted models did not
    /// see. Suspects did not train, so no model has seen them. Those whom both models call
    /// anomalous are left out; those whom the base alone mistakes count against it.
    pub fn weigh_base(
        &mut self,
        run: &TrainingRun<'_>,
        samples: &[Sample],
        mut suspected: Vec<Sample>,
        figures: &mut Figures,
    ) {
        let Some(base) = &run.options.base else { return };
        if self.keeps_base {
            return;
        }
        let to_both = poison::anomalous(&suspected, &run.out_of_fold(&suspected, &self.scorers));
        suspected.retain(|sample| !to_both.contains(&(sample.site, sample.client)));
        let samples = &[samples, &suspected].concat();
        let scorer = base.model().scorer();
        let by_base: Vec<f32> =
            samples.iter().map(|sample| scorer.margin(&sample.features)).collect();
        let by_base = run.highest_of_rows(samples, &by_base);
        let adapted = run.highest_of_rows(samples, &run.out_of_fold(samples, &self.scorers));
        figures.insert_scores("base", &by_base);
        figures.insert_scores("adapted", &adapted);
        let [people, bots] =
            [Label::Human, Label::Bad].map(|label| [by_base.of(label), adapted.of(label)]);
        let mut gain_of = gain([&people[0], &people[1]], [&bots[0], &bots[1]]);
        // A log without bots: attackers stand for them.
        if gain_of.is_none()
            && let Some(attack) = run.attack
        {
            let min_pages = run.options.min_pages;
            let base = vec![scorer.clone(); self.scorers.len()];
            let bots = [&base, &self.scorers].map(|models| attack.highest(models, min_pages));
            gain_of = gain([&people[0], &people[1]], [&bots[0], &bots[1]]);
        }
        let gain = gain_of;
        if let Some(gain) = gain {
            figures.insert_one(
                "gain/auc".to_owned(),
                gain,
                (people[0].len() as u64, bots[0].len() as u64),
            );
        }
        self.keeps_base = !gain.is_some_and(is_worth_it);
        if self.keeps_base {
            self.scorers = vec![scorer.clone(); self.scorers.len()];
        }
    }

    /// The model to write: the base if it is kept, otherwise a new one fitted to these samples.
    pub fn fit(&self, run: &TrainingRun<'_>, samples: &[Sample]) -> Result<Fitted, TrainError> {
        match &run.options.base {
            Some(base) if self.keeps_base => {
                Ok(Fitted { scorer: base.model().scorer().clone(), rounds: Some(0) })
            }
            _ => run.fit(samples),
        }
    }
}
