//! Reads parameters of query strings and forms.

use percent_encoding::percent_decode_str;

use super::reply::Listing;
use crate::sim::catalogue::PER_PAGE;

/// The page of `ids` that a query asks for by its parameter `page`; `None` if there is no such
/// page.
pub(super) fn page_of(ids: &[u32], query: &str) -> Option<Listing> {
    let number = match parameter(query, "page") {
        Some(number) => number.parse().ok()?,
        None => 1,
    };
    let pages = ids.len().div_ceil(PER_PAGE).max(1);
    if !(1..=pages).contains(&number) {
        return None;
    }
    let products = ids.iter().skip((number - 1) * PER_PAGE).take(PER_PAGE).copied().collect();
    Some(Listing { products, number, pages })
}

/// One parameter of a query or of a URL-encoded form, decoded.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then(|| decode(value))
    })
}

/// Percent-decoding, with `+` as a space. What cannot be decoded stays as it is.
fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_nonsense_is_left_alone() {
        let check = |text, expect| assert_eq!(decode(text), expect);
        check("a+b%20c", "a b c");
        check("100%", "100%");
        check("%zz%2", "%zz%2");
        check("%E6%9C%A8", "木");
    }
}
