//! CrowdSec's `crowdsecurity/http-crawl-non_statics`, from its hub
//! (`scenarios/crowdsecurity/http-crawl-non_statics.yaml`):
//!
//! ```yaml
//! type: leaky
//! filter: "evt.Parsed.static_ressource == 'false' && evt.Parsed.verb in ['GET', 'HEAD']"
//! distinct: "evt.Parsed.file_name"
//! leakspeed: 0.5s
//! capacity: 40
//! blackhole: 1m
//! ```
//!
//! The hub's parser `http-logs.yaml` defines what a file name is and which are static. It matches
//! the path (up to the last `?`) with `^.*/`, `[^/].*?` and `\.[^.]*$|$`; name and extension
//! together are the file name. So a category and a product with the same last segment count as one,
//! and a path that ends in a slash is known by its last segment. Where nothing matches (`/`), the
//! event is not static and is not poured into the bucket.
//!
//! The bucket works as CrowdSec's do. A name that it already holds is not poured. The 41st name
//! without a leak overflows it. A bucket that has run empty is forgotten with its names. An
//! overflow leads to the default profile's ban of 4 hours.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use analysis::baseline::{Baseline, BaselineAction, BaselineRequest};
use detector::{Method, Timestamp};

use super::bans::Bans;

const CAPACITY: f64 = 40.0;
const LEAK_S: f64 = 0.5;
const BAN_S: u64 = 4 * 3_600;

/// Extensions that the hub's parser takes for static, in upper case.
const STATIC: [&str; 23] = [
    "JPG", "CSS", "JS", "JPEG", "PNG", "SVG", "MAP", "ICO", "OTF", "GIF", "MP3", "MP4", "WOFF",
    "WOFF2", "TTF", "EOT", "WEBP", "WAV", "GZ", "BROTLI", "BVR", "TS", "BMP",
];

/// The rule: a leaky bucket for each client.
#[derive(Clone, Debug, Default)]
pub struct CrawlNonStatics {
    buckets: HashMap<u32, Bucket>,
    bans: Bans,
}

#[derive(Clone, Debug)]
struct Bucket {
    at: Timestamp,
    level: f64,
    /// Hashes of the names poured.
    names: HashSet<u64>,
}

impl Baseline for CrawlNonStatics {
    fn name(&self) -> &'static str {
        "crowdsec_http_crawl_non_statics"
    }

    fn observe(&mut self, request: &BaselineRequest<'_>) -> BaselineAction {
        if self.bans.holds(request) {
            return BaselineAction::Banned;
        }
        let name = matches!(request.method, Method::Get | Method::Head)
            .then(|| file_name(request.target))
            .flatten();
        let Some(name) = name.filter(|name| !is_static(name)) else {
            return BaselineAction::Passed;
        };
        let fresh = || Bucket { at: request.at, level: 0.0, names: HashSet::new() };
        let bucket = self.buckets.entry(request.client).or_insert_with(fresh);
        bucket.level -= request.at.micros_since(bucket.at) as f64 / 1e6 / LEAK_S;
        bucket.at = request.at.max(bucket.at);
        if bucket.level <= 0.0 {
            *bucket = fresh();
        }
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        if !bucket.names.insert(hasher.finish()) {
            return BaselineAction::Passed;
        }
        bucket.level += 1.0;
        if bucket.level <= CAPACITY {
            return BaselineAction::Passed;
        }
        self.buckets.remove(&request.client);
        self.bans.insert(request.client, request.at, BAN_S);
        BaselineAction::Caught
    }
}

/// The file name of a request target, as the hub's parser finds it; `None` where it finds none.
fn file_name(target: &str) -> Option<&str> {
    let path = target.rsplit_once('?').map_or(target, |(path, _)| path);
    // The pattern takes the longest directory whose rest does not begin with a slash.
    let end = path.trim_end_matches('/').len();
    let from = path[..end].rfind('/')? + 1;
    Some(&path[from..])
}

fn is_static(name: &str) -> bool {
    // A leading dot is part of the name, not the start of an extension.
    let extension = name.rfind('.').filter(|&dot| dot > 0).map_or("", |dot| &name[dot + 1..]);
    STATIC.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_what_the_hubs_patterns_match() {
        let check = |target, expect| assert_eq!(file_name(target), expect, "{target}");
        check("/p/17", Some("17"));
        check("/item/17?size=m", Some("17"));
        check("/c/shoes/", Some("shoes/"));
        check("/a/b/index.html", Some("index.html"));
        check("/search?q=a?b", Some("search?q=a"));
        check("/", None);
        check("//", None);
        assert!(
            is_static("a.PNG")
                && is_static("a.b.js")
                && !is_static("png")
                && !is_static(".png")
                && !is_static("a.html")
        );
    }
}
