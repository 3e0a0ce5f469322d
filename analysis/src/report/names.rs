//! Names of clients in a report that may be passed on.
//!
//! An address is replaced by a keyed hash (50 bits of HMAC-SHA-256). Without the key it cannot be
//! found by trying all four billion addresses. With the key, the operator can hash an address and
//! look for it. One key gives one pseudonym for each client, so a client can be followed through a
//! report, and through several if the key is kept.

use std::net::Ipv6Addr;

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::format::safe;

/// Crockford's alphabet, in which no letter looks like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Longest text of a log that is shown, in characters.
const TEXT_CHARS_MAX: usize = 160;

/// How clients are named.
#[derive(Clone)]
pub struct Names(Option<Hmac<Sha256>>);

impl Names {
    /// Names clients as the log does.
    pub fn shown() -> Self {
        Self(None)
    }

    /// Names clients by pseudonyms under this key, which may have any length.
    pub fn hidden(key: &[u8]) -> Self {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&Sha256::digest(key));
        Self(Some(Hmac::new((&block).into())))
    }

    /// Whether clients have pseudonyms.
    pub fn are_hidden(&self) -> bool {
        self.0.is_some()
    }

    /// A client's name: such as `c-7k3mq-x9f2t` if names are hidden.
    pub fn client(&self, name: &str) -> String {
        match &self.0 {
            None => safe(name, TEXT_CHARS_MAX),
            Some(mac) => pseudonym(mac, name),
        }
    }

    /// Text of a log, a label or a command, cut to a length, with every address in it replaced.
    pub fn text(&self, text: &str) -> String {
        match &self.0 {
            None => safe(text, TEXT_CHARS_MAX),
            Some(mac) => safe(&without_addresses(mac, text), TEXT_CHARS_MAX),
        }
    }

    /// Text of any length, with every address in it replaced.
    pub fn whole_text(&self, text: &str) -> String {
        match &self.0 {
            None => safe(text, usize::MAX),
            Some(mac) => safe(&without_addresses(mac, text), usize::MAX),
        }
    }
}

fn pseudonym(mac: &Hmac<Sha256>, name: &str) -> String {
    let digest = mac.clone().chain_update(name.as_bytes()).finalize().into_bytes();
    let bits = digest.iter().take(8).fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
    let letter = |i: u32| char::from(ALPHABET[(bits >> (59 - 5 * i) & 31) as usize]);
    let letters = |from: u32| (from..from + 5).map(letter).collect::<String>();
    format!("c-{}-{}", letters(0), letters(5))
}

fn without_addresses(mac: &Hmac<Sha256>, text: &str) -> String {
    let mut hidden = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = address_length(before, rest);
        let (taken, left) = rest.split_at(length.unwrap_or(next.len_utf8()));
        match length {
            Some(_) => hidden.push_str(&pseudonym(mac, taken)),
            None => hidden.push_str(taken),
        }
        (before, rest) = (taken.chars().last(), left);
    }
    hidden
}

/// How many bytes at the beginning of the text are an address. Too many are better than too few.
fn address_length(before: Option<char>, text: &str) -> Option<usize> {
    let run = |is_part: fn(char) -> bool| text.find(|char| !is_part(char)).unwrap_or(text.len());
    let is_word = |char: char| char.is_ascii_alphanumeric();
    let six = run(|char| char.is_ascii_hexdigit() || char == ':' || char == '.');
    if !before.is_some_and(is_word) && text[..six].contains(':') {
        // The longest beginning that is an address: a port or the end of a sentence may follow.
        let ends_there = |end: &usize| {
            !text[*end..].starts_with(is_word) && text[..*end].parse::<Ipv6Addr>().is_ok()
        };
        if let Some(end) = (3..=six).rev().find(ends_there) {
            return Some(end);
        }
    }
    if before.is_some_and(|char| char.is_ascii_digit()) {
        return None;
    }
    let four = run(|char| char.is_ascii_digit() || char == '.');
    let parts: Vec<&str> = text[..four].split('.').take(4).collect();
    let is_octet =
        |part: &&str| part.len() <= 3 && part.parse::<u16>().is_ok_and(|octet| octet <= 255);
    let is_address = parts.len() == 4 && parts.iter().all(is_octet);
    is_address.then(|| parts.iter().map(|part| part.len()).sum::<usize>() + 3)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pseudonym_stays_the_same_under_one_key_and_says_nothing_under_another() {
        let (one, other) = (Names::hidden(b"one key"), Names::hidden(b"another"));
        assert_eq!(one.client("192.0.2.7"), one.client("192.0.2.7"));
        assert_ne!(one.client("192.0.2.7"), other.client("192.0.2.7"));
        assert_ne!(one.client("192.0.2.7"), one.client("192.0.2.8"));
        assert_eq!(one.client("x").len(), "c-00000-00000".len());
        assert_eq!(Names::shown().client("192.0.2.7"), "192.0.2.7");
        assert_eq!(Names::shown().client("a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn addresses_in_text_are_found_wherever_they_stand_and_nothing_else_is() {
        let names = Names::hidden(b"key");
        let hidden = |text: &str| names.text(text);
        let four = names.client("192.0.2.7");
        for (before, after) in [
            ("", ""),
            ("from ", ", twice"),
            ("/ip=", "/x"),
            ("(", ")."),
            ("client:", ":8080"),
            ("\"", "\""),
            ("?a=", "&b=1"),
            ("-", "-"),
            ("é", "é"),
        ] {
            assert_eq!(
                hidden(&format!("{before}192.0.2.7{after}")),
                format!("{before}{four}{after}")
            );
        }
        let six = names.client("2001:db8::1");
        assert_eq!(
            hidden("at 2001:db8::1, or [2001:db8::1]:443."),
            format!("at {six}, or [{six}]:443.")
        );
        assert!(!hidden("::ffff:192.0.2.7").contains("192.0.2.7"));
        assert_eq!(hidden("ip192.0.2.7x"), format!("ip{four}x"));
        for text in [
            "12:34:56",
            "version 1.2.3",
            "20:15:04.123",
            "999.1.1.1",
            "std::fmt",
            "2016-02-20",
            "1.2.3.4567",
        ] {
            assert_eq!(hidden(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_address_survives_and_nothing_panics(before in "[^0-9]{0,9}", a: u8, b: u8, c: u8,
            d: u8, after in "[^0-9]{0,9}") {
            let address = format!("{a}.{b}.{c}.{d}");
            let hidden = Names::hidden(b"key").whole_text(&format!("{before}{address}{after}"));
            prop_assert!(!hidden.contains(&address), "{}", hidden);
        }
    }
}
