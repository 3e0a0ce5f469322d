//! Every client's state, and what is done with it: observe a request, conclude it, ban, pardon.
//!
//! A [`Tracker`] holds what is remembered (windows, cohorts, bans); what judges ([`Judge`]) and
//! whether the verdict is carried out ([`Mode`]) are arguments, so that a live gate takes both from
//! one configuration in force for each request. [`crate::Detector`] is a tracker with a judge of
//! its own, for whoever never changes it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::client::ClientKey;
use crate::cohort::{Cohorts, Peers, Wanted};
use crate::drift::{Counts, Drift, Seen};
use crate::event::{Event, Outcome, Request};
use crate::features::Features;
use crate::judge::Judge;
use crate::mode::Mode;
use crate::pipeline::{self, Observing};
use crate::policy::{Ban, Cause, Standing};
use crate::state::bans::{BanChanges, Bans};
use crate::state::client_state::ClientState;
use crate::state::table::Table;
use crate::time::Timestamp;
use crate::token::{Observed, Token};
use crate::url::UrlHasher;

/// What a tracker is built with and keeps for life.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The most clients it tracks at once.
    pub capacity: usize,
    /// Secret for hashing URLs and clients. A live gate draws one at start; a replay passes any
    /// fixed one.
    pub hash_key: u64,
}

/// Watches clients and says what to do with each request.
///
/// Time is `event.at`; feed it live requests, last year's log or a simulation, and it cannot tell
/// the difference.
pub struct Tracker {
    pub(crate) table: Table,
    pub(crate) cohorts: Cohorts,
    pub(crate) bans: Bans,
    pub(crate) counts: Counts,
    hasher: UrlHasher,
    panics: AtomicU64,
}

/// The time that the end of a request counted for, and its number among the client's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The effective time.
    pub at: Timestamp,
    /// The client's event number.
    pub seq: u32,
}

/// How a tracker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Clients tracked.
    pub clients: u64,
    /// The most it will track.
    pub capacity: u64,
    /// Clients evicted for others. A client that the doorkeeper of a full table turns away evicts
    /// nobody.
    pub evictions: u64,
    /// Bans in force.
    pub bans: u64,
    /// Bans that found no room apart from their client's window.
    pub bans_dropped: u64,
    /// Panics caught; each allowed its request.
    pub panics: u64,
}

