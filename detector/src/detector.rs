//! The pipeline: `Event → Window → Features → Score → Verdict`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::allow::AllowList;
use crate::bans::Bans;
use crate::cohort::{Cohort, Cohorts, Company, FEW_PAGES, Wanted};
use crate::drift::{Counts, Drift, Seen};
use crate::event::{Event, Outcome, Request};
use crate::features::Features;
use crate::memory::Memory;
use crate::model::{Because, Model};
use crate::newcomer::Newcomer;
use crate::policy::{Action, Ban, Decision, Policy, Reason, Standing, Verdict};
use crate::shard::Seat;
use crate::table::{Client, Table};
use crate::time::Timestamp;
use crate::url::{Class, UrlHasher};

/// What a detector is built with and keeps for life.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The most clients it tracks at once.
    pub capacity: usize,
    /// Secret for hashing URLs and clients. A live gate draws one at start; a replay passes any
    /// fixed one.
    pub hash_key: u64,
}

/// What judges: swapped whole on reload, while windows and bans stay untouched.
#[derive(Clone, Debug)]
pub struct Judge {
    /// The model; without one everybody is allowed.
    pub model: Option<Model>,
    /// The policy.
    pub policy: Policy,
    /// Asked before both.
    pub allow: AllowList,
}

/// Watches clients and says what to do with each request.
///
/// Time is `event.at`; feed it live requests, last year's log or a simulation, and it cannot tell
/// the difference.
pub struct Detector {
    table: Table,
    cohorts: Cohorts,
    bans: Bans,
    judge: ArcSwap<Judge>,
    hasher: UrlHasher,
    panics: AtomicU64,
    counts: Counts,
}

/// What one verdict is found with.
#[derive(Clone, Copy)]
struct Judging<'a> {
    judge: &'a Judge,
    counts: &'a Counts,
    wants_reasons: &'a dyn Fn() -> bool,
}

/// The time an outcome counted for, and its number among the client's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The effective time.
    pub at: Timestamp,
    /// The client's event number.
    pub seq: u32,
}

/// How a detector is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Clients tracked.
    pub clients: u64,
    /// The most it will track.
    pub capacity: u64,
    /// Clients evicted for others. Who is turned away by the doorkeeper of a full table evicts
    /// nobody.
    pub evictions: u64,
    /// Bans in force.
    pub bans: u64,
    /// Bans that found no room apart from their client's window.
    pub bans_dropped: u64,
    /// Panics caught; each allowed its request.
    pub panics: u64,
}

impl Detector {
    /// A detector that knows nobody yet.
    pub fn new(settings: Settings, judge: Judge) -> Self {
        Self {
            table: Table::new(settings.capacity, settings.hash_key),
            cohorts: Cohorts::new(settings.capacity, settings.hash_key),
            // A ban is a tenth of a window: as many again as clients cost little, and a flood
            // cannot fill them for free.
            bans: Bans::new(settings.capacity),
            judge: ArcSwap::from_pointee(judge),
            hasher: UrlHasher::new(settings.hash_key),
            panics: AtomicU64::new(0),
            counts: Counts::default(),
        }
    }

    /// Reduces a request to what the features may see.
    pub fn event(&self, request: &Request<'_>) -> Event {
        let judge = self.judge.load();
        Event::new(request, &self.hasher, &judge.allow, judge.memory())
    }

    /// Takes a request in and says what to do with it. Never fails: what panics inside is counted
    /// and allowed.
    pub fn observe(&self, event: &Event) -> Verdict {
        self.observe_and_tell(event, &|| true)
    }

    /// The same, with a refusal's reasons only if `wants_reasons` says so when one comes: they take
    /// longer to find than the score, and who reads a log for totals tells of each client once.
    pub fn observe_and_tell(&self, event: &Event, wants_reasons: &dyn Fn() -> bool) -> Verdict {
        catch_unwind(AssertUnwindSafe(|| self.judged(event, wants_reasons))).unwrap_or_else(|_| {
            self.panics.fetch_add(1, Ordering::Relaxed);
            allowed(event, Reason::Failure)
        })
    }

