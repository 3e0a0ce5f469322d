//! Which request an edge asks about.
//!
//! The question is a request of the edge's own. Headers, whose names the configuration has, hold
//! the visitor's method, target and address; the others (`User-Agent`, `Referer`, `Host`,
//! `Sec-Fetch-Dest`) are the visitor's as they are. Method and target are taken byte for byte. A
//! question that does not name them, or names them twice, is not answered by a guess: whatever
//! judged the wrong page would ban the wrong client.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use gate::RequestHeaders;
use gate::decision::DecisionId;
use hyper::HeaderMap;
use hyper::header::HeaderName;

use crate::config::Names;

/// Carries the token of a request that was decided back to the service.
pub const TOKEN_HEADER: &str = "x-kidoban-token";

/// A request that an edge asks about.
#[derive(Debug)]
pub struct Question<'a> {
    /// The visitor's method.
    pub method: &'a str,
    /// The visitor's path and query, byte for byte.
    pub target: &'a [u8],
    /// What the gate reads of the visitor's headers.
    pub headers: RequestHeaders<'a>,
    /// The decision that the edge was told when it asked the first time.
    pub repeats: Option<DecisionId>,
}

/// Why a question cannot be answered, for whoever configures the edge.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is no such header, or it is empty.
    #[error("The question has no header {0}. Have the edge send it.")]
    Missing(HeaderName),
    /// There are two: one of them may be the visitor's.
    #[error("The question has the header {0} twice. Have the edge set it, not add to it.")]
    Twice(HeaderName),
    /// A method that no HTTP request can have.
    #[error("The header {0} holds no method.")]
    NoMethod(HeaderName),
}

impl<'a> Question<'a> {
    /// Reads a question's headers.
    ///
    /// # Errors
    /// What the edge has to send.
    pub fn read(headers: &'a HeaderMap, names: &Names) -> Result<Self, Unreadable> {
        let method = single(headers, &names.method)?;
        let target = single(headers, &names.uri)?;
        let is_token =
            |byte: &u8| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(byte);
        let method =
            str::from_utf8(method).ok().filter(|text| text.as_bytes().iter().all(is_token));
        let method = method.ok_or_else(|| Unreadable::NoMethod(names.method.clone()))?;
        let lines = headers.iter().filter_map(|(name, value)| {
            // Whatever the header of the client is called, the gate knows it by its usual name; the
            // usual one, if it is another, is the visitor's own and believed by nobody.
            let name = match name.as_str() {
                _ if *name == names.client => "x-forwarded-for",
                "x-forwarded-for" => return None,
                other => other,
            };
            Some((name, value.as_bytes()))
        });
        let token = headers.get(TOKEN_HEADER).and_then(|value| value.to_str().ok());
        Ok(Self {
            method,
            target,
            headers: RequestHeaders::read(lines),
            repeats: token.and_then(|token| token.parse().ok()),
        })
    }

    /// Tells two questions apart that are about different requests: by client, method and target.
    pub fn fingerprint(&self, hasher: &RandomState) -> u64 {
        let mut state = hasher.build_hasher();
        self.headers.forwarded_for().for_each(|client| client.hash(&mut state));
        (self.method, self.target).hash(&mut state);
        state.finish()
    }
}

/// The value of a header that comes once and is not empty.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a [u8], Unreadable> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().filter(|value| !value.is_empty());
    let first = first.ok_or_else(|| Unreadable::Missing(name.clone()))?;
    match values.next() {
        None => Ok(first.as_bytes()),
        Some(_) => Err(Unreadable::Twice(name.clone())),
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn names(client: &str) -> Names {
        let name = |text: &str| text.parse().unwrap();
        Names {
            client: name(client),
            method: name("x-forwarded-method"),
            uri: name("x-forwarded-uri"),
        }
    }

    fn map(lines: &[(&'static str, &[u8])]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &[u8])| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
        };
        lines.iter().map(line).collect()
    }

    const ASKED: [(&str, &[u8]); 2] =
        [("x-forwarded-method", b"PROPFIND"), ("x-forwarded-uri", b"//a%2F..\xe9?q=\"#")];

    #[test]
    fn method_and_target_are_taken_byte_for_byte() {
        let headers = map(&ASKED);
        let question = Question::read(&headers, &names("x-forwarded-for")).unwrap();
        assert_eq!((question.method, question.target), ("PROPFIND", ASKED[1].1));
        assert_eq!(question.repeats, None);
    }

    #[test]
    fn what_does_not_say_what_is_asked_about_is_not_answered() {
        let refused = |lines: &[(&'static str, &[u8])], words: &str| {
            let headers = map(lines);
            let error = Question::read(&headers, &names("x-forwarded-for")).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        };
        refused(&[], "no header x-forwarded-method");
        refused(&ASKED[..1], "no header x-forwarded-uri");
        refused(&[ASKED[0], ("x-forwarded-uri", b"")], "no header x-forwarded-uri");
        refused(&[ASKED[0], ASKED[1], ("x-forwarded-uri", b"/")], "x-forwarded-uri twice");
        refused(&[("x-forwarded-method", b"GET /"), ASKED[1]], "no method");
        refused(&[("x-forwarded-method", b"G\xe9T"), ASKED[1]], "no method");
    }

    #[test]
    fn only_the_configured_header_names_the_client() {
        let lines = [ASKED[0], ASKED[1], ("x-forwarded-for", b"1"), ("x-visitor", b"2")];
        let headers = map(&lines);
        for (name, expect) in [("x-forwarded-for", b"1"), ("x-visitor", b"2")] {
            let question = Question::read(&headers, &names(name)).unwrap();
            assert_eq!(question.headers.forwarded_for().collect::<Vec<_>>(), [expect]);
        }
    }

    #[test]
    fn the_fingerprint_tells_clients_methods_and_targets_apart() {
        let hasher = RandomState::new();
        let of = |client: &[u8], method: &[u8], target: &[u8]| {
            let headers = map(&[
                ("x-forwarded-method", method),
                ("x-forwarded-uri", target),
                ("x-forwarded-for", client),
            ]);
            Question::read(&headers, &names("x-forwarded-for")).unwrap().fingerprint(&hasher)
        };
        let one = of(b"1", b"GET", b"/a");
        assert_eq!(one, of(b"1", b"GET", b"/a"));
        for other in [of(b"2", b"GET", b"/a"), of(b"1", b"PUT", b"/a"), of(b"1", b"GET", b"/b")] {
            assert_ne!(one, other);
        }
    }
}
