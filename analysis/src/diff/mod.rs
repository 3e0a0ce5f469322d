//! Whose verdict changes between two judges, of one reading of a log.
//!
//! Both detectors are shown the same requests; each hashes and places them by its own model. Kept
//! are sums, one [`Fate`] a client (about 100 bytes) and a bounded number of paths, never lines.
//! Whatever the number of watchers, the sums are the same.

mod pass;

pub use pass::{DiffPass, DiffWatch};

use std::collections::{BTreeMap, HashMap};

use detector::{Action, ClientKey, Detector, Judge, Reason, Score, Timestamp, Verdict};
use serde::Serialize;
use traffic::conversions::Reached;
use trainer::label::{Label, Labels};

use crate::explain::Thresholds;
use crate::format::{count, percent};

/// Distinct paths kept of each group of clients; what comes later is summed up as [`OTHER_PATHS`].
const PATHS_MAX: usize = 500;
/// What paths beyond the bound are called.
pub const OTHER_PATHS: &str = "(other paths)";
/// Longest path kept, in characters.
const PATH_CHARS_MAX: usize = 80;
/// Who says so itself.
const GOOD_ROBOTS: &str = "good robots by user agent";

/// One of the two.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// As it was named: the file.
    pub name: String,
    /// The model's name.
    pub model: String,
    /// SHA-256 of the model, in hex.
    pub model_sha256: String,
    /// Scores from which something happens.
    pub thresholds: Thresholds,
}

/// What changes from the first judge to the second.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The first.
    pub before: Side,
    /// The second.
    pub after: Side,
    /// Lines read.
    pub lines: u64,
    /// Lines that could not be read.
    pub refused: u64,
    /// Requests.
    pub requests: u64,
    /// Clients.
    pub clients: u64,
    /// Requests that are treated otherwise.
    pub requests_changed: u64,
    /// Clients with such a request.
    pub clients_changed: u64,
    /// Requests by what both decide.
    pub by_request: Vec<Cell>,
    /// Clients by the hardest that each decides.
    pub by_client: Vec<Cell>,
    /// The reasons of the requests that change, the most frequent first.
    pub reasons: Vec<ReasonChange>,
    /// Who it concerns: outcomes reached, good robots, labels.
    pub affected: Vec<Affected>,
    /// Paths of the requests that change, digits as `#`, the most frequent first.
    pub paths: Vec<PathChange>,
    /// Clients that change, the most requests first.
    pub changed: Vec<ClientChange>,
}

/// How many are treated so by the one and so by the other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// By the first.
    pub before: Action,
    /// By the second.
    pub after: Action,
    /// How many.
    pub number: u64,
}

/// Requests whose action changes, by both reasons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReasonChange {
    /// `allow/usual`
    pub before: String,
    /// `limit/limited`
    pub after: String,
    /// Requests.
    pub requests: u64,
}

/// Clients of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Affected {
    /// An outcome's name, a label, or the good robots.
    pub who: String,
    /// How many of them the log has.
    pub clients: u64,
    /// Of them, those whom the second refuses more.
    pub harder: u64,
    /// Those whom it refuses less.
    pub softer: u64,
    /// Those whom the first limits or blocks at all.
    pub stopped_before: u64,
    /// Those whom the second does.
    pub stopped_after: u64,
    /// The first few whom it refuses more.
    pub examples: Vec<String>,
}

/// One path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PathChange {
    /// Without parameters, digits as `#`, cut.
    pub path: String,
    /// Requests refused harder.
    pub harder: u64,
    /// Requests refused less.
    pub softer: u64,
}

/// One client that changes.
#[derive(Clone, Debug, Serialize)]
pub struct ClientChange {
    /// Who.
    pub client: String,
    /// Requests in all.
    pub requests: u64,
    /// Of these, refused harder.
    pub harder: u64,
    /// Refused less.
    pub softer: u64,
    /// What it is known as: outcomes, good robot, label.
    pub known_as: Vec<String>,
    /// The first request that changes.
    pub first: FirstChange,
}

