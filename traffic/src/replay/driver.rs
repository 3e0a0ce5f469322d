//! The driver: observes requests in the right mode, and concludes those that reached the shop.
//!
//! To *observe* a request is to add it to its client's window, which gives a verdict. To *conclude*
//! it is to add how it ended: its status, and when. A refused request never reaches the shop, so it
//! is observed but not concluded.
//!
//! Replay, explain, diff, label, tune, evaluate, the benchmarks and training all feed traffic to
//! detectors or windows. They must conclude the same requests as the live gate, or their windows
//! and scores differ from the gate's. So all of them use this driver. Its rules:
//!
//! - A request is observed in a [`Mode`], shadow or enforce: the one that the event log recorded,
//!   or the caller's ([`Semantics`]).
//! - A request is concluded if observing it returned a token. There is none if the request was
//!   refused in that mode, or if it passed unjudged (by the allow list, say).
//! - An event log has the end of a request on a line of its own. It is concluded too, unless its
//!   request gave no token in *this* run. What counts is the verdict of this run, not the recorded
//!   one: another model or policy may refuse other requests.
//! - A ban that somebody imposed or lifted at the gate is imposed or lifted again, in every mode
//!   and under every judge: it is a fact of the log as its requests are. So is a challenge that was
//!   passed.
//!
//! A log line is handed over as a [`LogStep`]. A simulation knows when each answer comes, and hands
//! over requests with their answers ([`Driver::simulate`]).

use std::collections::{BTreeMap, HashSet, VecDeque};

use detector::{ClientKey, Event, Mode, Timestamp, Token};

use super::log_step::LogStep;
use crate::log::{RecordKind, RecordedBan};

/// Requests without a token whose end may still come; the oldest are given up. There are any only
/// where a log is judged otherwise than by the gate that wrote it.
const WITHHELD_MAX: usize = 1 << 16;

/// What a driver feeds traffic to: a detector, or client windows without a model.
pub trait Subject {
    /// Takes a request. Returns its token if the end of the request must be concluded.
    fn observe(&mut self, event: &Event, mode: Mode) -> Option<Token>;
    /// Takes the end of a request: when it ended, and its HTTP status (0 for none).
    fn conclude(&mut self, token: Token, at: Timestamp, status: u16);
    /// Takes a ban that somebody imposed or lifted.
    fn change_ban(&mut self, client: ClientKey, at: Timestamp, ban: RecordedBan);
    /// Takes a challenge that the client passed, and until when it counts.
    fn pass_challenge(&mut self, client: ClientKey, at: Timestamp, until: Timestamp);
}

/// How the mode is chosen in which a request is observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Semantics {
    /// The mode that the event log recorded. Other logs record none and get shadow, because the
    /// shop answered all their requests.
    #[default]
    AsRecorded,
    /// This mode for all requests.
    Always(Mode),
}

/// Feeds traffic to one subject, in order of time. On several threads, each has a driver of its own
/// for its clients.
#[derive(Debug, Default)]
pub struct Driver {
    semantics: Semantics,
    /// The identifiers of requests of an event log that gave no token: their ends are not
    /// concluded.
    withheld: HashSet<u32>,
    /// The withheld identifiers, the oldest first.
    withheld_order: VecDeque<u32>,
    /// Simulated answers that have not come yet, by their time and then by the order of their
    /// requests.
    awaited: BTreeMap<(Timestamp, u64), (Token, u16)>,
    /// How many simulated requests have been given an answer; numbers them for `awaited`.
    requested: u64,
}

impl Driver {
    /// A driver that chooses modes by these semantics.
    pub fn new(semantics: Semantics) -> Self {
        Self { semantics, ..Self::default() }
    }

