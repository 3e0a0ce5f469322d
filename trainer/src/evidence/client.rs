//! What the rules need to know of one client, gathered request by request.

use detector::{Class, Timestamp};
use traffic::log::{Record, RecordedChallenge};

use super::agents::{AgentKind, Agents, KINDS};
use super::trace::Trace;
use super::visit::Step;

/// A client that names no other robot and asks for so many documents, without assets and referers
/// where others have both, is odd. Fewer may be a person with a cache.
const DOCUMENTS_WITHOUT_ASSETS: u32 = 10;
/// Assets with a referer that look like a browser. Fewer may be an accident.
const ASSETS_WITH_REFERER_MIN: u32 = 3;
/// A person who comes back after so long slept or worked in between, and its browser kept its cache
/// and its address.
const RETURN_AFTER_US: u64 = 6 * 3_600 * 1_000_000;
/// More failed log-ins than this are guesses, and the one that passes proves nobody.
const FAILED_LOG_INS_MAX: u32 = 5;
/// Requests that come from other user agents than the main one: one in so many may be a preview, a
/// reader or an app. More, and several clients share the address.
const OTHER_AGENTS_DIVISOR: u32 = 5;

/// A form that was sent from a new address, or after the gate's restart, fails as a forged one
/// does. A person does not meet that three times.
const FAILED_CHALLENGES_MIN: u16 = 3;

/// What the rules need to know of one client.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub(super) pages: u32,
    /// Pages that are no pictures by the words of their path.
    documents: u32,
    assets: u32,
    assets_with_referer: u32,
    /// Assets that the browser had kept from before.
    assets_cached: u32,
    referers: u32,
    requests: u32,
    pub(super) attack_requests: u32,
    /// Which attacks it tried, and which of them the site answered, as bits.
    pub(super) attacks: u64,
    pub(super) attacks_answered: u64,
    /// Requests by what their user agent says it is.
    kinds: [u32; KINDS],
    /// The most frequent user agents, each with a lower bound of its requests (Misra & Gries 1982).
    main_agents: [(u32, u32); 3],
    failed_log_ins: u32,
    log_ins: u32,
    orders: u32,
    /// Challenges that it passed, and those that it failed.
    challenges: [u16; 2],
    /// Pages after an absence of hours.
    returns: u32,
    last_page_at: Option<Timestamp>,
    /// A form of a log-in was sent, and the next page tells whether it passed.
    is_logging_in: bool,
    /// A form of a checkout was sent and taken.
    is_ordering: bool,
    /// Who sent the client to its first page, and the site's own name as its assets name it.
    arrived_from: u32,
    own_host: u32,
}

const _: () = assert!(size_of::<Evidence>() <= 160);

impl Evidence {
    /// Takes one record in.
    pub fn note(&mut self, record: &Record<'_>, class: Class, agents: &mut Agents) {
        self.take(Trace::of(record, agents), class);
    }

    /// Takes in the trace of a record.
    pub fn take(&mut self, trace: Trace, class: Class) {
        self.requests = self.requests.saturating_add(1);
        self.referers += u32::from(trace.referer != 0);
        self.kinds[trace.kind as usize] += 1;
        self.count_agent(trace.agent);
        if trace.host != 0 {
            self.own_host = trace.host;
        }
        match class {
            Class::Page => self.page(&trace),
            Class::Asset => self.asset(&trace),
        }
        let is_led = trace.is_ok() && trace.referer != 0 && self.assets_with_referer > 0;
        // A link of the site itself led a browser there, and the site answered.
        if let Some(number) = trace.attack.filter(|_| !is_led) {
            self.attack_requests = self.attack_requests.saturating_add(1);
            self.attacks |= 1 << number;
            self.attacks_answered |= u64::from(trace.is_ok()) << number;
        }
    }

    /// Takes in what came of a challenge. One that was only shown, or answered too early, says
    /// little: people close the page and press buttons soon.
    pub fn challenge(&mut self, challenge: RecordedChallenge) {
        let [passed, failed] = &mut self.challenges;
        match challenge {
            RecordedChallenge::Passed(_) => *passed = passed.saturating_add(1),
            RecordedChallenge::Failed => *failed = failed.saturating_add(1),
            RecordedChallenge::Issued | RecordedChallenge::Early => {}
        }
    }

    /// Did it pass a challenge, and forge none?
    pub(super) fn has_passed(&self) -> bool {
        self.challenges[0] > 0 && self.challenges[1] < FAILED_CHALLENGES_MIN
    }

    /// Did it send forged or wrong answers to challenges, again and again?
    pub(super) fn forges_challenges(&self) -> bool {
        self.challenges[1] >= FAILED_CHALLENGES_MIN
    }

