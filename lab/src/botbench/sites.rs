//! The benchmark on real logs: each site is judged by a model of all the others, as a new shop
//! would be by a model that has never seen it.

use std::collections::BTreeMap;

use analysis::baseline::BaselineRequest;
use trainer::label::Label;
use trainer::progress::Stage;
use trainer::protocol::{Scored, Strangers, calibrated, carried, half, half_of, model_at};
use trainer::samples::resolution_us;
use trainer::site::{Site, Step};
use trainer::train::Options;

use super::client_results::{ClientResults, PopulationSum};
use super::columns::ColumnSet;
use super::options::BotBenchError;
use super::result::OfSite;
use super::stage_progress::StageProgress;
use crate::baselines::{LearntRules, RuleLearner};

/// Results for every site that has people and bots to judge. `tell` is called with the progress.
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
    let steps = StageProgress::new("real logs", "logs", tested, tell);
    let mut found = Vec::new();
    for (index, site) in sites.iter().enumerate().filter(|(index, _)| strangers.is_tested(*index)) {
        let scorer = strangers.fit(index, &carried())?;
        let scored = strangers.score(index, &scorer);
        let learnt = learnt(sites, index, seed);
        let (mut people, mut classes) =
            (PopulationSum::default(), BTreeMap::<String, PopulationSum>::new());
        for which in 0..2 {
            let of_half = |which| {
                let clients = scored
                    .clients
                    .iter()
                    .filter(move |(client, _)| half_of(site.clients[*client].key) == which);
                Scored::of(site, clients.copied())
            };
            let known = of_half(which).people;
            let thresholds = calibrated(&known, options.budgets, strangers.scoring());
            let model = model_at("others", &scorer, thresholds, resolution_us(sites))?;
            let column_set = ColumnSet {
                models: vec![("kidoban".to_owned(), model)],
                rules: Some(learnt.clone()),
            };
            pass(
                &column_set,
                &half(site, 1 - which),
                options.min_pages,
                &mut people,
                &mut classes,
            )?;
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

/// Trains the rules on all sites but one.
fn learnt(sites: &[Site], left_out: usize, seed: u64) -> LearntRules {
    let mut learner = RuleLearner::default();
    let mut before = 0;
    for (_, site) in sites.iter().enumerate().filter(|(index, _)| *index != left_out) {
        site.walk(|step| {
            if step.request().is_some() {
                learner.note(&baseline_request(site, step, before + step.client));
            }
        });
        before += site.clients.len() as u32;
    }
    learner.finish(seed)
}

fn baseline_request<'a>(site: &'a Site, step: &Step, client: u32) -> BaselineRequest<'a> {
    BaselineRequest {
        client,
        at: step.event.at,
        method: step.event.method,
        target: site.targets.get(step.target).unwrap_or(""),
        status: step.status,
        bytes: 0,
    }
}

fn pass(
    column_set: &ColumnSet,
    site: &Site,
    min_pages: u32,
    people: &mut PopulationSum,
    classes: &mut BTreeMap<String, PopulationSum>,
) -> Result<(), BotBenchError> {
    let columns = column_set.columns();
    let mut running_columns = column_set.running_columns(site.clients.len())?;
    let mut client_results = ClientResults::new(columns.len());
    site.walk(|step| {
        if let Some(event) = step.request() {
            let baseline_request = baseline_request(site, step, step.client);
            let number = client_results.count(step.client as usize);
            let answer = step.is_end().then_some((step.event.at, step.status));
            for (column, running) in running_columns.iter_mut().enumerate() {
                client_results.note(
                    step.client as usize,
                    column,
                    number,
                    running.see(&baseline_request, answer, |_| *event),
                );
            }
        } else {
            running_columns.iter_mut().for_each(|running| running.end(step));
        }
    });
    for (index, client) in
        site.clients.iter().enumerate().filter(|(_, client)| client.pages >= min_pages)
    {
        match client.labelled.label {
            Label::Human => client_results.add_to(people, index),
            Label::Bad => client_results
                .add_to(classes.entry(client.labelled.why.clone()).or_default(), index),
            Label::GoodBot | Label::Unknown => {}
        }
    }
    Ok(())
}
