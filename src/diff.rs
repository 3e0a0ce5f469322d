//! `kidoban diff`: whose verdict changes between two configurations or models.

mod print;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use analysis::diff::{Comparison, Side, path_shape};
use analysis::sources::LogRead;
use anyhow::{Context, Result, bail};
use detector::detector::Settings;
use detector::{Detector, Event, Judge, Outcome};
use proxy::Config;
use traffic::log::{Kind, Record};
use traffic::outcomes::Reached;
use traffic::replay::{BannedClients, Pass, TooManyBans, Walked, event_of, walk_twice_if_needed};
use traffic::{OutcomeWatch, Outcomes};
use trainer::evidence::Agents;
use trainer::site::OFFLINE_HASH_KEY;

use crate::Answer;
use crate::args::DiffArgs;
use crate::input::{Logs, read_labels};
use crate::output::{self, WithLogs};
use crate::replay::{jobs, judge};
use crate::report::{self, Report};
use crate::run::overrides_of_a_reader;

/// Two detectors, one reading.
struct Comparing<'a> {
    detectors: [Detector; 2],
    outcomes: &'a Outcomes,
    agents: Mutex<Agents>,
}

struct Step {
    events: [Event; 2],
    kind: Kind,
    status: u16,
    path: Box<str>,
    is_good_robot: bool,
    reached: Reached,
    /// Event log: id, method and target of what an outcome may come of, or the id alone of what
    /// ends one.
    joins: Option<Box<(String, String, String)>>,
}

struct Watch<'a> {
    comparison: Comparison,
    outcomes: OutcomeWatch<'a>,
    banned: [BannedClients; 2],
}

impl<'a> Pass for Comparing<'a> {
    type Step = Step;
    type Watch = Watch<'a>;

    fn step(&self, record: &Record<'_>) -> Step {
        let is_request = record.kind != Kind::Outcome;
        let is_good_robot = is_request
            && record.user_agent.is_some_and(|agent| {
                self.agents.lock().unwrap_or_else(PoisonError::into_inner).is_good_bot(agent)
            });
        let asked = self.outcomes.asked(record.method, record.target);
        let reached = match record.kind {
            Kind::Whole => self.outcomes.reached(asked, record.status),
            Kind::Request | Kind::Outcome => Reached::default(),
        };
        let wanted = match record.kind {
            Kind::Whole => false,
            Kind::Request => !asked.is_nothing(),
            Kind::Outcome => !self.outcomes.is_empty(),
        };
        let id = record.id.or(record.decision.map(|decision| decision.id)).filter(|_| wanted);
        Step {
            events: [0, 1].map(|side: usize| event_of(record, &self.detectors[side])),
            kind: record.kind,
            status: record.status,
            path: if is_request { path_shape(record.target) } else { Box::default() },
            is_good_robot,
            reached,
            joins: id.map(|id| {
                Box::new((id.to_owned(), record.method.to_owned(), record.target.to_owned()))
            }),
        }
    }

    fn group(&self, step: &Step) -> usize {
        self.detectors[0].group(step.events[0].client)
    }

    fn watch(&self) -> Watch<'a> {
        Watch {
            comparison: Comparison::default(),
            outcomes: OutcomeWatch::new(self.outcomes),
            banned: Default::default(),
        }
    }

    fn pass(&self, step: Step, watch: &mut Watch<'a>) {
        let client = step.events[0].client;
        if step.kind != Kind::Outcome {
            let verdicts = [0, 1].map(|side: usize| {
                let verdict = self.detectors[side].observe(&step.events[side]);
                watch.banned[side].note(client, &verdict);
                verdict
            });
            let group = self.detectors[0].group(client);
            watch.comparison.note(client, group, step.path, step.is_good_robot, verdicts);
        }
        if step.kind != Kind::Request {
            for (detector, event) in self.detectors.iter().zip(&step.events) {
                detector.conclude(&Outcome::of(event, event.at, step.status));
            }
        }
        let mut reached = step.reached;
        if let Some(joins) = step.joins {
            let (id, method, target) = &*joins;
            let record = Record {
                kind: step.kind,
                status: step.status,
                id: Some(id),
                method,
                target,
                ..Record::default()
            };
            reached =
                watch.outcomes.see(&record).map_or(reached, |arrival| reached.and(arrival.reached));
        }
        if !reached.is_nothing() {
            watch.comparison.reached(client, reached);
        }
    }

    fn check(&self, watches: &[Watch<'a>]) -> Result<(), TooManyBans> {
        [0, 1].into_iter().try_for_each(|side: usize| {
            BannedClients::check(
                watches.iter().map(|watch| &watch.banned[side]),
                &self.detectors[side],
            )
        })
    }
}

