//! What is usual at a site, asked of the evidence of all its clients.
//!
//! What one client does is odd only where others do not do it. A front end that is an API has no
//! assets and no referers, a log may lack user agents, and what looks like an attack may be a page
//! to which the shop links. It takes a pass over the clients and 400 bytes.

use super::agents::AgentKind;
use super::attack::COUNT;
use super::client::Evidence;

/// What is usual at a site.
#[derive(Clone, Copy, Debug, Default)]
pub struct Norms {
    /// Do most clients name a user agent?
    pub(super) has_names: bool,
    /// Do browsers load assets and send referers here, as far as the log has them?
    pub(super) has_browsers: bool,
    /// Do enough clients show two signs of a person, so that one sign is too little?
    pub(super) has_people: bool,
    /// The paths of attacks that are pages of this site, as bits.
    pub(super) attacks_that_are_pages: u64,
}

/// Clients with assets and referers from which on it is odd to have neither,
const BROWSERS_MIN: u64 = 5;
/// and how many may have neither for each that has both.
const BARE_PER_BROWSER: u64 = 20;
/// Clients with two signs of a person from which on one sign is too little. A model of fewer people
/// would be a model of nobody.
const PEOPLE_MIN: u64 = 20;
/// One of so many clients with the first sign must show a second. A log of half an hour, or of a
/// front end that names nobody who sent it visitors, cannot show more of most people.
const BROWSERS_PER_PERSON: u64 = 4;
/// Pages from which on a client counts for that: training takes no rows of shorter visits.
const PAGES_MIN: u32 = 3;
/// Clients with a person's first sign that make a page of an attack's path, where the site answers
/// most of those who ask,
const VISITORS_MIN: u32 = 2;
/// and at least one of so many who ask for it is such a client.
const ASKERS_PER_VISITOR: u32 = 5;

/// Who asked for the path of an attack.
#[derive(Clone, Copy, Debug, Default)]
struct Askers {
    all: u32,
    answered: u32,
    visitors: u32,
}

impl Norms {
    /// What is usual among these clients, which should be all of one site.
    pub fn of<'a>(clients: impl Iterator<Item = &'a Evidence>) -> Self {
        let (mut all, mut nameless, mut browsers, mut bare) = (0_u64, 0, 0, 0);
        // Of visits that are long enough: with one sign of a person, and with two.
        let (mut one_sign, mut two_signs) = (0_u64, 0_u64);
        let mut askers = [Askers::default(); COUNT];
        for client in clients {
            all += 1;
            nameless += u64::from(client.is_mostly(AgentKind::Nameless));
            let is_visitor = client.loads_assets();
            browsers += u64::from(is_visitor);
            bare += u64::from(client.is_bare_browser());
            if client.pages >= PAGES_MIN && !client.is_mixed() {
                one_sign += u64::from(is_visitor);
                two_signs += u64::from(client.persons_signs().is_some());
            }
            for (number, askers) in askers.iter_mut().enumerate() {
                let has = |bits: u64| u32::from(bits >> number & 1 != 0);
                askers.all += has(client.attacks);
                askers.answered += has(client.attacks_answered);
                askers.visitors += has(client.attacks) * u32::from(is_visitor);
            }
        }
        let is_page = |askers: &Askers| {
            askers.visitors >= VISITORS_MIN
                && u64::from(askers.visitors) * u64::from(ASKERS_PER_VISITOR)
                    >= u64::from(askers.all)
                && 2 * u64::from(askers.answered) > u64::from(askers.all)
        };
        let pages = askers.iter().enumerate().filter(|(_, askers)| is_page(askers));
        Self {
            has_names: 2 * nameless < all,
            has_browsers: browsers >= BROWSERS_MIN && bare <= browsers * BARE_PER_BROWSER,
            has_people: two_signs >= PEOPLE_MIN && BROWSERS_PER_PERSON * two_signs >= one_sign,
            attacks_that_are_pages: pages.fold(0, |pages, (number, _)| pages | 1 << number),
        }
    }
}
