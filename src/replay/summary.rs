//! Counts what became of every client in a replay.

use std::collections::{BTreeMap, HashMap};

use detector::{Action, ClientKey, Event, Reason, Timestamp, Verdict};
use traffic::replay::{RecordedVerdict, VerdictSink};

use super::client::TimelineEntry;

/// What became of the clients that one watcher saw, or of all clients.
#[derive(Default)]
pub struct Summary {
    pub clients: HashMap<ClientKey, ReplayedClient>,
    pub requests: u64,
    /// Requests whose verdict is in the log, which is then an event log.
    pub recorded: u64,
    /// Those of them whose verdict was repeated to the last bit.
    pub identical: u64,
    /// The requests of the client that is shown. Only one watcher sees them.
    pub timeline: Vec<TimelineEntry>,
    /// Requests by action and reason.
    verdicts: [[u64; Reason::ALL.len()]; Action::ALL.len()],
    /// Requests of the client that is shown, those before `since` too.
    shown: u64,
    /// Earlier requests are observed and not counted.
    since: Option<Timestamp>,
}

/// What became of one client.
#[derive(Clone, Debug, Default)]
pub struct ReplayedClient {
    pub requests: u64,
    pub limited: u64,
    pub blocked: u64,
    /// The highest score of any request, as the model's margin (log-odds).
    pub highest: Option<f32>,
    /// The first request that was limited or blocked.
    pub first: Option<FirstStop>,
}

/// The first request of a client that was limited or blocked.
#[derive(Clone, Copy, Debug)]
pub struct FirstStop {
    pub at: Timestamp,
    /// Which of the client's requests it was, counted from 1.
    pub request: u64,
    pub verdict: Verdict,
}

impl Summary {
    /// A summary that counts requests from `since` on; all requests where it is `None`.
    pub fn new(since: Option<Timestamp>) -> Self {
        Self { since, ..Self::default() }
    }

    /// Adds up what watchers saw. No two of them saw the same client.
    pub fn sum(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Self::default();
        for part in parts {
            sum.clients.extend(part.clients);
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

    /// Requests by verdict, each named `action/reason`. Verdicts that nobody got are left out.
    pub fn actions(&self) -> BTreeMap<String, u64> {
        let mut named = BTreeMap::new();
        for (action, reasons) in Action::ALL.iter().zip(&self.verdicts) {
            for (reason, &number) in
                Reason::ALL.iter().zip(reasons).filter(|(_, number)| **number > 0)
            {
                named.insert(format!("{}/{}", action.as_str(), reason.as_str()), number);
            }
        }
        named
    }
}

impl VerdictSink for Summary {
    fn accept(
        &mut self,
        event: &Event,
        verdict: &Verdict,
        recorded: Option<&RecordedVerdict>,
        request: Option<&str>,
    ) {
        self.shown += u64::from(request.is_some());
        if self.since.is_some_and(|since| verdict.at < since) {
            return;
        }
        self.requests += 1;
        self.clients.entry(event.client).or_default().count(verdict);
        self.verdicts[verdict.action as usize][verdict.reason as usize] += 1;
        if let Some(before) = recorded {
            self.recorded += 1;
            self.identical += u64::from(before.is_repeated_by(verdict));
        }
        self.timeline
            .extend(request.map(|request| TimelineEntry::of(event, verdict, request, self.shown)));
    }

    /// Only until the client's first refusal, because the table shows the reasons of that one.
    fn wants_reasons(&self, client: ClientKey) -> bool {
        self.clients.get(&client).is_none_or(|client| client.first.is_none())
    }
}

impl ReplayedClient {
    fn count(&mut self, verdict: &Verdict) {
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
