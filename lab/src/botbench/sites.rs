//! The same on real logs: each is judged by a model of all the others, as a shop would be by a
//! model that never saw it.
//!
//! Half of the site's people set the thresholds, the other half is counted, and the other way
//! round, as in [`trainer::protocol`]; both counts together. Rules that learn learn from the other
//! sites as well.

use std::collections::BTreeMap;

use analysis::baseline::Asked;
use trainer::label::Label;
use trainer::progress::Stage;
use trainer::protocol::{Scored, Strangers, calibrated, carried, half, half_of, model_at};
use trainer::site::{Site, Step};
use trainer::train::Options;

use super::columns::Contest;
use super::fates::{Fates, Sum};
use super::result::OfSite;
use super::{BotBenchError, Steps};
use crate::baselines::{Learner, Learnt};

/// Figures of every site that has people and bots to judge. `tell` hears how far it is.
pub(super) fn sites(
    sites: &[Site],
    options: &Options,
    seed: u64,
    tell: &(dyn Fn(Stage<'_>) + Sync),
) -> Result<Vec<OfSite>, BotBenchError> {
    if sites.len() < 2 {
        return Ok(Vec::new());
    }
    let strangers = Strangers::new(sites, options);
    let tested = (0..sites.len()).filter(|&index| strangers.is_tested(index)).count();
    let steps = Steps::new("real logs", "logs", tested, tell);
    let mut found = Vec::new();
    for (index, site) in sites.iter().enumerate().filter(|(index, _)| strangers.is_tested(*index)) {
        let scorer = strangers.fit(index, &carried())?;
        let scored = strangers.score(index, &scorer);
        let learnt = learnt(sites, index, seed);
        let (mut people, mut classes) = (Sum::default(), BTreeMap::<String, Sum>::new());
        for which in 0..2 {
            let of_half = |which| {
                let clients = scored
                    .clients
                    .iter()
                    .filter(move |(client, _)| half_of(site.clients[*client].key) == which);
                Scored::of(site, clients.copied())
            };
            let thresholds = calibrated(&of_half(which).people, options.budgets, options.min_pages);
            let resolution_us =
                sites.iter().map(|site| site.resolution_us).max().unwrap_or(1).max(1);
            let model = model_at("others", &scorer, thresholds, resolution_us)?;
            let contest = Contest {
                models: vec![("kidoban".to_owned(), model)],
                rules: Some(learnt.clone()),
            };
            pass(&contest, &half(site, 1 - which), options.min_pages, &mut people, &mut classes)?;
        }
        found.push(OfSite {
            site: site.name.clone(),
            how: format!(
                "by a model of the other {} sites; thresholds from half of its people, the others \
                    counted, and the other way round; \
                 clients with at least {} pages",
                sites.len() - 1,
                options.min_pages
            ),
            people: Some(people.row("people", "")),
            bad: classes.into_iter().map(|(why, sum)| sum.row(&why, "")).collect(),
        });
        steps.one_more();
    }
    Ok(found)
}

/// What rules learn from all sites but one.
fn learnt(sites: &[Site], left_out: usize, seed: u64) -> Learnt {
    let mut learner = Learner::default();
    let mut before = 0;
    for (_, site) in sites.iter().enumerate().filter(|(index, _)| *index != left_out) {
        site.walk(|step| {
            if step.request().is_some() {
                learner.note(&asked(site, step, before + step.client));
            }
        });
        before += site.clients.len() as u32;
    }
    learner.finish(seed)
}

fn asked<'a>(site: &'a Site, step: &Step, client: u32) -> Asked<'a> {
    Asked {
        client,
        at: step.event.at,
        method: step.event.method,
        target: site.targets.get(step.target).unwrap_or(""),
        status: step.status,
        bytes: 0,
    }
}

fn pass(
    contest: &Contest,
    site: &Site,
    min_pages: u32,
    people: &mut Sum,
    classes: &mut BTreeMap<String, Sum>,
) -> Result<(), BotBenchError> {
    let columns = contest.columns();
    let mut workers = contest.workers(site.clients.len())?;
    let mut fates = Fates::new(columns.len());
    site.walk(|step| {
        if let Some(event) = step.request() {
            let asked = asked(site, step, step.client);
            let number = fates.count(step.client as usize);
            let answer = step.is_end().then_some((step.event.at, step.status));
            for (column, worker) in workers.iter_mut().enumerate() {
                fates.note(
                    step.client as usize,
                    column,
                    number,
                    worker.see(&asked, answer, |_| *event),
                );
            }
        } else {
            workers.iter_mut().for_each(|worker| worker.end(step));
        }
    });
    for (index, client) in
        site.clients.iter().enumerate().filter(|(_, client)| client.pages >= min_pages)
    {
        match client.labelled.label {
            Label::Human => fates.add_to(people, index),
            Label::Bad => {
                fates.add_to(classes.entry(client.labelled.why.clone()).or_default(), index)
            }
            Label::GoodBot | Label::Unknown => {}
        }
    }
    Ok(())
}