    fn page(&mut self, trace: &Trace) {
        if self.pages == 0 {
            self.arrived_from = trace.referer;
        }
        let away = self.last_page_at.map_or(0, |last| trace.at.micros_since(last));
        self.returns += u32::from(away >= RETURN_AFTER_US);
        self.last_page_at = Some(trace.at);
        self.pages += 1;
        self.documents += u32::from(trace.step != Step::Picture);
        if std::mem::take(&mut self.is_logging_in) {
            let passed = trace.step != Step::LogIn;
            self.log_ins += u32::from(passed);
            self.failed_log_ins += u32::from(!passed);
        }
        match trace.step {
            // A redirect is how most shops answer a log-in, passed or failed: the next page tells.
            Step::LogIn if trace.is_write && trace.is_redirect() => self.is_logging_in = true,
            Step::LogIn if trace.is_write => self.failed_log_ins += 1,
            Step::Checkout if trace.is_write => self.is_ordering = trace.is_taken(),
            Step::Ordered if trace.is_write && trace.is_taken() => self.orders += 1,
            Step::Ordered if trace.is_ok() && self.is_ordering => {
                self.orders += 1;
                self.is_ordering = false;
            }
            _ => {}
        }
    }

    fn asset(&mut self, trace: &Trace) {
        self.assets += 1;
        self.assets_cached += u32::from(trace.status == 304);
        // Pictures that another site shows are no page view here.
        if trace.referer != 0 && self.pages > 0 {
            self.assets_with_referer += 1;
            if self.own_host == 0 {
                self.own_host = trace.referer;
            }
        }
    }

    fn count_agent(&mut self, agent: u32) {
        let agents = &mut self.main_agents;
        if let Some(known) = agents.iter_mut().find(|(known, n)| *n > 0 && *known == agent) {
            known.1 += 1;
        } else if let Some(free) = agents.iter_mut().find(|(_, n)| *n == 0) {
            *free = (agent, 1);
        } else {
            agents.iter_mut().for_each(|(_, n)| *n -= 1);
        }
    }

    /// Page requests so far.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// Does a browser's first sign show: pages, and assets that name them?
    pub(super) fn loads_assets(&self) -> bool {
        self.pages > 0
            && self.assets_with_referer >= ASSETS_WITH_REFERER_MIN
            && self.is_mostly(AgentKind::Browser)
    }

    /// Has it neither assets nor referers?
    pub(super) fn is_bare(&self) -> bool {
        self.assets == 0 && self.referers == 0
    }

    /// Did it, though a browser by its name, ask for many documents without assets and referers?
    pub(super) fn is_bare_browser(&self) -> bool {
        self.is_bare()
            && self.documents >= DOCUMENTS_WITHOUT_ASSETS
            && self.is_mostly(AgentKind::Browser)
    }

    /// Did it order or log in?
    pub(super) fn has_converted(&self) -> bool {
        self.failed_log_ins <= FAILED_LOG_INS_MAX && (self.log_ins > 0 || self.orders > 0)
    }

    fn came_from_elsewhere(&self) -> bool {
        self.arrived_from != 0 && self.own_host != 0 && self.arrived_from != self.own_host
    }

    /// The rule by which several signs say that this is a person.
    pub(super) fn persons_signs(&self) -> Option<&'static str> {
        let is_known = self.returns > 0 || self.came_from_elsewhere() || self.assets_cached > 0;
        match () {
            () if !self.is_mostly(AgentKind::Browser) => None,
            () if self.has_passed() && (self.loads_assets() || self.has_converted()) => {
                Some("a passed challenge, and assets with referer or an order")
            }
            // A headless browser solves the task as well, so this yields to every sign of a bot.
            () if self.has_passed() && !self.is_bare_browser() => Some("a passed challenge"),
            () if self.loads_assets() && self.has_converted() => {
                Some("assets with referer, and an order or log-in")
            }
            () if self.has_converted() && is_known => {
                Some("an order or log-in, and came back or from another site")
            }
            () if self.loads_assets() && self.returns > 0 => {
                Some("assets with referer, and came back after hours")
            }
            () if self.loads_assets() && self.assets_cached > 0 => {
                Some("assets with referer, and some kept from before")
            }
            () if self.loads_assets() && self.came_from_elsewhere() => {
                Some("assets with referer, and sent by another site")
            }
            () => None,
        }
    }

    pub(super) fn is_mostly(&self, kind: AgentKind) -> bool {
        2 * self.kinds[kind as usize] > self.requests
    }

    /// Do several user agents share this address?
    pub(super) fn is_mixed(&self) -> bool {
        let main = self.main_agents.iter().map(|(_, n)| *n).max().unwrap_or(0);
        OTHER_AGENTS_DIVISOR * (self.requests - main.min(self.requests)) > self.requests
    }
}