/// One request, twice decided.
#[derive(Clone, Debug, Serialize)]
pub struct FirstChange {
    /// When, in µs since the epoch.
    pub at: Timestamp,
    /// Its number among the client's, from 1.
    pub number: u64,
    /// Its path, as above.
    pub path: String,
    /// By the first.
    pub before: Told,
    /// By the second.
    pub after: Told,
}

/// A verdict in words.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// What.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The client's score, 0..=1.
    pub score: Option<f32>,
    /// What spoke loudest, where it is refused.
    pub because: Vec<String>,
}

/// What became of a client under both.
#[derive(Clone, Debug, Default)]
struct Fate {
    requests: u64,
    harder: u64,
    softer: u64,
    /// The hardest action of each, as a number.
    hardest: [u8; 2],
    reached: Reached,
    is_good_robot: bool,
    first: Option<Box<First>>,
}

#[derive(Clone, Debug)]
struct First {
    at: Timestamp,
    number: u64,
    path: Box<str>,
    verdicts: [Verdict; 2],
}

/// Sums over the requests of some groups of clients.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    by_request: [[u64; 3]; 3],
    reasons: BTreeMap<[u8; 4], u64>,
    fates: HashMap<ClientKey, Fate>,
    /// By group, so that the bound does not depend on who watches which.
    paths: BTreeMap<usize, BTreeMap<Box<str>, [u64; 2]>>,
}

/// A path without what makes each page another: parameters cut, digits as `#`.
pub fn path_shape(target: &str) -> Box<str> {
    let (path, _) = detector::url::split(target);
    let mut shape = String::with_capacity(path.len().min(PATH_CHARS_MAX));
    for char in path.chars().take(PATH_CHARS_MAX) {
        match char {
            '0'..='9' if shape.ends_with('#') => {}
            '0'..='9' => shape.push('#'),
            other => shape.push(other),
        }
    }
    shape.into()
}

impl Comparison {
    /// Takes a request in, of a client in this group, twice decided.
    pub fn note(
        &mut self,
        client: ClientKey,
        group: usize,
        path: Box<str>,
        is_good_robot: bool,
        verdicts: [Verdict; 2],
    ) {
        let [before, after] = verdicts.map(|verdict| verdict.action as usize);
        self.by_request[before][after] += 1;
        let fate = self.fates.entry(client).or_default();
        fate.requests += 1;
        fate.is_good_robot |= is_good_robot;
        fate.hardest = [fate.hardest[0].max(before as u8), fate.hardest[1].max(after as u8)];
        if before == after {
            return;
        }
        let is_harder = after > before;
        fate.harder += u64::from(is_harder);
        fate.softer += u64::from(!is_harder);
        let [first, second] = verdicts.map(|verdict| verdict.reason as u8);
        *self.reasons.entry([before as u8, first, after as u8, second]).or_default() += 1;
        let paths = self.paths.entry(group).or_default();
        if fate.first.is_none() {
            let (at, number, path) = (verdicts[0].at, fate.requests, path.clone());
            fate.first = Some(Box::new(First { at, number, path, verdicts }));
        }
        let path = if paths.len() < PATHS_MAX || paths.contains_key(&path) {
            path
        } else {
            OTHER_PATHS.into()
        };
        paths.entry(path).or_default()[usize::from(!is_harder)] += 1;
    }

    /// A client has come to an outcome.
    pub fn reached(&mut self, client: ClientKey, reached: Reached) {
        let fate = self.fates.entry(client).or_default();
        fate.reached = fate.reached.and(reached);
    }

