//! What is read of a request's headers.

use gate::RequestHeaders;
use gate::headers::ProxyHeaders;
use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Each line is a header, `Name: value`.
///
/// What one look at all headers finds, a search in a map finds as well; of a header that comes
/// several times the first, of `X-Forwarded-For` all in their order.
pub fn headers(data: &[u8]) {
    let mut map = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            map.append(name, value);
        }
    }
    let read =
        RequestHeaders::read(map.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));

    let search = |name: &str| map.get(name).map(HeaderValue::as_bytes);
    assert_eq!(read.has_host, map.contains_key("host"));
    assert_eq!(read.content_length, search("content-length"));
    assert_eq!(read.fetch_dest, search("sec-fetch-dest"));
    assert_eq!(read.referer, search("referer"));
    assert_eq!(read.user_agent, search("user-agent"));
    let forwarded = map.get_all("x-forwarded-for");
    assert!(read.forwarded_for().eq(forwarded.iter().map(HeaderValue::as_bytes)));
    assert!(read.forwarded_for().rev().eq(forwarded.iter().rev().map(HeaderValue::as_bytes)));

    let replaced: Vec<&str> = read.proxy_headers.replaced().collect();
    let expect = ProxyHeaders::REPLACED.into_iter().filter(|name| map.contains_key(*name));
    assert_eq!(replaced, expect.collect::<Vec<_>>());
    assert!(read.is_forwarded() || (replaced.is_empty() && forwarded.iter().next().is_none()));

    if let Some(bytes) = read.body_bytes() {
        let text = String::from_utf8_lossy(read.content_length.unwrap_or_default());
        let digits = text.trim_start_matches('+').trim_start_matches('0');
        assert_eq!(if digits.is_empty() { "0" } else { digits }, bytes.to_string(), "{text:?}");
    }
}
