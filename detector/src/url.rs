//! What is "the same page".
//!
//! A request target is split into path and query, both are **normalised** while they are hashed,
//! and each half goes to 16 bits with a secret key, so that one [`UrlKey`] answers both "same URL?"
//! and "same path?" in 4 bytes. Whoever does not know the key can neither hide distinct URLs behind
//! collisions nor make a stranger look bad (ePrint 2021/1139, arXiv 2011.10355). Over the 48 URLs
//! of a window two different ones collide with probability 48²/2³³ as URLs and about 1.7 % as
//! paths.
//!
//! Normalised (RFC 3986, 6.2.2): scheme and host dropped, `%41` is `A` where the character is
//! unreserved, `%2f` is `%2F`, a trailing slash does not count, neither do the order of parameters,
//! empty ones, and those that only track where a visitor came from. The case of a path does count:
//! servers may tell `/A` from `/a`.

use std::hash::{BuildHasher, Hasher};

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use serde::{Deserialize, Serialize};

/// Keyed hash of a URL: path in the high 16 bits, query in the low 16.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
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

/// Hashes URLs with a secret. The key is an argument: a live gate draws one at start, a replay
/// passes the same.
#[derive(Clone)]
pub struct UrlHasher {
    state: SeedableRandomState,
}

/// `SharedSeed` wants `'static`; which one it is does not matter, the per-hasher seed carries the
/// key.
static SHARED: SharedSeed = SharedSeed::from_u64(0x6b69_646f_6261_6e21);

impl UrlHasher {
    /// A hasher for this key.
    pub fn new(key: u64) -> Self {
        Self { state: SeedableRandomState::with_seed(key, &SHARED) }
    }

    /// The key of a request target, absolute form (`https://shop/p/1`) or origin form
    /// (`/p/1?size=m`).
    pub fn key(&self, target: &str) -> UrlKey {
        let (path, query) = split(target);
        self.key_of(path, query)
    }

    /// The same of a target that has been split.
    pub(crate) fn key_of(&self, path: &str, query: &str) -> UrlKey {
        let (path, query) = self.hash(path, query);
        UrlKey(((path >> 48) as u32) << 16 | (query >> 48) as u32)
    }

    /// Hashes of the normalised path and of the normalised query, which does not depend on the
    /// order of its parameters. A query without parameters that count hashes to 0.
    pub fn hash(&self, path: &str, query: &str) -> (u64, u64) {
        let path = match without_slashes_behind(path) {
            "" => "/",
            trimmed => trimmed,
        };
        if query.is_empty() {
            return (self.text(path), 0);
        }
        let parameters = query
            .split('&')
            .filter(|parameter| !is_tracking(parameter.split('=').next().unwrap_or(parameter)));
        let sum = parameters.fold(0_u64, |sum, parameter| sum.wrapping_add(self.text(parameter)));
        // Odd multiplier: the sum's high bits must depend on all of its bits, and 0 stays 0.
        (self.text(path), (sum ^ (sum >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Hash of any bytes, as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> u16 {
        let mut hasher = self.state.build_hasher();
        hasher.write(bytes);
        (hasher.finish() >> 48) as u16
    }

    /// Hash of a piece of a URL, percent-encoding normalised. In pieces of [`PIECE`] bytes of the
    /// normal form, so that a text that needs no decoding and one that does meet.
    fn text(&self, text: &str) -> u64 {
        let mut hasher = self.state.build_hasher();
        if !text.as_bytes().contains(&b'%') {
            text.as_bytes().chunks(PIECE).for_each(|piece| hasher.write(piece));
            return hasher.finish();
        }
        let mut piece = [0; PIECE];
        let mut filled = 0;
        for byte in normal(text) {
            piece[filled] = byte;
            filled += 1;
            if filled == PIECE {
                hasher.write(&piece);
                filled = 0;
            }
        }
        if filled > 0 {
            hasher.write(&piece[..filled]);
        }
        hasher.finish()
    }
}

/// Bytes hashed at a time.
const PIECE: usize = 128;

/// A text's normal form, byte by byte: escapes of unreserved characters decoded, others in upper
/// case (RFC 3986, 6.2.2), anything malformed as it is.
pub fn normal(text: &str) -> impl Iterator<Item = u8> {
    let bytes = text.as_bytes();
    let mut at = 0;
    // Of an escape that stays one, its two digits are told next.
    let mut upper = 0_u8;
    std::iter::from_fn(move || {
        let &byte = bytes.get(at)?;
        at += 1;
        if upper > 0 {
            upper -= 1;
            return Some(byte.to_ascii_uppercase());
        }
        if byte != b'%' {
            return Some(byte);
        }
        let digit = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(at), digit(at + 1)) else { return Some(byte) };
        let decoded = (high * 16 + low) as u8;
        if decoded.is_ascii_alphanumeric() || b"-._~".contains(&decoded) {
            at += 2;
            return Some(decoded);
        }
        upper = 2;
        Some(byte)
    })
}

/// Parameters that say where a visitor came from and not what is asked for.
const TRACKING: &[&str] = &[
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
    "dclid",
    "fbclid",
    "gbraid",
    "gclid",
    "gclsrc",
    "igshid",
    "li_fat_id",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "msclkid",
    "srsltid",
    "ttclid",
    "twclid",
    "wbraid",
    "yclid",
];

/// Does a parameter of this name count for nothing? One without a name does not, either.
pub fn is_tracking(name: &str) -> bool {
    name.is_empty() || name.starts_with("utm_") || TRACKING.contains(&name)
}

/// A URL without its numbers, and its numbers: `/item/17?page=2` has the shape of
/// `/item/18?page=2`, and their numbers differ by one. A shape of 0 has no number. For telling
/// enumeration without knowing the site; not keyed, because whoever makes two shapes collide fools
/// only the count of his own steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Hash of everything but the digits.
    pub form: u16,
    /// Sum of the runs of digits, modulo 2³².
    pub number: u32,
}

impl Shape {
    /// The shape of a target that has been split.
    pub fn of(path: &str, query: &str) -> Self {
        let (mut hash, mut sum, mut run, mut digits) = (0_u32, 0_u32, 0_u32, false);
        for &byte in path.as_bytes().iter().chain(b"?").chain(query.as_bytes()) {
            if byte.is_ascii_digit() {
                digits = true;
                run = run.wrapping_mul(10).wrapping_add(u32::from(byte - b'0'));
            } else {
                sum = sum.wrapping_add(std::mem::take(&mut run));
                hash = (hash.rotate_left(5) ^ u32::from(byte)).wrapping_mul(0x9e37_79b9);
            }
        }
        let form = if digits { ((hash >> 16) as u16).max(1) } else { 0 };
        Self { form, number: sum.wrapping_add(run) }
    }
}

impl std::fmt::Debug for UrlHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UrlHasher(secret)")
    }
}

