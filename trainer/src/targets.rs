//! What a site was asked for: each distinct target once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use detector::url::split;

/// Stands for no target.
pub const NONE: u32 = u32::MAX;

/// Distinct request targets, one after the other in one text; 20 bytes each and the text.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    text: String,
    ends: Vec<usize>,
    /// By hash; where two share one, the second stands under the next free number.
    index: HashMap<u64, u32>,
    /// Where a target is put together, so that a known one allocates nothing.
    scratch: String,
}

impl Targets {
    /// The index of a target as on the wire, a new one if need be: path and query, without scheme,
    /// authority and fragment. [`NONE`] when four billion are known already.
    pub fn intern(&mut self, target: &str) -> u32 {
        self.write(target);
        match self.look_up() {
            Ok(index) => index,
            Err(slot) => {
                let Ok(index) = u32::try_from(self.ends.len()) else { return NONE };
                if index == NONE {
                    return NONE;
                }
                self.text.push_str(&self.scratch);
                self.ends.push(self.text.len());
                self.index.insert(slot, index);
                index
            }
        }
    }

    /// The target that a `Referer` names, if it is known and, where the log says which host was
    /// asked, on that host. Elsewhere any host counts as this site: who learns from it asks whether
    /// the client had been on that page.
    pub fn referred(&mut self, referer: &str, host: Option<&str>) -> Option<u32> {
        let (_, rest) = referer.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        if host
            .is_some_and(|host| !without_port(authority).eq_ignore_ascii_case(without_port(host)))
        {
            return None;
        }
        self.write(referer);
        self.look_up().ok()
    }

    /// Targets known.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Is none known?
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a target.
    pub fn get(&self, index: u32) -> Option<&str> {
        let index = index as usize;
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start..end)
    }

    /// All of them, by index.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index as u32).unwrap_or(""))
    }

    fn write(&mut self, target: &str) {
        let (path, query) = split(target);
        self.scratch.clear();
        self.scratch.push_str(path);
        if !query.is_empty() {
            self.scratch.push('?');
            self.scratch.push_str(query);
        }
    }

    /// Where the target in `scratch` stands, or under which number of the index it belongs.
    fn look_up(&self) -> Result<u32, u64> {
        let mut hasher = DefaultHasher::new();
        hasher.write(self.scratch.as_bytes());
        let mut slot = hasher.finish();
        while let Some(&index) = self.index.get(&slot) {
            if self.get(index) == Some(&self.scratch) {
                return Ok(index);
            }
            slot = slot.wrapping_add(1);
        }
        Err(slot)
    }
}

/// Brackets keep the colons of an IPv6 address from passing for a port's.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_one_index_and_its_text_back() {
        let mut targets = Targets::default();
        let texts = ["/", "", "/p/1", "/p/1?a=b", "/p", "?q"];
        let indices = texts.map(|text| targets.intern(text));
        assert_eq!(indices, [0, 1, 2, 3, 4, 5]);
        assert_eq!(texts.map(|text| targets.intern(text)), indices);
        assert_eq!(targets.iter().collect::<Vec<_>>(), ["/", "", "/p/1", "/p/1?a=b", "/p", "/?q"]);
        assert_eq!(targets.intern("https://shop/p/1#top"), 2);
        assert_eq!((targets.len(), targets.get(6), targets.get(NONE)), (6, None, None));
    }

    #[test]
    fn a_referer_is_a_known_target_of_the_same_host() {
        let mut targets = Targets::default();
        targets.intern("/p/1?a=b");
        let mut check = |referer: &str, host, expect| {
            assert_eq!(targets.referred(referer, host), expect, "{referer}")
        };
        check("https://shop.example/p/1?a=b", None, Some(0));
        check("https://Shop.example:8443/p/1?a=b#x", Some("shop.example"), Some(0));
        check("https://elsewhere.example/p/1?a=b", Some("shop.example"), None);
        check("http://[::1]:80/p/1?a=b", Some("[::1]"), Some(0));
        check("https://shop.example/p/2", None, None);
        check("/p/1?a=b", None, None);
        check("", None, None);
    }
}
