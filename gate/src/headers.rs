//! What the gate reads of a request's headers, found in one look at all of them.
//!
//! Every door has headers in a form of its own: Pingora's, the `http` crate's, nginx's. So a door
//! shows them one by one as name and value ([`RequestHeaders::read`]), and what is kept are
//! references into its own memory. Looking at the ten headers of a browser once costs as much as
//! one search in a map, and the gate has a dozen questions.

use crate::peers::Via;

/// Which headers a request has that tell of proxies it came through, besides `X-Forwarded-For`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProxyHeaders(u16);

impl ProxyHeaders {
    /// Headers by which shops' frameworks learn of proxies, besides the two that the gate sets
    /// anyway; by bit.
    pub const REPLACED: [&'static str; 5] =
        ["forwarded", "x-real-ip", "x-forwarded-host", "x-forwarded-port", "x-forwarded-server"];
    /// Headers that proxies and content delivery networks name a client in, beyond those; the bits
    /// after.
    const OTHERS: [&'static str; 6] = [
        "cf-connecting-ip",
        "true-client-ip",
        "fastly-client-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-forwarded-proto",
    ];

    fn note(&mut self, name: &str) {
        // Most headers are none of these, and their first letter says so.
        if !matches!(name.as_bytes().first(), Some(b'f' | b'x' | b'c' | b't')) {
            return;
        }
        let mut names = Self::REPLACED.iter().chain(&Self::OTHERS);
        if let Some(bit) = names.position(|known| *known == name) {
            self.0 |= 1 << bit;
        }
    }

    /// Names of those that only a proxy of ours may send, besides `X-Forwarded-For` and `-Proto`.
    pub fn replaced(self) -> impl Iterator<Item = &'static str> {
        let named = Self::REPLACED.into_iter().enumerate();
        named.filter(move |(bit, _)| self.0 >> bit & 1 != 0).map(|(_, name)| name)
    }

    const fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// The headers of one request that the gate has a use for, borrowed from its door.
#[derive(Clone, Debug, Default)]
pub struct RequestHeaders<'a> {
    /// Is there a `Host`?
    pub has_host: bool,
    /// `Content-Length`; of a header that comes several times, here and below, the first.
    pub content_length: Option<&'a [u8]>,
    /// `Sec-Fetch-Dest`
    pub fetch_dest: Option<&'a [u8]>,
    /// `Referer`
    pub referer: Option<&'a [u8]>,
    /// `User-Agent`
    pub user_agent: Option<&'a [u8]>,
    /// Which other headers speak of proxies.
    pub proxy_headers: ProxyHeaders,
    forwarded_for: Option<&'a [u8]>,
    /// Further `X-Forwarded-For`, in order. Few requests have any.
    more_forwarded_for: Vec<&'a [u8]>,
}

impl<'a> RequestHeaders<'a> {
    /// Looks at all headers once, in their order. Names are in lower case, as HTTP/2 sends them and
    /// as Pingora, the `http` crate and nginx (`lowcase_key`) keep them.
    pub fn read(lines: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut headers = Self::default();
        for (name, value) in lines {
            match name {
                "host" => headers.has_host = true,
                "referer" => _ = headers.referer.get_or_insert(value),
                "user-agent" => _ = headers.user_agent.get_or_insert(value),
                "content-length" => _ = headers.content_length.get_or_insert(value),
                "sec-fetch-dest" => _ = headers.fetch_dest.get_or_insert(value),
                "x-forwarded-for" if headers.forwarded_for.is_none() => {
                    headers.forwarded_for = Some(value);
                }
                "x-forwarded-for" => headers.more_forwarded_for.push(value),
                _ => headers.proxy_headers.note(name),
            }
        }
        headers
    }

    /// Every `X-Forwarded-For`, in order.
    pub fn forwarded_for(&self) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.forwarded_for.into_iter().chain(self.more_forwarded_for.iter().copied())
    }

    /// Does it tell of a proxy that it came through? A client can say so as well.
    pub fn is_forwarded(&self) -> bool {
        self.forwarded_for.is_some() || self.proxy_headers.is_some()
    }

    /// How it came to its peer. The client is told by the last `X-Forwarded-For`, or where another
    /// header is sent instead by the user agent: different clients mostly differ in it.
    pub fn via(&self, target: &'a [u8]) -> Via<'a> {
        if !self.is_forwarded() {
            return Via::Direct(target);
        }
        let last = self.forwarded_for().next_back();
        Via::Forwarded(last.or(self.user_agent).unwrap_or_default())
    }

    /// The announced length of its body, in bytes, where one can be read.
    pub fn body_bytes(&self) -> Option<u64> {
        body_bytes(self.content_length?)
    }
}

/// The length, in bytes, that a `Content-Length` header announces.
pub fn body_bytes(content_length: &[u8]) -> Option<u64> {
    std::str::from_utf8(content_length).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, HeaderValue};
    use http::{HeaderMap, header};

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line =
            |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        lines.iter().map(line).collect()
    }

    fn read(headers: &HeaderMap) -> RequestHeaders<'_> {
        RequestHeaders::read(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())))
    }

    #[test]
    fn what_is_found_is_what_a_search_finds() {
        let headers = headers(&[
            ("user-agent", "first"),
            ("host", "shop.example"),
            ("user-agent", "second"),
            ("sec-fetch-dest", "document"),
            ("referer", "/"),
            ("content-length", "17"),
            ("content-length", "18"),
            ("cookie", "a=b"),
        ]);
        let found = read(&headers);
        let search = |name| headers.get(name).map(HeaderValue::as_bytes);
        assert!(found.has_host && !found.is_forwarded());
        assert!(matches!(found.via(b"/p/1"), Via::Direct(b"/p/1")));
        assert_eq!(found.user_agent, search(header::USER_AGENT));
        assert_eq!(found.fetch_dest, search(HeaderName::from_static("sec-fetch-dest")));
        assert_eq!(found.referer, search(header::REFERER));
        assert_eq!(found.body_bytes(), Some(17));
        assert_eq!((found.forwarded_for().count(), found.proxy_headers.0), (0, 0));
        let nothing = read(&HeaderMap::new()).body_bytes();
        assert_eq!(nothing, None);
    }

    #[test]
    fn one_list_or_several_come_in_order() {
        for lists in [&["a, b"][..], &["a", "b, c", "d"]] {
            let lines: Vec<_> = lists.iter().map(|list| ("x-forwarded-for", *list)).collect();
            let headers = headers(&lines);
            let found = read(&headers);
            let found: Vec<&[u8]> = found.forwarded_for().collect();
            assert_eq!(found, lists.iter().map(|list| list.as_bytes()).collect::<Vec<_>>());
            let via = read(&headers).via(b"/");
            assert!(matches!(via, Via::Forwarded(client) if found.last() == Some(&client)));
        }
    }

    #[test]
    fn every_header_of_a_proxy_is_seen_under_its_own_name() {
        for name in ProxyHeaders::REPLACED {
            let headers = headers(&[("host", "x"), (name, "y")]);
            let found = read(&headers);
            assert!(found.is_forwarded());
            assert_eq!(found.proxy_headers.replaced().collect::<Vec<_>>(), [name]);
        }
        for name in ProxyHeaders::OTHERS.into_iter().chain(["x-forwarded-for"]) {
            let headers = headers(&[(name, "y"), (name, "z")]);
            let found = read(&headers);
            assert!(found.is_forwarded(), "{name}");
            assert_eq!(found.proxy_headers.replaced().count(), 0);
        }
        assert!(!read(&headers(&[("x-requested-with", "z"), ("te", "z")])).is_forwarded());
    }
}
