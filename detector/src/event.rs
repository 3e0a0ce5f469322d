//! One request, and later its outcome, reduced to what the features may see.
//!
//! A [`Request`] is what an edge or a log line knows. [`Event`] and [`Outcome`] are all that the
//! rest of this crate sees of it: 48 and 32 bytes without text or allocation. What decides a
//! training label (user agent, referer) is absent on purpose, because a score that saw it would
//! measure the labelling rule. Of the user agent there is a keyed hash, which tells whether two
//! requests name the same browser and nothing else. That a path is one that attack tools ask for is
//! in it for the guard ([`crate::guard`]). No score sees either.

use serde::{Deserialize, Serialize};

use crate::allow::AllowList;
use crate::client::ClientKey;
use crate::site_profile::{OTHER, ProfilePlace, SiteProfile};
use crate::time::Timestamp;
use crate::url::{Class, Names, Shape, UrlHasher, UrlKey, classify, depth, split};

/// What an edge or a log line knows of a request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who sent the request.
    pub client: ClientKey,
    /// When it arrived, at the edge's own resolution.
    pub at: Timestamp,
    /// The HTTP method in upper case, as on the wire: `GET`, `POST`, …
    pub method: &'a str,
    /// Request target as on the wire: path and query, or absolute form.
    pub target: &'a str,
    /// The `Sec-Fetch-Dest` header, where a browser sent one.
    pub fetch_dest: Option<&'a str>,
    /// The `User-Agent` header's bytes, where one was sent.
    pub agent: Option<&'a [u8]>,
    /// What the event log recorded of it, so that a replay needs no hash key to repeat a live
    /// decision.
    pub recorded: Option<Recorded>,
    /// Is it a proxy's own request, or one that a proxy sends without saying for whom? No client
    /// can be judged by such a request ([`Exempt::Proxy`]).
    pub is_proxys: bool,
}

/// Why a request passes unjudged and is not remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exempt {
    /// The operator lets this client or path pass.
    AllowList,
    /// It is a proxy's own request, such as a load balancer's health check, or it comes from a
    /// proxy that is not declared. Behind such a proxy clients cannot be told apart.
    Proxy,
}

/// What a live gate recorded of a request in its event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// URL hash.
    pub url: UrlKey,
    /// Page or asset as the request itself shows, without a site profile: [`Event::prior`].
    pub class: Class,
    /// Hash of the user agent; `None` in logs of versions that did not record it.
    pub agent: Option<AgentKey>,
}

/// Keyed hash of a user agent. It tells different user agents apart, and nothing of what they say.
///
/// With 16 bits, two of a hundred browsers of one network have one hash with 7 % probability. Then
/// two cohorts are watched as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgentKey(pub u16);

impl AgentKey {
    /// No user agent was sent.
    pub const NONE: Self = Self(0);

    /// The key of a header's bytes.
    pub fn of(agent: Option<&[u8]>, hasher: &UrlHasher) -> Self {
        agent.map_or(Self::NONE, |agent| Self(hasher.bytes(agent).max(1)))
    }
}

/// A request, reduced to what the features may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who sent the request.
    pub client: ClientKey,
    /// When it arrived.
    pub at: Timestamp,
    /// Keyed hash of path and query.
    pub url: UrlKey,
    /// Page or asset, by the request itself and by the site profile. [`crate::AssetCredit`] may
    /// still turn an asset into a page.
    pub class: Class,
    /// What the site profile knows it to be, where the request itself looks otherwise.
    pub learnt: Option<Class>,
    /// The URL's form without numbers, and the sum of its numbers.
    pub shape: Shape,
    /// The page's hash in the model's site profile; 0 without a profile.
    pub page: u32,
    /// The number of the page's template in the site profile.
    pub template: u8,
    /// Number of path segments.
    pub depth: u8,
    /// The HTTP method.
    pub method: Method,
    /// Hash of the user agent, to be compared and never scored.
    pub agent: AgentKey,
    /// Why the request is neither judged nor remembered, if that is so.
    pub exempt: Option<Exempt>,
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

/// How a request ended that the shop answered. A request that the gate refused has no outcome:
/// counting its own 429s as the client's errors would keep a limited client limited for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whose request it was.
    pub client: ClientKey,
    /// When it ended. A log line with only one time: that time.
    pub at: Timestamp,
    /// HTTP status sent to the client; 0 when there was none.
    pub status: u16,
    /// [`Event::agent`] of the request.
    pub agent: AgentKey,
    /// What is known of the request's path.
    pub target: Target,
}

/// What the end of a request is counted by: the hash of its path, and what the request was to it. 4
/// bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    path: u16,
    names: Names,
    writes: bool,
}

impl Target {
    /// The target of a request of which nothing of that is known.
    pub const NONE: Self = Self { path: 0, names: Names::NONE, writes: false };

    /// The target that an event log recorded: [`Target::write`], [`Target::probe`] and whether it
    /// takes a password.
    pub const fn recorded(write: u16, probe: u16, is_log_in: bool) -> Self {
        let attack = if probe == 0 { Names::NONE } else { Names::ATTACK };
        let log_in = if is_log_in && write != 0 { Names::LOG_IN } else { Names::NONE };
        let path = if write == 0 { probe } else { write };
        Self { path, names: attack.with(log_in), writes: write != 0 }
    }

    /// The hash of the path that the request writes to, never 0; 0 if it does not write.
    pub const fn write(self) -> u16 {
        if self.writes { self.path() } else { 0 }
    }

