//! How many assets a client's last page accounts for.
//!
//! A site profile has learnt that some addresses are assets although they look like pages: pictures
//! without an extension, API calls with which a page fetches its products. They are assets because
//! a page loads them. A client that asks for them without a page chose them itself, so they count
//! as its pages. An enumerator of `/api/v1/products/:n` loads nothing else.
//!
//! A page accounts for [`CREDIT_OF_A_PAGE`] of them. The first [`CREDIT_AT_FIRST`] need no page:
//! after a restart, or when an address changes, a shopper's page was not seen here.
//!
//! What is an asset by its own extension stays one, unless the profile knows how many of them the
//! site's people ask for without a page ([`crate::SiteProfile::assets_alone`]). From there on they
//! are pages: a program that copies pictures asks for nothing else.

use crate::event::Event;
use crate::url::Class;

/// How many learnt assets a page accounts for: more than a long list has thumbnails.
pub const CREDIT_OF_A_PAGE: u8 = u8::MAX;
/// How many learnt assets a client may ask for before its first page: more than an ordinary list
/// has.
pub const CREDIT_AT_FIRST: u8 = 64;

/// One asset in so many is counted, chosen by its keyed path, so that a byte is enough for a
/// thousand. Of 300 assets 75 are counted, give or take 8.
const COUNTED_ONE_IN: u16 = 4;

/// What a client's last page accounts for. 2 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetCredit {
    /// How many more learnt assets.
    learnt: u8,
    /// Assets by their extension that were counted since that page, or since the client came.
    alone: u8,
}

impl AssetCredit {
    /// The credit of a client that has asked for nothing yet.
    pub const NEW: Self = Self { learnt: CREDIT_AT_FIRST, alone: 0 };

    /// Is this request for a page or an asset? A client's requests must be taken in in their order.
    /// `assets_alone` is the profile's, if it knows.
    pub fn class(&mut self, event: &Event, assets_alone: Option<u16>) -> Class {
        match (event.class, event.learnt == Some(Class::Asset)) {
            (Class::Page, false) => *self = Self { learnt: CREDIT_OF_A_PAGE, alone: 0 },
            (Class::Asset, true) if self.learnt == 0 => return Class::Page,
            (Class::Asset, true) => self.learnt -= 1,
            (Class::Asset, false) => {
                let is_counted = event.url.path().is_multiple_of(COUNTED_ONE_IN);
                self.alone = self.alone.saturating_add(u8::from(is_counted));
                let most = |most: u16| u8::try_from(most / COUNTED_ONE_IN).unwrap_or(u8::MAX);
                if assets_alone.is_some_and(|assets| self.alone > most(assets)) {
                    return Class::Page;
                }
            }
            // An event that was already found to be a page.
            (Class::Page, true) => (),
        }
        event.class
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::UrlHasher;
    use crate::{ClientKey, Timestamp, UrlKey};

    fn event(prior: Class, learnt: Option<Class>) -> Event {
        let page = Event::page(ClientKey::NOBODY, Timestamp::default(), UrlKey(1));
        let class = learnt.unwrap_or(prior);
        let event = Event { class, learnt: learnt.filter(|learnt| *learnt != prior), ..page };
        assert_eq!(event.prior(), prior);
        event
    }

    #[test]
    fn a_page_accounts_for_so_many_learnt_assets_and_their_own_ask_for_none() {
        let (page, learnt) = (event(Class::Page, None), event(Class::Page, Some(Class::Asset)));
        let mut pulled = AssetCredit::NEW;
        let mut pulls_in = |count: u8| {
            assert!((0..count).all(|_| pulled.class(&learnt, None) == Class::Asset), "{count}");
            assert_eq!(pulled.class(&learnt, None), Class::Page, "nobody pulled it in");
            assert_eq!(pulled.class(&learnt, None), Class::Page, "and it pulls in nothing");
            assert_eq!(pulled.class(&page, None), Class::Page);
        };
        pulls_in(CREDIT_AT_FIRST);
        pulls_in(CREDIT_OF_A_PAGE);
    }

    #[test]
    fn what_was_settled_stays_so() {
        let mut pulled = AssetCredit { learnt: 0, alone: 0 };
        let alone = event(Class::Page, Some(Class::Asset));
        let settled = Event { class: pulled.class(&alone, None), ..alone };
        assert_eq!(pulled.class(&settled, None), Class::Page);
        assert_eq!(pulled.class(&alone, None), Class::Page, "it was no page of its own");
    }

    #[test]
    fn an_asset_by_its_extension_and_a_learnt_page_stay_what_they_are() {
        let mut pulled = AssetCredit { learnt: 0, alone: 0 };
        assert_eq!(pulled.class(&event(Class::Asset, None), None), Class::Asset);
        assert_eq!(pulled.class(&event(Class::Asset, Some(Class::Asset)), None), Class::Asset);
        assert_eq!(pulled.class(&event(Class::Asset, Some(Class::Page)), None), Class::Page);
        assert_eq!(
            pulled.class(&event(Class::Page, Some(Class::Asset)), None),
            Class::Asset,
            "a learnt page is a page"
        );
    }

    #[test]
    fn where_the_profile_knows_more_assets_than_people_ask_for_without_a_page_are_pages() {
        let page = event(Class::Page, None);
        let hasher = UrlHasher::new(7);
        let picture = |number: u32| {
            let url = hasher.key_of(&format!("/img/{number}.jpg"), "");
            Event { url, ..event(Class::Asset, None) }
        };
        let (mut copier, mut person) = (AssetCredit::NEW, AssetCredit::NEW);
        let mut first_page = None;
        for number in 1..=2_000 {
            if copier.class(&picture(number), Some(400)) == Class::Page {
                first_page.get_or_insert(number);
            }
            assert_eq!(person.class(&picture(number), Some(400)), Class::Asset, "{number}");
            if number % 250 == 0 {
                assert_eq!(person.class(&page, Some(400)), Class::Page);
            }
        }
        let first_page = first_page.unwrap();
        assert!((330..470).contains(&first_page), "{first_page}");
        assert_eq!(copier.class(&picture(1), None), Class::Asset, "nothing is known");
    }
}
