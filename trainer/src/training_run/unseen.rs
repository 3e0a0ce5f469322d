//! Models of a training run, tested on what they have not seen: a later time, or another site.

use std::sync::Arc;

use detector::{SiteProfile, Timestamp};

use super::TrainingRun;
use crate::algorithm::Fitted;
use crate::attack::Attack;
use crate::label::Label;
use crate::quality::{Figures, Scores};
use crate::site::Site;

/// Share of a site's time that trains when it is tested on the rest.
const TRAIN_SHARE: f64 = 0.7;

impl TrainingRun<'_> {
    /// Trains on the first 70 % of each site's steps and tests, site by site, on the clients that
    /// came after them.
    pub fn held_out_by_time(&self, figures: &mut Figures) {
        self.late_scores(|site, scores| {
            figures.insert_scores(&self.named("held_out", site), scores)
        });
    }

    /// Calls `visit` with each site and the scores of its late clients (see
    /// [`TrainingRun::held_out_by_time`]). Does not call it when there is nothing to learn from
    /// before the cut.
    pub fn late_scores(&self, mut visit: impl FnMut(&Site, &Scores<'_>)) {
        let cuts: Vec<Timestamp> = self.sites.iter().map(cut).collect();
        let mut early: Vec<Site> =
            self.sites.iter().zip(&cuts).map(|(site, &cut)| site.before(cut)).collect();
        // Site profiles must be learnt from the early time alone as well.
        let mut late: Vec<Site> = Vec::new();
        for (early, site) in
            early.iter_mut().zip(self.sites).filter(|(_, site)| !site.profiles.is_empty())
        {
            let Some(profile) = early.learn().ok().and_then(|file| SiteProfile::open(&file).ok())
            else {
                return;
            };
            let mut profiled = site.clone();
            profiled.use_profile(Arc::new(profile));
            late.push(profiled);
        }
        let judged =
            TrainingRun { sites: if late.is_empty() { self.sites } else { &late }, ..*self };
        // Attackers know no more of the site than the model may.
        let attack = match (&early[..], self.attack) {
            ([site], Some(_)) => Some(Attack::on(site, self.resolution_us)),
            _ => None,
        };
        let run = TrainingRun { sites: &early, attack: attack.as_ref(), ..*self };
        let Ok(Fitted { scorer, .. }) = run.fit(&run.samples(|_, _| true)) else { return };
        for (index, (site, &cut)) in self.sites.iter().zip(&cuts).enumerate() {
            let is_late =
                |at: usize, client: usize| at == index && site.clients[client].first_at >= cut;
            let scores = judged.scores(|at, client| {
                (is_late(at, client) && self.is_labelled(at, client)).then_some(&scorer)
            });
            visit(site, &scores);
        }
    }

    /// Tests on each site a model that was trained on the others.
    pub fn left_out_by_site(&self, figures: &mut Figures) {
        for (index, site) in self.sites.iter().enumerate() {
            if site.count(Label::Human) == 0 || site.count(Label::Bad) == 0 {
                continue;
            }
            let Ok(Fitted { scorer, .. }) = self.fit(&self.samples(|at, _| at != index)) else {
                continue;
            };
            let scores = self.scores(|at, client| {
                (at == index && self.is_labelled(at, client)).then_some(&scorer)
            });
            figures.insert_scores(&self.named("left_out", site), &scores);
        }
    }

    fn named(&self, what: &str, site: &Site) -> String {
        if self.sites.len() > 1 { format!("{what}/{}", site.name) } else { what.to_owned() }
    }
}

/// The time before which 70 % of the steps lie.
fn cut(site: &Site) -> Timestamp {
    let mut steps = 0_u64;
    site.walk(|_| steps += 1);
    let (index, mut place) = ((steps as f64 * TRAIN_SHARE) as u64, 0_u64);
    let mut cut = Timestamp::default();
    site.walk(|step| {
        if place == index {
            cut = step.event.at;
        }
        place += 1;
    });
    cut
}