    /// Both together; they have seen different groups.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        for (sum, part) in
            self.by_request.as_flattened_mut().iter_mut().zip(other.by_request.as_flattened())
        {
            *sum += part;
        }
        for (reasons, requests) in other.reasons {
            *self.reasons.entry(reasons).or_default() += requests;
        }
        self.fates.extend(other.fates);
        self.paths.extend(other.paths);
        self
    }

    /// What changes. `read` are the lines read and refused, `outcomes` the names of outcomes, `top`
    /// how many rows a list has.
    pub fn finish(
        self,
        sides: [Side; 2],
        read: (u64, u64),
        outcomes: &[String],
        labels: Option<&Labels>,
        top: usize,
    ) -> Difference {
        let [before, after] = sides;
        let mut by_client = [[0; 3]; 3];
        let mut affected: Vec<Affected> = Vec::new();
        let kinds = outcomes.iter().cloned().chain([GOOD_ROBOTS.to_owned()]);
        affected.extend(kinds.map(|who| Affected { who, ..Affected::default() }));
        let labelled = affected.len();
        if labels.is_some() {
            affected.extend(
                Label::ALL.map(|label| Affected {
                    who: format!("labelled {label}"),
                    ..Affected::default()
                }),
            );
        }
        let mut changed: Vec<(ClientKey, &Fate, &First)> = Vec::new();
        // In order, so that examples do not depend on the table's.
        let mut clients: Vec<(&ClientKey, &Fate)> = self.fates.iter().collect();
        clients.sort_unstable_by_key(|(client, _)| **client);
        for (&client, fate) in clients {
            by_client[usize::from(fate.hardest[0])][usize::from(fate.hardest[1])] += 1;
            for kind in kinds_of(client, fate, outcomes.len(), labels, labelled) {
                affected[kind].take(client, fate);
            }
            changed.extend(fate.first.as_deref().map(|first| (client, fate, first)));
        }
        changed.sort_by_key(|(client, fate, _)| {
            (std::cmp::Reverse(fate.harder + fate.softer), *client)
        });
        let requests = self.by_request.as_flattened().iter().sum();
        let same: u64 = (0..3).map(|action| self.by_request[action][action]).sum();
        let client_change = |(client, fate, first): (ClientKey, &Fate, &First)| ClientChange {
            client: client.to_string(),
            requests: fate.requests,
            harder: fate.harder,
            softer: fate.softer,
            known_as: kinds_of(client, fate, outcomes.len(), labels, labelled)
                .into_iter()
                .map(|kind| affected[kind].who.clone())
                .collect(),
            first: FirstChange {
                at: first.at,
                number: first.number,
                path: first.path.to_string(),
                before: told(&first.verdicts[0]),
                after: told(&first.verdicts[1]),
            },
        };
        let clients_changed = changed.len() as u64;
        let changed = changed.into_iter().take(top).map(client_change).collect();
        affected.retain(|kind| kind.clients > 0);
        Difference {
            before,
            after,
            lines: read.0,
            refused: read.1,
            requests,
            clients: self.fates.len() as u64,
            requests_changed: requests - same,
            clients_changed,
            by_request: cells(&self.by_request),
            by_client: cells(&by_client),
            reasons: reasons(&self.reasons),
            affected,
            paths: paths(self.paths, top),
            changed,
        }
    }
}

impl Affected {
    fn take(&mut self, client: ClientKey, fate: &Fate) {
        const EXAMPLES: usize = 5;
        self.clients += 1;
        self.stopped_before += u64::from(fate.hardest[0] > 0);
        self.stopped_after += u64::from(fate.hardest[1] > 0);
        self.softer += u64::from(fate.softer > fate.harder);
        if fate.harder > fate.softer {
            self.harder += 1;
            if self.examples.len() < EXAMPLES {
                self.examples.push(client.to_string());
            }
        }
    }
}

impl Side {
    /// What this judge is.
    pub fn of(name: &str, detector: &Detector) -> Self {
        let judge: &Judge = &detector.judge();
        let score = |margin: Option<f32>| margin.map(|margin| Score::from_margin(margin).value());
        Self {
            name: name.to_owned(),
            model: judge.model.as_ref().map_or_else(String::new, |model| model.file().name.clone()),
            model_sha256: judge
                .model
                .as_ref()
                .map_or_else(String::new, |model| model.sha256().to_owned()),
            thresholds: Thresholds {
                limit: score(judge.policy.limit_margin()),
                block: score(judge.policy.block_margin()),
                cohort: score(judge.policy.cohort_margin()),
                min_pages: judge.policy.min_pages(),
            },
        }
    }
}

