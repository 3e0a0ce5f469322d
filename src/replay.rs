//! `kidoban replay`: who would have been stopped, when and why. Virtual time, changes nothing.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use anyhow::{Context, Result};
use detector::detector::Settings;
use detector::{
    Action, AllowList, ClientKey, Detector, Event, Judge, Outcome, Policy, PolicyConfig, Request, Timestamp, Verdict,
};
use serde::Serialize;
use traffic::log::{Record, Tally};
use traffic::{Merged, Ordered};

use crate::Answer;
use crate::args::ReplayArgs;
use crate::input::{Logs, Reader, read_model};
use crate::output::{self, Table};

/// Clients tracked when no configuration says how many: enough that nobody of most logs is evicted.
const CAPACITY: usize = 1_000_000;

/// One record, reduced and owned.
struct Step {
    event: Option<Event>,
    outcome: Option<Outcome>,
    recorded: Option<Recorded>,
    /// Method and target, kept for the client that is shown only.
    shown: Option<Box<str>>,
}

/// What the gate decided at the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recorded {
    /// Its action.
    pub action: Action,
    /// Its reason, as written.
    pub reason: &'static str,
    /// Its score.
    pub score: Option<f32>,
}

impl Recorded {
    /// Same action, same reason, same score to the last bit.
    pub fn is_repeated_by(&self, verdict: &Verdict) -> bool {
        let score = verdict.score.map(detector::Score::value);
        (self.action, self.reason, self.score) == (verdict.action, verdict.reason.as_str(), score)
    }
}

