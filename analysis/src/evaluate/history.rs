//! Passes traffic through the detector and the baselines, and keeps what was seen of each client.

use detector::{
    Action, AllowList, Class, Detector, Event, Judge, Mode, Model, Policy, PolicyConfig,
    PolicyError, Settings, Verdict,
};
use traffic::replay::{Driver, Judged, PARTS, Semantics, Traffic};
use trainer::progress::Stage;
use trainer::site::{OFFLINE_HASH_KEY, Site};

use super::refusals::RefusedBy;
use crate::baseline::{Baseline, BaselineAction, BaselineRequest};

/// Requests judged between two reports of progress: some milliseconds.
const TELL_EVERY: u64 = 4_096;

/// What was seen of one client.
#[derive(Clone, Default)]
pub(crate) struct ClientHistory {
    pub(crate) requests: u64,
    pub(crate) highest: Option<f32>,
    /// Each time it scored higher than ever before: the margin, and the number of the request.
    pub(crate) rises: Vec<(f32, u64)>,
    pub(crate) limited: u64,
    pub(crate) blocked: u64,
    /// Those by what refused them: score, guard, cohort ([`RefusedBy::ALL`]).
    pub(crate) refused_by: [u64; RefusedBy::ALL.len()],
    pub(crate) browsers: u32,
    pub(crate) detected_at: Option<u64>,
    pub(crate) stopped_at: Vec<Option<u64>>,
}

impl ClientHistory {
    /// Takes in a request and its verdict. `strictest` is the highest threshold, in log-odds.
    fn take(
        &mut self,
        event: &Event,
        verdict: &Verdict,
        strictest: Option<f32>,
        browsers: impl FnOnce() -> Option<u32>,
    ) {
        self.requests += 1;
        self.limited += u64::from(verdict.action == Action::Limit);
        self.blocked += u64::from(verdict.action == Action::Block);
        if let Some(by) = RefusedBy::of(verdict) {
            self.refused_by[by as usize] += 1;
        }
        let Some(score) = verdict.score.filter(|_| event.class == Class::Page) else { return };
        if self.highest.is_none_or(|highest| score.margin() > highest) {
            self.highest = Some(score.margin());
            self.rises.push((score.margin(), self.requests));
        }
        self.browsers = self.browsers.max(browsers().unwrap_or(0));
        if strictest.is_some_and(|margin| score.margin() >= margin) {
            self.detected_at = self.detected_at.or(Some(self.requests));
        }
    }
}

/// Passes the traffic through the detector and, beside it, the baselines.
pub(crate) fn watch(
    model: &Model,
    site: &Site,
    policy: PolicyConfig,
    baselines: &mut [Box<dyn Baseline>],
    mut tell: impl FnMut(Stage<'_>),
) -> Result<Vec<ClientHistory>, PolicyError> {
    let of = site.traffic.len();
    let strictest = model.thresholds().block.margin.or(model.thresholds().limit.margin);
    let policy = Policy::new(policy, Some(model))?;
    let judge = Judge { model: Some(model.clone()), policy, allow: AllowList::default() };
    // Far below capacity, so that clients do not affect each other's verdicts: one network can take
    // a 64th of the places.
    let capacity = site.clients.len() * 8 + 65_536;
    let detector = Detector::new(Settings { capacity, hash_key: OFFLINE_HASH_KEY }, judge);
    let mut seen =
        vec![
            ClientHistory { stopped_at: vec![None; baselines.len()], ..ClientHistory::default() };
            site.clients.len()
        ];
    // All requests of a log were answered, so everything is observed in shadow.
    let mut driver = Driver::new(Semantics::Always(Mode::Shadow));
    site.walk_parts(0..PARTS, |done, step| {
        if done.is_multiple_of(TELL_EVERY) {
            tell(Stage { name: "judging", done, of, unit: "requests" });
        }
        let seen = &mut seen[step.client as usize];
        let at_verdict = |event: &Event, verdict: &Verdict| {
            seen.take(event, verdict, strictest, || detector.browsers(event.client));
            let target = site.targets.get(step.target).unwrap_or("");
            let (client, at, method, status) = (step.client, event.at, event.method, step.status);
            let request = BaselineRequest { client, at, method, target, status, bytes: 0 };
            for (baseline, stopped_at) in baselines.iter_mut().zip(&mut seen.stopped_at) {
                if baseline.observe(&request) != BaselineAction::Passed {
                    *stopped_at = stopped_at.or(Some(seen.requests));
                }
            }
        };
        driver.step(step, &mut Judged::new(&detector, at_verdict));
    });
    Ok(seen)
}