/// Path and query of a target, without scheme, authority and fragment. Never fails: an odd target
/// is its own path.
pub fn split(target: &str) -> (&str, &str) {
    let target = without_authority(target);
    // Byte by byte: a search for each of the two, in a text this short, takes three times as long.
    let (mut end, mut mark) = (target.len(), None);
    for (at, byte) in target.bytes().enumerate() {
        match byte {
            b'#' => {
                end = at;
                break;
            }
            b'?' if mark.is_none() => mark = Some(at),
            _ => (),
        }
    }
    match mark {
        Some(0) => ("/", &target[1..end]),
        Some(mark) => (&target[..mark], &target[mark + 1..end]),
        None => (&target[..end], ""),
    }
}

fn without_authority(target: &str) -> &str {
    if target.starts_with('/') {
        return target;
    }
    // RFC 3986, 3.2: the authority ends at the first slash, question mark or number sign; without a
    // slash the path is empty, which is `/`, whatever slashes the query holds.
    match target.split_once("://") {
        Some((_, rest)) => match rest.find(['/', '?', '#']) {
            Some(end) if !rest[end..].starts_with('#') => &rest[end..],
            _ => "/",
        },
        None => target,
    }
}

fn without_slashes_behind(path: &str) -> &str {
    &path[..path.bytes().rposition(|byte| byte != b'/').map_or(0, |last| last + 1)]
}

/// How many segments a path has: `/` 0, `/p/1` and `/p/1/` 2. At most 255.
pub fn depth(path: &str) -> u8 {
    let (mut segments, mut before) = (0_u8, b'/');
    for byte in path.bytes() {
        segments = segments.saturating_add(u8::from(before == b'/' && byte != b'/'));
        before = byte;
    }
    segments
}

/// Endings that browsers load by themselves. Only a prior: a browser that navigates to such a path
/// says so, and a model that remembers the site knows better.
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

/// Page or asset, from the path's extension, or from its directories where there is none
/// (`/image/60844/200x200`). `Sec-Fetch-Dest` can make a page of what looks like an asset, because
/// a browser navigates to it or calls it as an API (`empty` is what `fetch()` sends).
///
/// Never the other way round: assets are not judged, and a scraper writes any header it likes.
pub fn classify(path: &str, fetch_dest: Option<&str>) -> Class {
    match fetch_dest {
        Some("document" | "empty" | "iframe" | "frame" | "nested-document") => Class::Page,
        _ => match extension(path) {
            Some(extension) if is_asset(extension) => Class::Asset,
            Some(_) => Class::Page,
            None if is_rendition(path) => Class::Asset,
            None => Class::Page,
        },
    }
}