/// Replays logs in order of time through a detector and calls `visit` with each request's verdict.
///
/// # Errors
/// What cannot be read.
pub fn replay(
    readers: Vec<Reader>,
    detector: &Detector,
    shown: Option<ClientKey>,
    mut visit: impl FnMut(&Event, &Verdict, Option<&Recorded>, Option<&str>),
) -> Result<Vec<Tally>> {
    let sources = readers
        .into_iter()
        .map(|reader| Ordered::new(reader, |record: &Record<'_>| Some(step(record, detector, shown))));
    let mut merged = Merged::new(sources.collect());
    for step in &mut merged {
        let (_, step) = step?;
        if let Some(event) = &step.event {
            let verdict = detector.observe(event);
            visit(event, &verdict, step.recorded.as_ref(), step.shown.as_deref());
        }
        if let Some(outcome) = &step.outcome {
            detector.conclude(outcome);
        }
    }
    Ok(merged.sources().iter().map(|source| source.reader().tally().clone()).collect())
}

fn step(record: &Record<'_>, detector: &Detector, shown: Option<ClientKey>) -> Step {
    let request: Option<Request<'_>> = record.request();
    let wanted = request.as_ref().filter(|request| shown == Some(request.client));
    Step {
        shown: wanted.map(|request| format!("{} {}", request.method, request.target).into()),
        event: request.map(|request| detector.event(&request)),
        outcome: record.outcome(),
        recorded: record.decision.and_then(|decision| {
            let action = Action::ALL.into_iter().find(|action| action.as_str() == decision.action)?;
            let reason = detector::Reason::ALL.into_iter().find(|reason| reason.as_str() == decision.reason)?;
            Some(Recorded { action, reason: reason.as_str(), score: decision.score })
        }),
    }
}

/// What became of one client.
#[derive(Clone, Debug, Default)]
struct Story {
    requests: u64,
    limited: u64,
    blocked: u64,
    highest: Option<f32>,
    first: Option<FirstStop>,
}

#[derive(Clone, Copy, Debug)]
struct FirstStop {
    at: Timestamp,
    request: u64,
    verdict: Verdict,
}

#[derive(Serialize)]
struct Stopped {
    client: String,
    requests: u64,
    limited: u64,
    blocked: u64,
    score: Option<f32>,
    first_stopped_at: String,
    first_stopped_request: u64,
    action: Action,
    because: Vec<String>,
}

#[derive(Serialize)]
struct Replayed {
    model: String,
    lines: u64,
    refused: u64,
    requests: u64,
    clients: u64,
    clients_limited: u64,
    clients_blocked: u64,
    actions: BTreeMap<String, u64>,
    recorded: u64,
    recorded_identical: u64,
    evictions: u64,
    stopped: Vec<Stopped>,
}

/// Replays and prints. Answers no when the event log's own verdicts were not repeated.
///
/// # Errors
/// What cannot be read; a model or configuration that is refused.
pub fn run(args: &ReplayArgs) -> Result<Answer> {
    let (judge, capacity) = judge(args)?;
    let model = judge.model.as_ref().map_or_else(String::new, |model| model.file().name.clone());
    let detector = Detector::new(Settings { capacity, hash_key: trainer::site::OFFLINE_HASH_KEY }, judge);
    let logs = Logs::find(&args.logs)?;
    let shown = args.client.as_deref().map(ClientKey::from_text);
    let mut stories: HashMap<ClientKey, Story> = HashMap::new();
    let mut actions: BTreeMap<String, u64> = BTreeMap::new();
    let mut timeline = String::new();
    let (mut requests, mut recorded, mut identical) = (0, 0, 0);
    let tallies = replay(logs.open()?, &detector, shown, |event, verdict, before, request| {
        requests += 1;
        let story = stories.entry(event.client).or_default();
        story.take(verdict);
        *actions.entry(format!("{}/{}", verdict.action.as_str(), verdict.reason.as_str())).or_default() += 1;
        if let Some(before) = before {
            recorded += 1;
            identical += u64::from(before.is_repeated_by(verdict));
        }
        if let Some(request) = request {
            line(&mut timeline, verdict, request);
        }
    })?;
    logs.finish();
    let stats = detector.stats(Timestamp::default());
    let replayed = Replayed {
        model,
        lines: tallies.iter().map(|tally| tally.lines).sum(),
        refused: tallies.iter().map(|tally| tally.refused).sum(),
        requests,
        clients: stories.len() as u64,
        clients_limited: stories.values().filter(|story| story.limited > 0).count() as u64,
        clients_blocked: stories.values().filter(|story| story.blocked > 0).count() as u64,
        actions,
        recorded,
        recorded_identical: identical,
        evictions: stats.evictions,
        stopped: stopped(&stories, args.top),
    };
    match (args.json, shown) {
        (true, _) => output::print_json(&replayed)?,
        (false, Some(_)) => output::print(&timeline)?,
        (false, None) => output::print(&describe(&replayed))?,
    }
    Ok(if recorded == identical { Answer::Yes } else { Answer::No })
}

fn judge(args: &ReplayArgs) -> Result<(Judge, usize)> {
    if let Some(path) = &args.config {
        let overrides = proxy::Overrides { model: args.model.clone(), ..crate::run::overrides_with_shipped_model() };
        let config = proxy::Config::load(Some(path), &overrides)?;
        return Ok((proxy::judge(&config)?, config.capacity()));
    }
    let model = read_model(args.model.as_deref())?;
    let policy = Policy::new(PolicyConfig::default(), Some(&model)).context("the model's thresholds")?;
    Ok((Judge { model: Some(model), policy, allow: AllowList::default() }, CAPACITY))
}

impl Story {
    fn take(&mut self, verdict: &Verdict) {
        self.requests += 1;
        if let Some(score) = verdict.score {
            self.highest = Some(self.highest.map_or(score.margin(), |best| best.max(score.margin())));
        }
        match verdict.action {
            Action::Allow => return,
            Action::Limit => self.limited += 1,
            Action::Block => self.blocked += 1,
        }
        if self.first.is_none() {
            self.first = Some(FirstStop { at: verdict.at, request: self.requests, verdict: *verdict });
        }
    }
}

fn stopped(stories: &HashMap<ClientKey, Story>, top: usize) -> Vec<Stopped> {
    let mut stopped: Vec<_> =
        stories.iter().filter_map(|(client, story)| Some((client, story, story.first?))).collect();
    stopped.sort_by_key(|(client, story, _)| (std::cmp::Reverse(story.limited + story.blocked), **client));
    let row = |(client, story, first): (&ClientKey, &Story, FirstStop)| Stopped {
        client: client.to_string(),
        requests: story.requests,
        limited: story.limited,
        blocked: story.blocked,
        score: story.highest.map(|margin| detector::Score::from_margin(margin).value()),
        first_stopped_at: output::time(first.at),
        first_stopped_request: first.request,
        action: first.verdict.action,
        because: because(&first.verdict),
    };
    stopped.into_iter().take(top).map(row).collect()
}

/// The features that spoke loudest, in people's words.
pub fn because(verdict: &Verdict) -> Vec<String> {
    verdict.because.iter().map(ToString::to_string).collect()
}

fn line(timeline: &mut String, verdict: &Verdict, request: &str) {
    let score = verdict.score.map_or_else(|| "    –".to_owned(), |score| format!("{:.3}", score.value()));
    let _ = writeln!(
        timeline,
        "{}  {score}  {:<5} {:<13} {}",
        output::time(verdict.at),
        verdict.action.as_str(),
        verdict.reason.as_str(),
        output::safe(request, 90),
    );
}

fn describe(replayed: &Replayed) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} requests of {} clients, judged by {}: {} clients would have been limited, {} blocked.",
        output::count(replayed.requests),
        output::count(replayed.clients),
        replayed.model,
        output::count(replayed.clients_limited),
        output::count(replayed.clients_blocked),
    );
    if replayed.refused > 0 {
        let _ = writeln!(text, "{} lines could not be read.", output::count(replayed.refused));
    }
    if replayed.recorded > 0 {
        let _ = writeln!(
            text,
            "{} of {} recorded verdicts were repeated.",
            output::count(replayed.recorded_identical),
            output::count(replayed.recorded)
        );
        if replayed.recorded_identical < replayed.recorded {
            text.push_str(
                "The others were decided under another model or policy (pass the gate's own with -c and --model), by a gate \
                 that was reloaded, or after lines that are not in this log.\n",
            );
            if replayed.evictions > 0 {
                let _ = writeln!(text, "Here {} clients were evicted for others.", output::count(replayed.evictions));
            }
        }
    }
    let mut actions = Table::new(&["verdict/reason", "requests"]);
    for (action, number) in &replayed.actions {
        actions.row([action.clone(), output::count(*number)]);
    }
    let _ = write!(text, "\n{}", actions.render());
    if replayed.stopped.is_empty() {
        return text;
    }
    let heading = ["client", "requests", "limited", "blocked", "score", "first stopped (UTC)", "at request", "because"];
    let mut table = Table::new(&heading);
    for row in &replayed.stopped {
        table.row([
            row.client.clone(),
            output::count(row.requests),
            output::count(row.limited),
            output::count(row.blocked),
            output::figure(row.score.map(f64::from)),
            row.first_stopped_at.clone(),
            output::count(row.first_stopped_request),
            row.because.join(", "),
        ]);
    }
    let _ = write!(text, "\n{}", table.render());
    text
}
