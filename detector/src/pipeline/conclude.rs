//! From the end of a request to the windows that learn from it.
//!
//! ```text
//!  1 find        the client's state, if it is still tracked
//!  2 cohorts     those that the request is counted in are locked, which settles the time
//!  3 learn       the outcome goes into the cohorts and into the client's window
//!  4 guard       an outcome that no person comes to limits the client
//! ```

use crate::cohort::{CountedIn, Peers};
use crate::event::Outcome;
use crate::judge::Judge;
use crate::state::TrackerState;
use crate::state::client_state::{ClientState, KnownClient};
use crate::token::Concluded;

/// Takes the end of a request in. `None` when its client is not tracked.
pub(crate) fn conclude(
    tracked: &TrackerState,
    judge: &Judge,
    outcome: &Outcome,
) -> Option<Concluded> {
    tracked.table.with_known(outcome.client, |state| {
        let pages = state.pages();
        let write = outcome.target.write();
        let counted_in = judge.counted_in(pages > 0, pages.saturating_sub(1), write);
        if counted_in == CountedIn::NONE {
            return conclude_client(state, judge, outcome);
        }
        let ring = tracked.table.ring_of(outcome.client);
        let who = (outcome.client, outcome.agent);
        let at = outcome.at.max(state.last_at());
        tracked.cohorts.with_peers(ring, who, at, counted_in, |peers, at| {
            let outcome = Outcome { at, ..*outcome };
            conclude_peers(peers, judge, &outcome);
            conclude_client(state, judge, &outcome)
        })
    })
}

/// Takes the outcome into its client's window.
fn conclude_client(state: &mut ClientState, judge: &Judge, outcome: &Outcome) -> Concluded {
    let resolution_us = judge.resolution_us();
    if let ClientState::Newcomer(newcomer) = state
        && let Some(at) = newcomer.conclude(outcome, resolution_us)
    {
        return Concluded { at, seq: newcomer.sequence() };
    }
    let KnownClient { window, standing } = state.known_client(outcome.at, judge.site_profile());
    let at = window.conclude(outcome, resolution_us);
    if let Some(rule) = standing.guard.conclude(judge.policy.guard(), outcome, at) {
        judge.policy.weigh_guard(rule, standing, at);
    }
    Concluded { at, seq: window.sequence() }
}

/// Takes the outcome into the cohorts that its client is counted in.
fn conclude_peers(peers: Peers<'_>, judge: &Judge, outcome: &Outcome) {
    if let Some(place) = peers.place {
        place.conclude(outcome, judge.resolution_us());
    }
    if let Some(endpoint) = peers.endpoint
        && endpoint.conclude(outcome)
    {
        judge.policy.alarm(&mut endpoint.standing, outcome.at);
    }
}
