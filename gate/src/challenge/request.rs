//! Reading a challenged request: is it a navigation, in which language, and what the form holds.

use percent_encoding::percent_decode;

/// The largest form that is read, in bytes: a token, a counter, and a target three times as long as
/// it is, because each of its bytes may be escaped.
pub const FORM_BYTES_MAX: usize = 3 * TARGET_BYTES_MAX + 1024;
/// The longest target that a visitor is brought back to; from a longer one he gets to `/`.
pub(super) const TARGET_BYTES_MAX: usize = 2048;

/// The headers that tell a navigation, looked at only where a request is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Navigation<'a> {
    /// `Accept`
    pub accept: Option<&'a [u8]>,
    /// `Accept-Language`
    pub accept_language: Option<&'a [u8]>,
    /// `Sec-Fetch-Mode`
    pub fetch_mode: Option<&'a [u8]>,
    /// Is there an `X-Requested-With`?
    pub is_scripted: bool,
}

/// The languages of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English
    English,
    /// Japanese
    Japanese,
}

impl Navigation<'_> {
    /// Does somebody open a page in a browser? An app, a script and a picture say otherwise, and
    /// could not show the page.
    pub(super) fn is_one(&self, method: &str) -> bool {
        matches!(method, "GET" | "HEAD")
            && !self.is_scripted
            && self.fetch_mode.is_none_or(|mode| mode == b"navigate")
            && ranked(self.accept).any(|(range, _)| range.eq_ignore_ascii_case("text/html"))
    }

    /// The page's language that the visitor likes best; English if he names none of them.
    pub(super) fn language(&self) -> Language {
        let mut best = (Language::English, 0);
        for (range, weight) in ranked(self.accept_language) {
            let language = match range.split('-').next() {
                Some(primary) if primary.eq_ignore_ascii_case("ja") => Language::Japanese,
                Some(primary) if primary.eq_ignore_ascii_case("en") => Language::English,
                _ => continue,
            };
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }
}

/// The items of a header with weights (RFC 9110, section 12.4.2), in thousandths; those with none
/// are left out, and so are those whose weight cannot be read.
fn ranked(header: Option<&[u8]>) -> impl Iterator<Item = (&str, u32)> {
    let text = header.and_then(|header| str::from_utf8(header).ok()).unwrap_or_default();
    text.split(',').filter_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let range = parts.next().filter(|range| !range.is_empty())?;
        let written = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
        });
        let weight = written.map_or(Some(1000), weight)?;
        (weight > 0).then_some((range, weight))
    })
}

fn weight(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = format!("{part:0<3}").parse::<u32>().ok().filter(|_| is_digits)?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

/// The path and query to bring a visitor back to, and `/` in place of anything that a browser might
/// read as another site: `//evil`, `/\evil`, absolute URLs, and control characters, which browsers
/// drop.
pub(super) fn local_target(target: &str) -> &str {
    let is_local = target.starts_with('/')
        && !target.starts_with("//")
        && target.len() <= TARGET_BYTES_MAX
        && target.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && byte != b'\\');
    if is_local { target } else { "/" }
}

/// What a visitor sends.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) token: String,
    pub(super) target: String,
    /// The counter of a proof of work, where the page's script found one.
    pub(super) proof: Option<String>,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded`. `None` if it is none, or names a field twice.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        if body.len() > FORM_BYTES_MAX {
            return None;
        }
        let [mut token, mut target, mut proof] = [None, None, None];
        for field in body.split(|byte| *byte == b'&').filter(|field| !field.is_empty()) {
            let equals = field.iter().position(|byte| *byte == b'=').unwrap_or(field.len());
            let (name, value) = (&field[..equals], field.get(equals + 1..).unwrap_or_default());
            let place = match name {
                b"token" => &mut token,
                b"target" => &mut target,
                b"proof" => &mut proof,
                _ => continue,
            };
            if place.replace(decoded(value)?).is_some() {
                return None;
            }
        }
        let proof = proof.filter(|proof| !proof.is_empty());
        Some(Self { token: token?, target: target?, proof })
    }
}

fn decoded(value: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = value.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    percent_decode(&spaced).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(accept: &str) -> Navigation<'_> {
        Navigation { accept: Some(accept.as_bytes()), ..Navigation::default() }
    }

    #[test]
    fn only_a_browser_that_opens_a_page_navigates() {
        let browser = accepts("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
        assert!(browser.is_one("GET") && browser.is_one("HEAD") && !browser.is_one("POST"));
        let mode = |mode| Navigation { fetch_mode: Some(mode), ..browser };
        assert!(mode(b"navigate").is_one("GET") && !mode(b"cors").is_one("GET"));
        assert!(!Navigation { is_scripted: true, ..browser }.is_one("GET"));
        for other in ["", "*/*", "application/json", "text/html;q=0", "text/html;q=x", "text/*"] {
            assert!(!accepts(other).is_one("GET"), "{other}");
        }
        assert!(accepts("application/json, TEXT/HTML ; Q=0.1").is_one("GET"));
        assert!(!Navigation::default().is_one("GET"));
    }

    #[test]
    fn the_language_is_the_one_with_the_highest_weight() {
        let check = |header: &str, expect| {
            let accept_language = Some(header.as_bytes());
            let navigation = Navigation { accept_language, ..Navigation::default() };
            assert_eq!(navigation.language(), expect, "{header}");
        };
        check("ja", Language::Japanese);
        check("ja-JP,ja;q=0.9,en;q=0.8", Language::Japanese);
        check("en;q=0.8, JA ; q=0.9", Language::Japanese);
        check("en-GB,ja;q=0.9", Language::English);
        check("ja;q=0, en;q=0.1", Language::English);
        check("de,fr;q=0.9,ja;q=0.001", Language::Japanese);
        check("ja;q=1.001", Language::English);
        check("jam, *", Language::English);
        check("", Language::English);
    }

    #[test]
    fn nobody_is_sent_to_another_site() {
        for good in ["/", "/p/1?x=1&y=%0a", "/.//a", "/a//b", "/?u=https://evil.example/"] {
            assert_eq!(local_target(good), good);
        }
        let long = format!("/{}", "x".repeat(TARGET_BYTES_MAX));
        for bad in [
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\r\nSet-Cookie: a=b",
            "/a b",
            "/caf\u{e9}",
            "evil",
            "",
            &long,
        ] {
            assert_eq!(local_target(bad), "/", "{bad:?}");
        }
    }

    #[test]
    fn a_form_is_read_as_browsers_send_it_and_nothing_else() {
        let form = Form::read(b"token=a-b&target=%2Fp%2F1%3Fx%3D1+2&proof=&more=1").unwrap();
        let expect = Form { token: "a-b".into(), target: "/p/1?x=1 2".into(), proof: None };
        assert_eq!(form, expect);
        let proof = Form::read(b"target=/&token=x&proof=17").unwrap().proof;
        assert_eq!(proof.as_deref(), Some("17"));
        let large = vec![b'x'; FORM_BYTES_MAX + 1];
        for wrong in [
            &b""[..],
            b"token=x",
            b"target=/",
            b"token=%ff&target=/",
            b"token=x&token=y&target=/",
            b"\xff\x00=&&=&",
            &large,
        ] {
            assert_eq!(Form::read(wrong), None);
        }
    }
}
