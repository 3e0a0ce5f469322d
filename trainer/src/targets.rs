//! What a site was asked for: the text of each distinct target, once.

use std::collections::{HashMap, TryReserveError};
use std::hash::{DefaultHasher, Hasher};

use detector::url::split;

use crate::content_type::ContentKind;
use crate::memory_limit::{map_bytes, vec_bytes};

/// Stands for no target.
pub const NONE: u32 = u32::MAX;

/// Bytes of a block of text. A longer target has a block of its own.
const BLOCK: usize = 1 << 20;

/// Distinct request targets. Each takes its text, and 30 bytes to be found again.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Texts one after the other. Blocks are never copied to grow, and no text is in two.
    blocks: Vec<String>,
    blocks_bytes: u64,
    /// Where each text is.
    spans: Vec<Span>,
    /// By hash. Where two targets share one, the second is under the next free number.
    index: HashMap<u64, u32>,
    /// What the answers of the first targets were: in the low four bits how many assets, in the
    /// high ones how many documents, 15 at most. Empty where the log names no content types.
    answers: Vec<u8>,
    /// Where a target is put together, so that looking up a known one allocates nothing.
    scratch: String,
}

/// Where a text is: in which block, and from where to where.
#[derive(Clone, Copy, Debug)]
struct Span {
    block: u32,
    start: u32,
    end: u32,
}

impl Targets {
    /// The index of a target as on the wire, a new one if need be: path and query, without scheme,
    /// authority and fragment. [`NONE`] when four billion are known already.
    ///
    /// # Errors
    /// When there is no memory for a new one.
    pub fn intern(&mut self, target: &str) -> Result<u32, TryReserveError> {
        self.write(target);
        match self.look_up() {
            Ok(index) => Ok(index),
            Err(slot) => {
                let Some(index) = u32::try_from(self.spans.len()).ok().filter(|i| *i != NONE)
                else {
                    return Ok(NONE);
                };
                self.spans.try_reserve(1)?;
                self.index.try_reserve(1)?;
                let span = self.store()?;
                self.spans.push(span);
                self.index.insert(slot, index);
                Ok(index)
            }
        }
    }

    /// Notes what an answer of a target was.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn note_answer(&mut self, index: u32, kind: ContentKind) -> Result<(), TryReserveError> {
        let index = index as usize;
        if index < self.spans.len() && index >= self.answers.len() {
            self.answers.try_reserve(index + 1 - self.answers.len())?;
            self.answers.resize(index + 1, 0);
        }
        if let Some(answers) = self.answers.get_mut(index) {
            let (assets, documents) = (*answers & 15, *answers >> 4);
            *answers = match kind {
                ContentKind::Asset => (assets + 1).min(15) | documents << 4,
                ContentKind::Document => assets | (documents + 1).min(15) << 4,
            };
        }
        Ok(())
    }

    /// How many answers of a target were assets and how many documents, by their content type; 15
    /// of each at most.
    pub fn answers(&self, index: u32) -> [u8; 2] {
        let answers = self.answers.get(index as usize).copied().unwrap_or(0);
        [answers & 15, answers >> 4]
    }

    /// Bytes of memory, with those that one more target may take besides its text.
    pub fn bytes(&self) -> u64 {
        self.blocks_bytes
            + vec_bytes(&self.spans)
            + vec_bytes(&self.answers)
            + map_bytes::<(u64, u32)>(self.index.len(), self.index.capacity())
            + BLOCK as u64
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
        self.spans.len()
    }

    /// Is none known?
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The text of a target.
    pub fn get(&self, index: u32) -> Option<&str> {
        let Span { block, start, end } = *self.spans.get(index as usize)?;
        self.blocks.get(block as usize)?.get(start as usize..end as usize)
    }

    /// All of them, by index.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index as u32).unwrap_or(""))
    }

    /// Copies the target in `scratch` into a block.
    fn store(&mut self) -> Result<Span, TryReserveError> {
        let length = self.scratch.len();
        let fits = |block: &String| block.capacity() - block.len() >= length;
        if !self.blocks.last().is_some_and(fits) {
            let mut block = String::new();
            // The first is small: most sites have few targets, and a test has dozens.
            let usual = if self.blocks.is_empty() { BLOCK / 16 } else { BLOCK };
            block.try_reserve_exact(usual.max(length))?;
            self.blocks_bytes += block.capacity() as u64;
            self.blocks.try_reserve(1)?;
            self.blocks.push(block);
        }
        let block = self.blocks.len().saturating_sub(1);
        let text = &mut self.blocks[block];
        let start = text.len();
        text.push_str(&self.scratch);
        Ok(Span { block: block as u32, start: start as u32, end: text.len() as u32 })
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
        let indices = texts.map(|text| targets.intern(text).unwrap());
        assert_eq!(indices, [0, 1, 2, 3, 4, 5]);
        assert_eq!(texts.map(|text| targets.intern(text).unwrap()), indices);
        assert_eq!(targets.iter().collect::<Vec<_>>(), ["/", "", "/p/1", "/p/1?a=b", "/p", "/?q"]);
        assert_eq!(targets.intern("https://shop/p/1#top").unwrap(), 2);
        assert_eq!((targets.len(), targets.get(6), targets.get(NONE)), (6, None, None));
    }

    #[test]
    fn answers_are_counted_up_to_fifteen() {
        let mut targets = Targets::default();
        let [first, second] = ["/a", "/b"].map(|text| targets.intern(text).unwrap());
        assert_eq!(targets.answers(second), [0, 0]);
        for _ in 0..20 {
            targets.note_answer(second, ContentKind::Asset).unwrap();
        }
        targets.note_answer(second, ContentKind::Document).unwrap();
        targets.note_answer(NONE, ContentKind::Document).unwrap();
        assert_eq!((targets.answers(first), targets.answers(second)), ([0, 0], [15, 1]));
    }

    #[test]
    fn texts_of_many_blocks_come_back() {
        let mut targets = Targets::default();
        let text = |number: usize| format!("/p/{number}/{}", "x".repeat(number * 3_701 % 90_000));
        for number in 0..200 {
            assert_eq!(targets.intern(&text(number)).unwrap(), number as u32);
        }
        let long = format!("/{}", "y".repeat(3 * BLOCK));
        assert_eq!(targets.intern(&long).unwrap(), 200);
        assert!(targets.blocks.len() > 2, "{}", targets.blocks.len());
        assert!((0..200).all(|number| targets.get(number as u32) == Some(&*text(number))));
        assert_eq!(targets.get(200), Some(&*long));
        let held: usize = targets.blocks.iter().map(String::capacity).sum();
        assert!(targets.bytes() > held as u64);
    }

    #[test]
    fn a_referer_is_a_known_target_of_the_same_host() {
        let mut targets = Targets::default();
        targets.intern("/p/1?a=b").unwrap();
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
