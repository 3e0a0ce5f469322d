//! What the keys of JSON and the labels of LTSV mean: nginx's variables and what other servers and
//! pipelines call the same.
//!
//! To read another name, add it here. A rank says which of several keys counts: the lowest.

use super::slots::Role;

/// Longest key that is known, in bytes.
const KEY_BYTES_MAX: usize = 40;

/// What a key holds, and its rank. `parent` is the key of the object that it is in, or empty.
pub(super) fn role_of(parent: &str, key: &str) -> Option<(Role, u8)> {
    let mut buffer = [0_u8; KEY_BYTES_MAX];
    let key = simplified(key, &mut buffer)?;
    let mut parent_buffer = [0_u8; KEY_BYTES_MAX];
    let parent = simplified(parent, &mut parent_buffer)?;
    within(parent, key).or_else(|| alone(key))
}

/// Keys that mean something only within their object, as in ECS (Elastic).
fn within(parent: &str, key: &str) -> Option<(Role, u8)> {
    Some(match (parent, key) {
        ("source" | "client", "ip" | "address") => (Role::Client, 2),
        ("request", "method") => (Role::Method, 0),
        ("request", "referrer") => (Role::Referer, 1),
        ("response", "status_code" | "status") => (Role::Status, 1),
        ("response", "bytes" | "size") => (Role::Bytes, 2),
        ("url", "original" | "full") => (Role::Target, 1),
        ("url", "domain") => (Role::Host, 2),
        ("user_agent", "original") => (Role::Agent, 1),
        ("event", "duration") => (Role::Nanos, 2),
        // The name of the machine, and not of the site.
        ("host", _) => return None,
        _ => return None,
    })
}

