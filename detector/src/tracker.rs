//! The public operations on all clients' state: observe a request, conclude it, ban, lift a ban.
//!
//! A [`Tracker`] holds what is remembered: windows, cohorts, bans. The [`Judge`] and the [`Mode`]
//! are arguments, so that a live gate takes both from the configuration in force at each request.
//! [`crate::Detector`] is a tracker with a fixed judge.
//!
//! The steps between an event and a verdict are in `pipeline`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::client::ClientKey;
use crate::cohort::Cohorts;
use crate::drift::{ClientsSeen, Drift, DriftCounts};
use crate::event::{Event, Request};
use crate::features::Features;
use crate::judge::Judge;
use crate::mode::Mode;
use crate::pipeline::{self, Observing};
use crate::policy::{Ban, Cause, Standing};
use crate::state::TrackerState;
use crate::state::bans::{BanChanges, Bans};
use crate::state::client_state::ClientState;
use crate::state::table::Table;
use crate::time::Timestamp;
use crate::token::{Concluded, Observed, Token};
use crate::url::UrlHasher;

/// What a tracker is built with. A reload cannot change it.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The most clients it tracks at once.
    pub capacity: usize,
    /// Secret key for hashing URLs and clients. A live gate draws one at start; a replay passes any
    /// fixed one.
    pub hash_key: u64,
}

/// Watches clients and decides what to do with each request.
///
/// Time is `event.at`. Live requests, last year's log and a simulation are the same to it.
pub struct Tracker {
    tracked: TrackerState,
    hasher: UrlHasher,
    panics: AtomicU64,
}

/// A ban that was imposed or lifted, and after which of the client's events that was. A replay that
/// does the same after the same event comes to the same verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BanMark {
    /// Whether there is a ban now, for one that was imposed. Whether there was one, for one that
    /// was lifted.
    pub was_done: bool,
    /// The client's own clock, which is the time of its last event. The caller's time where the
    /// client is not tracked.
    pub at: Timestamp,
    /// The number of its last event; 0 where it is not tracked.
    pub seq: u32,
}

impl BanMark {
    /// Done at `at`, after the last event of a client that is tracked. Before its first one a
    /// client has no time of its own.
    fn after(state: &ClientState, at: Timestamp) -> Self {
        let seq = state.sequence();
        Self { was_done: true, at: if seq > 0 { state.last_at() } else { at }, seq }
    }
}

/// Figures about a tracker, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Clients tracked.
    pub clients: u64,
    /// The most it will track.
    pub capacity: u64,
    /// Clients evicted for others. A client that the doorkeeper of a full table turns away evicts
    /// nobody.
    pub evictions: u64,
    /// Bans in force that refuse clients in enforce mode.
    pub bans: u64,
    /// Bans that were made in shadow mode and have not ended. They refuse nobody.
    pub bans_provisional: u64,
    /// Bans that found no room in the table of bans, and so end with their client's window.
    pub bans_dropped: u64,
    /// Panics caught; each allowed its request.
    pub panics: u64,
}

impl Tracker {
    /// A tracker that has seen no client yet.
    pub fn new(settings: Settings) -> Self {
        let Settings { capacity, hash_key } = settings;
        let tracked = TrackerState {
            table: Table::new(capacity, hash_key),
            cohorts: Cohorts::new(capacity, hash_key),
            // A ban takes a sixth of a window's memory, so room for as many bans as clients costs
            // little. A flood cannot fill it for free.
            bans: Bans::new(capacity),
            drift: DriftCounts::default(),
        };
        Self { tracked, hasher: UrlHasher::new(hash_key), panics: AtomicU64::new(0) }
    }

    /// Reduces a request to what the features may see.
    pub fn event(&self, judge: &Judge, request: &Request<'_>) -> Event {
        Event::new(request, &self.hasher, &judge.allow, judge.site_profile())
    }

    /// Takes a request in and decides what to do with it. Never fails: when judging panics, the
    /// request is allowed and the panic counted.
    ///
    /// `wants_reasons` is asked when the request is refused. Finding the reasons takes longer than
    /// the score, and whoever reads a log for totals needs them once for each client.
    pub fn observe(
        &self,
        judge: &Judge,
        mode: Mode,
        event: &Event,
        wants_reasons: &dyn Fn() -> bool,
    ) -> Observed {
        let observing = Observing { tracked: &self.tracked, judge, mode, wants_reasons };
        let verdict = catch_unwind(AssertUnwindSafe(|| observing.verdict(event)));
        let verdict = verdict.unwrap_or_else(|_| {
            self.panics.fetch_add(1, Ordering::Relaxed);
            pipeline::allow_after_panic(event)
        });
        Observed::new(event, verdict, mode)
    }

