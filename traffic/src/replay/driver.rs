//! The driver: which requests are observed, in which mode, and whose ends are concluded.
//!
//! Replay, explain, diff, label, tune, evaluate, the benchmarks and training all drive detectors or
//! windows with traffic, and all must agree with the live gate on what is learnt from it. So this
//! is the only place outside the live engine that says so:
//!
//! - a request is observed in a [`Mode`]: the one that its event log recorded, or the caller's;
//! - the end of a request is concluded if observing it gave a token: not when it was refused in
//!   that mode, not when it passed unjudged;
//! - the end that an event log tells on a line of its own is concluded unless its request, as it is
//!   judged *now*, would have been refused or passed unjudged.
//!
//! A step is one log line ([`Step`]). A simulation, which knows when each answer comes, hands its
//! requests over one by one ([`Driver::simulate`]).

use std::collections::{BTreeMap, HashSet, VecDeque};

use detector::{Action, Detector, Event, Method, Mode, Reason, Timestamp, Token, UrlKey};

use crate::log::{Asked, Kind, Record};

/// Requests without a token whose end may still come; the oldest are given up. There are any only
/// where a log is judged otherwise than by the gate that wrote it.
const WITHHELD_MAX: usize = 1 << 16;

/// What traffic is driven through: a detector, or windows that nobody judges.
pub trait Subject {
    /// Takes a request in. Returns its token if its end is to be learnt from.
    fn observe(&mut self, event: &Event, mode: Mode) -> Option<Token>;
    /// Takes the end of a request in: when it ended, with which HTTP status (0 for none).
    fn conclude(&mut self, token: Token, at: Timestamp, status: u16);
}

/// In which mode requests are observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Semantics {
    /// As the event log says; shadow where a log does not say, because all that such a log has was
    /// answered by the shop.
    #[default]
    AsRecorded,
    /// Always in this mode.
    Always(Mode),
}

/// What is kept of one log line until its turn comes. 56 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The request. Of a line that only says how a request ended: client, time, user agent's hash
    /// and where it wrote.
    pub event: Event,
    /// Hash of the decision's name, which joins an event log's request and its end; 0 in other logs.
    id: u32,
    /// HTTP status of the end, if the line tells it.
    pub status: u16,
    /// What the line tells.
    pub kind: Kind,
    recorded: Recorded,
}

/// What an event log says of a request besides: its mode, and whether a line with its end can come.
/// None can where the gate refused the request or let it pass unjudged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recorded {
    /// It is another log.
    Nothing,
    Shadow,
    ShadowWithoutEnd,
    Enforce,
    EnforceWithoutEnd,
}

impl Recorded {
    fn of(record: &Record<'_>) -> Self {
        let Some(decision) = &record.decision else { return Self::Nothing };
        let mode = decision.mode.parse().unwrap_or_default();
        let is_refused = mode == Mode::Enforce && decision.action != Action::Allow.as_str();
        let is_exempt = [Reason::AllowList, Reason::Proxy]
            .iter()
            .any(|reason| reason.as_str() == decision.reason);
        match (mode, is_refused || is_exempt) {
            (Mode::Shadow, false) => Self::Shadow,
            (Mode::Shadow, true) => Self::ShadowWithoutEnd,
            (Mode::Enforce, false) => Self::Enforce,
            (Mode::Enforce, true) => Self::EnforceWithoutEnd,
        }
    }

    const fn mode(self) -> Option<Mode> {
        match self {
            Self::Nothing => None,
            Self::Shadow | Self::ShadowWithoutEnd => Some(Mode::Shadow),
            Self::Enforce | Self::EnforceWithoutEnd => Some(Mode::Enforce),
        }
    }

    const fn has_no_end(self) -> bool {
        matches!(self, Self::ShadowWithoutEnd | Self::EnforceWithoutEnd)
    }
}

const _: () = assert!(size_of::<Step>() <= 56);

impl Step {
    /// Of an event that is known already, and how it ended if that is known.
    pub const fn new(event: Event, kind: Kind, status: u16) -> Self {
        Self { event, id: 0, status, kind, recorded: Recorded::Nothing }
    }

    /// Hash of the decision's name, which joins an event log's request and its end; 0 in other
    /// logs.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Of a record whose request this detector reduces.
    pub fn of(record: &Record<'_>, detector: &Detector) -> Self {
        Self::reduced(record, |request| detector.event(request))
    }

    /// Of a record whose request `event` reduces.
    pub fn reduced(
        record: &Record<'_>,
        event: impl FnOnce(&detector::Request<'_>) -> Event,
    ) -> Self {
        let event = record.request().map(|request| event(&request)).unwrap_or_else(|| {
            let Asked { agent, write } = record.asked;
            let method = if write == 0 { Method::Other } else { Method::Write };
            let url = UrlKey(u32::from(write) << 16);
            Event { method, agent, ..Event::page(record.client_key(), record.at, url) }
        });
        let id = record.id.or(record.decision.map(|decision| decision.id));
        Self {
            event,
            id: id.map_or(0, hash),
            status: record.status,
            kind: record.kind,
            recorded: Recorded::of(record),
        }
    }

    /// Is there a request on this line?
    pub fn is_request(&self) -> bool {
        self.kind != Kind::Outcome
    }

    /// Does this line say how a request ended?
    pub fn is_end(&self) -> bool {
        self.kind != Kind::Request
    }
}

/// FNV-1a (Fowler, Noll, Vo), folded to 32 bits and never 0.
fn hash(id: &str) -> u32 {
    let mixed = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    ((mixed >> 32) as u32 ^ mixed as u32).max(1)
}

/// Drives one subject with traffic in order of time. Of several threads each has its own, for its
/// own clients.
#[derive(Debug, Default)]
pub struct Driver {
    semantics: Semantics,
    withheld: HashSet<u32>,
    /// The withheld in the order of their coming.
    order: VecDeque<u32>,
    /// Simulated answers that are under way, by when they come and in which order they were asked.
    awaited: BTreeMap<(Timestamp, u64), (Token, u16)>,
    asked: u64,
}

impl Driver {
    /// A driver that observes in these modes.
    pub fn new(semantics: Semantics) -> Self {
        Self { semantics, ..Self::default() }
    }

