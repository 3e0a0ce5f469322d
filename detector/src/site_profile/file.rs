//! A site profile as it stands in the model file, and the check of its bounds.
//!
//! It is JSON. Long arrays of hashes and counts are base64 (RFC 4648) over little-endian integers,
//! which keeps the largest profile below 250 KB. People can read the templates and the sums; nobody
//! reads 16,384 hashes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::SiteProfileError;
use super::templates::{NUMBERS, TEMPLATES_MAX};
use crate::url::Class;

/// Most pages whose visitors are remembered. A shop has a few thousand popular pages; all others
/// count as rare.
pub const PAGES_MAX: usize = 16_384;
/// Most steps from page to page that are remembered.
pub const STEPS_MAX: usize = 16_384;
/// Largest count of visitors; a larger one is cut to it. At 131,071 visitors log₂ is off by one
/// bit.
pub const VISITORS_MAX: u32 = u16::MAX as u32;

/// What a model knows of one shop, as it stands in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteProfileFile {
    /// Key of the URL hash, 16 hex digits. It is as secret as the rest of the file.
    pub key: String,
    /// Hash of a fixed target under this key. A build that hashes in another way refuses the file.
    pub probe: u32,
    /// Number of remembered clients.
    pub clients: u32,
    /// N: remembered visits, of which each client has one per page.
    pub visits: u32,
    /// V: distinct pages among these visits.
    pub distinct: u32,
    /// How many assets by their extension people ask for without a page in between; further ones
    /// count as pages ([`crate::AssetCredit`]). Absent where people were too few to tell, or where
    /// clients without a page are usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assets_alone: Option<u16>,
    /// At most 64 URL templates. The first 15 that are not assets have the numbers 0..=14.
    pub templates: Vec<TemplateFile>,
    /// Number of visits by template number.
    pub mix: [u32; NUMBERS],
    /// Number of steps from template number (row) to template number (column).
    pub transitions: [[u32; NUMBERS]; NUMBERS],
    /// Hashes of the most visited pages, ascending. At most 16,384.
    #[serde(with = "packed")]
    pub pages: Vec<u32>,
    /// Distinct clients that visited each page, cut to 65,535.
    #[serde(with = "packed")]
    pub visitors: Vec<u16>,
    /// Hashes of the steps from page to page that most clients took, ascending. At most 16,384.
    #[serde(with = "packed")]
    pub steps: Vec<u32>,
}

/// One URL template, as it stands in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateFile {
    /// See [`super::Pattern`] for the grammar.
    pub pattern: String,
    /// Page or asset as learnt; absent where extension and path tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// Share of all remembered page visits, 0..=1; for people to read.
    pub share: f32,
}

impl SiteProfileFile {
    /// Checks every bound and returns the key.
    pub(super) fn check(&self) -> Result<u64, SiteProfileError> {
        let need =
            |holds: bool, what| if holds { Ok(()) } else { Err(SiteProfileError::Content(what)) };
        let rising = |hashes: &[u32]| {
            hashes.first() != Some(&0) && hashes.windows(2).all(|pair| pair[0] < pair[1])
        };
        let sum = |counts: &[u32]| counts.iter().map(|&count| u64::from(count)).sum::<u64>();
        let hex = self.key.len() == 16 && self.key.bytes().all(|byte| byte.is_ascii_hexdigit());
        need(hex, "key is not 16 hex digits")?;
        need(self.templates.len() <= TEMPLATES_MAX, "templates are more than 64")?;
        let share_fits = |template: &TemplateFile| (0.0..=1.0).contains(&template.share);
        need(self.templates.iter().all(share_fits), "a template's share is not in 0..=1")?;
        need(self.pages.len() <= PAGES_MAX, "pages are more than 16,384")?;
        need(self.steps.len() <= STEPS_MAX, "steps are more than 16,384")?;
        need(self.pages.len() == self.visitors.len(), "pages and visitors differ in length")?;
        need(rising(&self.pages) && rising(&self.steps), "pages or steps are not ascending")?;
        need(self.distinct <= self.visits, "distinct exceeds visits")?;
        need(self.pages.len() as u64 <= u64::from(self.distinct), "pages are more than distinct")?;
        need(self.clients <= self.visits, "clients exceed visits")?;
        let seen = |&count: &u16| count > 0 && u32::from(count) <= self.clients;
        need(
            self.visitors.iter().all(seen),
            "visitors of a page are none or more than all clients",
        )?;
        let kept: u64 = self.visitors.iter().map(|&count| u64::from(count)).sum();
        need(kept <= u64::from(self.visits), "visitors exceed visits")?;
        need(sum(&self.mix) == u64::from(self.visits), "mix does not sum to visits")?;
        u64::from_str_radix(&self.key, 16)
            .map_err(|_| SiteProfileError::Content("key is not 16 hex digits"))
    }
}

/// An integer that can stand in a packed array, little-endian.
trait Little: Copy + Sized {
    const BYTES: usize;
    fn put(self, bytes: &mut Vec<u8>);
    fn take(bytes: &[u8]) -> Option<Self>;
}

impl Little for u32 {
    const BYTES: usize = 4;
    fn put(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
    fn take(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_le_bytes(bytes.try_into().ok()?))
    }
}

impl Little for u16 {
    const BYTES: usize = 2;
    fn put(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
    fn take(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_le_bytes(bytes.try_into().ok()?))
    }
}

/// Writes and reads arrays of integers as base64.
mod packed {
    use super::*;
    use serde::de::Error;

    pub fn serialize<T: Little, S: Serializer>(
        values: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(values.len() * T::BYTES);
        values.iter().for_each(|value| value.put(&mut bytes));
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, T: Little, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        // Refused before it is decoded: four characters hold three bytes.
        if text.len() > (PAGES_MAX.max(STEPS_MAX) * T::BYTES).div_ceil(3) * 4 {
            return Err(D::Error::custom("more than 16,384 values"));
        }
        let bytes = STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)?;
        let values = bytes.chunks(T::BYTES).map(T::take).collect::<Option<_>>();
        values.ok_or_else(|| D::Error::custom("bytes are left over"))
    }
}
