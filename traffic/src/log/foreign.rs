//! Names what is no log that can be read: packed files, other encodings, other formats. Each is
//! told with what to do about it.

use std::sync::Arc;

use super::excerpt::escaped;
use super::format::Format;
use super::layout::Layout;
use super::parser::Parser;

/// Why a line is in no known format.
pub(super) struct Unknown {
    pub(super) reason: String,
    /// The format that it would be in if its time had a zone.
    pub(super) unzoned: Option<Format>,
}

/// What a file is by its first bytes, if it is no text in UTF-8.
pub(super) fn file(head: &[u8]) -> Option<String> {
    const PACKED: [(&[u8], &str); 5] = [
        (b"\xfd7zXZ\0", "it is packed with xz: unpack it first (xz -dc FILE | kidoban inspect -)"),
        (b"BZh", "it is packed with bzip2: unpack it first (bzip2 -dc FILE | kidoban inspect -)"),
        (b"PK\x03\x04", "it is a zip archive: unpack it first (unzip -p FILE | kidoban inspect -)"),
        (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive: unpack it first (7z x -so FILE | kidoban …)"),
        (b"PAR1", "it is Parquet: write it as JSON lines or text first"),
    ];
    if let Some((_, reason)) = PACKED.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some((*reason).to_owned());
    }
    let pairs = head.chunks_exact(2).take(64);
    let has_mark = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    let is_wide = pairs.len() >= 8 && pairs.clone().all(|pair| (pair[0] == 0) != (pair[1] == 0));
    (has_mark || is_wide).then(|| {
        "it is UTF-16: convert it first (iconv -f UTF-16 -t UTF-8 FILE | kidoban inspect -)"
            .to_owned()
    })
}

/// Why a line, without what stands around it, is in no known format.
pub(super) fn line(line: &str) -> Unknown {
    let refusal = |format: Format| {
        let mut parser = Parser::new(Arc::new(Layout::of(format)));
        match parser.parse(line.as_bytes()) {
            Ok(_) => (String::new(), false),
            Err(refusal) => (refusal.to_string(), refusal.is_for_zone()),
        }
    };
    let told = |reason: String| Unknown { reason, unzoned: None };
    if is_haproxy(line) {
        return told(
            "It is HAProxy's httplog, whose time has no zone, and a zone is never guessed. Log \
                `option httplog clf`, or a log-format with [%trl]"
                .to_owned(),
        );
    }
    if line.starts_with("INFO: ") && line.contains("HTTP/") {
        return told(
            "It is uvicorn's, which has no time. Run it with --log-config and a format with \
                %(asctime)s and a zone, or log at the server before it"
                .to_owned(),
        );
    }
    let formats: &[Format] = if line.starts_with('{') {
        &[Format::NginxJson]
    } else if super::ltsv::is_ltsv(line) {
        &[Format::Ltsv]
    } else {
        &[Format::Combined, Format::VhostCombined, Format::ElbClassic, Format::Alb]
    };
    let refusals: Vec<(Format, (String, bool))> =
        formats.iter().map(|format| (*format, refusal(*format))).collect();
    let unzoned =
        refusals.iter().find(|(_, (_, is_unzoned))| *is_unzoned).map(|(format, _)| *format);
    let said = refusals.first().map_or("", |(_, (said, _))| said);
    let reason = match formats[0] {
        Format::NginxJson => {
            let keys = keys(line).map_or(String::new(), |keys| format!(". Its keys are {keys}"));
            format!("It looks like JSON, but {said}{keys}")
        }
        Format::Ltsv => format!("It looks like LTSV, but {said}"),
        _ => format!("This line is neither combined ({said}) nor anything else known"),
    };
    Unknown { reason, unzoned }
}

/// The first keys of an object, for a message.
fn keys(line: &str) -> Option<String> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).ok()?;
    let keys: Vec<&str> = object.keys().take(12).map(String::as_str).collect();
    Some(escaped(keys.join(", ").as_bytes(), 120))
}

/// `192.0.2.7:40000 [21/Nov/2026:10:00:04.289] frontend backend/server 0/0/1/548/549 200 …`
fn is_haproxy(line: &str) -> bool {
    let Some((client, rest)) = line.split_once(" [") else { return false };
    let Some((_, rest)) = rest.split_once("] ") else { return false };
    let timers = rest.split(' ').nth(2).unwrap_or("");
    super::address::bare(client).is_some()
        && timers.split('/').count() == 5
        && timers.bytes().all(|byte| byte.is_ascii_digit() || b"/-+".contains(&byte))
}