    /// Takes the end of a request in: it ended at `at`, with this HTTP status (0 when there was
    /// none). `None` when the client is not tracked.
    pub fn conclude(
        &self,
        judge: &Judge,
        token: Token,
        at: Timestamp,
        status: u16,
    ) -> Option<Concluded> {
        pipeline::conclude(&self.tracked, judge, &token.ended(at, status))
    }

    /// Bans a client from `at` until `until`, whatever its score, and whether or not it is tracked.
    ///
    /// The ban holds at once, and in enforce mode whichever mode it was imposed in; what shadow
    /// mode held against the client is dropped. A ban in force that ends later stays as it is, and
    /// so does the client's number of offences. Not done when the client is not tracked and there
    /// is no room for another ban.
    pub fn impose(
        &self,
        judge: &Judge,
        client: ClientKey,
        at: Timestamp,
        until: Timestamp,
    ) -> BanMark {
        let bans = &self.tracked.bans;
        let imposed = |before: Ban| Ban {
            until: until.max(before.until),
            offences: before.offences,
            mode: Mode::Enforce,
            cause: Cause::Imposed,
        };
        // A tracked client's two records change under its lock, so that no request of it comes in
        // between.
        let on_tracked = || {
            self.tracked.table.with_known(client, |state| {
                let mark = BanMark::after(state, at);
                let standing = &mut state.known_client(at, judge.site_profile()).standing;
                standing.enter(Mode::Enforce, || bans.find(client, Mode::Enforce));
                let ban = imposed(standing.ban());
                standing.set_ban(ban);
                bans.insert(client, ban, at);
                mark
            })
        };
        if let Some(mark) = on_tracked() {
            return mark;
        }
        let is_remembered = bans.insert(client, imposed(bans.find(client, Mode::Enforce)), at);
        // It may have got its place in between, and not have found the ban.
        on_tracked().unwrap_or(BanMark { was_done: is_remembered, at, seq: 0 })
    }

    /// After which of a client's events something happens at `at` that changes nothing.
    pub fn mark(&self, client: ClientKey, at: Timestamp) -> BanMark {
        let tracked = self.tracked.table.with_known(client, |state| BanMark::after(state, at));
        tracked.unwrap_or(BanMark { was_done: false, at, seq: 0 })
    }

    /// Softens a tracked client's limit until `until`, because it passed a challenge
    /// ([`Policy::ease`](crate::Policy::ease)). Not done while an earlier pass counts, while the
    /// client is banned, or where it is not tracked.
    ///
    /// Its time is that of the client's last event, so a replay finds the same.
    pub fn ease(
        &self,
        judge: &Judge,
        client: ClientKey,
        at: Timestamp,
        until: Timestamp,
    ) -> BanMark {
        let bans = &self.tracked.bans;
        let eased = self.tracked.table.with_known(client, |state| {
            let mark = BanMark::after(state, at);
            let standing = &mut state.known_client(mark.at, judge.site_profile()).standing;
            standing.enter(Mode::Enforce, || bans.find(client, Mode::Enforce));
            BanMark { was_done: judge.policy.ease(standing, mark.at, until), ..mark }
        });
        eased.unwrap_or(BanMark { was_done: false, at, seq: 0 })
    }

    /// Takes back all that is held against a client at `at`: ban, offences, limit. Was it banned?
    pub fn lift(&self, client: ClientKey, at: Timestamp) -> BanMark {
        let bans = &self.tracked.bans;
        let lifted = self.tracked.table.with_known(client, |state| {
            let mark = BanMark::after(state, at);
            let was_banned = match state {
                ClientState::Newcomer(_) => false,
                ClientState::Known(known) => {
                    let was_banned = known.standing.ban().until > at;
                    known.standing.pardon();
                    was_banned
                }
            };
            BanMark { was_done: bans.remove(client, at) || was_banned, ..mark }
        });
        let untracked = || BanMark { was_done: bans.remove(client, at), at, seq: 0 };
        lifted.unwrap_or_else(untracked)
    }

