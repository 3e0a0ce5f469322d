//! The challenge: a small page for a limited visitor, who goes on after a second of work or a short
//! wait.
//!
//! A door that is to refuse a request with 429 asks [`Engine::challenge`] for the page. The visitor
//! sends the page's form to the path of the configuration, and the door hands it over to
//! [`Engine::answer_challenge`]. Passing puts the client on the first rung of the limit with a full
//! bucket ([`detector::Policy::ease`]); it exempts from nothing.
//!
//! What was passed is remembered with the client's standing and nowhere else. So there is no cookie
//! to steal, a token that is sent again earns nothing, and a replay finds the same from one line of
//! the event log. A restart forgets it, as it forgets limits.
//!
//! Off, this costs nothing. On, headers are looked at only where a request is refused.

pub(crate) mod challenger;
mod page;
mod request;
mod token;

use detector::{Action, Class, ClientKey, Mode, Timestamp, Verdict};
use traffic::log::ChallengeResult;

use crate::enforce::{Kind, Refusal};
use crate::engine::{Ask, Engine, InFlight};
use crate::identity::Caller;
use crate::record::ChallengeRecord;
use challenger::Checked;
use request::{Form, local_target};
use token::Bound;

pub use challenger::ChallengePage;
pub use request::{FORM_BYTES_MAX, Language, Navigation};

/// Of a user agent this much is signed, as much as the event log keeps.
const AGENT_BYTES_MAX: usize = 512;

/// What a door answers to a form.
#[derive(Clone, Debug)]
pub enum ChallengeAnswer {
    /// 303 to this path of the shop.
    Passed(String),
    /// 429 with the page.
    Again(ChallengePage),
}

impl Engine {
    /// The page in place of a refusal, for a limited visitor who opens a page in a browser. `None`
    /// where the refusal stands: challenges are off, it is no navigation, the client is banned, or
    /// it has passed and gone beyond what that earned.
    pub fn challenge(
        &self,
        in_flight: &InFlight,
        verdict: &Verdict,
        refusal: Refusal,
        ask: &Ask<'_>,
        navigation: &Navigation<'_>,
    ) -> Option<ChallengePage> {
        let challenger = self.challenger.as_ref()?;
        let Kind::Limit { .. } = refusal.kind() else { return None };
        let is_asked = verdict.action == Action::Limit
            && verdict.class == Class::Page
            && navigation.is_one(ask.method);
        if !is_asked {
            return None;
        }
        let client = in_flight.caller.key();
        let standing = self.tracker.standing(client);
        if standing.is_some_and(|standing| standing.is_eased(verdict.at)) {
            return None;
        }
        let target = local_target(str::from_utf8(ask.target).unwrap_or("/"));
        let bound = Bound { client, user_agent: agent(ask), target };
        let now = self.now();
        self.note_challenge(client, ChallengeResult::Issued, now);
        Some(challenger.new_page(bound, now, navigation.language(), false))
    }

    /// Whether a request is for the form's path, which the gate answers itself. Never in shadow.
    pub fn is_challenge_path(&self, target: &[u8]) -> bool {
        self.challenger.as_ref().is_some_and(|challenger| {
            let path = challenger.config.path.as_bytes();
            let rest = target.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"?"))
        }) && self.mode() == Mode::Enforce
    }

    /// Takes in a form. `None` where challenges are off. A form that cannot be read fails like one
    /// that is forged.
    pub fn answer_challenge(
        &self,
        ask: &Ask<'_>,
        body: &[u8],
        navigation: &Navigation<'_>,
    ) -> Option<ChallengeAnswer> {
        let challenger = self.challenger.as_ref()?;
        let in_force = self.in_force.load();
        let trusted = &in_force.trusted_proxies;
        let client = Caller::identify(ask.peer, ask.headers.forwarded_for(), trusted).key();
        let now = self.now();
        let language = navigation.language();
        let form = Form::read(body);
        let target = local_target(form.as_ref().map_or("/", |form| &form.target));
        let bound = Bound { client, user_agent: agent(ask), target };
        let checked =
            form.as_ref().map_or(Checked::Failed, |form| challenger.check(form, bound, now));
        Some(match (checked, &form) {
            (Checked::Passed, _) => {
                self.pass_challenge(client, now, challenger.config.lifetime_s);
                ChallengeAnswer::Passed(target.to_owned())
            }
            (Checked::Early(left_s), Some(form)) => {
                self.note_challenge(client, ChallengeResult::Early, now);
                let page = challenger.page(&form.token, target, language, left_s, false);
                ChallengeAnswer::Again(page)
            }
            (Checked::Failed | Checked::Early(_), _) => {
                self.note_challenge(client, ChallengeResult::Failed, now);
                ChallengeAnswer::Again(challenger.new_page(bound, now, language, true))
            }
        })
    }

    fn pass_challenge(&self, client: ClientKey, now: Timestamp, lifetime_s: u64) {
        let until = now.plus_secs(lifetime_s);
        let mark = self.tracker.ease(&self.in_force.load().judge, client, now, until);
        // Sent again, it is no second sign of a person.
        if !mark.was_done {
            return;
        }
        self.metrics.challenged(ChallengeResult::Passed);
        tracing::debug!(%client, "challenge passed");
        if let Some(recorder) = &self.recorder {
            let result = ChallengeResult::Passed;
            let (until, challenged_at) = (Some(until), now);
            recorder.challenge(ChallengeRecord { client, mark, result, until, challenged_at });
        }
    }

    fn note_challenge(&self, client: ClientKey, result: ChallengeResult, now: Timestamp) {
        self.metrics.challenged(result);
        if let Some(recorder) = &self.recorder {
            let mark = self.tracker.mark(client, now);
            recorder.challenge(ChallengeRecord {
                client,
                mark,
                result,
                until: None,
                challenged_at: now,
            });
        }
    }
}

fn agent<'a>(ask: &Ask<'a>) -> &'a [u8] {
    let agent = ask.headers.user_agent.unwrap_or_default();
    agent.get(..AGENT_BYTES_MAX).unwrap_or(agent)
}