fn alone(key: &str) -> Option<(Role, u8)> {
    Some(match key {
        "client_ip" | "clientip" | "httprequest_remoteip" => (Role::Client, 0),
        "remote_addr" | "remoteaddr" | "clienthost" => (Role::Client, 1),
        "remote_ip" | "remoteip" | "client" | "c_ip" | "remote_host" | "remotehost" | "h" => {
            (Role::Client, 2)
        }
        "ip"
        | "remote"
        | "client_addr"
        | "clientaddr"
        | "client_address"
        | "source_ip"
        | "src_ip"
        | "downstream_remote_address" => (Role::Client, 4),
        "http_x_forwarded_for"
        | "x_forwarded_for"
        | "request_x_forwarded_for"
        | "xff"
        | "forwardedfor"
        | "forwarded_for"
        | "xforwardedfor"
        | "http_forwarded_for"
        | "proxy_add_x_forwarded_for" => (Role::Forwarded, 0),
        "http_cf_connecting_ip"
        | "cf_connecting_ip"
        | "http_true_client_ip"
        | "true_client_ip"
        | "http_fastly_client_ip"
        | "fastly_client_ip" => (Role::Forwarded, 1),
        "http_x_real_ip" | "x_real_ip" | "real_ip" | "realip" | "http_x_client_ip"
        | "x_client_ip" => (Role::Forwarded, 2),
        "msec" | "time_msec" | "startutc" | "edgestarttimestamp" => (Role::Time, 0),
        "time_iso8601" | "iso8601" | "start_time" | "starttime" => (Role::Time, 1),
        "time_local" | "timelocal" => (Role::Time, 2),
        "ts" | "time" | "datetime" | "date_time" | "logtime" | "t" => (Role::Time, 3),
        "@timestamp" | "timestamp" | "date" => (Role::Time, 4),
        "method"
        | "request_method"
        | "requestmethod"
        | "verb"
        | "http_method"
        | "clientrequestmethod"
        | "reqmethod" => (Role::Method, 1),
        "request_uri" | "requesturi" | "clientrequesturi" => (Role::Target, 0),
        "uri" | "url" | "requestpath" | "requesturl" | "request_url" | "request_path" | "path"
        | "uri_path" | "clientrequestpath" | "document_uri" => (Role::Target, 3),
        "args" | "query" | "query_string" | "querystring" | "uri_query" => (Role::Query, 0),
        "request" | "req" | "request_line" | "requestline" | "r" => (Role::Request, 0),
        "status" | "status_code" | "statuscode" | "downstreamstatus" | "edgeresponsestatus"
        | "response_code" | "response_status" | "http_status" => (Role::Status, 0),
        "response" | "code" | "originstatus" => (Role::Status, 5),
        "body_bytes_sent" | "bodybytessent" => (Role::Bytes, 0),
        "bytes_sent"
        | "size"
        | "bytes"
        | "downstreamcontentsize"
        | "edgeresponsebytes"
        | "response_size"
        | "responsesize"
        | "body_bytes"
        | "res_size" => (Role::Bytes, 1),
        "request_time" | "requesttime" | "reqtime" | "request_duration" | "latency" => {
            (Role::Seconds, 0)
        }
        // Caddy's seconds are a fraction; Traefik's nanoseconds are not.
        "duration" => (Role::Seconds, 1),
        "reqtime_microsec" | "request_time_us" | "duration_us" => (Role::Micros, 0),
        "duration_ms" | "request_time_ms" | "reqtime_ms" | "elapsed_ms" | "response_time_ms" => {
            (Role::Millis, 0)
        }
        "vhost" | "server_name" | "servername" | "http_host" | "request_host" | "requesthost"
        | "clientrequesthost" | "virtual_host" | "vhost_name" => (Role::Host, 1),
        "host" | "domain" | "authority" => (Role::Host, 0),
        "http_referer"
        | "referer"
        | "http_referrer"
        | "referrer"
        | "request_referer"
        | "clientrequestreferer"
        | "request_referrer" => (Role::Referer, 0),
        "http_user_agent"
        | "user_agent"
        | "useragent"
        | "ua"
        | "agent"
        | "request_user_agent"
        | "clientrequestuseragent"
        | "http_useragent" => (Role::Agent, 0),
        "http_sec_fetch_dest" | "sec_fetch_dest" | "request_sec_fetch_dest" => (Role::FetchDest, 0),
        "sent_http_content_type"
        | "edgeresponsecontenttype"
        | "downstream_content_type"
        | "response_content_type" => (Role::ContentType, 0),
        "upstream_http_content_type" | "origin_content_type" => (Role::ContentType, 1),
        // nginx's own is the request's, but a request without a body has none, so there it is a
        // name that somebody chose for the response's.
        "content_type" | "contenttype" | "mime_type" => (Role::ContentType, ASK_METHOD),
        _ => return None,
    })
}

/// The rank of a content type that is the response's only where the request cannot have one.
pub(super) const ASK_METHOD: u8 = 9;

/// A key in lower case, with one sign for all that join words.
fn simplified<'a>(key: &str, buffer: &'a mut [u8; KEY_BYTES_MAX]) -> Option<&'a str> {
    let buffer = buffer.get_mut(..key.len())?;
    for (to, from) in buffer.iter_mut().zip(key.bytes()) {
        *to = match from {
            b'-' | b'.' | b' ' | b'(' => b'_',
            from => from.to_ascii_lowercase(),
        };
    }
    std::str::from_utf8(buffer).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_has_many_names() {
        let check = |parent: &str, key: &str, expect: Option<Role>| {
            assert_eq!(role_of(parent, key).map(|(role, _)| role), expect, "{parent} {key}");
        };
        for key in ["http_referrer", "Referer", "http-referer", "clientRequestReferer"] {
            check("", key, Some(Role::Referer));
        }
        check("headers", "User-Agent", Some(Role::Agent));
        check("", "request_User-Agent", Some(Role::Agent));
        check("httpRequest", "remoteIp", Some(Role::Client));
        check("source", "ip", Some(Role::Client));
        check("host", "name", None);
        check("", &"x".repeat(99), None);
    }
}
