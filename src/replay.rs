//! `kidoban replay`: who would have been stopped, when and why. Virtual time, changes nothing.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;

use analysis::format::counted;
use anyhow::{Context, Result};
use detector::detector::Settings;
use detector::{
    Action, AllowList, ClientKey, Detector, Event, Judge, Policy, PolicyConfig, Reason, Timestamp,
    Verdict,
};
use serde::Serialize;

mod client;
mod parallel;
mod pass;
mod since;

pub use parallel::{Crowded, pass_logs, replay_on, replay_with};
pub use pass::{Banned, Pass, Recorded, Watch, event_of, replay};
pub use since::Since;

use crate::Answer;
use crate::absent;
use crate::args::ReplayArgs;
use crate::input::{Logs, read_model};
use crate::output::{self, Table};

/// Stopped clients shown to people who do not say how many.
const TOP: usize = 20;
/// Clients tracked when no configuration says how many: enough that nobody of most logs is evicted.
const CAPACITY: usize = 1_000_000;

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
    first_stopped_at_us: i64,
    first_stopped_request: u64,
    action: Action,
    reason: Reason,
    because: Vec<String>,
}

#[derive(Serialize)]
struct Replayed {
    model: String,
    lines: u64,
    refused: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    requests: u64,
    clients: u64,
    /// Limited or blocked, each once.
    clients_stopped: u64,
    clients_limited: u64,
    clients_blocked: u64,
    actions: BTreeMap<String, u64>,
    recorded: u64,
    recorded_identical: u64,
    evictions: u64,
    stopped: Vec<Stopped>,
}

/// Replays and prints. Answers no when the event log's own verdicts were not repeated, when the
/// client asked for never came, and when there was no request at all.
///
/// # Errors
/// What cannot be read; a model or configuration that is refused.
pub fn run(args: &ReplayArgs) -> Result<Answer> {
    let (judge, capacity) = judge(args.config.as_deref(), args.model.as_deref())?;
    let model = judge.model.as_ref().map_or_else(String::new, |model| model.file().name.clone());
    let detector = || {
        Detector::new(
            Settings { capacity, hash_key: trainer::site::OFFLINE_HASH_KEY },
            judge.clone(),
        )
    };
    let jobs = jobs(args.jobs);
    let since = args.since.map(|since| since.resolve(&args.logs, jobs)).transpose()?;
    let logs = Logs::find(&args.logs)?.shown_as("Replaying");
    let shown = args.client.as_deref().map(ClientKey::from_text);
    let summary = || Summary { since, ..Summary::default() };
    let (detector, tallies, parts) = {
        let crowd = detector();
        match replay_with(jobs, logs.open()?, &crowd, shown, summary) {
            // Files can be read again, a pipe cannot.
            Err(error) if error.is::<Crowded>() && !logs.has_pipe() => {
                let one_by_one = detector();
                let (tallies, parts) = replay_with(1, logs.open()?, &one_by_one, shown, summary)?;
                (one_by_one, tallies, parts)
            }
            replayed => replayed.map(|(tallies, parts)| (crowd, tallies, parts))?,
        }
    };
    logs.finish();
    let Summary { stories, verdicts, requests, recorded, identical, timeline, .. } =
        Summary::sum(parts);
    let answer = if recorded == identical { Answer::Yes } else { Answer::No };
    let since = since.map(output::time);
    if let Some(name) = &args.client {
        if timeline.is_empty() {
            return absent(name, since.as_deref(), args);
        }
        let client = ClientKey::from_text(name).to_string();
        let shown = client::Shown::of(&client, &model, since.as_deref(), &timeline);
        match (args.json, args.json_lines) {
            (true, _) => output::print_json(&shown)?,
            (_, true) => output::print(&client::json_lines(&timeline))?,
            _ => output::print(&shown.describe())?,
        }
        return Ok(answer);
    }
    let stats = detector.stats(Timestamp::default());
    let top = args.top.unwrap_or(if args.json_lines { usize::MAX } else { TOP });
    let replayed = Replayed {
        model,
        lines: tallies.iter().map(|tally| tally.lines).sum(),
        refused: tallies.iter().map(|tally| tally.refused).sum(),
        since,
        requests,
        clients: stories.len() as u64,
        clients_stopped: stories.values().filter(|story| story.first.is_some()).count() as u64,
        clients_limited: stories.values().filter(|story| story.limited > 0).count() as u64,
        clients_blocked: stories.values().filter(|story| story.blocked > 0).count() as u64,
        actions: named(&verdicts),
        recorded,
        recorded_identical: identical,
        evictions: stats.evictions,
        stopped: stopped(&stories, top),
    };
    // Before the time asked for there may have been some.
    let nothing = output::nothing_read(requests, &args.logs).filter(|_| replayed.since.is_none());
    match (args.json, args.json_lines, &nothing) {
        (true, ..) => output::print_json(&replayed)?,
        (_, true, Some(nothing)) => eprintln!("{nothing}"),
        (_, true, None) => output::print_json_lines(&replayed.stopped)?,
        (_, _, Some(nothing)) => {
            output::print(&format!("{nothing}\n{}", unread(replayed.refused)))?
        }
        _ => output::print(&describe(&replayed))?,
    }
    Ok(if nothing.is_some() { Answer::No } else { answer })
}