    /// Takes the next log line: observes its request, concludes its end, or both.
    pub fn step(&mut self, step: &LogStep, subject: &mut impl Subject) {
        let at = step.event.at;
        match step.kind {
            RecordKind::Whole => {
                if let Some(token) = self.observe(step, subject) {
                    subject.conclude(token, at, step.status);
                }
            }
            RecordKind::Request => {
                let is_withheld = self.observe(step, subject).is_none();
                if is_withheld && !step.recorded.has_no_end() && step.id != 0 {
                    self.withhold(step.id);
                }
            }
            // Usually nothing is withheld, and then the look-up is skipped.
            RecordKind::Outcome if !self.withheld.is_empty() && self.withheld.remove(&step.id) => {}
            RecordKind::Outcome => {
                let Event { client, agent, .. } = step.event;
                let token = Token::recorded(client, agent, step.event.target());
                subject.conclude(token, at, step.status);
            }
            RecordKind::Ban => {
                if let Some(ban) = step.ban() {
                    subject.change_ban(step.event.client, at, ban);
                }
            }
            RecordKind::Challenge => {
                if let Some(until) = step.passed_until() {
                    subject.pass_challenge(step.event.client, at, until);
                }
            }
        }
    }

    fn observe(&self, step: &LogStep, subject: &mut impl Subject) -> Option<Token> {
        let mode = match self.semantics {
            Semantics::AsRecorded => step.recorded.mode().unwrap_or_default(),
            Semantics::Always(mode) => mode,
        };
        subject.observe(&step.event, mode)
    }

    /// Remembers a request that gave no token, so that its end is not concluded.
    fn withhold(&mut self, id: u32) {
        if self.withheld_order.len() >= WITHHELD_MAX
            && let Some(oldest) = self.withheld_order.pop_front()
        {
            self.withheld.remove(&oldest);
        }
        self.withheld_order.push_back(id);
        self.withheld.insert(id);
    }

    /// Takes the next simulated request. Answers that have come before it are concluded first.
    ///
    /// `answer` is the time and the status of the shop's answer, if the request reaches the shop.
    /// `None` means that the answer is never concluded.
    pub fn simulate(
        &mut self,
        event: &Event,
        answer: Option<(Timestamp, u16)>,
        subject: &mut impl Subject,
    ) {
        while let Some(first) = self.awaited.first_entry().filter(|first| first.key().0 <= event.at)
        {
            let ((at, _), (token, status)) = first.remove_entry();
            subject.conclude(token, at, status);
        }
        let mode = match self.semantics {
            Semantics::AsRecorded => Mode::Shadow,
            Semantics::Always(mode) => mode,
        };
        if let (Some(token), Some((at, status))) = (subject.observe(event, mode), answer) {
            self.requested += 1;
            self.awaited.insert((at, self.requested), (token, status));
        }
    }
}

#[cfg(test)]
mod tests {
    use detector::{Exempt, UrlKey};

    use super::super::log_step::RecordedMode;
    use super::*;
    use crate::log::Record;

    /// A subject that refuses requests for one page in enforce mode, and lists its calls.
    #[derive(Default)]
    struct Noting(Vec<String>);

    impl Subject for Noting {
        fn observe(&mut self, event: &Event, mode: Mode) -> Option<Token> {
            self.0.push(format!("{mode} {}", event.url.0));
            let is_refused = mode == Mode::Enforce && event.url == UrlKey(7);
            Token::unjudged(event).filter(|_| !is_refused)
        }

        fn conclude(&mut self, _: Token, _: Timestamp, status: u16) {
            self.0.push(status.to_string());
        }

        fn change_ban(&mut self, client: ClientKey, at: Timestamp, ban: RecordedBan) {
            self.0.push(format!("{client} at {} {ban:?}", at.as_secs()));
        }

        fn pass_challenge(&mut self, client: ClientKey, at: Timestamp, until: Timestamp) {
            self.0.push(format!("{client} at {} passed to {}", at.as_secs(), until.as_secs()));
        }
    }

    fn step(kind: RecordKind, id: u32, url: u32, mode: Option<Mode>) -> LogStep {
        let event = Event::page(ClientKey::NOBODY, Timestamp::default(), UrlKey(url));
        let recorded = match mode {
            None => RecordedMode::Nothing,
            Some(Mode::Shadow) => RecordedMode::Shadow,
            Some(Mode::Enforce) => RecordedMode::Enforce,
        };
        LogStep { event, id, status: 200, kind, recorded }
    }

    fn driven(semantics: Semantics, steps: &[LogStep]) -> String {
        let (mut driver, mut subject) = (Driver::new(semantics), Noting::default());
        steps.iter().for_each(|step| driver.step(step, &mut subject));
        subject.0.join(", ")
    }

