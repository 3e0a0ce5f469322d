//! One request, and later its outcome, reduced to what the features may see.
//!
//! A [`Request`] is what an edge or a log line knows. [`Event`] and [`Outcome`] are all that the rest of this crate
//! ever sees of it: 48 and 32 bytes, no text, nothing to allocate. What decides a training label (user agent,
//! referer, attack paths) is absent on purpose: a score that saw it would measure the labelling rule.

use serde::{Deserialize, Serialize};

use crate::allow::AllowList;
use crate::client::ClientKey;
use crate::memory::{Memory, OTHER, Place};
use crate::time::Timestamp;
use crate::url::{Class, Shape, UrlHasher, UrlKey, classify_learnt, depth, split};

/// What an edge knows of a request when it arrives.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub client: ClientKey,
    /// When, at the edge's own resolution.
    pub at: Timestamp,
    /// `GET`, `POST`, …; upper case as on the wire.
    pub method: &'a str,
    /// Request target as on the wire: path and query, or absolute form.
    pub target: &'a str,
    /// The `Sec-Fetch-Dest` header, where a browser sent one.
    pub fetch_dest: Option<&'a str>,
    /// URL hash and class taken from an event log, to repeat a live decision without knowing its hash key.
    pub recorded: Option<(UrlKey, Class)>,
}

/// A request, reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who asked.
    pub client: ClientKey,
    /// When it arrived.
    pub at: Timestamp,
    /// Keyed hash of path and query.
    pub url: UrlKey,
    /// Page or asset.
    pub class: Class,
    /// Its form without numbers, and their sum.
    pub shape: Shape,
    /// The page's number in the model's site memory; 0 where there is none.
    pub page: u32,
    /// Its template's number there.
    pub template: u8,
    /// Path segments.
    pub depth: u8,
    /// How it asks.
    pub method: Method,
    /// The operator lets it pass unasked: neither judged nor remembered.
    pub exempt: bool,
}

/// The methods that features tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`, `PUT`, `PATCH`, `DELETE`
    Write,
    /// Anything else.
    Other,
}

/// How a request ended that the shop answered. What the gate itself refused has no outcome: counting its own 429s as
/// the client's errors would keep anyone limited for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whose request it was.
    pub client: ClientKey,
    /// When it ended (a log line that has one time only: that time).
    pub at: Timestamp,
    /// HTTP status sent to the client; 0 when there was none.
    pub status: u16,
}

impl Event {
    /// Reduces a request, having asked the allow list, and the site memory where the model has one. Its target is taken
    /// apart once, here.
    pub fn new(request: &Request<'_>, hasher: &UrlHasher, allow: &AllowList, memory: Option<&Memory>) -> Self {
        let (path, query) = split(request.target);
        let nowhere = Place { page: 0, template: OTHER, class: None };
        let place = memory.map_or(nowhere, |memory| memory.place(path, query));
        let (url, class) = request
            .recorded
            .unwrap_or_else(|| (hasher.key_of(path, query), classify_learnt(path, request.fetch_dest, place.class)));
        Self {
            client: request.client,
            at: request.at,
            url,
            class,
            shape: if class == Class::Page { Shape::of(path, query) } else { Shape::default() },
            page: place.page,
            template: place.template,
            depth: depth(path),
            method: Method::from_wire(request.method),
            exempt: allow.covers(request.client, path),
        }
    }
}

impl Method {
    /// From the method's name on the wire.
    pub fn from_wire(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" | "PUT" | "PATCH" | "DELETE" => Self::Write,
            _ => Self::Other,
        }
    }
}

const _: () = assert!(size_of::<Event>() <= 48 && size_of::<Outcome>() == 32);