/// A client that was asked for and never came: a typing error must not read like "all is well".
fn absent(name: &str, since: Option<&str>, args: &ReplayArgs) -> Result<Answer> {
    let since = since.map_or_else(String::new, |since| format!(", from {since} UTC on"));
    let words = format!(
        "{} is not in {}{since}. A client is what the log's client field holds.",
        output::safe(name, 80),
        args.logs.join(" ")
    );
    if args.json_lines {
        // No line is what there is to tell; why, people read beside it.
        eprintln!("{words}");
        return Ok(Answer::No);
    }
    absent::say(name, words, args.json)
}

/// How many threads a stage has: as many as were asked for, or as there are cores.
pub fn jobs(asked: Option<NonZeroUsize>) -> usize {
    asked.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
}

/// What judges, and how many clients are tracked: a configuration's, or a model with the policy's
/// defaults.
///
/// # Errors
/// What cannot be read or is refused.
pub fn judge(config: Option<&Path>, model: Option<&Path>) -> Result<(Judge, usize)> {
    if let Some(path) = config {
        let model = model.map(Path::to_path_buf);
        let overrides = proxy::Overrides { model, ..crate::run::overrides_of_a_reader() };
        let config = proxy::Config::load(Some(path), &overrides)?;
        return Ok((proxy::judge(&config)?, config.capacity()));
    }
    let model = read_model(model)?;
    let policy =
        Policy::new(PolicyConfig::default(), Some(&model)).context("the model's thresholds")?;
    Ok((Judge { model: Some(model), policy, allow: AllowList::default() }, CAPACITY))
}

/// What became of everybody, as one watcher saw it.
#[derive(Default)]
struct Summary {
    stories: HashMap<ClientKey, Story>,
    /// Requests by action and reason.
    verdicts: [[u64; Reason::ALL.len()]; Action::ALL.len()],
    requests: u64,
    /// Requests whose verdict the log knows, and those that were decided so again.
    recorded: u64,
    identical: u64,
    /// The shown client's requests. Only one watcher sees them.
    timeline: Vec<client::Told>,
    /// Earlier requests are watched and not told.
    since: Option<Timestamp>,
}

impl Watch for Summary {
    fn see(
        &mut self,
        event: &Event,
        verdict: &Verdict,
        recorded: Option<&Recorded>,
        request: Option<&str>,
    ) {
        if self.since.is_some_and(|since| verdict.at < since) {
            return;
        }
        self.requests += 1;
        self.stories.entry(event.client).or_default().take(verdict);
        self.verdicts[verdict.action as usize][verdict.reason as usize] += 1;
        if let Some(before) = recorded {
            self.recorded += 1;
            self.identical += u64::from(before.is_repeated_by(verdict));
        }
        self.timeline.extend(request.map(|request| client::Told::of(event, verdict, request)));
    }

    /// The table tells of each client's first refusal.
    fn wants_reasons(&self, client: ClientKey) -> bool {
        self.stories.get(&client).is_none_or(|story| story.first.is_none())
    }
}

impl Summary {
    /// The sum of what watchers saw of different clients.
    fn sum(parts: Vec<Self>) -> Self {
        let mut sum = Self::default();
        for part in parts {
            sum.stories.extend(part.stories);
            for (sum, part) in
                sum.verdicts.as_flattened_mut().iter_mut().zip(part.verdicts.as_flattened())
            {
                *sum += part;
            }
            sum.requests += part.requests;
            sum.recorded += part.recorded;
            sum.identical += part.identical;
            sum.timeline.extend(part.timeline);
        }
        sum
    }
}

/// The verdicts that were given, by name.
fn named(verdicts: &[[u64; Reason::ALL.len()]; Action::ALL.len()]) -> BTreeMap<String, u64> {
    let mut named = BTreeMap::new();
    for (action, reasons) in Action::ALL.iter().zip(verdicts) {
        for (reason, &number) in Reason::ALL.iter().zip(reasons).filter(|(_, number)| **number > 0)
        {
            named.insert(format!("{}/{}", action.as_str(), reason.as_str()), number);
        }
    }
    named
}