    /// Takes the end of an allowed request in. `None` when the client is not tracked.
    pub fn conclude(&self, outcome: &Outcome) -> Option<Mark> {
        let judge = self.judge.load();
        self.table.with_known(outcome.client, |seat| {
            let pages = seat.pages();
            let wanted = judge.wants(pages > 0, pages.saturating_sub(1), outcome.write);
            if wanted == Wanted::default() {
                return judge.conclude(seat, outcome);
            }
            let (ring, who) = (self.group(outcome.client), (outcome.client, outcome.agent));
            self.cohorts.meet(ring, who, outcome.at.max(seat.last_at()), wanted, |company, at| {
                let outcome = &Outcome { at, ..*outcome };
                judge.conclude_in(company, outcome);
                judge.conclude(seat, outcome)
            })
        })
    }

    fn judged(&self, event: &Event, wants_reasons: &dyn Fn() -> bool) -> Verdict {
        if event.exempt {
            return allowed(event, Reason::AllowList);
        }
        let judge = self.judge.load(); // model + policy, swapped whole on reload; windows are untouched
        let judging = Judging { judge: &judge, counts: &self.counts, wants_reasons };
        let ban = || self.bans.find(event.client);
        let judged = self.table.with(event.client, event.at, judge.resolution_us(), ban, |seat| {
            self.observed(judging, seat, event)
        });
        let Some((verdict, ban)) = judged else {
            return allowed(event, Reason::Crowded);
        };
        if let Some(ban) = ban {
            self.bans.insert(event.client, ban, verdict.at);
        }
        verdict
    }

    /// What the client's own past says, and for one who has few pages yet, what its company has to
    /// add.
    fn observed(
        &self,
        judging: Judging<'_>,
        seat: &mut Seat,
        event: &Event,
    ) -> (Verdict, Option<Ban>) {
        if let (Class::Page, Seat::Known(client)) = (event.class, &*seat) {
            client.window.warm();
        }
        let class = seat.pulled().class(event);
        let alone;
        let event = if class == event.class {
            event
        } else {
            alone = Event { class, ..*event };
            &alone
        };
        let wanted = judging.judge.wants(event.class == Class::Page, seat.pages(), event.write());
        if wanted == Wanted::default() {
            return judging.observe(seat, event);
        }
        let (ring, who) = (self.group(event.client), (event.client, event.agent));
        self.cohorts.meet(ring, who, event.at.max(seat.last_at()), wanted, |company, at| {
            let event = &Event { at, ..*event };
            let (verdict, ban) = judging.observe(seat, event);
            (judging.join(verdict, company, event), ban)
        })
    }

    /// Which of 64 groups a client is in. Clients of different groups never evict one another and
    /// are of different networks, so whoever watches each group's clients in order of time, in
    /// whatever order the groups, gets the same verdicts; as long as there is room for every ban,
    /// the one thing that all clients share.
    pub fn group(&self, client: crate::ClientKey) -> usize {
        self.table.ring_of(client)
    }

    /// How many bans it remembers, of all clients together.
    pub fn room_for_bans(&self) -> usize {
        self.bans.capacity()
    }

    /// How many browsers a client has named at least within the hour; `None` when it is not
    /// tracked, 0 while it is a newcomer.
    pub fn browsers(&self, client: crate::ClientKey) -> Option<u32> {
        self.table.with_known(client, |seat| match seat {
            Seat::Newcomer(_) => 0,
            Seat::Known(client) => client.standing.browsers(),
        })
    }

    /// Cohorts that have a place, and how many there are at most.
    pub fn cohorts(&self) -> (usize, usize) {
        (self.cohorts.len(), self.cohorts.capacity())
    }

    /// Puts another model and policy in force.
    pub fn install(&self, judge: Judge) {
        self.judge.store(Arc::new(judge));
        self.counts.clear();
    }

