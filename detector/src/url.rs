//! What is "the same page".
//!
//! A request target is split into path and query and each half hashed to 16 bits with a secret key, so that one
//! [`UrlKey`] answers both "same URL?" and "same path?" in 4 bytes. Whoever does not know the key can neither hide
//! distinct URLs behind collisions nor make a stranger look bad (ePrint 2021/1139, arXiv 2011.10355). Over the 48
//! URLs of a window two different ones collide with probability 48²/2³³ as URLs and about 1.7 % as paths.
//!
//! Absent on purpose: parameter order, tracking parameters and learnt templates; they come with the trainer's normaliser.

use std::hash::{BuildHasher, Hasher};

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use serde::{Deserialize, Serialize};

/// Keyed hash of a URL: path in the high 16 bits, query in the low 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UrlKey(pub u32);

impl UrlKey {
    /// The path's half.
    pub const fn path(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

/// What a request is for, as far as the features care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A document or an API call: something a client decided to ask for.
    Page,
    /// Something a page pulls in by itself: image, style, script, font, media, feed icon.
    Asset,
}

/// Hashes URLs with a secret. The key is an argument: a live gate draws one at start, a replay passes the same.
#[derive(Clone)]
pub struct UrlHasher {
    state: SeedableRandomState,
}

/// `SharedSeed` wants `'static`; which one it is does not matter, the per-hasher seed carries the key.
static SHARED: SharedSeed = SharedSeed::from_u64(0x6b69_646f_6261_6e21);

impl UrlHasher {
    /// A hasher for this key.
    pub fn new(key: u64) -> Self {
        Self { state: SeedableRandomState::with_seed(key, &SHARED) }
    }

    /// The key of a request target, absolute form (`https://shop/p/1`) or origin form (`/p/1?size=m`).
    pub fn key(&self, target: &str) -> UrlKey {
        let (path, query) = split(target);
        self.key_of(path, query)
    }

    /// The same of a target that has been split.
    pub(crate) fn key_of(&self, path: &str, query: &str) -> UrlKey {
        UrlKey(u32::from(self.half(path)) << 16 | u32::from(self.half(query)))
    }

    fn half(&self, text: &str) -> u16 {
        let mut hasher = self.state.build_hasher();
        hasher.write(text.as_bytes());
        (hasher.finish() >> 48) as u16
    }
}

impl std::fmt::Debug for UrlHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UrlHasher(secret)")
    }
}

/// Path and query of a target, without scheme, authority and fragment. Never fails: an odd target is its own path.
pub fn split(target: &str) -> (&str, &str) {
    let target = without_authority(target);
    let target = target.split_once('#').map_or(target, |(before, _)| before);
    match target.split_once('?') {
        Some(("", query)) => ("/", query),
        Some(parts) => parts,
        None => (target, ""),
    }
}

fn without_authority(target: &str) -> &str {
    if target.starts_with('/') {
        return target;
    }
    // RFC 3986, 3.2: the authority ends at the first slash, question mark or number sign; without a slash the path is
    // empty, which is `/`, whatever slashes the query holds.
    match target.split_once("://") {
        Some((_, rest)) => match rest.find(['/', '?', '#']) {
            Some(end) => &rest[end..],
            None => "/",
        },
        None => target,
    }
}

/// How many segments a path has: `/` 0, `/p/1` and `/p/1/` 2. At most 255.
pub fn depth(path: &str) -> u8 {
    let segments = path.split('/').filter(|segment| !segment.is_empty()).take(usize::from(u8::MAX)).count();
    u8::try_from(segments).unwrap_or(u8::MAX)
}

/// Endings that browsers load by themselves. Only a prior: a browser that navigates to such a path says so.
const ASSET_EXTENSIONS: &[&str] = &[
    "avif",
    "bmp",
    "css",
    "cur",
    "eot",
    "flv",
    "gif",
    "ico",
    "jpeg",
    "jpg",
    "js",
    "m4a",
    "m4s",
    "map",
    "mjs",
    "mp3",
    "mp4",
    "ogg",
    "otf",
    "png",
    "svg",
    "swf",
    "ts",
    "ttf",
    "wasm",
    "wav",
    "webm",
    "webmanifest",
    "webp",
    "woff",
    "woff2",
];

/// Page or asset, from the path's extension; `Sec-Fetch-Dest` can make a page of what looks like an asset, because a
/// browser navigates to it or calls it as an API (`empty` is what `fetch()` sends).
///
/// Never the other way round: assets are not judged, and a scraper writes any header it likes.
pub fn classify(path: &str, fetch_dest: Option<&str>) -> Class {
    match fetch_dest {
        Some("document" | "empty" | "iframe" | "frame" | "nested-document") => Class::Page,
        _ if extension(path).is_some_and(is_asset) => Class::Asset,
        _ => Class::Page,
    }
}

fn extension(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty() && (1..=11).contains(&extension.len())).then_some(extension)
}

fn is_asset(extension: &str) -> bool {
    ASSET_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_splits_into_path_and_query() {
        let check = |target, expect| assert_eq!(split(target), expect, "{target}");
        check("/p/1?size=m", ("/p/1", "size=m"));
        check("/p/1", ("/p/1", ""));
        check("/p/1#top", ("/p/1", ""));
        check("https://shop.example:443/p/1?a=b?c", ("/p/1", "a=b?c"));
        check("https://shop.example", ("/", ""));
        check("http://shop?p=5&x=/robots.txt", ("/", "p=5&x=/robots.txt"));
        check("http://shop#/a.png", ("", ""));
        check("*", ("*", ""));
        check("", ("", ""));
    }

    #[test]
    fn the_path_half_ignores_the_query_and_the_key_matters() {
        let hasher = UrlHasher::new(7);
        assert_eq!(hasher.key("/p/1?a").path(), hasher.key("/p/1?b").path());
        assert_ne!(hasher.key("/p/1?a"), hasher.key("/p/1?b"));
        assert_eq!(hasher.key("http://shop/p/1"), hasher.key("/p/1"));
        assert_ne!(hasher.key("/p/1"), UrlHasher::new(8).key("/p/1"));
    }

    #[test]
    fn depth_counts_segments() {
        let check = |path, expect| assert_eq!(depth(path), expect, "{path}");
        check("/", 0);
        check("/p/1", 2);
        check("/p//1/", 2);
        check(&"/a".repeat(1000), 255);
    }

    #[test]
    fn assets_are_told_by_extension_or_by_the_browser() {
        let check = |path, dest, expect| assert_eq!(classify(path, dest), expect, "{path} {dest:?}");
        check("/img/a.PNG", None, Class::Asset);
        check("/p/1", None, Class::Page);
        check("/v1.2/items", None, Class::Page);
        check("/.png", None, Class::Page);
        check("/image/60844/200x200", None, Class::Page);
        check("/product/17", Some("image"), Class::Page);
        check("/chart.svg", Some("document"), Class::Page);
        check("/api/items", Some("empty"), Class::Page);
        check("/p/1.html", Some("image"), Class::Page);
        check("/p/1/", Some("image"), Class::Page);
        check("/app.js", Some("nonsense"), Class::Asset);
    }
}
