//! Finds thresholds for a site's own log, with their evidence, what they would stop, and how many
//! orders they would cost.
//!
//! ```text
//!  log ─► people whom the model has not seen ─► highest scores ─► ladder ─► every request again, through the detector
//!         (people.rs)                                             (ladder.rs)   (pass.rs) ─► stops · sessions at risk
//! ```
//!
//! **What is proven.** If k of n people lie above a threshold and `BinomCDF(k; n, α) ≤ δ`, then at
//! most a share α of all such people lies above it, with confidence 1 − δ. This holds for people
//! whom the model has not seen. Clients from before the end of its training may have been trained
//! on and are left out. With too few people there is no new threshold, and the evidence says how
//! many are missing. The proof does not extend to other kinds of days, nor to other kinds of people
//! than those in the sample; [`People::caveats`] describes them.
//!
//! A person can be refused only if above a threshold. What becomes of those above is in [`Stops`];
//! it is counted, not proven.

mod counted;
mod ladder;
mod options;
mod pass;
mod people;
mod progress;
mod proof_file;
mod scores;
mod snippet;
mod step;
mod stops;
#[cfg(test)]
mod tests;
mod tuned;

use std::collections::HashSet;

use detector::{AllowList, Class, Model, Timestamp};
use trainer::calibrate::people_needed;
use trainer::cohort::met;
use trainer::label::Label;
use trainer::samples::highest;
use trainer::scoring::Scoring;
use trainer::site::Site;
use trainer::visits::visits;

pub use counted::CountedClients;
pub use ladder::{StepThreshold, ThresholdState};
pub use options::{TuneError, TuneOptions};
pub use pass::SESSION_PAUSE_S;
pub use people::People;
pub use progress::ProofProgress;
pub use proof_file::ProofError;
pub use scores::{AlternativeThreshold, Bin};
pub use step::LadderStep;
pub use stops::{AtRisk, Stops};
pub use tuned::Tuned;

use counted::DayClient;

use crate::sources::is_trained_on;

/// Finds thresholds for one site.
///
/// # Errors
/// [`TuneError`].
pub fn tune(model: &Model, site: Site, options: &TuneOptions) -> Result<Tuned, TuneError> {
    tune_with(model, site, options, &mut None)
}

/// Finds thresholds for one site, proven by its people and by those whom earlier logs of it have
/// `counted`. Adds its clients to those.
///
/// # Errors
/// [`TuneError`]; nobody is added then.
pub fn tune_with(
    model: &Model,
    mut site: Site,
    options: &TuneOptions,
    counted: &mut Option<CountedClients>,
) -> Result<Tuned, TuneError> {
    if options.budgets.block_alpha > options.budgets.limit_alpha {
        return Err(TuneError::Budgets);
    }
    if options.is_unseen && is_trained_on(model.card(), &options.data_sha256) {
        return Err(TuneError::Trained);
    }
    let min_pages = options.policy.min_pages.unwrap_or(model.thresholds().min_pages);
    if let Some(counted) = counted {
        counted.check(model, min_pages, options.labels_are_given)?;
    }
    let let_pass = exempt(&mut site, &options.allow);
    if let Some(profile) = model.shared_site_profile() {
        site.use_profile(profile);
    }
    if !options.labels_are_given {
        people::vouch(&mut site, options);
    }
    let scoring = Scoring { min_pages, rule: model.score_rule() };
    let scores = highest(&site, model.resolution_us(), scoring, |_| Some(model.scorer()));
    let (all, proof) = count(model, &site, options, counted.as_ref());
    let mut sample = all.sample(model.card().trained_until_us);
    sample.people.caveats = people::caveats(&sample.people, options);
    let mut ladder = ladder::ladder(&sample, model, options)?;
    let passed = pass::pass(&site, model, &ladder, options)?;
    for (rung, stops) in ladder.iter_mut().zip(&passed.steps) {
        rung.stops = stops.clone();
        rung.above =
            scores::above(&site, &scores, rung.margin.filter(|_| rung.step != LadderStep::Cohort));
    }
    let (mut requests, mut pages) = (0, 0);
    site.walk(|step| {
        if let Some(event) = step.request() {
            requests += 1;
            pages += u64::from(event.class == Class::Page);
        }
    });
    let mut warnings = warnings(model, &site);
    let [limit, block] = [LadderStep::Limit, LadderStep::Block]
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
    *counted = Some(all);
    Ok(Tuned {
        model: model.file().name.clone(),
        model_sha256: model.sha256().to_owned(),
        is_armed: model.readiness().is_armed(),
        span_us: site.span().map_or([0; 2], |span| span.map(Timestamp::as_micros)),
        clients: Label::ALL.into_iter().map(|label| (label, site.count(label))).collect(),
        requests,
        pages,
        min_pages,
        // Rounded, because the subtraction leaves errors in the last bits.
        confidence: ((1.0 - options.budgets.delta) * 1e9).round() / 1e9,
        marks: scores::marks(&site, &scores, &sample.scores, options.budgets.delta),
        histogram: scores::histogram(&site, &scores),
        log_odds: scores::log_odds(&site, &scores),
        people: sample.people,
        proof,
        ladder,
        stops: passed.all,
        at_risk,
        warnings,
    })
}

/// Everybody counted: those of before and the site's clients.
fn count(
    model: &Model,
    site: &Site,
    options: &TuneOptions,
    before: Option<&CountedClients>,
) -> (CountedClients, ProofProgress) {
    let min_pages = options.policy.min_pages.unwrap_or(model.thresholds().min_pages);
    let met = met(site, model.resolution_us(), min_pages, |_| Some(model.scorer()));
    let fresh = || CountedClients::none(model, min_pages, options.labels_are_given);
    let mut all = before.cloned().unwrap_or_else(fresh);
    let (n_before, before_us) = (all.judged(), all.covered_us());
    let of_before: Vec<_> = all.proving().collect();
    let scoring = Scoring { min_pages, rule: model.score_rule() };
    let visits = visits(site, model.resolution_us(), scoring, model.scorer());
    let clients =
        site.clients.iter().zip(&visits).zip(met).map(|((client, visits), met)| DayClient {
            key: client.key,
            labelled: &client.labelled,
            first_at: client.first_at,
            visits,
            met: met.flatten(),
        });
    let span_us = site.span().map(|span| span.map(Timestamp::as_micros));
    let trained_until_us = (!options.is_unseen).then(|| model.card().trained_until_us);
    all.add(clients, span_us, trained_until_us);
    all.relabel(options.labels.iter().map(|(client, labelled)| (*client, labelled)));
    let kept = of_before.iter().filter(|client| all.proves(client)).count() as u64;
    let needed = people_needed(options.budgets.block_alpha, options.budgets.delta);
    let progress =
        ProofProgress::of([n_before, kept, all.judged()], needed, [before_us, all.covered_us()]);
    (all, progress)
}

/// Removes the requests that the operator's allow list lets pass, as the gate does before it
/// remembers anything. Returns their number.
fn exempt(site: &mut Site, allow: &AllowList) -> u64 {
    let (clients, targets) = (&site.clients, std::sync::Arc::clone(&site.targets));
    let mut pages = vec![0_u32; clients.len()];
    let mut requests_let_pass = 0;
    // In an event log the outcome of a request is a line of its own; it is removed with its
    // request.
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