    /// How far traffic has moved from what the model was trained on, since the detector was made,
    /// another judge was installed or [`Detector::begin_drift_window`] was called. `None` while
    /// nobody was judged, or the model remembers nothing to compare with.
    pub fn drift(&self) -> Option<Drift> {
        self.counts.compare(self.judge.load().model.as_ref()?)
    }

    /// Whom drift has seen since then.
    pub fn drift_seen(&self) -> Seen {
        self.counts.seen()
    }

    /// Forgets what drift was counted. Called by the owner's timer.
    pub fn begin_drift_window(&self) {
        self.counts.clear();
    }

    /// The model and policy in force.
    pub fn judge(&self) -> Arc<Judge> {
        self.judge.load_full()
    }

    /// Forgets bans that no longer count. Called by the owner's timer.
    pub fn sweep(&self, now: Timestamp) {
        self.bans.sweep(now, self.judge.load().policy.forget_us());
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
    pub fn standing(&self, client: crate::ClientKey) -> Option<Standing> {
        self.table.with_known(client, |seat| match seat {
            Seat::Newcomer(_) => None,
            Seat::Known(client) => Some(client.standing),
        })?
    }

    /// A client's features as they stand, or `None` when it is not tracked.
    pub fn features(&self, client: crate::ClientKey) -> Option<Features> {
        self.table.with_known(client, |seat| match seat {
            Seat::Newcomer(newcomer) => {
                Features::measure(&newcomer.window(newcomer.last_at(), self.judge.load().memory()))
            }
            Seat::Known(client) => Features::measure(&client.window),
        })
    }
}

impl Judge {
    fn resolution_us(&self) -> u32 {
        self.model.as_ref().map_or(1, Model::resolution_us)
    }

    fn memory(&self) -> Option<&Memory> {
        self.model.as_ref().and_then(Model::memory)
    }

    /// Whose company matters to a client who had so many pages before: its network's for a page
    /// while they are few, that at an endpoint for a write while they are too few to judge it by.
    fn wants(&self, is_page: bool, pages: u32, write: u16) -> Wanted {
        if self.policy.cohort_margin().is_none() || self.model.is_none() {
            return Wanted::default();
        }
        let write = if pages < self.policy.min_pages() { write } else { 0 };
        Wanted { network: is_page && pages < FEW_PAGES, write }
    }

    /// Takes in how a member's request ended.
    fn conclude_in(&self, company: Company<'_>, outcome: &Outcome) {
        if let Some(place) = company.place {
            place.conclude(outcome, self.resolution_us());
        }
        if let Some(endpoint) = company.endpoint
            && endpoint.conclude(outcome)
        {
            self.policy.alarm(&mut endpoint.standing, outcome.at);
        }
    }

    fn conclude(&self, seat: &mut Seat, outcome: &Outcome) -> Mark {
        let resolution_us = self.resolution_us();
        if let Seat::Newcomer(newcomer) = seat
            && let Some(at) = newcomer.conclude(outcome, resolution_us)
        {
            return Mark { at, seq: newcomer.sequence() };
        }
        let window = &mut seat.client(outcome.at, self.memory()).window;
        let at = window.conclude(outcome, resolution_us);
        Mark { at, seq: window.sequence() }
    }
}

impl Judging<'_> {
    /// The verdict on a member's request, after what its company does. It may make it harder, and
    /// limits at most.
    fn join(self, own: Verdict, company: Company<'_>, event: &Event) -> Verdict {
        let Company { place, endpoint } = company;
        let cohort = place
            .and_then(|place| place.push(event, self.judge.resolution_us(), self.judge.memory()));
        let verdict = cohort.map_or(own, |cohort| self.join_cohort(own, cohort));
        let decision = endpoint.filter(|_| verdict.action == Action::Allow).and_then(|endpoint| {
            self.judge.policy.decide_endpoint(&mut endpoint.standing, event.at)
        });
        match decision {
            None => verdict,
            Some(Decision { action, reason, retry_after_s }) => {
                Verdict { action, reason, retry_after_s, ..verdict }
            }
        }
    }

