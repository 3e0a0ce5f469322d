//! Passes the whole log through the detector again, with the new thresholds: what each step would
//! refuse, and in which sessions.

use std::collections::{BTreeMap, HashMap, HashSet};

use detector::Settings;
use detector::{
    Action, Class, Detector, Event, Judge, Mode, Model, Policy, PolicyConfig, Reason, Timestamp,
    Verdict,
};
use traffic::replay::{Driver, Judged, Semantics};
use trainer::label::Label;
use trainer::site::{OFFLINE_HASH_KEY, Site};
use trainer::statistics::upper_bound;

use super::ladder::StepThreshold;
use super::options::{TuneError, TuneOptions};
use super::step::LadderStep;
use super::stops::{AtRisk, Stops};

/// A longer pause between two requests of a client begins another session. Web analytics have used
/// half an hour since the nineties (Catledge & Pitkow 1995 measured 25.5 minutes).
pub const SESSION_PAUSE_S: u64 = 1_800;

/// What the pass found.
pub(super) struct PassResult {
    /// In the order of [`LadderStep::ALL`].
    pub(super) steps: Vec<Stops>,
    pub(super) all: Stops,
    pub(super) sessions: Vec<Session>,
}

/// One client's requests without a long pause.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    client: u32,
    first_at: Timestamp,
    last_at: Timestamp,
    /// When each step first refused something, in the order of [`LadderStep::ALL`].
    refused_at: [Option<Timestamp>; LadderStep::ALL.len()],
}

pub(super) fn pass(
    site: &Site,
    model: &Model,
    ladder: &[StepThreshold],
    options: &TuneOptions,
) -> Result<PassResult, TuneError> {
    let written =
        |step: LadderStep| ladder.iter().find(|rung| rung.step == step && rung.is_changed());
    let score = |step: LadderStep, before: Option<f32>| {
        written(step).and_then(|rung| rung.score).map_or(before, |score| Some(score as f32))
    };
    let policy = PolicyConfig {
        limit_score: score(LadderStep::Limit, options.policy.limit_score),
        block_score: score(LadderStep::Block, options.policy.block_score),
        cohort_score: score(LadderStep::Cohort, options.policy.cohort_score),
        ..options.policy.clone()
    };
    let policy = Policy::new(policy, Some(model))?;
    let judge = Judge { model: Some(model.clone()), policy, allow: options.allow.clone() };
    // Far below capacity, so that nobody is evicted: one network's clients share one of 64 rings.
    let capacity = site.clients.len() * 8 + (1 << 16);
    let detector = Detector::new(Settings { capacity, hash_key: OFFLINE_HASH_KEY }, judge);
    let mut counts = [Count::default(), Count::default(), Count::default()];
    let mut all = Count::default();
    let (mut requests, mut pages) = (0, 0);
    let mut sessions: Vec<Session> = Vec::new();
    let mut current: Vec<Option<usize>> = vec![None; site.clients.len()];
    // Clients are assumed to go on asking as they did: everything is observed in shadow.
    let mut driver = Driver::new(Semantics::Always(Mode::Shadow));
    site.walk(|step| {
        let at_verdict = |event: &Event, verdict: &Verdict| {
            let is_page = event.class == Class::Page;
            requests += 1;
            pages += u64::from(is_page);
            let place = &mut current[step.client as usize];
            let session = follow(&mut sessions, place, step.client, event.at);
            let refused = match (verdict.action, verdict.reason) {
                (Action::Allow, _) => None,
                (Action::Limit, Reason::Cohort) => Some(LadderStep::Cohort),
                // The guard stops it whatever the thresholds are.
                (Action::Limit, reason) if reason.rule().is_some() => None,
                (Action::Limit, _) => Some(LadderStep::Limit),
                (Action::Block, _) => Some(LadderStep::Block),
            };
            let by =
                refused.and_then(|step| LadderStep::ALL.iter().position(|known| *known == step));
            if verdict.action != Action::Allow {
                all.add(step.client, is_page);
            }
            if let Some(by) = by {
                counts[by].add(step.client, is_page);
                session.refused_at[by].get_or_insert(event.at);
            }
        };
        driver.step(step, &mut Judged::new(&detector, at_verdict));
    });
    let stops = |count: &Count| count.stops(site, requests, pages);
    Ok(PassResult { steps: counts.iter().map(stops).collect(), all: stops(&all), sessions })
}

