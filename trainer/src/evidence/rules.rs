//! The rules, in their order.

use super::agents::AgentKind;
use super::client::Evidence;
use super::norms::Norms;
use crate::label::{Label, Labelled};

/// A client without a user agent, assets and referers is a bot from so many pages on.
const PAGES_WITHOUT_NAME: u32 = 3;
/// Different attacks that make a client bad, unless it shows a sign of a person. One may be a
/// mistyped link.
const ATTACKS_MIN: u32 = 2;
/// So many requests of one attack do as well: brute force at a log-in.
const SAME_ATTACK_MIN: u32 = 5;
/// So many different attacks make a client bad whatever else it shows: scanners load pictures too.
const ATTACKS_OF_A_SCANNER: u32 = 6;

impl Evidence {
    /// The label that the rules give, at a site where this is usual.
    pub fn label(&self, norms: &Norms) -> Labelled {
        let (label, why) = self.rule(norms);
        Labelled { label, why: why.to_owned() }
    }

    fn rule(&self, norms: &Norms) -> (Label, &'static str) {
        let attacks = self.attacks & !norms.attacks_that_are_pages;
        let attacked = attacks.count_ones() >= ATTACKS_MIN
            || (attacks != 0 && attacks == self.attacks && self.attack_requests >= SAME_ATTACK_MIN);
        match () {
            () if attacks.count_ones() >= ATTACKS_OF_A_SCANNER => (Label::Bad, "attack paths"),
            () if attacked && (self.loads_assets() || self.has_converted()) => {
                (Label::Unknown, "attack paths, and signs of a person")
            }
            // A crawler follows the links that others lay, also to such paths.
            () if attacked && self.is_mostly(AgentKind::GoodRobot) => {
                (Label::Unknown, "attack paths, under the name of a welcome robot")
            }
            () if attacked => (Label::Bad, "attack paths"),
            () if self.is_mostly(AgentKind::GoodRobot) => {
                (Label::GoodBot, "search or preview crawler, monitor or feed reader by user agent")
            }
            () if self.is_mostly(AgentKind::Declared) => {
                (Label::Bad, "declared robot or HTTP library")
            }
            () if self.is_mostly(AgentKind::App) => (Label::Unknown, "an app, or its library"),
            () if self.is_mostly(AgentKind::Nameless) => match () {
                () if norms.has_names && self.is_bare() && self.pages >= PAGES_WITHOUT_NAME => {
                    (Label::Bad, "no user agent, no assets and no referer")
                }
                () => (Label::Unknown, "no user agent"),
            },
            () if self.forges_challenges() && !self.has_converted() => {
                (Label::Bad, "forged or wrong answers to challenges")
            }
            () if self.is_mixed() => (Label::Unknown, "mixed user agents"),
            () => match self.persons_signs() {
                Some(why) => (Label::Human, why),
                None if self.loads_assets() && !norms.has_people => {
                    (Label::Human, "assets with referer, at a site where hardly anybody shows more")
                }
                None if self.loads_assets() => {
                    (Label::Unknown, "assets with referer, and no second sign")
                }
                None if self.has_passed() => {
                    (Label::Unknown, "a passed challenge, but no assets and no referer")
                }
                None if norms.has_browsers && self.is_bare_browser() => {
                    (Label::Bad, "undeclared: no assets and no referer")
                }
                None => (Label::Unknown, "no evidence either way"),
            },
        }
    }
}