    /// The hash of a path that attack tools ask for, never 0; 0 if it is another path.
    pub const fn probe(self) -> u16 {
        if self.is_attack() { self.path() } else { 0 }
    }

    /// Do attack tools ask for the path?
    pub const fn is_attack(self) -> bool {
        self.names.has(Names::ATTACK)
    }

    /// Does the request send a password?
    pub const fn is_log_in(self) -> bool {
        self.writes && self.names.has(Names::LOG_IN)
    }

    /// The hash of the path, never 0.
    pub const fn path(self) -> u16 {
        if self.path == 0 { 1 } else { self.path }
    }
}

impl Outcome {
    /// The outcome of a request of which only the client is known.
    pub const fn new(client: ClientKey, at: Timestamp, status: u16) -> Self {
        Self { client, at, status, agent: AgentKey::NONE, target: Target::NONE }
    }

    /// The outcome of this request.
    pub const fn of(event: &Event, at: Timestamp, status: u16) -> Self {
        Self { client: event.client, at, status, agent: event.agent, target: event.target() }
    }
}

impl Event {
    /// Reduces a request, with what the allow list and the model's site profile say of it. The
    /// target is taken apart once, here.
    pub fn new(
        request: &Request<'_>,
        hasher: &UrlHasher,
        allow: &AllowList,
        profile: Option<&SiteProfile>,
    ) -> Self {
        let (path, query) = split(request.target);
        let nowhere = ProfilePlace { page: 0, template: OTHER, class: None };
        let place = profile.map_or(nowhere, |profile| profile.place(path, query));
        let (url, prior) = match request.recorded {
            Some(recorded) => (recorded.url, recorded.class),
            None => (hasher.key_of(path, query), classify(path, request.fetch_dest)),
        };
        let class = place.class.unwrap_or(prior);
        let method = Method::from_wire(request.method);
        let agent = request.recorded.and_then(|recorded| recorded.agent);
        Self {
            client: request.client,
            at: request.at,
            url,
            class,
            learnt: (class != prior).then_some(class),
            shape: if (class, prior) == (Class::Asset, Class::Asset) {
                Shape::default()
            } else {
                Shape::of(path, query)
            }
            .naming(Names::of(path, query, method == Method::Write)),
            page: place.page,
            template: place.template,
            depth: depth(path),
            method,
            agent: agent.unwrap_or_else(|| AgentKey::of(request.agent, hasher)),
            exempt: match () {
                () if request.is_proxys => Some(Exempt::Proxy),
                () => allow.covers(request.client, path).then_some(Exempt::AllowList),
            },
        }
    }

    /// A GET of a page of which no more than this is known.
    pub fn page(client: ClientKey, at: Timestamp, url: UrlKey) -> Self {
        Self {
            client,
            at,
            url,
            class: Class::Page,
            learnt: None,
            shape: Shape::default(),
            page: 0,
            template: 0,
            depth: 1,
            method: Method::Get,
            agent: AgentKey::NONE,
            exempt: None,
        }
    }

    /// The request of an outcome, of which no more is known than its target.
    pub fn of_target(client: ClientKey, at: Timestamp, target: Target) -> Self {
        Self {
            method: if target.writes { Method::Write } else { Method::Other },
            shape: Shape { names: target.names, ..Shape::default() },
            ..Self::page(client, at, UrlKey(u32::from(target.path) << 16))
        }
    }

    /// Page or asset as the request itself shows, without a site profile.
    pub const fn prior(&self) -> Class {
        match self.learnt {
            None => self.class,
            Some(Class::Asset) => Class::Page,
            Some(Class::Page) => Class::Asset,
        }
    }

    /// The hash of the path that the request writes to, never 0; 0 if it does not write.
    pub const fn write(&self) -> u16 {
        self.target().write()
    }

    /// What the end of the request is counted by.
    pub const fn target(&self) -> Target {
        let writes = matches!(self.method, Method::Write);
        Target { path: self.url.path(), names: self.shape.names, writes }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_told_apart_by_the_key_and_repeated_from_a_log() {
        let hasher = UrlHasher::new(1);
        let event = |agent: Option<&[u8]>, recorded| {
            let (client, at) = (ClientKey::NOBODY, Timestamp::default());
            let request = Request {
                client,
                at,
                method: "POST",
                target: "/login",
                fetch_dest: None,
                agent,
                recorded,
                is_proxys: false,
            };
            Event::new(&request, &hasher, &AllowList::default(), None)
        };
        assert_eq!(event(None, None).agent, AgentKey::NONE);
        let keys =
            [&b""[..], b"a", b"b", &[b'x'; 9_000]].map(|agent| event(Some(agent), None).agent);
        assert!(keys.iter().all(|key| *key != AgentKey::NONE));
        assert!((1..4).all(|at| !keys[..at].contains(&keys[at])));
        assert_ne!(
            AgentKey::of(Some(b"a"), &UrlHasher::new(2)),
            keys[1],
            "nobody can choose whose hash his own is"
        );

        let recorded = |agent| Some(Recorded { url: UrlKey(7 << 16), class: Class::Page, agent });
        assert_eq!(event(Some(b"a"), recorded(Some(AgentKey(5)))).agent, AgentKey(5));
        assert_eq!(event(Some(b"a"), recorded(None)).agent, keys[1], "an older log has the text");
        let event = event(Some(b"a"), recorded(None));
        let outcome = Outcome::of(&event, Timestamp::default(), 401);
        assert_eq!(
            (outcome.agent, outcome.target.write(), Event { method: Method::Get, ..event }.write()),
            (keys[1], 7, 0)
        );
    }
}
