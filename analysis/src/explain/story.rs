//! What became of one client, request by request, and its state at the request that is explained.

use std::collections::{BTreeMap, BTreeSet};

use detector::features::Features;
use detector::policy::Standing;
use detector::{
    Action, AgentKey, Class, ClientKey, Detector, Event, Reason, Score, Timestamp, Verdict,
};
use serde::Serialize;

use super::challenge_words::ChallengeCounts;
use super::moment::{ExplainedRequest, FollowedLine, MOMENTS_MAX, RequestChoice};
use super::record::RecordedTotals;

/// Longest target kept, in characters.
const TARGET_CHARS_MAX: usize = 300;
/// Most members of a cohort that are counted.
const MEMBERS_MAX: usize = 1_000;
/// Most browsers of a network that are told apart.
const AGENTS_MAX: usize = 1_000;

/// A client's state when one request was decided.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub number: u64,
    pub class: Class,
    pub write: u16,
    pub pages: u32,
    pub features: Features,
    pub verdict: Verdict,
    /// The standing before the decision.
    pub standing: Standing,
    pub is_scored: bool,
}

/// The clients of one network that name the same browser.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CohortMembers {
    /// The network: `192.0.2.0/24`, `2001:db8:1::/48`.
    pub network: String,
    /// Number of its clients with this browser up to then, the followed one included.
    pub clients: u64,
    /// Number of their requests.
    pub requests: u64,
}

/// The history of the followed client.
pub struct Story {
    pub client: ClientKey,
    pub which: RequestChoice,
    pub moments: Vec<ExplainedRequest>,
    pub requests: u64,
    pub pages: u64,
    pub limited: u64,
    pub blocked: u64,
    pub last_at: Timestamp,
    /// What the gate itself decided.
    pub recorded: RecordedTotals,
    /// What came of its challenges.
    pub challenges: ChallengeCounts,
    /// The request that is explained.
    pub decisive: Option<Snapshot>,
    /// The request that led to it: by the ban in force, or as the last score that limits.
    pub cause: Option<Snapshot>,
    pub cohort: Option<CohortMembers>,
    highest: Option<Snapshot>,
    over_limit: Option<Snapshot>,
    ban: Option<Snapshot>,
    browsers: BTreeMap<u16, (BTreeSet<ClientKey>, u64)>,
    /// Event log: decision identifiers of requests whose outcome is still to come, with their
    /// positions.
    open: BTreeMap<String, usize>,
}

impl Story {
    pub fn new(client: ClientKey, which: RequestChoice) -> Self {
        Self {
            client,
            which,
            moments: Vec::new(),
            requests: 0,
            pages: 0,
            limited: 0,
            blocked: 0,
            last_at: Timestamp::default(),
            recorded: RecordedTotals::default(),
            challenges: ChallengeCounts::default(),
            decisive: None,
            cause: None,
            cohort: None,
            highest: None,
            over_limit: None,
            ban: None,
            browsers: BTreeMap::new(),
            open: BTreeMap::new(),
        }
    }

    /// Notes anybody's request. It counts only if it shares the client's network and browser.
    pub fn passer_by(&mut self, event: &Event) {
        if event.client.network() != self.client.network() || event.agent == AgentKey::NONE {
            return;
        }
        if self.browsers.len() < AGENTS_MAX || self.browsers.contains_key(&event.agent.0) {
            let (clients, requests) = self.browsers.entry(event.agent.0).or_default();
            *requests += 1;
            if clients.len() < MEMBERS_MAX {
                clients.insert(event.client);
            }
        }
    }

