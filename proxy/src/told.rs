//! What the gate reads of a request's headers, found in one look at all of them.
//!
//! A map answers a question about one header in the time in which all ten of a browser's can be
//! looked at, and the gate has a dozen questions.

use http::header::HeaderValue;
use http::{HeaderMap, header};

/// What a request says of itself.
pub(crate) struct Told<'a> {
    headers: &'a HeaderMap,
    pub(crate) has_host: bool,
    /// Of a header that comes several times the first.
    pub(crate) content_length: Option<&'a HeaderValue>,
    pub(crate) fetch_dest: Option<&'a HeaderValue>,
    pub(crate) referer: Option<&'a HeaderValue>,
    pub(crate) user_agent: Option<&'a HeaderValue>,
    forwarded_for: Option<&'a HeaderValue>,
    has_several_forwarded_for: bool,
    pub(crate) claims: Claims,
}

/// Which headers a request has that speak of proxies it came through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claims(u8);

impl Claims {
    /// Headers by which shops' frameworks learn of proxies, besides the two that are set anyway; by
    /// bit.
    const REPLACED: [&'static str; 5] =
        ["forwarded", "x-real-ip", "x-forwarded-host", "x-forwarded-port", "x-forwarded-server"];

    /// Names of those that only a proxy of ours may send, besides `X-Forwarded-For` and `-Proto`.
    pub(crate) fn replaced(self) -> impl Iterator<Item = &'static str> {
        Self::REPLACED
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 >> bit & 1 != 0)
            .map(|(_, name)| name)
    }
}

impl<'a> Told<'a> {
    /// Looks at all headers once.
    pub(crate) fn by(headers: &'a HeaderMap) -> Self {
        let mut told = Self {
            headers,
            has_host: false,
            content_length: None,
            fetch_dest: None,
            referer: None,
            user_agent: None,
            forwarded_for: None,
            has_several_forwarded_for: false,
            claims: Claims::default(),
        };
        for (name, value) in headers {
            match name.as_str() {
                "host" => told.has_host = true,
                "referer" => _ = told.referer.get_or_insert(value),
                "user-agent" => _ = told.user_agent.get_or_insert(value),
                "content-length" => _ = told.content_length.get_or_insert(value),
                "sec-fetch-dest" => _ = told.fetch_dest.get_or_insert(value),
                "x-forwarded-for" if told.forwarded_for.is_none() => {
                    told.forwarded_for = Some(value)
                }
                "x-forwarded-for" => told.has_several_forwarded_for = true,
                "forwarded" => told.claims.0 |= 1,
                "x-real-ip" => told.claims.0 |= 1 << 1,
                "x-forwarded-host" => told.claims.0 |= 1 << 2,
                "x-forwarded-port" => told.claims.0 |= 1 << 3,
                "x-forwarded-server" => told.claims.0 |= 1 << 4,
                _ => (),
            }
        }
        told
    }

    /// Every `X-Forwarded-For`, in order.
    pub(crate) fn forwarded_for(&self) -> impl DoubleEndedIterator<Item = &'a HeaderValue> {
        let several = self.has_several_forwarded_for;
        let all = several.then(|| self.headers.get_all(crate::identity::X_FORWARDED_FOR).iter());
        let one = if several { None } else { self.forwarded_for };
        one.into_iter().chain(all.into_iter().flatten())
    }

    /// The announced length of its body, where one can be read.
    pub(crate) fn body_bytes(&self) -> Option<u64> {
        body_bytes(self.content_length?)
    }
}

/// The length that a request announces, by a search for that header alone.
pub(crate) fn announced_body_bytes(headers: &HeaderMap) -> Option<u64> {
    body_bytes(headers.get(header::CONTENT_LENGTH)?)
}

fn body_bytes(content_length: &HeaderValue) -> Option<u64> {
    content_length.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line =
            |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        lines.iter().map(line).collect()
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
        let told = Told::by(&headers);
        assert!(told.has_host);
        assert_eq!(told.user_agent, headers.get("user-agent"));
        assert_eq!(told.fetch_dest, headers.get("sec-fetch-dest"));
        assert_eq!(told.referer, headers.get("referer"));
        assert_eq!((told.body_bytes(), announced_body_bytes(&headers)), (Some(17), Some(17)));
        assert_eq!((told.forwarded_for().count(), told.claims), (0, Claims::default()));
        let empty = HeaderMap::new();
        let nothing = Told::by(&empty);
        assert!(
            !nothing.has_host && nothing.user_agent.is_none() && nothing.body_bytes().is_none()
        );
    }

    #[test]
    fn one_list_or_several_come_in_order() {
        for lists in [&["a, b"][..], &["a", "b, c", "d"]] {
            let lines: Vec<_> = lists.iter().map(|list| ("x-forwarded-for", *list)).collect();
            let headers = headers(&lines);
            let told = Told::by(&headers);
            let found: Vec<&str> =
                told.forwarded_for().map(|value| value.to_str().unwrap()).collect();
            assert_eq!(found, lists);
            assert!(told.forwarded_for().rev().eq(headers.get_all("x-forwarded-for").iter().rev()));
        }
    }

    #[test]
    fn every_claim_is_seen_under_its_own_name() {
        for name in Claims::REPLACED {
            let headers = headers(&[("host", "x"), (name, "y")]);
            assert_eq!(Told::by(&headers).claims.replaced().collect::<Vec<_>>(), [name]);
        }
        let headers = headers(&[
            ("x-forwarded-proto", "https"),
            ("x-forwarded-for", "1"),
            ("x-forwarded-for", "2"),
        ]);
        assert_eq!(Told::by(&headers).claims.replaced().count(), 0);
    }
}
