//! Is a request for a page or for an asset, as far as its URL and one header show?

use serde::{Deserialize, Serialize};

use super::split::without_trailing_slashes;

/// What a request is for, as far as the features care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A document or an API call: something a client decided to ask for.
    Page,
    /// Something a page pulls in by itself: image, style, script, font, media, feed icon.
    Asset,
}

/// Extensions of files that browsers load by themselves. This is only a first guess: a browser that
/// navigates to such a path says so, and the model's site profile may know better.
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

/// Page or asset, by the path's extension, or by its directories where it has none
/// (`/image/60844/200x200`).
///
/// The `Sec-Fetch-Dest` header can turn what looks like an asset into a page: a browser navigates
/// to it, or calls it as an API (`fetch()` sends `empty`). The header never turns a page into an
/// asset, because assets are not judged and a scraper sends any header it likes.
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

/// Does a path without an extension name an image? It does when it lies below a directory for
/// images and ends in a size. A path that climbs (`/img/../basket`) does not.
fn is_rendition(path: &str) -> bool {
    let sized = |segment: &[u8]| {
        let Some(times) = segment.iter().position(|&byte| byte == b'x') else { return false };
        let number =
            |side: &[u8]| (1..=4).contains(&side.len()) && side.iter().all(u8::is_ascii_digit);
        number(&segment[..times]) && number(&segment[times + 1..])
    };
    // The last segment settles it for nearly all pages, so look at it first.
    let bytes = without_trailing_slashes(path).as_bytes();
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