    /// Takes a log line in.
    pub fn step(&mut self, step: &Step, subject: &mut impl Subject) {
        let at = step.event.at;
        match step.kind {
            Kind::Whole => {
                if let Some(token) = self.observe(step, subject) {
                    subject.conclude(token, at, step.status);
                }
            }
            Kind::Request => {
                let is_withheld = self.observe(step, subject).is_none();
                if is_withheld && !step.recorded.has_no_end() && step.id != 0 {
                    self.withhold(step.id);
                }
            }
            // Nearly always nothing is withheld, and then nothing is looked for.
            Kind::Outcome if !self.withheld.is_empty() && self.withheld.remove(&step.id) => {}
            Kind::Outcome => {
                let Event { client, agent, .. } = step.event;
                let token = Token::recorded(client, agent, step.event.write());
                subject.conclude(token, at, step.status);
            }
        }
    }

    fn observe(&self, step: &Step, subject: &mut impl Subject) -> Option<Token> {
        let mode = match self.semantics {
            Semantics::AsRecorded => step.recorded.mode().unwrap_or_default(),
            Semantics::Always(mode) => mode,
        };
        subject.observe(&step.event, mode)
    }

    fn withhold(&mut self, id: u32) {
        if self.order.len() >= WITHHELD_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.withheld.remove(&oldest);
        }
        self.order.push_back(id);
        self.withheld.insert(id);
    }

    /// Takes a simulated request in, after the answers that have come by then. `answer` is when it
    /// will be answered and with which status, if it reaches the shop; `None` for a request of
    /// which nobody knows.
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
            self.asked += 1;
            self.awaited.insert((at, self.asked), (token, status));
        }
    }
}

#[cfg(test)]
mod tests {
    use detector::{ClientKey, Exempt};

    use super::*;

    /// Refuses requests of one page, and notes what it is told.
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
    }

    fn step(kind: Kind, id: u32, url: u32, mode: Option<Mode>) -> Step {
        let event = Event::page(ClientKey::NOBODY, Timestamp::default(), UrlKey(url));
        let recorded = match mode {
            None => Recorded::Nothing,
            Some(Mode::Shadow) => Recorded::Shadow,
            Some(Mode::Enforce) => Recorded::Enforce,
        };
        Step { event, id, status: 200, kind, recorded }
    }

    fn driven(semantics: Semantics, steps: &[Step]) -> String {
        let (mut driver, mut subject) = (Driver::new(semantics), Noting::default());
        steps.iter().for_each(|step| driver.step(step, &mut subject));
        subject.0.join(", ")
    }

    #[test]
    fn only_what_reached_the_shop_is_concluded() {
        let whole = |url| step(Kind::Whole, 0, url, None);
        let exempt = Event { exempt: Some(Exempt::AllowList), ..whole(1).event };
        let steps = [whole(1), whole(7), Step { event: exempt, ..whole(1) }];
        assert_eq!(driven(Semantics::AsRecorded, &steps), "shadow 1, 200, shadow 7, 200, shadow 1");
        let enforced = driven(Semantics::Always(Mode::Enforce), &steps);
        assert_eq!(enforced, "enforce 1, 200, enforce 7, enforce 1");
    }

    #[test]
    fn an_end_follows_its_request_as_it_is_judged_now() {
        let request = |id, url, mode| step(Kind::Request, id, url, Some(mode));
        let end = |id| step(Kind::Outcome, id, 0, None);
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
        let refused = step(Kind::Request, 1, 7, Some(Mode::Enforce));
        driver.step(&Step { recorded: Recorded::EnforceWithoutEnd, ..refused }, &mut subject);
        assert!(driver.withheld.is_empty());
    }

    #[test]
    fn what_is_withheld_is_bounded() {
        let (mut driver, mut subject) = (Driver::default(), Noting::default());
        for id in 1..=2 * WITHHELD_MAX as u32 {
            driver.step(&step(Kind::Request, id, 7, Some(Mode::Enforce)), &mut subject);
        }
        assert_eq!((driver.withheld.len(), driver.order.len()), (WITHHELD_MAX, WITHHELD_MAX));
    }

    #[test]
    fn simulated_answers_come_in_their_time() {
        let at = Timestamp::from_secs;
        let page = |second, url| Event { at: at(second), ..step(Kind::Whole, 0, url, None).event };
        let mut driver = Driver::new(Semantics::Always(Mode::Enforce));
        let mut subject = Noting::default();
        driver.simulate(&page(1, 1), Some((at(5), 205)), &mut subject);
        driver.simulate(&page(2, 2), Some((at(3), 203)), &mut subject);
        driver.simulate(&page(3, 7), Some((at(4), 204)), &mut subject);
        driver.simulate(&page(9, 3), None, &mut subject);
        assert_eq!(subject.0.join(", "), "enforce 1, enforce 2, 203, enforce 7, 205, enforce 3");
    }
}