    /// Takes the verdict on the client's own request, and how the client stood before.
    pub fn take_own(
        &mut self,
        detector: &Detector,
        event: &Event,
        verdict: &Verdict,
        mut standing: Standing,
        line: FollowedLine,
    ) {
        self.passer_by(event);
        standing.see(event.agent, verdict.class, event.at);
        let verdict = *verdict;
        self.requests += 1;
        self.last_at = verdict.at;
        self.pages += u64::from(verdict.class == Class::Page);
        self.limited += u64::from(verdict.action == Action::Limit);
        self.blocked += u64::from(verdict.action == Action::Block);

        let features = detector.features(self.client);
        let judge = detector.judge();
        let pages =
            features.as_ref().and_then(|features| features.value("log_n")).map_or(0, pages_of);
        let untracked = matches!(
            verdict.reason,
            Reason::AllowList | Reason::Proxy | Reason::Crowded | Reason::Failure
        );
        let is_scored = verdict.class == Class::Page
            && !untracked
            && verdict.score.is_some()
            && pages >= judge.policy.min_pages();
        let snapshot = features.map(|features| Snapshot {
            number: self.requests,
            class: verdict.class,
            write: event.write(),
            pages,
            features,
            verdict,
            standing,
            is_scored,
        });
        let is_wanted = match &self.which {
            // Actions ascend in severity; allow is the least.
            RequestChoice::Hardest => {
                let so_far = self
                    .decisive
                    .as_ref()
                    .map_or(Action::Allow, |decisive| decisive.verdict.action);
                (so_far as u8) < verdict.action as u8
            }
            RequestChoice::Number(number) => *number == self.requests,
            RequestChoice::Decision(id) => {
                line.recorded.as_ref().is_some_and(|past| past.id == *id)
            }
        };
        if let Some(snapshot) = snapshot {
            self.take(snapshot, is_wanted, judge.policy.limit_margin());
        }
        if is_wanted {
            let members = self.browsers.get(&event.agent.0);
            self.cohort =
                members.filter(|_| event.agent != AgentKey::NONE).map(|(clients, requests)| {
                    CohortMembers {
                        network: network(self.client),
                        clients: clients.len() as u64,
                        requests: *requests,
                    }
                });
        }
        let moment = ExplainedRequest {
            number: self.requests,
            at: verdict.at,
            method: line.method,
            target: line.target.chars().take(TARGET_CHARS_MAX).collect(),
            class: verdict.class,
            status: line.status,
            score: verdict.score.map(Score::value),
            is_scored,
            action: verdict.action,
            reason: verdict.reason,
            retry_after_s: verdict.retry_after_s,
            recorded: line.recorded,
        };
        self.recorded.take(&moment);
        if self.moments.len() < MOMENTS_MAX {
            if let Some(past) = moment.recorded.as_ref().filter(|_| moment.status.is_none()) {
                self.open.insert(past.id.clone(), self.moments.len());
            }
            self.moments.push(moment);
        }
    }

    /// Notes how one of its requests ended, from a later line.
    pub fn ended(&mut self, id: &str, status: u16) {
        if let Some(moment) = self.open.remove(id).and_then(|at| self.moments.get_mut(at)) {
            moment.status = Some(status);
        }
    }

    fn take(&mut self, snapshot: Snapshot, is_wanted: bool, limit: Option<f32>) {
        let margin =
            |snapshot: &Snapshot| snapshot.verdict.score.map_or(f32::NEG_INFINITY, Score::margin);
        if is_wanted {
            self.cause = match snapshot.verdict.reason {
                _ if snapshot.is_scored && snapshot.verdict.reason != Reason::Banned => {
                    self.over_limit.clone()
                }
                Reason::Banned | Reason::Shared => {
                    self.ban.clone().or_else(|| self.over_limit.clone())
                }
                _ => self.over_limit.clone(),
            };
            self.decisive = Some(snapshot.clone());
        }
        if !snapshot.is_scored {
            return;
        }
        if self.highest.as_ref().is_none_or(|highest| margin(highest) < margin(&snapshot)) {
            self.highest = Some(snapshot.clone());
        }
        if (snapshot.verdict.action, snapshot.verdict.reason) == (Action::Block, Reason::Score) {
            self.ban = Some(snapshot.clone());
        }
        if limit.is_some_and(|limit| margin(&snapshot) >= limit) {
            self.over_limit = Some(snapshot);
        }
    }

    /// Settles which request to explain: the one asked for, or the highest score if nothing was
    /// stopped.
    pub fn finish(&mut self) {
        if self.which == RequestChoice::Hardest && self.decisive.is_none() {
            self.decisive = self.highest.take();
        }
    }
}

/// A client's network in the usual notation; a client with a name is its own network.
pub fn network(client: ClientKey) -> String {
    match client.network().ip() {
        Some(ip) if ip.is_ipv4() => format!("{ip}/24"),
        Some(ip) => format!("{ip}/48"),
        None => client.to_string(),
    }
}

/// Number of pages from the feature that is its logarithm.
fn pages_of(log_n: f32) -> u32 {
    if log_n.is_nan() { 0 } else { log_n.exp().round() as u32 }
}
