//! How many browsers come from one address.
//!
//! Two linear counters (Whang et al. 1990) of 16 bits for the distinct user agents of this hour,
//! and the counts of the hour before. 7 bytes, so that a client stays within 512.
//!
//! The results are the numbers of bits set and not estimates, so they are never above the true
//! numbers of browsers.
//!
//! A name costs nothing, so a browser must show itself. It is **seen** from its second request in a
//! row on. Behind an office's address each page load is a row of requests by one browser, while a
//! client that names another browser at every request has rows by chance only. It is **pictured**
//! when it asks for a page and, right after it, for [`PICTURES`] pictures or other assets: it loads
//! what a person looks at. A program that wants to be taken for many people has to load it as well.

use crate::event::AgentKey;
use crate::time::Timestamp;
use crate::url::Class;

/// An hour: the people of an office come within it, also around a lunch break.
const GENERATION_US: i64 = 3_600_000_000;
/// Assets in a row after a page that make a browser a pictured one.
const PICTURES: u8 = 2;
/// The most that four bits hold.
const NIBBLE: u8 = 0x0f;

/// Counter of the distinct browsers that a client shows. Numbers of four bits are in pairs, the
/// first one below.
#[derive(Clone, Copy, Debug, Default)]
pub struct Browsers {
    /// In bytes, because a `u16` must be aligned to two and the struct has seven.
    seen: [u8; 2],
    pictured: [u8; 2],
    /// Seen and pictured in the hour before, 15 at most.
    before: u8,
    /// The hour of the counters, since the epoch, modulo 16: what was counted 16 hours ago is taken
    /// for this hour's. And how many requests in a row there are since a page of the last browser,
    /// that page included, 15 at most.
    hour_and_row: u8,
    /// The browser of the last request: seven bits of its key, and a one. 0 before the first.
    last: u8,
}

impl Browsers {
    /// No browser yet.
    pub const NONE: Self =
        Self { seen: [0; 2], pictured: [0; 2], before: 0, hour_and_row: 0, last: 0 };

    /// Counts the browser that a request names.
    pub fn see(&mut self, agent: AgentKey, class: Class, at: Timestamp) {
        self.begin_hour(at);
        let this = (agent.0 >> 8) as u8 | 1;
        let is_in_a_row = self.last == this;
        self.last = this;
        let row = match (class, is_in_a_row, self.hour_and_row >> 4) {
            (Class::Page, ..) => 1,
            (Class::Asset, true, row @ 1..) => (row + 1).min(NIBBLE),
            (Class::Asset, ..) => 0,
        };
        self.hour_and_row = self.hour_and_row & NIBBLE | row << 4;
        if is_in_a_row {
            let (byte, bit) = (usize::from(agent.0 / 8 % 2), 1 << (agent.0 % 8));
            self.seen[byte] |= bit;
            if row > PICTURES {
                self.pictured[byte] |= bit;
            }
        }
    }

    /// A lower bound of the browsers seen in this hour or in the one before, whichever had more; 16
    /// at most.
    pub fn count(&self) -> u32 {
        self.seen_now().max(u32::from(self.before & NIBBLE))
    }

    /// A lower bound of those that loaded a page's pictures.
    pub fn pictured(&self) -> u32 {
        self.pictured_now().max(u32::from(self.before >> 4))
    }

    fn begin_hour(&mut self, at: Timestamp) {
        let hour = at.as_micros().div_euclid(GENERATION_US) as u8 & NIBBLE;
        let before = match hour.wrapping_sub(self.hour_and_row) & NIBBLE {
            0 => return,
            1 => {
                let nibble = |count: u32| (count as u8).min(NIBBLE);
                nibble(self.seen_now()) | nibble(self.pictured_now()) << 4
            }
            _ => 0,
        };
        let (row, last) = (self.hour_and_row & !NIBBLE, self.last);
        *self = Self { before, hour_and_row: row | hour, last, ..Self::NONE };
    }

    fn seen_now(&self) -> u32 {
        u16::from_ne_bytes(self.seen).count_ones()
    }