/// Does a path without an extension name an image all the same: below a directory for images, and
/// ending in its size? A path that climbs (`/img/../basket`) does not.
fn is_rendition(path: &str) -> bool {
    let sized = |segment: &[u8]| {
        let Some(times) = segment.iter().position(|&byte| byte == b'x') else { return false };
        let number =
            |side: &[u8]| (1..=4).contains(&side.len()) && side.iter().all(u8::is_ascii_digit);
        number(&segment[..times]) && number(&segment[times + 1..])
    };
    // Of nearly all pages the last segment says enough.
    let bytes = without_slashes_behind(path).as_bytes();
    let last =
        bytes.iter().rposition(|&byte| byte == b'/').map_or(bytes, |slash| &bytes[slash + 1..]);
    if !sized(last) {
        return false;
    }
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let Some(directory) = segments.next() else { return false };
    const DIRECTORIES: &[&str] =
        &["image", "images", "img", "imgs", "thumb", "thumbs", "thumbnail", "thumbnails"];
    let climbs = segments.any(|segment| segment == ".." || segment.contains('%'));
    !climbs && DIRECTORIES.iter().any(|known| known.eq_ignore_ascii_case(directory))
}

fn extension(path: &str) -> Option<&str> {
    let dot = path
        .bytes()
        .rposition(|byte| byte == b'.' || byte == b'/')
        .filter(|&at| path.as_bytes()[at] == b'.')?;
    let (stem, extension) = (&path[..dot], &path[dot + 1..]);
    let is_hidden = stem.is_empty() || stem.ends_with('/');
    (!is_hidden && (1..=11).contains(&extension.len())).then_some(extension)
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
        check("http://shop#/a.png", ("/", ""));
        check("/p#x?y", ("/p", ""));
        check("/p?#x", ("/p", ""));
        check("?q#x", ("/", "q"));
        check("/é?ü#ß", ("/é", "ü"));
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
        let check =
            |path, dest, expect| assert_eq!(classify(path, dest), expect, "{path} {dest:?}");
        check("/img/a.PNG", None, Class::Asset);
        check("/p/1", None, Class::Page);
        check("/v1.2/items", None, Class::Page);
        check("/.png", None, Class::Page);
        check("/image/60844/productModel/200x200", None, Class::Asset);
        check("/image/60844", None, Class::Page);
        check("/image/../basket/1x1", None, Class::Page);
        check("/img/%2e%2e/1x1", None, Class::Page);
        check("/mattress/90x200", None, Class::Page);
        check("/image/200x200/", None, Class::Asset);
        check("200x200", None, Class::Page);
        check("/", None, Class::Page);
        check("/img.x/a", None, Class::Page);
        check("/a.b.png", None, Class::Asset);
        check("/é.png", None, Class::Asset);
        check("/a.", None, Class::Page);
        check("/product/17", Some("image"), Class::Page);
        check("/chart.svg", Some("document"), Class::Page);
        check("/api/items", Some("empty"), Class::Page);
        check("/p/1.html", Some("image"), Class::Page);
        check("/p/1/", Some("image"), Class::Page);
        check("/app.js", Some("nonsense"), Class::Asset);
    }

    #[test]
    fn the_same_page_has_one_key_however_it_is_written() {
        let hasher = UrlHasher::new(7);
        let same = |a, b| assert_eq!(hasher.key(a), hasher.key(b), "{a} and {b}");
        same("/p/1/", "/p/1");
        same("/%70/1", "/p/1");
        same("/a%2fb", "/a%2Fb");
        same("/p?b=2&a=1", "/p?a=1&b=2");
        same("/p?a=1&&", "/p?a=1");
        same("/p?utm_source=x&a=1&gclid=9", "/p?a=1");
        same("/p?fbclid=1", "/p");
        same("https://shop/", "/");
        let long = format!("/{}", "a%20b".repeat(100));
        let encoded = long.replace('a', "%61");
        same(&encoded, &long);
        let other = |a, b| assert_ne!(hasher.key(a), hasher.key(b), "{a} and {b}");
        other("/A", "/a");
        other("/a%2Fb", "/a/b");
        other("/p?a=1&a=1", "/p?a=1");
        other("/p?a=1&b=2", "/p?a=2&b=1");
        other("/p?gclid_x=1", "/p");
        other("/%zz", "/%7z");
    }

    #[test]
    fn a_shape_forgets_the_digits_and_sums_the_numbers() {
        let shape = |target| {
            let (path, query) = split(target);
            Shape::of(path, query)
        };
        assert_eq!(shape("/item/17").form, shape("/item/18").form);
        assert_eq!(shape("/item/18").number - shape("/item/17").number, 1);
        assert_eq!(shape("/item/5?page=2").number, 7);
        assert_eq!(shape("/c/shoes?page=9").form, shape("/c/shoes?page=10").form);
        assert_ne!(shape("/item/17").form, shape("/basket/17").form);
        assert_eq!(shape("/about"), Shape { form: 0, number: 0 });
        shape(&"/9".repeat(5_000));
    }
}
