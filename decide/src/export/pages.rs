//! Bans over HTTP: a plain list, and a stream as CrowdSec's local API has it.
//!
//! | path | answer |
//! |---|---|
//! | `/blocklist.txt` | an address or network a line, with an `ETag` |
//! | `/v1/decisions/stream` | what came and went since this bouncer asked, `?startup=true`: all |
//! | `/status` | how many are exported, how many are left out, whether the breaker is open |
//!
//! Where the configuration has an `api_key`, it is asked for, in the header `X-Api-Key` or, of
//! those who can send none, as `?key=`. CrowdSec tells bouncers apart by their keys; here one key
//! serves all, and each is told from the others by its address and `User-Agent`.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, USER_AGENT};
use hyper::http::request::Parts;
use parking_lot::Mutex;
use serde_json::json;

use super::Shared;
use super::ledger::{Banned, Changes};
use crate::http_server::Serve;
use crate::reply::{Reply, text};

/// More firewalls than a shop has. Above, the one is forgotten that would be told anew.
const BOUNCERS_MAX: usize = 256;

pub(crate) struct Pages {
    shared: Arc<Shared>,
    api_key: Option<String>,
    /// The number of the change that each bouncer asks with next.
    bouncers: Mutex<HashMap<u64, u64>>,
}

impl Pages {
    pub(crate) fn new(shared: Arc<Shared>, api_key: Option<String>) -> Self {
        Self { shared, api_key, bouncers: Mutex::default() }
    }

    fn may_read(&self, request: &Parts) -> bool {
        let Some(wanted) = &self.api_key else { return true };
        let header = request.headers.get("x-api-key").map(HeaderValue::as_bytes);
        let given = header.or_else(|| parameter(request, "key").map(str::as_bytes));
        given.is_some_and(|given| is_same(given, wanted.as_bytes()))
    }

    fn list(&self, request: &Parts) -> Reply {
        let list = block_list(self.shared.ledger.lock().banned());
        let mut hasher = DefaultHasher::new();
        list.hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        let known = request.headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let is_known = known.is_some_and(|known| {
            known.split(',').any(|known| [tag.as_str(), "*"].contains(&known.trim()))
        });
        let mut reply = match is_known {
            true => text(StatusCode::NOT_MODIFIED, String::new()),
            false => text(StatusCode::OK, list),
        };
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            reply.headers_mut().insert(ETAG, tag);
        }
        reply
    }

    fn stream(&self, request: &Parts, peer: Option<IpAddr>) -> Reply {
        let mut hasher = DefaultHasher::new();
        (peer, request.headers.get(USER_AGENT).map(HeaderValue::as_bytes)).hash(&mut hasher);
        let bouncer = hasher.finish();
        let mut bouncers = self.bouncers.lock();
        let is_startup = parameter(request, "startup") == Some("true");
        let from = bouncers.get(&bouncer).copied().filter(|_| !is_startup).unwrap_or(0);
        if bouncers.len() >= BOUNCERS_MAX && !bouncers.contains_key(&bouncer) {
            let any = bouncers.keys().next().copied();
            any.map(|any| bouncers.remove(&any));
        }
        let changes = self.shared.ledger.lock().changes(from);
        bouncers.insert(bouncer, changes.next);
        json_page(&decisions(&changes, self.shared.engine.now().as_micros()))
    }

    fn status(&self) -> Reply {
        let ledger = self.shared.ledger.lock();
        let (is_open, left_out) = ledger.left_out();
        let bans = ledger.banned().count();
        json_page(&json!({"bans": bans, "left_out": left_out, "breaker_open": is_open}))
    }
}

impl Serve for Pages {
    fn answer(&self, request: &Parts, peer: Option<IpAddr>) -> Reply {
        if request.method != "GET" && request.method != "HEAD" {
            return text(StatusCode::METHOD_NOT_ALLOWED, "Only GET is answered here.\n".to_owned());
        }
        if !self.may_read(request) {
            let mut reply = json_page(&json!({"message": "access forbidden"}));
            *reply.status_mut() = StatusCode::FORBIDDEN;
            return reply;
        }
        match request.uri.path() {
            "/blocklist.txt" => self.list(request),
            "/v1/decisions/stream" => self.stream(request, peer),
            "/status" => self.status(),
            _ => {
                let words = "There are /blocklist.txt, /v1/decisions/stream and /status.\n";
                text(StatusCode::NOT_FOUND, words.to_owned())
            }
        }
    }

    fn turn_away(&self) -> Reply {
        text(StatusCode::FORBIDDEN, String::new())
    }
}

/// An address or network a line.
fn block_list(bans: impl Iterator<Item = Banned>) -> String {
    let lines = bans.map(|ban| format!("{}\n", shown(ban)));
    "# Clients banned by Kidoban, an address or network a line.\n".to_owned()
        + &lines.collect::<String>()
}

fn shown(ban: Banned) -> String {
    match ban.network.prefix_len() == ban.network.max_prefix_len() {
        true => ban.network.addr().to_string(),
        false => ban.network.to_string(),
    }
}

/// As CrowdSec's `GET /decisions/stream` answers.
fn decisions(changes: &Changes, now_us: i64) -> serde_json::Value {
    let decision = |number: u64, ban: Banned| {
        let is_address = ban.network.prefix_len() == ban.network.max_prefix_len();
        let left_s = (ban.until_us - now_us).max(0) / 1_000_000;
        json!({
            "id": number, "origin": "kidoban", "type": "ban", "scenario": "kidoban/ban",
            "scope": if is_address { "Ip" } else { "Range" }, "value": shown(ban),
            "duration": format!("{left_s}s"),
        })
    };
    let added = changes.added.iter().map(|(number, ban)| decision(*number, *ban));
    let ended = |network| Banned { network, until_us: now_us };
    let removed = changes.removed.iter().map(|(number, net)| decision(*number, ended(*net)));
    json!({"new": added.collect::<Vec<_>>(), "deleted": removed.collect::<Vec<_>>()})
}

fn json_page(value: &serde_json::Value) -> Reply {
    let mut reply = text(StatusCode::OK, format!("{value}\n"));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

fn parameter<'a>(request: &'a Parts, name: &str) -> Option<&'a str> {
    let pairs = request.uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// In a time that does not tell where they differ.
fn is_same(given: &[u8], wanted: &[u8]) -> bool {
    let differs = given.iter().zip(wanted).fold(0, |differs, (a, b)| differs | (a ^ b));
    given.len() == wanted.len() && differs == 0
}
