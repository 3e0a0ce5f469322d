//! Thresholds for a site's own log, with what they stand on, what they would stop and whose orders
//! they would cost.
//!
//! ```text
//!  log ─► people whom the model has not seen ─► highest scores ─► ladder ─► every request again, through the detector
//!         (people.rs)                                             (ladder.rs)   (pass.rs) ─► stops · sessions at risk
//! ```
//!
//! **What is proven.** If k of n people lie above a threshold and `BinomCDF(k; n, α) ≤ δ`, at most
//! a share α of the people of whom these are a sample lies above it, with confidence 1 − δ. That
//! holds for people whom the model has not seen: whoever was there before its training ended may
//! have taught it, and is left out. Where the people are too few there is no new threshold, and the
//! evidence says how many are missing. It does not hold for other days than such as these, nor for
//! people of another kind than those who were taken for people; [`People::caveats`] says who they
//! were.
//!
//! A person is refused at most if he lies above; what becomes of those above is in [`Stops`], which
//! is counted and not proven.

mod ladder;
mod pass;
mod people;
mod scores;
mod snippet;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use detector::{AllowList, Class, Model, PolicyConfig, PolicyError, Timestamp};
use serde::Serialize;
use traffic::{Arrival, Conversions};

pub use ladder::{Rung, State, Step};
pub use pass::{AtRisk, Stops};
pub use people::People;
pub use scores::{Bin, Mark};

use crate::separation::Histogram;
use crate::sources::is_trained_on;
use trainer::calibrate::Budgets;
use trainer::label::Label;
use trainer::samples::highest;
use trainer::site::Site;

/// A pause after which a client's next request begins another session: what web analytics have used
/// since the nineties (Catledge & Pitkow 1995 measured 25.5 minutes).
pub const SESSION_PAUSE_S: u64 = 1_800;

/// What to tune for.
#[derive(Clone, Debug, Default)]
pub struct TuneOptions {
    /// Share of people that may be limited and blocked, and the chance that it is more.
    pub budgets: Budgets,
    /// The policy in force: rates, durations, and the thresholds that stay where there is no proof
    /// for others.
    pub policy: PolicyConfig,
    /// Who passes unasked.
    pub allow: AllowList,
    /// Are the labels a file's? Else they are weak rules', and whoever came to an outcome counts as
    /// a person.
    pub labels_are_given: bool,
    /// The operator says that none of these clients trained the model; else those count as unseen
    /// who came after its training ended.
    pub is_unseen: bool,
    /// SHA-256 over the logs as read, in hex; empty where it is not known.
    pub data_sha256: String,
    /// Names of outcomes by their numbers, each with its patterns.
    pub outcomes: Vec<(String, Vec<String>)>,
    /// Who came to one, as [`traffic::ConversionWatch`] found them.
    pub arrivals: Vec<Arrival>,
}

impl TuneOptions {
    /// Names and patterns, as [`TuneOptions::outcomes`] wants them.
    pub fn named(outcomes: &Conversions) -> Vec<(String, Vec<String>)> {
        let patterns = |name: &String| {
            let own = outcomes.patterns().filter(|(of, _)| of == name);
            own.map(|(_, pattern)| pattern.to_string()).collect()
        };
        outcomes.names().iter().map(|name| (name.clone(), patterns(name))).collect()
    }
}

/// Why there is nothing to say.
#[derive(Debug, thiserror::Error)]
pub enum TuneError {
    /// More people blocked than limited.
    #[error(
        "the block budget is above the limit's: who may be blocked may be limited; ask for the \
            same or less"
    )]
    Budgets,
    /// The operator says that the model has not seen this log, and it has.
    #[error(
        "the model was trained on this very log: people whom it knows prove nothing. Give a later \
            log, or train with the budgets you \
         want, which keeps people apart to prove them"
    )]
    Trained,
    /// Thresholds that contradict one another.
    #[error("the policy: {0}")]
    Policy(#[from] PolicyError),
}

/// What came of it. Every count is over the requests of the log that the allow list does not let
/// pass.
#[derive(Clone, Debug, Serialize)]
pub struct Tuned {
    /// Name of the model.
    pub model: String,
    /// SHA-256 of its file, in hex.
    pub model_sha256: String,
    /// May it refuse anybody at all? Thresholds do not arm a model.
    pub is_armed: bool,
    /// First and last event, in µs since the epoch; both 0 of an empty log.
    pub span_us: [i64; 2],
    /// Clients, by label.
    pub clients: BTreeMap<Label, u64>,
    /// Requests.
    pub requests: u64,
    /// Of these, for pages.
    pub pages: u64,
    /// Page requests from which a client is judged; the thresholds hold from there on.
    pub min_pages: u32,
    /// How sure the bounds are: 1 − δ.
    pub confidence: f64,
    /// Who proves the thresholds.
    pub people: People,
    /// Limit, block, cohort.
    pub ladder: Vec<Rung>,
    /// What the whole ladder would refuse.
    pub stops: Stops,
    /// What people would have come to, and had been refused before.
    pub at_risk: Vec<AtRisk>,
    /// Highest scores by label, in twenty bins.
    pub histogram: Vec<Bin>,
    /// The same in bins of equal log-odds, which tell apart what lies near 0 and near 1.
    pub log_odds: Histogram,
    /// Other thresholds: what each would cost and reach. To look at; whoever chooses from it has no
    /// proof.
    pub marks: Vec<Mark>,
    /// What is allowed but probably not meant.
    pub warnings: Vec<String>,
}

impl Tuned {
    /// Is every budget that was asked for kept by a threshold with a proof?
    pub fn is_kept(&self) -> bool {
        self.ladder
            .iter()
            .filter(|rung| rung.step != Step::Cohort)
            .all(|rung| rung.state == State::Proven)
    }