/// The client's session at this time; a new one after a long pause.
pub(super) fn follow<'s>(
    sessions: &'s mut Vec<Session>,
    current: &mut Option<usize>,
    client: u32,
    at: Timestamp,
) -> &'s mut Session {
    let goes_on =
        |place: &usize| at.micros_since(sessions[*place].last_at) < SESSION_PAUSE_S * 1_000_000;
    let place = current.filter(goes_on).unwrap_or_else(|| {
        sessions.push(Session {
            client,
            first_at: at,
            last_at: at,
            refused_at: [None; LadderStep::ALL.len()],
        });
        sessions.len() - 1
    });
    *current = Some(place);
    let session = &mut sessions[place];
    session.last_at = session.last_at.max(at);
    session
}

#[derive(Default)]
struct Count {
    clients: HashSet<u32>,
    requests: u64,
    pages: u64,
}

impl Count {
    fn add(&mut self, client: u32, is_page: bool) {
        self.clients.insert(client);
        self.requests += 1;
        self.pages += u64::from(is_page);
    }

    fn stops(&self, site: &Site, requests: u64, pages: u64) -> Stops {
        let share = |part: u64, all: u64| if all == 0 { 0.0 } else { part as f64 / all as f64 };
        Stops {
            clients: self.clients.len() as u64,
            by_label: by_label(site, self.clients.iter().copied()),
            requests: self.requests,
            pages: self.pages,
            share_of_requests: share(self.requests, requests),
            share_of_pages: share(self.pages, pages),
        }
    }
}

fn by_label(site: &Site, clients: impl Iterator<Item = u32>) -> BTreeMap<Label, u64> {
    let mut by_label = BTreeMap::new();
    for client in clients {
        *by_label.entry(site.clients[client as usize].labelled.label).or_default() += 1;
    }
    by_label
}

/// Finds the sessions that came to each conversion, and those refused on their way.
pub(super) fn at_risk(
    site: &Site,
    mut sessions: Vec<Session>,
    options: &TuneOptions,
) -> Vec<AtRisk> {
    sessions.sort_by_key(|session| (session.client, session.first_at));
    let index: HashMap<_, u32> =
        site.clients.iter().zip(0..).map(|(client, index)| (client.key, index)).collect();
    // For each conversion, when each session first came to it.
    let mut came: Vec<BTreeMap<usize, Timestamp>> = vec![BTreeMap::new(); options.outcomes.len()];
    for arrival in &options.arrivals {
        let Some(&client) = index.get(&arrival.client) else { continue };
        let after = sessions.partition_point(|it| (it.client, it.first_at) <= (client, arrival.at));
        let Some(place) = after.checked_sub(1).filter(|&place| sessions[place].client == client)
        else {
            continue;
        };
        for (_, came) in
            came.iter_mut().enumerate().filter(|(number, _)| arrival.reached.has(*number))
        {
            came.entry(place).and_modify(|at| *at = (*at).min(arrival.at)).or_insert(arrival.at);
        }
    }
    let of = |((name, patterns), came): (&(String, Vec<String>), &BTreeMap<usize, Timestamp>)| {
        let mut risk = AtRisk {
            outcome: name.clone(),
            patterns: patterns.clone(),
            sessions: came.len() as u64,
            clients: 0,
            by_step: BTreeMap::new(),
            at_risk: 0,
            clients_at_risk: 0,
            by_label: BTreeMap::new(),
            at_most: None,
            afterwards: 0,
        };
        let (mut clients, mut hurt) = (HashSet::new(), HashSet::new());
        for (&place, &at) in came {
            let session = &sessions[place];
            clients.insert(session.client);
            let refused = |step: LadderStep| session.refused_at[step as usize];
            let before = |step: &LadderStep| refused(*step).is_some_and(|refused| refused <= at);
            if let Some(step) =
                [LadderStep::Block, LadderStep::Limit, LadderStep::Cohort].into_iter().find(before)
            {
                *risk.by_step.entry(step).or_default() += 1;
                risk.at_risk += 1;
                hurt.insert(session.client);
            } else if session.refused_at.iter().any(Option::is_some) {
                risk.afterwards += 1;
            }
        }
        (risk.clients, risk.clients_at_risk) = (clients.len() as u64, hurt.len() as u64);
        risk.by_label = by_label(site, hurt.into_iter());
        risk.at_most = (risk.clients > 0)
            .then(|| upper_bound(risk.clients_at_risk, risk.clients, options.budgets.delta));
        risk
    };
    options.outcomes.iter().zip(&came).map(of).collect()
}
