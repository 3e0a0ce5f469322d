//! Access logs: every format, and the detector that tells them apart.
//!
//! What must hold of any bytes, read as any format:
//!
//! - each line is counted once, as a record, as refused or as blank
//! - a text of a record stands in the log, unless the format is JSON, whose strings are decoded
//! - reading by chunks gives the same records and counts
//! - a record that is written again in its format is read to the same record
//! - the excerpts and reasons kept of refused lines are short and hold no control character,
//!   because a terminal shows them

use detector::Timestamp;
use traffic::RecordKind;
use traffic::log::{Format, LineFormat, LogReader, ReadOptions, Record, Tally};

use crate::rewrite::rewrite;

const NAME: &str = "fuzz.log";
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// An excerpt has at most 120 characters. A reason holds one of 40 and our own words around it.
const SHOWN_CHARS_MAX: usize = 400;

/// A log of any format: the detector chooses.
pub fn log_detected(data: &[u8]) {
    let Ok((reader, unzoned)) = LogReader::leniently(NAME, data, &ReadOptions::default()) else {
        let error = LogReader::new(NAME, data).err().expect("refused leniently, refused strictly");
        assert_is_shown_safely(&error.to_string());
        return;
    };
    let strict = LogReader::new(NAME, data);
    assert_eq!(strict.is_err(), unzoned.is_some(), "only a missing zone may tell the two apart");
    if let Some(error) = unzoned {
        assert_is_shown_safely(&error.to_string());
    }
    // What stands around lines is not written again.
    if reader.described() == reader.format().to_string() && reader.format() != Format::Columns {
        check(data, reader.format());
    }
}

/// nginx and Apache `combined` and `common`, which one parser reads.
pub fn log_combined(data: &[u8]) {
    let combined = check(data, Format::Combined);
    assert_eq!(combined, records_of(data, Format::Common).0);
}

/// Either of them behind a virtual host's name.
pub fn log_vhost(data: &[u8]) {
    check(data, Format::VhostCombined);
}

/// nginx with `escape=json`.
pub fn log_nginx_json(data: &[u8]) {
    check(data, Format::NginxJson);
}

/// AWS classic load balancer.
pub fn log_elb(data: &[u8]) {
    check(data, Format::ElbClassic);
}

/// Labels and values with tabs between.
pub fn log_ltsv(data: &[u8]) {
    check(data, Format::Ltsv);
}

/// AWS application load balancer.
pub fn log_alb(data: &[u8]) {
    check(data, Format::Alb);
}

/// Columns that a line names, CloudFront's and IIS's.
pub fn log_w3c(data: &[u8]) {
    let names = "#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status cs(Referer)";
    let log = [names.as_bytes(), b"\n", data].concat();
    check_read(&log, &ReadOptions::default());
}

/// A format that is given in the first line, and the log after it.
pub fn line_format(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (format, log) = data.split_at(end);
    match LineFormat::compile(&String::from_utf8_lossy(format)) {
        Ok(format) => {
            let options = ReadOptions { format: Some(format), ..ReadOptions::default() };
            check_read(log.strip_prefix(b"\n").unwrap_or(log), &options);
        }
        Err(reason) => assert!(!reason.is_empty()),
    }
}

/// Reads a log by lines and by chunks, and asserts that both tell the same.
fn check_read(log: &[u8], options: &ReadOptions) {
    let open = || LogReader::with_options(NAME, log, options);
    let (Ok(mut reader), Ok(chunked)) = (open(), open()) else { return };
    let mut records = Vec::new();
    while let Some(record) = reader.next().expect("memory can be read") {
        check_record(&record);
        records.push(format!("{record:?}"));
    }
    check_tally(reader.tally(), records.len(), log);
    let (mut chunks, mut found) = (chunked.into_chunks().of_size(0), Vec::new());
    while let Some(chunk) = chunks.next_chunk().expect("memory can be read") {
        found.extend(chunk.parse(|record| format!("{record:?}")).items.into_iter().map(|i| i.2));
    }
    assert_eq!(found, records);
}

/// Our own event log.
pub fn log_event(data: &[u8]) {
    check(data, Format::EventLog);
}