    /// The rung of a step.
    pub fn rung(&self, step: Step) -> Option<&Rung> {
        self.ladder.iter().find(|rung| rung.step == step)
    }

    /// Keys of `[policy]` to set, with their values: those that are proven, and those that had to
    /// be raised with them.
    pub fn keys(&self) -> Vec<(&'static str, f64)> {
        let changed = self.ladder.iter().filter(|rung| rung.is_changed());
        changed.filter_map(|rung| Some((rung.step.key(), rung.score?))).collect()
    }
}

/// Tunes on one site.
///
/// # Errors
/// [`TuneError`].
pub fn tune(model: &Model, mut site: Site, options: &TuneOptions) -> Result<Tuned, TuneError> {
    if options.budgets.block_alpha > options.budgets.limit_alpha {
        return Err(TuneError::Budgets);
    }
    if options.is_unseen && is_trained_on(model.card(), &options.data_sha256) {
        return Err(TuneError::Trained);
    }
    let let_pass = exempt(&mut site, &options.allow);
    if let Some(memory) = model.shared_memory() {
        site.remember_all(memory);
    }
    if !options.labels_are_given {
        people::vouch(&mut site, options);
    }
    let min_pages = options.policy.min_pages.unwrap_or(model.thresholds().min_pages);
    let scores = highest(&site, model.resolution_us(), min_pages, |_| Some(model.scorer()));
    let sample = people::sample(&site, &scores, model, options);
    let mut ladder = ladder::ladder(&site, &sample, model, options, min_pages)?;
    let passed = pass::pass(&site, model, &ladder, options)?;
    for (rung, stops) in ladder.iter_mut().zip(&passed.steps) {
        rung.stops = stops.clone();
        rung.above =
            scores::above(&site, &scores, rung.margin.filter(|_| rung.step != Step::Cohort));
    }
    let (mut requests, mut pages) = (0, 0);
    site.walk(|step| {
        if let Some(event) = step.request() {
            requests += 1;
            pages += u64::from(event.class == Class::Page);
        }
    });
    let mut warnings = warnings(model, &site);
    let [limit, block] = [Step::Limit, Step::Block]
        .map(|step| ladder.iter().find(|rung| rung.step == step).and_then(|rung| rung.score));
    if limit.is_some() && limit == block {
        warnings.push(format!(
            "limit and block come out at the same score: whoever reaches it is limited only until \
                {} pages in a row have, and then blocked",
            options.policy.block_after_pages
        ));
    }
    let at_risk = pass::at_risk(&site, passed.sessions, options);
    for none in at_risk.iter().filter(|risk| risk.sessions == 0) {
        let patterns = none.patterns.join(", ");
        warnings.push(format!(
            "nobody in this log came to `{}`: look whether it is written so: {patterns}",
            none.outcome
        ));
    }
    if let_pass > 0 {
        warnings.push(format!("{let_pass} requests are let pass unasked and not counted here"));
    }
    Ok(Tuned {
        model: model.file().name.clone(),
        model_sha256: model.sha256().to_owned(),
        is_armed: model.readiness().is_armed(),
        span_us: site.span().map_or([0; 2], |span| span.map(Timestamp::as_micros)),
        clients: Label::ALL.into_iter().map(|label| (label, site.count(label))).collect(),
        requests,
        pages,
        min_pages,
        // Without the last bits, which are the subtraction's.
        confidence: ((1.0 - options.budgets.delta) * 1e9).round() / 1e9,
        marks: scores::marks(&site, &scores, &sample.scores, options.budgets.delta),
        histogram: scores::histogram(&site, &scores),
        log_odds: scores::log_odds(&site, &scores),
        people: sample.people,
        ladder,
        stops: passed.all,
        at_risk,
        warnings,
    })
}

/// Takes out what the operator's allow list lets pass, as the gate does before it remembers
/// anything; gives how many requests.
fn exempt(site: &mut Site, allow: &AllowList) -> u64 {
    let (clients, targets) = (&site.clients, std::sync::Arc::clone(&site.targets));
    let mut pages = vec![0_u32; clients.len()];
    let mut requests_let_pass = 0;
    // An event log tells the end of a request on a line of its own: it goes with its request.
    let mut let_pass = HashSet::new();
    std::sync::Arc::make_mut(&mut site.traffic).retain(|step| {
        let Some(event) = step.request() else { return !let_pass.remove(&step.id()) };
        let target = targets.get(step.target).unwrap_or("");
        let key = clients[step.client as usize].key;
        let is_let_pass = allow.covers(key, detector::url::split(target).0);
        let is_page = event.class == Class::Page;
        pages[step.client as usize] += u32::from(is_page && !is_let_pass);
        requests_let_pass += u64::from(is_let_pass);
        if is_let_pass && step.id() != 0 {
            let_pass.insert(step.id());
        }
        !is_let_pass
    });
    if requests_let_pass > 0 {
        for (client, pages) in site.clients.iter_mut().zip(pages) {
            client.pages = pages;
        }
    }
    requests_let_pass
}

fn warnings(model: &Model, site: &Site) -> Vec<String> {
    let mut warnings = Vec::new();
    if !model.readiness().is_armed() {
        warnings.push(format!(
            "the model is not armed, and thresholds do not arm it: kidoban run --mode enforce \
                refuses it. {}",
            model.readiness()
        ));
    }
    if site.resolution_us > model.resolution_us() {
        let seconds = |us: u32| format!("{} s", f64::from(us) / 1e6);
        warnings.push(format!(
            "this log tells time to {}, the model wants it to {}: live scores will differ; train \
                on a log like this one, or tune on \
             the gate's own event log",
            seconds(site.resolution_us),
            seconds(model.resolution_us())
        ));
    }
    warnings
}