impl Tracker {
    /// A tracker that knows nobody yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            table: Table::new(settings.capacity, settings.hash_key),
            cohorts: Cohorts::new(settings.capacity, settings.hash_key),
            // A ban is a sixth of a window: as many again as clients cost little, and a flood
            // cannot fill them for free.
            bans: Bans::new(settings.capacity),
            hasher: UrlHasher::new(settings.hash_key),
            panics: AtomicU64::new(0),
            counts: Counts::default(),
        }
    }

    /// Reduces a request to what the features may see.
    pub fn event(&self, judge: &Judge, request: &Request<'_>) -> Event {
        Event::new(request, &self.hasher, &judge.allow, judge.memory())
    }

    /// Takes a request in and says what to do with it. Never fails: what panics inside is counted
    /// and allowed. `wants_reasons` is asked when the request is refused: reasons take longer to
    /// find than the score, and who reads a log for totals tells of each client once.
    pub fn observe(
        &self,
        judge: &Judge,
        mode: Mode,
        event: &Event,
        wants_reasons: &dyn Fn() -> bool,
    ) -> Observed {
        let observing = Observing { tracker: self, judge, mode, wants_reasons };
        let verdict = catch_unwind(AssertUnwindSafe(|| observing.verdict(event)));
        let verdict = verdict.unwrap_or_else(|_| {
            self.panics.fetch_add(1, Ordering::Relaxed);
            pipeline::failed(event)
        });
        Observed::new(event, verdict, mode)
    }

    /// Takes the end of a request in: when it ended, with which HTTP status (0 when there was
    /// none). `None` when the client is not tracked.
    pub fn conclude(
        &self,
        judge: &Judge,
        token: Token,
        at: Timestamp,
        status: u16,
    ) -> Option<Mark> {
        let outcome = token.ended(at, status);
        self.table.with_known(outcome.client, |state| {
            let pages = state.pages();
            let wanted = judge.wants(pages > 0, pages.saturating_sub(1), outcome.write);
            if wanted == Wanted::default() {
                return end_of(state, judge, &outcome);
            }
            let (ring, who) = (self.group(outcome.client), (outcome.client, outcome.agent));
            let at = outcome.at.max(state.last_at());
            self.cohorts.meet(ring, who, at, wanted, |peers, at| {
                let outcome = Outcome { at, ..outcome };
                end_among(peers, judge, &outcome);
                end_of(state, judge, &outcome)
            })
        })
    }

    /// Bans a client from `at` until `until`, whatever its score, and whether or not it is tracked.
    /// It holds at once and in enforce mode, whichever mode it was imposed in; the offences that
    /// count stay as they were. `false` when the client is not tracked and there is no room for
    /// another ban.
    pub fn impose(
        &self,
        judge: &Judge,
        client: ClientKey,
        at: Timestamp,
        until: Timestamp,
    ) -> bool {
        let before = self.bans.find(client, Mode::Enforce);
        let ban =
            Ban { until, offences: before.offences, mode: Mode::Enforce, cause: Cause::Imposed };
        // First where newcomers are looked up, then in the window: a client that gets its place in
        // between meets it in one of the two.
        let is_remembered = self.bans.insert(client, ban, at);
        let is_tracked = self.table.with_known(client, |state| {
            let standing = &mut state.client(at, judge.memory()).standing;
            let offences = standing.ban().offences;
            standing.set_ban(Ban { offences, ..ban });
        });
        is_remembered || is_tracked.is_some()
    }

    /// Takes back all that is held against a client at `at`: ban, offences, limit. Was it banned?
    pub fn lift(&self, client: ClientKey, at: Timestamp) -> bool {
        let was_remembered = self.bans.remove(client, at);
        let was_banned = self.table.with_known(client, |state| match state {
            ClientState::Newcomer(_) => false,
            ClientState::Known(known) => {
                let was_banned = known.standing.ban().until > at;
                known.standing.pardon();
                was_banned
            }
        });
        was_remembered || was_banned == Some(true)
    }

    /// The bans in force at `now`, the one that ends first first.
    pub fn bans(&self, now: Timestamp) -> Vec<(ClientKey, Ban)> {
        self.bans.list(now)
    }

    /// Bans made and lifted from the change of this number on; begin with 0.
    pub fn ban_changes(&self, from: u64) -> BanChanges {
        self.bans.changes(from)
    }

    /// Which of 64 groups a client is in. Clients of different groups never evict one another and
    /// are of different networks. So whoever observes each group's clients in order of time gets
    /// the same verdicts, in whatever order he takes the groups, as long as there is room for every
    /// ban, the one thing that all clients share.
    pub fn group(&self, client: ClientKey) -> usize {
        self.table.ring_of(client)
    }

    /// How many bans it remembers, of all clients together.
    pub fn room_for_bans(&self) -> usize {
        self.bans.capacity()
    }

    /// How many browsers a client has named at least within the hour; `None` when it is not
    /// tracked, 0 while it is a newcomer.
    pub fn browsers(&self, client: ClientKey) -> Option<u32> {
        self.table.with_known(client, |state| match state {
            ClientState::Newcomer(_) => 0,
            ClientState::Known(known) => known.standing.browsers(),
        })
    }

    /// Cohorts that have a place, and how many there are at most.
    pub fn cohorts(&self) -> (usize, usize) {
        (self.cohorts.len(), self.cohorts.capacity())
    }

    /// How far traffic has moved from what the model was trained on, since the tracker was made or
    /// [`Tracker::begin_drift_window`] was called. `None` while nobody was judged, or the model
    /// remembers nothing to compare with.
    pub fn drift(&self, judge: &Judge) -> Option<Drift> {
        self.counts.compare(judge.model.as_ref()?)
    }

    /// Whom drift has seen since then.
    pub fn drift_seen(&self) -> Seen {
        self.counts.seen()
    }

    /// Forgets what drift was counted. To be called when another judge is put in force, and by the
    /// owner's timer.
    pub fn begin_drift_window(&self) {
        self.counts.clear();
    }

    /// Forgets bans that no longer count. Called by the owner's timer.
    pub fn sweep(&self, judge: &Judge, now: Timestamp) {
        self.bans.sweep(now, judge.policy.forget_us());
    }

    /// How it is doing at `now`.
    pub fn stats(&self, now: Timestamp) -> Stats {
        Stats {
            clients: self.table.len() as u64,
            capacity: self.table.capacity() as u64,
            evictions: self.table.evictions(),
            bans: self.bans.in_force(now) as u64,
            bans_dropped: self.bans.dropped(),
            panics: self.panics.load(Ordering::Relaxed),
        }
    }

    /// What the policy remembers of a client; `None` when it is not tracked, or a newcomer with
    /// nothing to be remembered.
    pub fn standing(&self, client: ClientKey) -> Option<Standing> {
        self.table.with_known(client, |state| match state {
            ClientState::Newcomer(_) => None,
            ClientState::Known(known) => Some(known.standing),
        })?
    }

    /// A client's features as they stand, or `None` when it is not tracked.
    pub fn features(&self, judge: &Judge, client: ClientKey) -> Option<Features> {
        self.table.with_known(client, |state| match state {
            ClientState::Newcomer(newcomer) => {
                Features::measure(&newcomer.window(newcomer.last_at(), judge.memory()))
            }
            ClientState::Known(known) => Features::measure(&known.window),
        })
    }
}

/// Takes the end of a request into its client's window.
fn end_of(state: &mut ClientState, judge: &Judge, outcome: &Outcome) -> Mark {
    let resolution_us = judge.resolution_us();
    if let ClientState::Newcomer(newcomer) = state
        && let Some(at) = newcomer.conclude(outcome, resolution_us)
    {
        return Mark { at, seq: newcomer.sequence() };
    }
    let window = &mut state.client(outcome.at, judge.memory()).window;
    let at = window.conclude(outcome, resolution_us);
    Mark { at, seq: window.sequence() }
}

/// Takes the end of a request into the cohorts that its client is counted in.
fn end_among(peers: Peers<'_>, judge: &Judge, outcome: &Outcome) {
    if let Some(place) = peers.place {
        place.conclude(outcome, judge.resolution_us());
    }
    if let Some(endpoint) = peers.endpoint
        && endpoint.conclude(outcome)
    {
        judge.policy.alarm(&mut endpoint.standing, outcome.at);
    }
}