/// Reads the log, asserts all of the above, and gives each record as its `Debug` text: an owned
/// form in which two records are equal when all their fields are.
fn check(data: &[u8], format: Format) -> Vec<String> {
    let text = String::from_utf8_lossy(data);
    let is_json =
        matches!(format, Format::NginxJson | Format::EventLog | Format::Ltsv | Format::W3c);
    // A blank line first: a client may begin with what would be taken for a byte order mark.
    let (mut again, mut rewritten) = (b"\n".to_vec(), Vec::new());
    let mut reader = LogReader::with_format(NAME, data, format);
    let mut records = Vec::new();
    while let Some(record) = reader.next().expect("memory can be read") {
        check_record(&record);
        if !is_json {
            texts(&record).for_each(|field| assert!(text.contains(field), "made up: {field:?}"));
        }
        if rewrite(&record, format, &mut again) {
            rewritten.push(format!("{record:?}"));
        }
        records.push(format!("{record:?}"));
    }
    check_tally(reader.tally(), records.len(), data);
    let (chunked, tally) = by_chunk(data, format);
    assert_eq!((&chunked, &tally), (&records, reader.tally()));
    assert_eq!(records_of(&again, format).0, rewritten, "{}", String::from_utf8_lossy(&again));
    records
}

fn check_record(record: &Record<'_>) {
    assert_eq!(record.request().is_some(), record.kind.is_request());
    assert_eq!(record.outcome().is_some(), record.kind.is_end());
    assert_eq!(record.ban.is_some(), record.kind == RecordKind::Ban);
    assert_eq!(record.challenge.is_some(), record.kind == RecordKind::Challenge);
    assert_eq!(record.decision.is_some(), record.kind == RecordKind::Request);
    assert_eq!(record.method.is_empty(), !record.kind.is_request());
    if record.kind == RecordKind::Whole {
        assert!(record.status <= 999, "{}", record.status);
    }
}

/// The texts that were cut out of the line. A missing method reads `-`, which need not stand there.
fn texts<'a>(record: &Record<'a>) -> impl Iterator<Item = &'a str> {
    let method = Some(record.method).filter(|method| *method != "-");
    let optional = [method, record.host, record.referer, record.user_agent];
    [record.client, record.target].into_iter().chain(optional.into_iter().flatten())
}

fn check_tally(tally: &Tally, records: usize, data: &[u8]) {
    let body = data.strip_prefix(BYTE_ORDER_MARK).unwrap_or(data);
    let newlines = body.iter().filter(|byte| **byte == b'\n').count();
    let is_open = body.last().is_some_and(|byte| *byte != b'\n');
    assert_eq!(tally.lines, newlines as u64 + u64::from(is_open));
    assert_eq!(tally.parsed, records as u64);
    assert_eq!(tally.lines, tally.parsed + tally.refused + tally.blank);
    assert!(tally.without_zone <= tally.refused && tally.repaired <= tally.parsed);
    assert!(tally.out_of_order <= tally.parsed && tally.private_addresses <= tally.parsed);
    assert_eq!(tally.first_at.is_some(), tally.parsed > 0);
    assert!(tally.first_at <= tally.last_at);
    assert!([1, 1_000, 1_000_000].contains(&tally.resolution_us()));
    assert_eq!(tally.first_refused.len() as u64, tally.refused.min(3));
    for refused in &tally.first_refused {
        assert!((1..=tally.lines).contains(&refused.line_number));
        assert_is_shown_safely(&refused.reason);
        assert_is_shown_safely(&refused.excerpt);
    }
}

/// A terminal shows this: whoever writes into a log must not write onto a terminal.
fn assert_is_shown_safely(text: &str) {
    let chars = text.chars().count();
    assert!(chars <= SHOWN_CHARS_MAX, "{chars} characters: {text:?}");
    assert!(!text.contains(char::is_control), "a control character: {text:?}");
}

fn records_of(data: &[u8], format: Format) -> (Vec<String>, Tally) {
    let mut reader = LogReader::with_format(NAME, data, format);
    let mut records = Vec::new();
    while let Some(record) = reader.next().expect("memory can be read") {
        records.push(format!("{record:?}"));
    }
    (records, reader.tally().clone())
}

/// What the threads that share one file would read.
fn by_chunk(data: &[u8], format: Format) -> (Vec<String>, Tally) {
    let mut chunks = LogReader::with_format(NAME, data, format).into_chunks().of_size(0);
    let (mut records, mut tally) = (Vec::new(), Tally::default());
    while let Some(chunk) = chunks.next_chunk().expect("memory can be read") {
        let parsed = chunk.parse(|record| format!("{record:?}"));
        let times: Vec<Timestamp> = parsed.items.iter().map(|item| item.0).collect();
        tally.append(&parsed.tally, times);
        records.extend(parsed.items.into_iter().map(|item| item.2));
    }
    (records, tally)
}
