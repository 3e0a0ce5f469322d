//! Today's visitors, and what the gate did with each.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use detector::Settings;
use detector::{Action, AllowList, ClientKey, Detector, Judge, Policy, PolicyConfig, Score};
use serde::Serialize;
use traffic::replay::replay;
use traffic::sim::{Population, Site, Tempo, Truth, Visit};

use super::visitors::{Live, Visitor};
use crate::input::{Logs, read_model};
use crate::replay::because;

/// How many visitors of each population come.
const VISITORS: [(Population, u16); 7] = [
    (Population::Shopper, 16),
    (Population::GalleryShopper, 4),
    (Population::Scraper, 2),
    (Population::MemorylessScraper, 1),
    (Population::Poller, 2),
    (Population::BruteForcer, 2),
    (Population::Scanner, 1),
];

/// Today's visitors. Each has a seed of its own, which no visitor of yesterday had.
pub fn visitors_of_today(site: &Arc<Site>, seed: u64) -> Vec<Visitor> {
    let mut visitors = Vec::new();
    for (population, number) in VISITORS {
        for i in 1..=number {
            let index = u16::try_from(visitors.len() + 1).unwrap_or(u16::MAX);
            let visit = Visit::new(
                population,
                site,
                seed.wrapping_mul(7_919).wrapping_add(u64::from(index)),
                Tempo::Live,
            );
            visitors.push(Visitor::new(index, usize::from(i), visit));
        }
    }
    visitors
}

/// The result of the demo; `--json` prints it.
#[derive(Debug, Serialize)]
pub struct DemoResult {
    /// One row a visitor, people first.
    pub clients: Vec<VisitorRow>,
    /// People refused at least once. Must be 0.
    pub people_hurt: usize,
    /// Bots never stopped. Must be 0.
    pub bots_missed: usize,
    /// Visitors whose connections failed. Must be 0.
    pub failed: usize,
    /// Verdicts in the event log.
    pub recorded: u64,
    /// How many of `recorded` a replay of the event log repeated. Must be all.
    pub repeated: u64,
    /// Bots that the shipped model, which has not seen this shop, scores above every person.
    pub shipped_model_apart: usize,
    /// The gate's own count of requests.
    pub requests: u64,
}

/// What happened to one visitor.
#[derive(Debug, Serialize)]
pub struct VisitorRow {
    /// Its name.
    pub name: String,
    /// Is it a bot?
    pub is_bad: bool,
    /// Its address.
    pub client: String,
    /// Requests sent.
    pub requests: u32,
    /// Requests answered 429.
    pub limited: u32,
    /// Requests answered 403.
    pub blocked: u32,
    /// Highest score, 0..1, by the model trained on yesterday.
    pub score: Option<f32>,
    /// Highest score, 0..1, by the shipped model.
    pub shipped_score: Option<f32>,
    /// Which of its requests was the first to be refused, from 1.
    pub first_refused: Option<u32>,
    /// The reasons of the first refusal, in words.
    pub because: Vec<String>,
}

impl DemoResult {
    /// Combines the answers that the visitors got with a replay of the event log.
    ///
    /// # Errors
    /// An event log or model that cannot be read.
    pub fn judge(live: &[Arc<Live>], folder: &Path, metrics: &str) -> Result<Self> {
        let own = ReplayedLog::of(folder, Some(&folder.join("shop.json")))?;
        let shipped = ReplayedLog::of(folder, None)?;
        let mut clients = Vec::new();
        let mut failed = 0;
        for live in live {
            let seen = live.row();
            let key = ClientKey::from_ip(seen.source);
            failed += usize::from(seen.failed > 0);
            clients.push(VisitorRow {
                name: seen.name,
                is_bad: seen.truth == Truth::Bad,
                client: key.to_string(),
                requests: seen.requests,
                limited: seen.limited,
                blocked: seen.blocked,
                score: own.highest.get(&key).map(|&margin| Score::from_margin(margin).value()),
                shipped_score: shipped
                    .highest
                    .get(&key)
                    .map(|&margin| Score::from_margin(margin).value()),
                first_refused: seen.first_refused_at,
                because: own.because.get(&key).cloned().unwrap_or_default(),
            });
        }
        let refused = |row: &&VisitorRow| row.limited + row.blocked > 0;
        let highest_person = clients
            .iter()
            .filter(|row| !row.is_bad)
            .filter_map(|row| row.shipped_score)
            .fold(0.0, f32::max);
        Ok(Self {
            people_hurt: clients.iter().filter(|row| !row.is_bad).filter(refused).count(),
            bots_missed: clients
                .iter()
                .filter(|row| row.is_bad)
                .filter(|row| !refused(row))
                .count(),
            shipped_model_apart: clients
                .iter()
                .filter(|row| {
                    row.is_bad && row.shipped_score.is_some_and(|score| score > highest_person)
                })
                .count(),
            failed,
            recorded: own.recorded,
            repeated: own.repeated,
            requests: counted(metrics),
            clients,
        })
    }

    /// Whether no person was refused, every bot was stopped, no connection failed and every verdict
    /// was repeated.
    pub fn is_good(&self) -> bool {
        self.people_hurt == 0
            && self.bots_missed == 0
            && self.failed == 0
            && self.recorded == self.repeated
    }
}

/// The scores and reasons that a replay of the event log gives.
#[derive(Default)]
struct ReplayedLog {
    highest: HashMap<ClientKey, f32>,
    because: HashMap<ClientKey, Vec<String>>,
    recorded: u64,
    repeated: u64,
}

impl ReplayedLog {
    fn of(folder: &Path, model: Option<&Path>) -> Result<Self> {
        let model = read_model(model)?;
        let policy = Policy::new(PolicyConfig::default(), Some(&model))?;
        let judge = Judge { model: Some(model), policy, allow: AllowList::default() };
        // All visitors are of one network, which may hold a 64th of the capacity: enough for all of
        // them, as in the live gate.
        let detector = Detector::new(Settings { capacity: 100_000, hash_key: 0 }, judge);
        let mut replayed = Self::default();
        let logs = Logs::find(&[folder.join("events.log").display().to_string()])?;
        replay(logs.open()?, &detector, None, |event, verdict, recorded, _| {
            if let Some(score) = verdict.score {
                let highest = replayed.highest.entry(event.client).or_insert(score.margin());
                *highest = highest.max(score.margin());
            }
            if verdict.action != Action::Allow {
                replayed.because.entry(event.client).or_insert_with(|| because(verdict));
            }
            if let Some(recorded) = recorded {
                replayed.recorded += 1;
                replayed.repeated += u64::from(recorded.is_repeated_by(verdict));
            }
        })?;
        Ok(replayed)
    }
}

/// The sum over `kidoban_requests_total`.
fn counted(metrics: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with("kidoban_requests_total"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}