impl Story {
    fn take(&mut self, verdict: &Verdict) {
        self.requests += 1;
        if let Some(score) = verdict.score {
            self.highest =
                Some(self.highest.map_or(score.margin(), |best| best.max(score.margin())));
        }
        match verdict.action {
            Action::Allow => return,
            Action::Limit => self.limited += 1,
            Action::Block => self.blocked += 1,
        }
        if self.first.is_none() {
            self.first =
                Some(FirstStop { at: verdict.at, request: self.requests, verdict: *verdict });
        }
    }
}

fn stopped(stories: &HashMap<ClientKey, Story>, top: usize) -> Vec<Stopped> {
    let mut stopped: Vec<_> =
        stories.iter().filter_map(|(client, story)| Some((client, story, story.first?))).collect();
    stopped.sort_by_key(|(client, story, _)| {
        (std::cmp::Reverse(story.limited + story.blocked), **client)
    });
    let row = |(client, story, first): (&ClientKey, &Story, FirstStop)| Stopped {
        client: client.to_string(),
        requests: story.requests,
        limited: story.limited,
        blocked: story.blocked,
        score: story.highest.map(|margin| detector::Score::from_margin(margin).value()),
        first_stopped_at: output::time(first.at),
        first_stopped_at_us: first.at.as_micros(),
        first_stopped_request: first.request,
        action: first.verdict.action,
        reason: first.verdict.reason,
        because: because(&first.verdict),
    };
    stopped.into_iter().take(top).map(row).collect()
}

/// The features that spoke loudest, in people's words; of who is refused for his company, what that
/// did.
pub fn because(verdict: &Verdict) -> Vec<String> {
    let spoken: Vec<String> = verdict.because.iter().map(ToString::to_string).collect();
    match (verdict.action, verdict.reason) {
        (Action::Allow, _) => spoken,
        // Nothing of a newcomer who writes where others fail is measured.
        (_, Reason::Cohort) if spoken.is_empty() => {
            vec!["newcomers fail where it sends its form".to_owned()]
        }
        (_, Reason::Cohort) => {
            let together = "its network's newcomers together".to_owned();
            std::iter::once(together).chain(spoken).collect()
        }
        _ => spoken,
    }
}

/// `blocked by its score`, `limited for its company`: a verdict in few words.
fn first_words(action: Action, reason: Reason) -> String {
    let done = match action {
        Action::Allow => "allowed",
        Action::Limit => "limited",
        Action::Block => "blocked",
    };
    let why = match reason {
        Reason::Score | Reason::Limited => "by its score",
        Reason::Banned => "by an earlier ban",
        Reason::Shared => "by its score, at an address of many browsers",
        Reason::Cohort => "for what its network's newcomers do",
        other => other.as_str(),
    };
    format!("{done} {why}")
}

fn unread(lines: u64) -> String {
    if lines == 0 {
        String::new()
    } else {
        format!("{} could not be read.\n", counted(lines, "line"))
    }
}

fn describe(replayed: &Replayed) -> String {
    let mut text = String::new();
    if let Some(since) = &replayed.since {
        let _ =
            writeln!(text, "Since {since} UTC; what came before was watched and is not counted.");
    }
    let _ = writeln!(
        text,
        "{} of {}, judged by {}: {} would have been stopped: {} blocked, {} only limited.",
        counted(replayed.requests, "request"),
        counted(replayed.clients, "client"),
        replayed.model,
        counted(replayed.clients_stopped, "client"),
        output::count(replayed.clients_blocked),
        output::count(replayed.clients_stopped - replayed.clients_blocked),
    );
    text.push_str(&unread(replayed.refused));
    if replayed.recorded > 0 {
        let _ = writeln!(
            text,
            "{} of {} recorded verdicts were repeated.",
            output::count(replayed.recorded_identical),
            output::count(replayed.recorded)
        );
        if replayed.recorded_identical < replayed.recorded {
            text.push_str(
                "The others were decided under another model or policy (pass the gate's own with \
                    -c and --model), by a gate \
                 that was reloaded, or after lines that are not in this log.\n",
            );
            if replayed.evictions > 0 {
                let _ = writeln!(
                    text,
                    "Here {} clients were evicted for others.",
                    output::count(replayed.evictions)
                );
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
    let heading = [
        "client",
        "requests",
        "limited",
        "blocked",
        "score",
        "first stopped (UTC)",
        "at request",
        "by",
        "because",
    ];
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
            format!("{}/{}", row.action.as_str(), row.reason.as_str()),
            row.because.join(", "),
        ]);
    }
    let _ = write!(text, "\n{}", table.render());
    let more = replayed.clients_stopped - replayed.stopped.len() as u64;
    if more > 0 {
        let _ = writeln!(
            text,
            "  and {} more: --top N shows N, --json-lines all",
            counted(more, "client")
        );
    }
    text
}
