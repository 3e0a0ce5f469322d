//! From an event to a verdict: the steps of one `observe` call, in order.
//!
//! ```text
//!  1 exempt      a request on the allow list passes here
//!  2 admit       the client's state in the bounded table, made if need be with its earlier ban
//!  3 classify    page or asset, now that the client is known
//!  4 cohorts     those that the request is counted in are locked, which settles its time
//!  5 own verdict push into the client's window, guard, measure, score, decide with its standing
//!  6 remember    a new ban, apart from the window
//!  7 peers       what the cohorts do together may make the verdict harder: limit, never block
//! ```

use crate::client::ClientKey;
use crate::cohort::{Cohort, CountedIn, Peers};
use crate::event::Event;
use crate::features::Features;
use crate::guard;
use crate::judge::Judge;
use crate::mode::Mode;
use crate::model::{Model, TopContributions};
use crate::policy::{Action, Ban, Decision, Reason, Standing, Verdict};
use crate::site_profile::SiteProfile;
use crate::state::TrackerState;
use crate::state::client_state::{ClientState, KnownClient};
use crate::state::newcomer::Newcomer;
use crate::time::Timestamp;
use crate::url::Class;

/// Borrowed inputs of one `observe` call.
#[derive(Clone, Copy)]
pub(crate) struct Observing<'a> {
    /// Windows, cohorts and bans of all clients.
    pub(crate) tracked: &'a TrackerState,
    /// Model, policy and allow list.
    pub(crate) judge: &'a Judge,
    /// Whether the verdict is carried out.
    pub(crate) mode: Mode,
    /// Asked when a request is refused: are the features that raised its score to be found?
    pub(crate) wants_reasons: &'a dyn Fn() -> bool,
}

