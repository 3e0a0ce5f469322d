//! From an event to a verdict: what `observe` does, in the order in which it happens.
//!
//! ```text
//!  1 admit       the client's state in the bounded table, with the ban that is remembered of it
//!  2 classify    page or asset, now that the client is known
//!  3 cohorts     the cohorts this request is counted in are locked, which settles its time
//!  4 own verdict push into the window, measure, score, decide with the client's standing
//!  5 peers       what the cohorts have to say, which may only limit
//!  6 remember    a new ban, apart from the window
//! ```

use crate::client::ClientKey;
use crate::cohort::{Cohort, Peers, Wanted};
use crate::event::Event;
use crate::features::Features;
use crate::judge::Judge;
use crate::mode::Mode;
use crate::model::{Model, TopContributions};
use crate::policy::{Action, Ban, Decision, Reason, Standing, Verdict};
use crate::state::client_state::{ClientState, KnownClient};
use crate::state::newcomer::Newcomer;
use crate::tracker::Tracker;
use crate::url::Class;

/// Borrowed inputs of one `observe` call.
#[derive(Clone, Copy)]
pub(crate) struct Observing<'a> {
    pub(crate) tracker: &'a Tracker,
    pub(crate) judge: &'a Judge,
    pub(crate) mode: Mode,
    pub(crate) wants_reasons: &'a dyn Fn() -> bool,
}

