//! `kidoban explain`: what became of one client, and why.

mod print;

use std::sync::{Mutex, PoisonError};

use analysis::explain::{Explanation, Follower, Line, Past, Which};
use anyhow::{Result, bail};
use detector::detector::Settings;
use detector::{ClientKey, Detector, Event, Outcome};
use traffic::log::{Kind, Record};
use traffic::replay::{BannedClients, Pass, TooManyBans, Walked, event_of, walk_twice_if_needed};
use trainer::evidence::{Agents, Trace};
use trainer::site::OFFLINE_HASH_KEY;

use crate::Answer;
use crate::args::ExplainArgs;
use crate::input::{Logs, read_labels};
use crate::replay::{jobs, judge};
use crate::{absent, decided, output};

struct Following {
    detector: Detector,
    client: ClientKey,
    which: Which,
    agents: Mutex<Agents>,
}

struct Step {
    event: Event,
    kind: Kind,
    status: u16,
    trace: Option<Trace>,
    /// Of the client that is followed.
    line: Option<Box<Line>>,
    /// Likewise, which request an outcome ends.
    ends: Option<Box<str>>,
}

impl Pass for Following {
    type Step = Step;
    type Watch = (Follower, BannedClients);

    fn step(&self, record: &Record<'_>) -> Step {
        let trace = (record.kind != Kind::Outcome).then(|| {
            Trace::of(record, &mut self.agents.lock().unwrap_or_else(PoisonError::into_inner))
        });
        let event = event_of(record, &self.detector);
        let is_followed = event.client == self.client;
        Step {
            event,
            kind: record.kind,
            status: record.status,
            trace,
            line: (is_followed && trace.is_some()).then(|| Box::new(line(record))),
            ends: record.id.filter(|_| is_followed && record.kind == Kind::Outcome).map(Into::into),
        }
    }

    fn group(&self, step: &Step) -> usize {
        self.detector.group(step.event.client)
    }

    fn watch(&self) -> (Follower, BannedClients) {
        (Follower::new(self.client, self.which.clone()), BannedClients::default())
    }

    fn pass(&self, step: Step, (follower, banned): &mut (Follower, BannedClients)) {
        if let Some(trace) = step.trace {
            let verdict =
                follower.observe(&self.detector, &step.event, trace, step.line.map(|line| *line));
            banned.note(step.event.client, &verdict);
        }
        if step.kind != Kind::Request {
            self.detector.conclude(&Outcome::of(&step.event, step.event.at, step.status));
        }
        if let Some(id) = step.ends {
            follower.ended(&id, step.status);
        }
    }

    fn check(&self, watches: &[(Follower, BannedClients)]) -> Result<(), TooManyBans> {
        BannedClients::check(watches.iter().map(|(_, banned)| banned), &self.detector)
    }
}

fn line(record: &Record<'_>) -> Line {
    Line {
        method: record.method.to_owned(),
        target: record.target.to_owned(),
        status: (record.kind == Kind::Whole).then_some(record.status),
        recorded: record.decision.map(|decision| Past {
            id: decision.id.to_owned(),
            mode: decision.mode.to_owned(),
            action: decision.action.to_owned(),
            reason: decision.reason.to_owned(),
            score: decision.score,
        }),
    }
}

/// Explains and prints. Answers no when the client, or the decision, is not in the logs.
///
/// # Errors
/// What cannot be read; a text that is no decision's id.
pub fn run(args: &ExplainArgs) -> Result<Answer> {
    let (client, patterns, which) = match (&args.id, args.words.as_slice()) {
        (Some(id), patterns) => {
            if Logs::find(patterns)?.has_pipe() {
                bail!("--id reads the event log twice, which a pipe does not allow: give a file");
            }
            let Some(decided) = decided::find(id, patterns, jobs(args.jobs))? else {
                return decided::absent(id, patterns, args.json);
            };
            (decided.client, patterns, Which::Decision(decided.id))
        }
        (None, [client, patterns @ ..]) if !patterns.is_empty() => {
            let which = args.request.map_or(Which::Hardest, Which::Number);
            crate::input::warn_of_name(client);
            (ClientKey::from_text(client), patterns, which)
        }
        _ => bail!("expected a client and its log, such as `kidoban explain 192.0.2.7 access.log`"),
    };
    let labels = args.labels.as_deref().map(read_labels).transpose()?;
    let (judge, capacity) = judge(args.config.as_deref(), args.model.as_deref())?;
    let logs = Logs::find(patterns)?;
    let following = || Following {
        detector: Detector::new(Settings { capacity, hash_key: OFFLINE_HASH_KEY }, judge.clone()),
        client,
        which: which.clone(),
        agents: Mutex::default(),
    };
    let Walked { watches, .. } = walk_twice_if_needed(jobs(args.jobs), &logs, following)?;
    logs.finish();
    let follower = watches.into_iter().map(|(follower, _)| follower).reduce(Follower::join);
    let Some(explanation) = follower.and_then(|follower| follower.explain(&judge, labels.as_ref()))
    else {
        // As it was written: a name that is no address is kept as a hash.
        let asked = args
            .words
            .first()
            .filter(|_| args.id.is_none())
            .map_or_else(|| client.to_string(), Clone::clone);
        return absent::say(
            &asked,
            absent(&output::safe(&asked, 80), args.request, patterns),
            args.json,
        );
    };
    print(&explanation, args)?;
    Ok(Answer::Yes)
}

fn print(explanation: &Explanation, args: &ExplainArgs) -> Result<()> {
    if args.json {
        output::print_json(explanation)
    } else {
        output::print(&print::describe(explanation, args.all))
    }
}

fn absent(client: &str, request: Option<u64>, patterns: &[String]) -> String {
    let logs = patterns.join(" ");
    match request {
        Some(number) => format!("{client} has no request {number} in {logs}."),
        None => format!(
            "{client} is not in {logs}. A client is what the log's client field holds; `kidoban \
                replay` lists those who were \
             stopped."
        ),
    }
}