impl Observing<'_> {
    /// The verdict on this event: steps 1 and 2.
    pub(crate) fn verdict(self, event: &Event) -> Verdict {
        if let Some(exempt) = event.exempt {
            return allow(event, exempt.reason());
        }
        let earlier_ban = || self.tracked.bans.find(event.client, self.mode);
        let resolution_us = self.judge.resolution_us();
        self.tracked
            .table
            .with(event.client, event.at, resolution_us, earlier_ban, |state| {
                self.verdict_on(state, event)
            })
            .unwrap_or_else(|| allow(event, Reason::Crowded))
    }

    /// The verdict on the event of a client that has a place in the table: steps 3 and 4.
    fn verdict_on(self, state: &mut ClientState, event: &Event) -> Verdict {
        if let (Class::Page, ClientState::Known(client)) = (event.class, &*state) {
            client.window.prefetch();
        }
        let assets_alone = self.judge.site_profile().and_then(SiteProfile::assets_alone);
        let class = state.credit().class(event, assets_alone);
        let reclassified;
        let event = if class == event.class {
            event
        } else {
            reclassified = Event { class, ..*event };
            &reclassified
        };
        let is_page = event.class == Class::Page;
        let counted_in = self.judge.counted_in(is_page, state.pages(), event.write());
        if counted_in == CountedIn::NONE {
            return self.own_verdict(state, event);
        }
        let ring = self.tracked.table.ring_of(event.client);
        let who = (event.client, event.agent);
        let at = event.at.max(state.last_at());
        self.tracked.cohorts.with_peers(ring, who, at, counted_in, |peers, at| {
            let event = &Event { at, ..*event };
            let own = self.own_verdict(state, event);
            self.harden_by_peers(own, peers, event)
        })
    }

    /// The verdict by the client's own past: steps 5 and 6.
    fn own_verdict(self, state: &mut ClientState, event: &Event) -> Verdict {
        if let ClientState::Newcomer(newcomer) = state
            && let Some(verdict) = self.verdict_without_window(newcomer, event)
        {
            return verdict;
        }
        let client = state.known_client(event.at, self.judge.site_profile());
        self.enter_mode(&mut client.standing, event.client);
        let before = client.standing.ban();
        let verdict = self.push_and_decide(client, event);
        let after = client.standing.ban();
        if after != before {
            self.tracked.bans.insert(event.client, after, verdict.at);
        }
        verdict
    }

    /// The verdict on a newcomer, which has no window yet and has never been scored. It is the one
    /// that [`Observing::push_and_decide`] would give. `None` when the newcomer needs a window.
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

    /// Drops what was held against a client in shadow mode when its first verdict in enforce mode
    /// is taken.
    fn enter_mode(self, standing: &mut Standing, client: ClientKey) {
        standing.enter(self.mode, || self.tracked.bans.find(client, self.mode));
    }

    /// Push, measure, score, decide. Only page requests are scored: an asset changes nothing that
    /// the score depends on.
    fn push_and_decide(self, client: &mut KnownClient, event: &Event) -> Verdict {
        let Judge { model, policy, .. } = self.judge;
        let (resolution_us, profile) = (self.judge.resolution_us(), self.judge.site_profile());
        if event.class == Class::Page {
            client.standing.step(client.window.silence_us(event.at, resolution_us));
        }
        let at = client.window.push_at_site(event, resolution_us, profile);
        client.standing.see(event.agent, event.class, at);
        let pages = client.window.pages();
        self.guard(client, event.class, at);
        let is_scored = event.class == Class::Page && pages >= policy.min_pages();
        let scored = model.as_ref().filter(|_| is_scored).map(|model| {
            let features = Features::measure_only(&client.window, model.asks());
            let score = model.score(&features);
            self.tracked.drift.take(model, pages, &features, score.margin());
            (model, features, score)
        });
        let fresh = scored.as_ref().and_then(|(model, _, score)| {
            let Standing { steps, .. } = client.standing;
            model.score_rule().score(steps.count(), client.standing.score(), score.margin())
        });
        let Decision { action, reason, retry_after_s } =
            policy.decide(fresh, event.class, pages, &mut client.standing, at);
        let because = match scored {
            Some((model, features, _)) if reason.rule().is_none() => {
                self.reasons(action, || (model, features))
            }
            _ => TopContributions::default(),
        };
        let score = client.standing.score();
        let seq = client.window.sequence();
        Verdict { action, reason, score, retry_after_s, at, seq, class: event.class, because }
    }

    /// Limits a client whose pages show what no person can do.
    fn guard(self, client: &mut KnownClient, class: Class, at: Timestamp) {
        let policy = &self.judge.policy;
        if class == Class::Page
            && let Some(rule) = guard::rule_met_by_page(policy.guard(), &client.window, || {
                client.standing.browsers_sharing()
            })
        {
            policy.weigh_guard(rule, &mut client.standing, at);
        }
    }

    /// The verdict after the request was also counted in its cohorts: step 7.
    fn harden_by_peers(self, own: Verdict, peers: Peers<'_>, event: &Event) -> Verdict {
        let Peers { place, endpoint } = peers;
        let (resolution_us, profile) = (self.judge.resolution_us(), self.judge.site_profile());
        let cohort = place.and_then(|place| place.push(event, resolution_us, profile));
        let verdict = cohort.map_or(own, |cohort| self.harden_by_cohort(own, cohort));
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

    /// The verdict after the newcomers of the client's network, with its browser, were scored.
    fn harden_by_cohort(self, own: Verdict, cohort: &mut Cohort) -> Verdict {
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
        if own.action != Action::Allow {
            return own;
        }
        match policy.decide_cohort(&mut cohort.standing, at) {
            None => own,
            Some(Decision { action: Action::Allow, .. }) if own.reason.is_own_limit() => own,
            Some(Decision { action, reason, retry_after_s }) => {
                let because = self.reasons(action, || (model, measure(cohort)));
                Verdict { action, reason, retry_after_s, because, ..own }
            }
        }
    }

    /// The features that raised the score of a refused request most; none unless they are wanted.
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

/// The verdict on a request when judging it panicked: allow. The gate fails open here and nowhere
/// else.
pub(crate) fn allow_after_panic(event: &Event) -> Verdict {
    allow(event, Reason::Failure)
}

/// The verdict on a request that is not, or cannot be, judged.
fn allow(event: &Event, reason: Reason) -> Verdict {
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