impl Difference {
    /// Does anything change?
    pub fn is_none(&self) -> bool {
        self.requests_changed == 0
    }

    /// How much, in one sentence.
    pub fn in_words(&self) -> String {
        let [before, after] = [&self.before.name, &self.after.name];
        if self.is_none() {
            return format!(
                "Nothing changes: {} requests of {} clients are treated alike by {before} and \
                    {after}.",
                count(self.requests),
                count(self.clients)
            );
        }
        let share = |part: u64, whole: u64| percent(part as f64 / whole.max(1) as f64);
        format!(
            "From {before} to {after}, {} of {} requests change ({}) and {} of {} clients ({}).",
            count(self.requests_changed),
            count(self.requests),
            share(self.requests_changed, self.requests),
            count(self.clients_changed),
            count(self.clients),
            share(self.clients_changed, self.clients),
        )
    }
}

/// Which kinds a client is of, as places in the list: outcomes, good robots, and from `labelled` on
/// the labels.
fn kinds_of(
    client: ClientKey,
    fate: &Fate,
    outcomes: usize,
    labels: Option<&Labels>,
    labelled: usize,
) -> Vec<usize> {
    let mut kinds: Vec<usize> = (0..outcomes).filter(|&number| fate.reached.has(number)).collect();
    kinds.extend(fate.is_good_robot.then_some(outcomes));
    if let Some(label) = labels.and_then(|labels| labels.find(client)).map(|found| found.label) {
        kinds.extend(
            Label::ALL.iter().position(|known| *known == label).map(|place| labelled + place),
        );
    }
    kinds
}

fn told(verdict: &Verdict) -> Told {
    Told {
        action: verdict.action,
        reason: verdict.reason,
        score: verdict.score.map(Score::value),
        because: verdict.because.iter().map(ToString::to_string).collect(),
    }
}

fn cells(matrix: &[[u64; 3]; 3]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (before, row) in Action::ALL.into_iter().zip(matrix) {
        cells.extend(Action::ALL.into_iter().zip(row).map(|(after, &number)| Cell {
            before,
            after,
            number,
        }));
    }
    cells
}

fn reasons(reasons: &BTreeMap<[u8; 4], u64>) -> Vec<ReasonChange> {
    let name = |action: u8, reason: u8| {
        let (action, reason) = (Action::ALL[usize::from(action)], Reason::ALL[usize::from(reason)]);
        format!("{}/{}", action.as_str(), reason.as_str())
    };
    let row = |(&[before, first, after, second], &requests): (&[u8; 4], &u64)| ReasonChange {
        before: name(before, first),
        after: name(after, second),
        requests,
    };
    let mut rows: Vec<ReasonChange> = reasons.iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.requests));
    rows
}

fn paths(groups: BTreeMap<usize, BTreeMap<Box<str>, [u64; 2]>>, top: usize) -> Vec<PathChange> {
    let mut sums: BTreeMap<Box<str>, [u64; 2]> = BTreeMap::new();
    for (path, [harder, softer]) in groups.into_values().flatten() {
        let sum = sums.entry(path).or_default();
        *sum = [sum[0] + harder, sum[1] + softer];
    }
    let row = |(path, [harder, softer]): (Box<str>, [u64; 2])| PathChange {
        path: path.into(),
        harder,
        softer,
    };
    let mut rows: Vec<PathChange> = sums.into_iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.harder + row.softer));
    rows.truncate(top);
    rows
}

#[cfg(test)]
mod tests {
    use detector::Class;

    use super::*;

    #[test]
    fn paths_lose_their_numbers_and_parameters() {
        assert_eq!(&*path_shape("/p/12345?ref=1"), "/p/#");
        assert_eq!(&*path_shape("https://shop.example/a1b22/"), "/a#b#/");
        assert_eq!(path_shape(&format!("/{}", "é".repeat(500))).chars().count(), PATH_CHARS_MAX);
    }

    fn verdict(action: Action, reason: Reason) -> Verdict {
        let at = Timestamp::from_secs(1);
        Verdict {
            action,
            reason,
            score: None,
            retry_after_s: 0,
            at,
            seq: 1,
            class: Class::Page,
            because: Default::default(),
        }
    }