    fn pictured_now(&self) -> u32 {
        u16::from_ne_bytes(self.pictured).count_ones()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Numbers below `sides`, the same at every run.
    fn dice() -> impl FnMut(u64) -> u64 {
        let mut state = 9_u64;
        move |sides| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % sides
        }
    }

    fn agent(number: u64) -> AgentKey {
        AgentKey((number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as u16)
    }

    /// A page and its pictures.
    fn load(browsers: &mut Browsers, agent: AgentKey, at: Timestamp) {
        browsers.see(agent, Class::Page, at);
        (0..5).for_each(|_| browsers.see(agent, Class::Asset, at));
    }

    #[test]
    fn it_never_counts_more_than_there_are_and_not_many_fewer() {
        let mut dice = dice();
        for many in 1..=10 {
            let (mut counted, mut there) = (0, 0);
            for _ in 0..500 {
                let mut browsers = Browsers::default();
                let mut distinct = HashSet::new();
                for _ in 0..many {
                    let agent = AgentKey(dice(1 << 16) as u16);
                    distinct.insert(agent);
                    load(&mut browsers, agent, Timestamp::from_secs(7));
                }
                assert!(browsers.count() as usize <= distinct.len());
                assert_eq!(browsers.count(), browsers.pictured());
                (counted, there) = (counted + browsers.count() as usize, there + distinct.len());
            }
            assert!(counted * 100 >= there * 73, "{counted} of {there}");
        }
    }

    #[test]
    fn another_name_at_every_request_is_no_browser_more() {
        let mut browsers = Browsers::default();
        for request in 0..5_000 {
            let at = Timestamp::from_secs(7 + i64::from(request));
            browsers.see(AgentKey(request % 28 * 0x0901), Class::Page, at);
        }
        assert_eq!(browsers.count(), 0);
    }

    #[test]
    fn names_drawn_at_random_load_no_pictures() {
        let mut dice = dice();
        for names in [7, 28, 1_000] {
            let (mut browsers, mut most) = (Browsers::default(), 0);
            for request in 0..600 {
                let class = if request % 2 == 0 { Class::Page } else { Class::Asset };
                browsers.see(agent(dice(names)), class, Timestamp::from_secs(7 + request));
                most = most.max(browsers.pictured());
            }
            assert!(most < 5, "{most} of {names} names");
        }
    }

    #[test]
    fn browsers_that_load_no_picture_are_seen_and_not_pictured() {
        let mut browsers = Browsers::default();
        for name in 0..20 {
            for page in 0..6 {
                browsers.see(agent(name), Class::Page, Timestamp::from_secs(page));
            }
        }
        assert!(browsers.count() >= 8);
        assert_eq!(browsers.pictured(), 0);
    }

    #[test]
    fn an_office_whose_people_come_at_once_is_seen() {
        let mut dice = dice();
        let mut browsers = Browsers::default();
        for second in 0..600 {
            let at = Timestamp::from_secs(second);
            let who = agent(dice(12));
            browsers.see(who, Class::Page, at);
            for _ in 0..8 {
                // One asset in four comes between those of another.
                let other = if dice(4) == 0 { agent(dice(12)) } else { who };
                browsers.see(other, Class::Asset, at);
            }
        }
        assert!(browsers.pictured() >= 7, "{}", browsers.pictured());
    }

    #[test]
    fn an_hour_ago_counts_and_two_do_not() {
        let at = |minutes: i64| Timestamp::from_secs(1_795_219_200 + minutes * 60);
        let mut browsers = Browsers::default();
        (0..7).for_each(|agent| load(&mut browsers, AgentKey(agent * 0x0201), at(0)));
        assert_eq!((browsers.count(), browsers.pictured()), (7, 7));
        load(&mut browsers, AgentKey(0x0201), at(60));
        assert_eq!((browsers.count(), browsers.pictured()), (7, 7));
        load(&mut browsers, AgentKey(0x0201), at(120));
        assert_eq!((browsers.count(), browsers.pictured()), (1, 1));
        (0..7).for_each(|agent| load(&mut browsers, AgentKey(agent * 0x0201), at(121)));
        load(&mut browsers, AgentKey(0x0201), at(300));
        assert_eq!(browsers.count(), 1, "a silence forgets both");
    }
}