    fn join_cohort(self, own: Verdict, cohort: &mut Cohort) -> Verdict {
        let Some(model) = self
            .judge
            .model
            .as_ref()
            .filter(|_| cohort.window().pages() >= self.judge.policy.min_pages())
        else {
            return own;
        };
        let measure = |cohort: &Cohort| Features::measure_only(cohort.window(), model.asks());
        let at = cohort.window().last_at();
        if cohort.is_due() {
            self.judge.policy.weigh_cohort(model.score(&measure(cohort)), &mut cohort.standing, at);
        }
        if own.action != Action::Allow || own.reason == Reason::Limited {
            return own;
        }
        match self.judge.policy.decide_cohort(&mut cohort.standing, at) {
            None => own,
            Some(Decision { action, reason, retry_after_s }) => {
                let because = self.reasons(action, || (model, measure(cohort)));
                Verdict { action, reason, retry_after_s, because, ..own }
            }
        }
    }

    /// The verdict, and the client's ban if that is a new one.
    fn observe(self, seat: &mut Seat, event: &Event) -> (Verdict, Option<Ban>) {
        if let Seat::Newcomer(newcomer) = seat
            && let Some(verdict) = self.greet(newcomer, event)
        {
            return (verdict, None);
        }
        let client = seat.client(event.at, self.judge.memory());
        let before = client.standing.ban();
        let verdict = self.decide(client, event);
        let after = client.standing.ban();
        (verdict, (after != before).then_some(after))
    }

    /// What [`Judging::decide`] would say of a client that has never been scored, or `None` when it
    /// must be asked.
    fn greet(self, newcomer: &mut Newcomer, event: &Event) -> Option<Verdict> {
        if event.class == Class::Page && newcomer.pages() + 1 >= self.judge.policy.min_pages() {
            return None;
        }
        let at = newcomer.push(event, self.judge.resolution_us())?;
        let mut standing = Standing::new(Ban::NONE);
        let Decision { action, reason, retry_after_s } =
            self.judge.policy.decide(None, event.class, newcomer.pages(), &mut standing, at);
        let (score, because, seq) = (None, Because::default(), newcomer.sequence());
        Some(Verdict { action, reason, score, retry_after_s, at, seq, class: event.class, because })
    }

    /// Push, measure, score, decide. A score is computed for page requests only: assets change
    /// nothing it depends on.
    fn decide(self, client: &mut Client, event: &Event) -> Verdict {
        let at = client.window.push_at_site(event, self.judge.resolution_us(), self.judge.memory());
        client.standing.see(event.agent, at);
        let pages = client.window.pages();
        let judged = event.class == Class::Page && pages >= self.judge.policy.min_pages();
        let scored = self.judge.model.as_ref().filter(|_| judged).map(|model| {
            let features = Features::measure_only(&client.window, model.asks());
            let score = model.score(&features);
            self.counts.take(model, pages, &features, score.margin());
            (model, features, score)
        });
        let fresh = scored.as_ref().map(|(_, _, score)| *score);
        let Decision { action, reason, retry_after_s } =
            self.judge.policy.decide(fresh, event.class, pages, &mut client.standing, at);
        let because = match scored {
            Some((model, features, _)) => self.reasons(action, || (model, features)),
            None => Because::default(),
        };
        let score = client.standing.score();
        let seq = client.window.sequence();
        Verdict { action, reason, score, retry_after_s, at, seq, class: event.class, because }
    }

    /// What spoke loudest for a refusal.
    fn reasons<'m>(
        self,
        action: Action,
        measured: impl FnOnce() -> (&'m Model, Features),
    ) -> Because {
        if action == Action::Allow || !(self.wants_reasons)() {
            return Because::default();
        }
        let (model, features) = measured();
        model.contributions(&features).because(&features)
    }
}

/// What is said of a request that is not, or cannot be, judged. Failing open is decided here and
/// nowhere else.
fn allowed(event: &Event, reason: Reason) -> Verdict {
    Verdict {
        action: Action::Allow,
        reason,
        score: None,
        retry_after_s: 0,
        at: event.at,
        seq: 0,
        class: event.class,
        because: Because::default(),
    }
}
