//! One cohort: the pages of its members in one window, and who its members are.

use super::order::after;
use crate::event::{Event, Outcome};
use crate::policy::{Ban, Standing};
use crate::site_profile::SiteProfile;
use crate::time::Timestamp;
use crate::window::{FORGET_US, Window};

/// A client with fewer pages than this is a newcomer and counted in its network's cohort. Its own
/// score is about as good as it gets at twelve to sixteen pages, if it asks for them in a row. A
/// scraper that goes round twenty addresses shows a burst and a silence at each of them, as people
/// do, and three or four rounds are needed to see that they are one.
pub const FEW_PAGES: u32 = 48;
/// A cohort is scored at each of its first pages, as far as this.
const SCORED_EACH: u32 = 16;
/// See [`Cohort::is_due`].
const SCORED_ONE_IN: u32 = 4;
/// A cohort of fewer members is not judged: one is the client itself, two are a telephone and a
/// tablet.
const MEMBERS_MIN: usize = 3;

/// The place of one network's newcomers with one browser. It holds a [`Cohort`] from the second
/// client on.
pub struct CohortPlace {
    pub(super) hash: u64,
    pub(super) last_at: Timestamp,
    /// The host whose event came last.
    last_by: u16,
    /// The host that is alone here until a second one comes.
    first: u16,
    cohort: Option<Box<Cohort>>,
}

const _: () = assert!(size_of::<CohortPlace>() <= 32);

/// What two clients or more of one network with one browser do together.
#[derive(Clone, Debug)]
pub struct Cohort {
    window: Window,
    /// What the policy remembers of the cohort.
    pub standing: Standing,
    members: Members,
}

const _: () = assert!(size_of::<Cohort>() <= 536);

/// Up to three of the hosts that came today, and of those that came yesterday. Hosts are kept as
/// they are and not as hashes: which of them are distinct must not depend on a key.
#[derive(Clone, Copy, Debug, Default)]
struct Members {
    hosts: [[u16; MEMBERS_MIN]; 2],
    counts: [u8; 2],
    day: u16,
}

impl CohortPlace {
    /// An empty place, made for this host's event.
    pub(super) fn new(hash: u64, host: u16, at: Timestamp) -> Self {
        Self { hash, last_at: at, last_by: host, first: host, cohort: None }
    }

    /// The time that this host's event counts for; see [`after`].
    pub(super) fn order(&mut self, host: u16, at: Timestamp) -> Timestamp {
        let at = if self.last_by == host { at } else { after(self.last_at, at) };
        if self.cohort.is_none() && at.micros_since(self.last_at) > FORGET_US {
            self.first = host;
        }
        self.last_at = self.last_at.max(at);
        self.last_by = host;
        at
    }

    /// How much keeping the place is worth: first those where somebody is limited, then those with
    /// a cohort, then the most recently used.
    pub(super) fn worth(&self, at: Timestamp) -> (bool, bool, Timestamp) {
        let is_limited = self.cohort.as_ref().is_some_and(|cohort| cohort.standing.is_suspect(at));
        (is_limited, self.cohort.is_some(), self.last_at)
    }

    /// Takes a member's page in, and returns the cohort if it has enough members to be judged.
    /// `resolution_us` and `profile` are those of [`Window::push_at_site`].
    pub fn push(
        &mut self,
        page: &Event,
        resolution_us: u32,
        profile: Option<&SiteProfile>,
    ) -> Option<&mut Cohort> {
        let host = page.client.host();
        if self.cohort.is_none() && host == self.first {
            return None;
        }
        let cohort =
            self.cohort.get_or_insert_with(|| Box::new(Cohort::new(self.first, self.last_at)));
        cohort.members.join(host, self.last_at);
        cohort.window.push_at_site(page, resolution_us, profile);
        (cohort.members.count() >= MEMBERS_MIN).then_some(cohort)
    }

    /// Takes in how a member's request ended.
    pub fn conclude(&mut self, outcome: &Outcome, resolution_us: u32) {
        if let Some(cohort) = &mut self.cohort {
            cohort.window.conclude(outcome, resolution_us);
        }
    }
}

impl Cohort {
    fn new(first: u16, at: Timestamp) -> Self {
        let mut members = Members::default();
        members.join(first, at);
        Self { window: Window::new(at), standing: Standing::new(Ban::NONE), members }
    }

    /// Is the cohort to be scored at its last page? It is at each of its first [`SCORED_EACH`],
    /// then at one page in [`SCORED_ONE_IN`]. A score costs more than all else that is done here,
    /// and a window of dozens of pages hardly changes within a few pages.
    pub fn is_due(&self) -> bool {
        let pages = self.window.pages();
        pages < SCORED_EACH || pages.is_multiple_of(SCORED_ONE_IN)
    }

    /// The members' pages, as if one client had asked for them.
    pub fn window(&self) -> &Window {
        &self.window
    }
}

impl Members {
    fn join(&mut self, host: u16, at: Timestamp) {
        let day = at.as_micros().div_euclid(FORGET_US as i64) as u16;
        match day.wrapping_sub(self.day) {
            0 => {}
            1 => {
                (self.hosts, self.counts) = ([[0; MEMBERS_MIN], self.hosts[0]], [0, self.counts[0]])
            }
            _ => (self.hosts, self.counts) = Default::default(),
        }
        self.day = day;
        let count = usize::from(self.counts[0]);
        if count < MEMBERS_MIN && !self.hosts[0][..count].contains(&host) {
            self.hosts[0][count] = host;
            self.counts[0] += 1;
        }
    }

    /// Distinct hosts of both days; at most three of each day are known.
    fn count(&self) -> usize {
        let [today, yesterday] =
            [0, 1].map(|day| &self.hosts[day][..usize::from(self.counts[day])]);
        today.len() + yesterday.iter().filter(|host| !today.contains(host)).count()
    }
}