    #[test]
    fn only_what_reached_the_shop_is_concluded() {
        let whole = |url| step(RecordKind::Whole, 0, url, None);
        let exempt = Event { exempt: Some(Exempt::AllowList), ..whole(1).event };
        let steps = [whole(1), whole(7), LogStep { event: exempt, ..whole(1) }];
        assert_eq!(driven(Semantics::AsRecorded, &steps), "shadow 1, 200, shadow 7, 200, shadow 1");
        let enforced = driven(Semantics::Always(Mode::Enforce), &steps);
        assert_eq!(enforced, "enforce 1, 200, enforce 7, enforce 1");
    }

    #[test]
    fn an_end_follows_its_request_as_it_is_judged_now() {
        let request = |id, url, mode| step(RecordKind::Request, id, url, Some(mode));
        let end = |id| step(RecordKind::Outcome, id, 0, None);
        let steps = [
            request(1, 7, Mode::Shadow),
            request(2, 7, Mode::Enforce),
            request(3, 1, Mode::Enforce),
            end(2),
            end(1),
            end(3),
            end(4),
        ];
        let recorded = "shadow 7, enforce 7, enforce 1, 200, 200, 200";
        assert_eq!(driven(Semantics::AsRecorded, &steps), recorded, "all but the end of 2");
    }

    #[test]
    fn nothing_is_withheld_whose_end_the_gate_did_not_conclude_either() {
        let (mut driver, mut subject) = (Driver::default(), Noting::default());
        let refused = step(RecordKind::Request, 1, 7, Some(Mode::Enforce));
        driver
            .step(&LogStep { recorded: RecordedMode::EnforceWithoutEnd, ..refused }, &mut subject);
        assert!(driver.withheld.is_empty());
    }

    #[test]
    fn a_ban_comes_as_it_was_recorded_whatever_the_mode() {
        let record = |ban| Record {
            kind: RecordKind::Ban,
            client: "192.0.2.7",
            at: Timestamp::from_secs(9),
            ban: Some(ban),
            ..Record::default()
        };
        let step = |ban| LogStep::reduced(&record(ban), |_| unreachable!("it is no request"));
        for us in [-1, 0, 7, 1_795_219_200_123_456, i64::MAX] {
            let ban = RecordedBan::Imposed(Timestamp::from_micros(us));
            assert_eq!(step(ban).ban(), Some(ban));
        }
        let steps = [RecordedBan::Imposed(Timestamp::from_secs(70)), RecordedBan::Lifted].map(step);
        assert!(steps.iter().all(|step| !step.is_request() && !step.is_end() && step.id() == 0));
        let expect = "192.0.2.7 at 9 Imposed(Timestamp(70000000)), 192.0.2.7 at 9 Lifted";
        assert_eq!(driven(Semantics::AsRecorded, &steps), expect);
        assert_eq!(driven(Semantics::Always(Mode::Shadow), &steps), expect);
    }

    #[test]
    fn what_is_withheld_is_bounded() {
        let (mut driver, mut subject) = (Driver::default(), Noting::default());
        for id in 1..=2 * WITHHELD_MAX as u32 {
            driver.step(&step(RecordKind::Request, id, 7, Some(Mode::Enforce)), &mut subject);
        }
        let kept = (driver.withheld.len(), driver.withheld_order.len());
        assert_eq!(kept, (WITHHELD_MAX, WITHHELD_MAX));
    }

    #[test]
    fn simulated_answers_come_in_their_time() {
        let at = Timestamp::from_secs;
        let page =
            |second, url| Event { at: at(second), ..step(RecordKind::Whole, 0, url, None).event };
        let mut driver = Driver::new(Semantics::Always(Mode::Enforce));
        let mut subject = Noting::default();
        driver.simulate(&page(1, 1), Some((at(5), 205)), &mut subject);
        driver.simulate(&page(2, 2), Some((at(3), 203)), &mut subject);
        driver.simulate(&page(3, 7), Some((at(4), 204)), &mut subject);
        driver.simulate(&page(9, 3), None, &mut subject);
        assert_eq!(subject.0.join(", "), "enforce 1, enforce 2, 203, enforce 7, 205, enforce 3");
    }
}