    /// The bans in force at `now` that count in this mode, ordered by their end.
    pub fn bans(&self, now: Timestamp, mode: Mode) -> Vec<(ClientKey, Ban)> {
        self.tracked.bans.list(now, mode)
    }

    /// Bans made and lifted since, beginning with the change number `from`; begin with 0.
    pub fn ban_changes(&self, from: u64) -> BanChanges {
        self.tracked.bans.changes(from)
    }

    /// Which of 64 groups a client is in, so that a replay can use several cores.
    ///
    /// Clients of different groups never evict one another and are of different networks. So the
    /// verdicts do not depend on the order in which groups are observed, only on the order within
    /// each group. The one thing that all clients share is the room for bans, which must suffice.
    pub fn group(&self, client: ClientKey) -> usize {
        self.tracked.table.ring_of(client)
    }

    /// How many bans can be remembered, of all clients together.
    pub fn room_for_bans(&self) -> usize {
        self.tracked.bans.capacity()
    }

    /// How many browsers a client has named at least within the hour; `None` when it is not
    /// tracked, 0 while it is a newcomer.
    pub fn browsers(&self, client: ClientKey) -> Option<u32> {
        self.tracked.table.with_known(client, |state| match state {
            ClientState::Newcomer(_) => 0,
            ClientState::Known(known) => known.standing.browsers(),
        })
    }

    /// Places for cohorts that are taken, and how many there are at most.
    pub fn cohorts(&self) -> (usize, usize) {
        (self.tracked.cohorts.len(), self.tracked.cohorts.capacity())
    }

    /// How far traffic has moved from what the model was trained on, since the tracker was made or
    /// [`Tracker::begin_drift_window`] was called. `None` while nobody was judged, or when the
    /// model file holds no reference to compare with.
    pub fn drift(&self, judge: &Judge) -> Option<Drift> {
        self.tracked.drift.compare(judge.model.as_ref()?)
    }

    /// The clients counted for drift since then.
    pub fn drift_seen(&self) -> ClientsSeen {
        self.tracked.drift.seen()
    }

    /// Starts counting drift anew. To be called when another judge is put in force, and by the
    /// owner's timer.
    pub fn begin_drift_window(&self) {
        self.tracked.drift.clear();
    }

    /// Forgets bans that no longer count. Called by the owner's timer.
    pub fn sweep(&self, judge: &Judge, now: Timestamp) {
        self.tracked.bans.sweep(now, judge.policy.forget_us());
    }

    /// The tracker's figures at `now`.
    pub fn stats(&self, now: Timestamp) -> Stats {
        Stats {
            clients: self.tracked.table.len() as u64,
            capacity: self.tracked.table.capacity() as u64,
            evictions: self.tracked.table.evictions(),
            bans: self.tracked.bans.in_force(now, Mode::Enforce) as u64,
            bans_provisional: self.tracked.bans.in_force(now, Mode::Shadow) as u64,
            bans_dropped: self.tracked.bans.dropped(),
            panics: self.panics.load(Ordering::Relaxed),
        }
    }

    /// What the policy remembers of a client. `None` when the client is not tracked, or is a
    /// newcomer, of which the policy remembers nothing yet.
    pub fn standing(&self, client: ClientKey) -> Option<Standing> {
        self.tracked.table.with_known(client, |state| match state {
            ClientState::Newcomer(_) => None,
            ClientState::Known(known) => Some(known.standing),
        })?
    }

    /// A client's standing as the next verdict in this mode will find it.
    pub fn standing_in(&self, client: ClientKey, mode: Mode) -> Standing {
        let earlier_ban = || self.tracked.bans.find(client, mode);
        match self.standing(client) {
            None => Standing::new(earlier_ban()),
            Some(mut standing) => {
                standing.enter(mode, earlier_ban);
                standing
            }
        }
    }

    /// A client's features as they stand, or `None` when it is not tracked.
    pub fn features(&self, judge: &Judge, client: ClientKey) -> Option<Features> {
        self.tracked.table.with_known(client, |state| match state {
            ClientState::Newcomer(newcomer) => {
                Features::measure(&newcomer.window(newcomer.last_at(), judge.site_profile()))
            }
            ClientState::Known(known) => Features::measure(&known.window),
        })
    }
}