impl Observing<'_> {
    /// The verdict on this event.
    pub(crate) fn verdict(self, event: &Event) -> Verdict {
        if let Some(exempt) = event.exempt {
            return allowed(event, exempt.reason());
        }
        let remembered = || self.tracker.bans.find(event.client, self.mode);
        let resolution_us = self.judge.resolution_us();
        self.tracker
            .table
            .with(event.client, event.at, resolution_us, remembered, |state| {
                self.verdict_on(state, event)
            })
            .unwrap_or_else(|| allowed(event, Reason::Crowded))
    }

    fn verdict_on(self, state: &mut ClientState, event: &Event) -> Verdict {
        if let (Class::Page, ClientState::Known(client)) = (event.class, &*state) {
            client.window.warm();
        }
        let class = state.credit().class(event);
        let settled;
        let event = if class == event.class {
            event
        } else {
            settled = Event { class, ..*event };
            &settled
        };
        let wanted = self.judge.wants(event.class == Class::Page, state.pages(), event.write());
        if wanted == Wanted::default() {
            return self.own_verdict(state, event);
        }
        let (ring, who) = (self.tracker.group(event.client), (event.client, event.agent));
        let at = event.at.max(state.last_at());
        self.tracker.cohorts.meet(ring, who, at, wanted, |peers, at| {
            let event = &Event { at, ..*event };
            let own = self.own_verdict(state, event);
            self.with_peers(own, peers, event)
        })
    }

    /// What the client's own past says.
    fn own_verdict(self, state: &mut ClientState, event: &Event) -> Verdict {
        if let ClientState::Newcomer(newcomer) = state
            && let Some(verdict) = self.verdict_without_window(newcomer, event)
        {
            return verdict;
        }
        let client = state.client(event.at, self.judge.memory());
        self.enter(&mut client.standing, event.client);
        let before = client.standing.ban();
        let verdict = self.decide(client, event);
        let after = client.standing.ban();
        if after != before {
            self.tracker.bans.insert(event.client, after, verdict.at);
        }
        verdict
    }

    /// Drops what was held against a client in shadow when the first verdict is carried out.
    fn enter(self, standing: &mut Standing, client: ClientKey) {
        standing.enter(self.mode, || self.tracker.bans.find(client, self.mode));
    }

    /// What [`Observing::decide`] would say of a client that has never been scored, or `None` when
    /// it must be asked.
    fn verdict_without_window(self, newcomer: &mut Newcomer, event: &Event) -> Option<Verdict> {
        if event.class == Class::Page && newcomer.pages() + 1 >= self.judge.policy.min_pages() {
            return None;
        }
        let at = newcomer.push(event, self.judge.resolution_us())?;
        let mut standing = Standing::new(Ban::NONE);
        let Decision { action, reason, retry_after_s } =
            self.judge.policy.decide(None, event.class, newcomer.pages(), &mut standing, at);
        let (score, because, seq) = (None, TopContributions::default(), newcomer.sequence());
        Some(Verdict { action, reason, score, retry_after_s, at, seq, class: event.class, because })
    }

    /// Push, measure, score, decide. A score is computed for page requests only: assets change
    /// nothing it depends on.
    fn decide(self, client: &mut KnownClient, event: &Event) -> Verdict {
        let Judge { model, policy, .. } = self.judge;
        let at = client.window.push_at_site(event, self.judge.resolution_us(), self.judge.memory());
        client.standing.see(event.agent, at);
        let pages = client.window.pages();
        let judged = event.class == Class::Page && pages >= policy.min_pages();
        let scored = model.as_ref().filter(|_| judged).map(|model| {
            let features = Features::measure_only(&client.window, model.asks());
            let score = model.score(&features);
            self.tracker.counts.take(model, pages, &features, score.margin());
            (model, features, score)
        });
        let fresh = scored.as_ref().map(|(_, _, score)| *score);
        let Decision { action, reason, retry_after_s } =
            policy.decide(fresh, event.class, pages, &mut client.standing, at);
        let because = match scored {
            Some((model, features, _)) => self.reasons(action, || (model, features)),
            None => TopContributions::default(),
        };
        let score = client.standing.score();
        let seq = client.window.sequence();
        Verdict { action, reason, score, retry_after_s, at, seq, class: event.class, because }
    }

    /// The verdict after what its cohorts do. They may make it harder, and limit at most.
    fn with_peers(self, own: Verdict, peers: Peers<'_>, event: &Event) -> Verdict {
        let Peers { place, endpoint } = peers;
        let (resolution_us, memory) = (self.judge.resolution_us(), self.judge.memory());
        let cohort = place.and_then(|place| place.push(event, resolution_us, memory));
        let verdict = cohort.map_or(own, |cohort| self.with_cohort(own, cohort));
        let Some(endpoint) = endpoint else { return verdict };
        endpoint.standing.enter(self.mode, || Ban::NONE);
        if verdict.action != Action::Allow {
            return verdict;
        }
        match self.judge.policy.decide_endpoint(&mut endpoint.standing, event.at) {
            None => verdict,
            Some(Decision { action, reason, retry_after_s }) => {
                Verdict { action, reason, retry_after_s, ..verdict }
            }
        }
    }

    fn with_cohort(self, own: Verdict, cohort: &mut Cohort) -> Verdict {
        let policy = &self.judge.policy;
        let is_long_enough = cohort.window().pages() >= policy.min_pages();
        let Some(model) = self.judge.model.as_ref().filter(|_| is_long_enough) else {
            return own;
        };
        cohort.standing.enter(self.mode, || Ban::NONE);
        let measure = |cohort: &Cohort| Features::measure_only(cohort.window(), model.asks());
        let at = cohort.window().last_at();
        if cohort.is_due() {
            policy.weigh_cohort(model.score(&measure(cohort)), &mut cohort.standing, at);
        }
        if own.action != Action::Allow || own.reason == Reason::Limited {
            return own;
        }
        match policy.decide_cohort(&mut cohort.standing, at) {
            None => own,
            Some(Decision { action, reason, retry_after_s }) => {
                let because = self.reasons(action, || (model, measure(cohort)));
                Verdict { action, reason, retry_after_s, because, ..own }
            }
        }
    }

    /// The features that raised the score of a refusal most.
    fn reasons<'m>(
        self,
        action: Action,
        measured: impl FnOnce() -> (&'m Model, Features),
    ) -> TopContributions {
        if action == Action::Allow || !(self.wants_reasons)() {
            return TopContributions::default();
        }
        let (model, features) = measured();
        model.contributions(&features).because(&features)
    }
}

/// What is said of a request when judging it failed. The gate fails open, here and nowhere else.
pub(crate) fn failed(event: &Event) -> Verdict {
    allowed(event, Reason::Failure)
}

/// What is said of a request that is not, or cannot be, judged.
fn allowed(event: &Event, reason: Reason) -> Verdict {
    Verdict {
        action: Action::Allow,
        reason,
        score: None,
        retry_after_s: 0,
        at: event.at,
        seq: 0,
        class: event.class,
        because: TopContributions::default(),
    }
}
