//! Writes a simulated crowd as a log file, and its labels as CSV. The log is nginx's JSON with
//! milliseconds, or the combined format with seconds.
//!
//! A web server writes a line when the answer is complete, with the time of that moment. So lines
//! come in the order of completion and not of arrival, as in real logs.

use std::collections::HashSet;
use std::io::{self, Write};
use std::net::IpAddr;

use super::crowd::SimRequest;
use super::population::Truth;

/// A row of a labels file: the true label of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelRow {
    /// The client's address, as in the log.
    pub client: IpAddr,
    /// Its true label.
    pub label: Truth,
    /// The name of its population.
    pub why: &'static str,
}

/// One row for each client, in the order in which they first appear.
pub fn labels(requests: &[SimRequest]) -> Vec<LabelRow> {
    let mut seen = HashSet::new();
    let rows = requests.iter().map(|request| LabelRow {
        client: request.client,
        label: request.truth(),
        why: request.population.name(),
    });
    rows.filter(|row| seen.insert(row.client)).collect()
}

/// Writes the labels as CSV: `client,label,why`.
///
/// # Errors
/// Whatever `out` fails with.
pub fn write_labels(rows: &[LabelRow], out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "client,label,why")?;
    for row in rows {
        writeln!(out, "{},{},{}", row.client, row.label.label(), row.why)?;
    }
    Ok(())
}

/// Writes the requests as nginx JSON lines with the keys `msec remote_addr request_method
/// request_uri status body_bytes_sent http_referer http_user_agent request_time`. Times are in
/// seconds with three decimals.
///
/// # Errors
/// Whatever `out` fails with.
pub fn write_json(requests: &[SimRequest], out: &mut impl Write) -> io::Result<()> {
    for request in by_completion(requests) {
        let millis = request.completed_at().as_micros().div_euclid(1_000);
        let took_ms = request.took_us / 1_000;
        write!(out, "{{\"msec\":{}.{:03}", millis.div_euclid(1_000), millis.rem_euclid(1_000))?;
        write!(
            out,
            ",\"remote_addr\":\"{}\",\"request_method\":\"{}\"",
            request.client, request.method
        )?;
        write!(out, ",\"request_uri\":\"")?;
        escape(&request.target, out)?;
        write!(out, "\",\"status\":{},\"body_bytes_sent\":{}", request.status, request.bytes)?;
        write!(out, ",\"http_referer\":\"")?;
        escape(request.referer.as_deref().unwrap_or(""), out)?;
        write!(out, "\",\"http_user_agent\":\"")?;
        escape(request.user_agent, out)?;
        writeln!(out, "\",\"request_time\":{}.{:03}}}", took_ms / 1_000, took_ms % 1_000)?;
    }
    Ok(())
}

/// Writes the requests as lines of the combined format, with times in UTC and whole seconds.
///
/// # Errors
/// Whatever `out` fails with.
pub fn write_combined(requests: &[SimRequest], out: &mut impl Write) -> io::Result<()> {
    let mut stamped_s = i64::MIN;
    let mut stamp = String::new();
    for request in by_completion(requests) {
        let second = request.completed_at().as_secs();
        if second != stamped_s {
            stamped_s = second;
            stamp = clf_time(second)?;
        }
        write!(out, "{} - - [{stamp}] \"{} ", request.client, request.method)?;
        escape(&request.target, out)?;
        write!(out, " HTTP/1.1\" {} {} \"", request.status, request.bytes)?;
        escape(request.referer.as_deref().unwrap_or("-"), out)?;
        write!(out, "\" \"")?;
        escape(request.user_agent, out)?;
        writeln!(out, "\"")?;
    }
    Ok(())
}

/// The requests in the order in which a server writes their lines.
fn by_completion(requests: &[SimRequest]) -> Vec<&SimRequest> {
    let mut requests: Vec<&SimRequest> = requests.iter().collect();
    requests.sort_by_key(|request| request.completed_at());
    requests
}

/// `21/Nov/2025:00:00:00 +0000`.
fn clf_time(second: i64) -> io::Result<String> {
    let at = jiff::Timestamp::from_second(second).map_err(io::Error::other)?;
    Ok(at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string())
}

/// Writes a text between quotes. Visitors send visible ASCII only, so just two characters need to
/// be escaped.
fn escape(text: &str, out: &mut impl Write) -> io::Result<()> {
    for part in text.split_inclusive(['"', '\\']) {
        match part.strip_suffix(['"', '\\']) {
            Some(before) => write!(out, "{before}\\{}", &part[before.len()..])?,
            None => out.write_all(part.as_bytes())?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use detector::Timestamp;

    use super::super::population::Population;
    use super::super::{Mix, Site, simulate};
    use super::*;

    fn request() -> SimRequest {
        SimRequest {
            at: Timestamp::from_micros(1_763_683_200_120_000),
            took_us: 3_456,
            client: "198.18.0.7".parse().unwrap(),
            method: "GET",
            target: "/search?q=\"tea\"".to_owned(),
            status: 200,
            bytes: 2_300,
            referer: Some(Arc::from("https://shop.example/")),
            user_agent: "curl/8.5.0",
            population: Population::Shopper,
        }
    }

    fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_request_becomes_the_line_that_nginx_would_write() {
        let requests = [request()];
        assert_eq!(
            written(|out| write_json(&requests, out)),
            "{\"msec\":1763683200.123,\"remote_addr\":\"198.18.0.7\",\"request_method\":\"GET\",\
             \"request_uri\":\"/search?q=\\\"tea\\\"\",\"status\":200,\"body_bytes_sent\":2300,\
             \"http_referer\":\"https://shop.example/\",\"http_user_agent\":\"curl/8.5.0\",\
             \"request_time\":0.003}\n"
        );
        assert_eq!(
            written(|out| write_combined(&requests, out)),
            "198.18.0.7 - - [21/Nov/2025:00:00:00 +0000] \"GET /search?q=\\\"tea\\\" HTTP/1.1\" \
                200 2300 \
             \"https://shop.example/\" \"curl/8.5.0\"\n"
        );
    }

    #[test]
    fn dates_are_right_around_leap_days() {
        let check = |second, expect| assert_eq!(clf_time(second).unwrap(), expect);
        check(0, "01/Jan/1970:00:00:00 +0000");
        check(951_782_400, "29/Feb/2000:00:00:00 +0000");
        check(951_868_799, "29/Feb/2000:23:59:59 +0000");
        check(1_735_689_599, "31/Dec/2024:23:59:59 +0000");
    }

    #[test]
    fn every_json_line_is_json_and_every_client_has_one_label() {
        let site = Arc::new(Site::with_size(1, 100, 4));
        let requests = simulate(
            &site,
            1,
            Timestamp::from_secs(1_763_683_200),
            &Mix::of(20, 12),
            3_600_000_000,
        );
        let text = written(|out| write_json(&requests, out));
        assert_eq!(text.lines().count(), requests.len());
        for line in text.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(value["msec"].is_f64() && value["request_uri"].is_string(), "{line}");
        }
        let rows = labels(&requests);
        let clients: HashSet<IpAddr> = requests.iter().map(|request| request.client).collect();
        assert_eq!(rows.len(), clients.len());
        let csv = written(|out| write_labels(&rows, out));
        assert!(csv.starts_with("client,label,why\n") && csv.contains(",bad,poller"));
    }
}