    fn side() -> Side {
        let thresholds = Thresholds { limit: None, block: None, cohort: None, min_pages: 5 };
        Side { name: "x".to_owned(), model: String::new(), model_sha256: String::new(), thresholds }
    }

    #[test]
    fn sums_are_right_and_the_same_in_parts() {
        let (allow, limit, block) = (
            verdict(Action::Allow, Reason::Usual),
            verdict(Action::Limit, Reason::Limited),
            verdict(Action::Block, Reason::Score),
        );
        let client = |number: u8| ClientKey::from_text(&format!("192.0.2.{number}"));
        let requests = [
            (1, "/p/1", [allow, allow]),
            (1, "/p/2", [allow, limit]),
            (1, "/p/3", [allow, block]),
            (2, "/cart", [limit, allow]),
            (3, "/", [allow, allow]),
        ];
        let mut one = Comparison::default();
        let mut parts = [Comparison::default(), Comparison::default()];
        for (number, path, verdicts) in requests {
            one.note(client(number), usize::from(number), path_shape(path), number == 3, verdicts);
            let part = &mut parts[usize::from(number % 2)];
            part.note(client(number), usize::from(number), path_shape(path), number == 3, verdicts);
        }
        let labels = Labels::parse("l", "client,label\n192.0.2.1,human\n192.0.2.2,bad\n").unwrap();
        let [even, odd] = parts;
        let finish = |comparison: Comparison| {
            comparison.finish([side(), side()], (5, 0), &[], Some(&labels), 9)
        };
        let (difference, again) = (finish(one), finish(odd.join(even)));
        assert_eq!(
            serde_json::to_string(&difference).unwrap(),
            serde_json::to_string(&again).unwrap()
        );
        assert_eq!(
            (difference.requests, difference.requests_changed, difference.clients_changed),
            (5, 3, 2)
        );
        let number = |cells: &[Cell], before, after| {
            cells.iter().find(|cell| (cell.before, cell.after) == (before, after)).unwrap().number
        };
        assert_eq!(number(&difference.by_request, Action::Allow, Action::Allow), 2);
        assert_eq!(number(&difference.by_client, Action::Allow, Action::Block), 1);
        assert_eq!(number(&difference.by_client, Action::Limit, Action::Allow), 1);
        assert_eq!(
            difference.paths[0],
            PathChange { path: "/p/#".to_owned(), harder: 2, softer: 0 }
        );
        let human = difference.affected.iter().find(|kind| kind.who == "labelled human").unwrap();
        assert_eq!(
            (human.clients, human.harder, human.stopped_before, human.stopped_after),
            (1, 1, 0, 1)
        );
        assert_eq!(human.examples, ["192.0.2.1"]);
        let robots = difference.affected.iter().find(|kind| kind.who == GOOD_ROBOTS).unwrap();
        assert_eq!((robots.clients, robots.harder), (1, 0));
        assert_eq!(difference.changed[0].first.number, 2);
        assert_eq!(difference.changed[0].known_as, ["labelled human"]);
    }

    #[test]
    fn a_client_that_makes_up_paths_does_not_fill_the_memory() {
        let mut comparison = Comparison::default();
        let verdicts =
            [verdict(Action::Allow, Reason::Usual), verdict(Action::Limit, Reason::Limited)];
        for number in 0..10_000_u32 {
            let path: String = number
                .to_string()
                .chars()
                .map(|digit| (digit as u8 - b'0' + b'a') as char)
                .collect();
            comparison.note(
                ClientKey::from_text("192.0.2.1"),
                3,
                path_shape(&format!("/{path}")),
                false,
                verdicts,
            );
        }
        assert_eq!(comparison.paths[&3].len(), PATHS_MAX + 1);
        let difference = comparison.finish([side(), side()], (0, 0), &[], None, 3);
        assert_eq!(
            (difference.paths[0].path.as_str(), difference.paths[0].harder),
            (OTHER_PATHS, 9_500)
        );
    }
}