/// Compares and prints. Answers no when something changes, or nothing was read.
///
/// # Errors
/// What cannot be read, a configuration or model that is refused.
pub fn run(args: &DiffArgs) -> Result<Answer> {
    let report = Report::open(&args.report)?;
    let mut outcomes = Outcomes::default();
    let judges = [judge_of(&args.before, &mut outcomes)?, judge_of(&args.after, &mut outcomes)?];
    for outcome in &args.outcomes {
        outcomes.add_flag(outcome).context("--outcome")?;
    }
    let labels = args.labels.as_deref().map(read_labels).transpose()?;
    let logs = Logs::find(&args.logs)?;
    let comparing = || Comparing {
        detectors: [0, 1].map(|side: usize| {
            let (judge, capacity) = &judges[side];
            Detector::new(
                Settings { capacity: *capacity, hash_key: OFFLINE_HASH_KEY },
                judge.clone(),
            )
        }),
        outcomes: &outcomes,
        agents: Mutex::default(),
    };
    let Walked { pass: comparing, tallies, watches } =
        walk_twice_if_needed(jobs(args.jobs), &logs, comparing)?;
    logs.finish();
    let comparison = watches
        .into_iter()
        .map(|watch| watch.comparison)
        .reduce(Comparison::join)
        .unwrap_or_default();
    let names = [&args.before, &args.after];
    let sides = [0, 1].map(|side: usize| {
        Side::of(&names[side].display().to_string(), &comparing.detectors[side])
    });
    let read = (
        tallies.iter().map(|tally| tally.lines).sum(),
        tallies.iter().map(|tally| tally.refused).sum(),
    );
    let difference = comparison.finish(sides, read, outcomes.names(), labels.as_ref(), args.top);
    let read = LogRead::all(&logs.names(), &tallies);
    if let Some(report) = &report {
        let models = judges.iter().filter_map(|(judge, _)| judge.model.as_ref());
        let mut origin = report::origin(models, read.clone());
        // Two configurations mostly name one model.
        origin.models.dedup_by(|after, before| after.sha256 == before.sha256);
        let named = [&args.before, &args.after].into_iter().chain(&args.labels);
        for path in named.map(PathBuf::as_path).chain(logs.files()) {
            origin.digests.push((path.display().to_string(), report::sha256(path)?));
        }
        report.write(&analysis::report::difference(&difference, report.names()), &origin)?;
    }
    let nothing = output::nothing_read(difference.requests, &args.logs);
    if args.json {
        output::print_json(&WithLogs { result: &difference, logs: &read })?;
    } else if let Some(nothing) = &nothing {
        output::print(&format!("{nothing}\n"))?;
    } else {
        output::print(&print::describe(&difference))?;
    }
    Ok(if difference.is_none() && nothing.is_none() { Answer::Yes } else { Answer::No })
}

/// A configuration or a model, by what the file is called; a configuration's outcomes are added to
/// those known.
fn judge_of(path: &Path, outcomes: &mut Outcomes) -> Result<(Judge, usize)> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => judge(None, Some(path)),
        Some("toml") => {
            let config = Config::load(Some(path), &overrides_of_a_reader())?;
            for (name, pattern) in config.outcomes().patterns() {
                let pattern = pattern.to_string();
                let is_known = outcomes
                    .patterns()
                    .any(|(known, other)| known == name && other.to_string() == pattern);
                if !is_known {
                    outcomes.add(name, &pattern)?;
                }
            }
            judge(Some(path), None)
        }
        _ => bail!("{}: expected a configuration (.toml) or a model (.json)", path.display()),
    }
}
