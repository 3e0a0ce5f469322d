//! How a request ended, as an edge's log line says.

use decide::outcome::parse;

/// A datagram of syslog. What is read is written again as nginx would, and read to be the same.
pub fn outcome(data: &[u8]) {
    let Ok(read) = parse(data) else { return };
    let (id, status, bytes) = (read.id, read.end.status, read.end.bytes);
    assert!(status == 0 || (100..=999).contains(&status), "{status}");
    // Where nobody answered, nginx has asked the shop and waited in vain.
    let (shown, time) = if status == 0 { (502, "-") } else { (status, "0.001") };
    let message = format!("{shown} {bytes} \"{id}\" \"shop\" \"{time}\"");
    let line = format!("<190>Nov 30 22:59:33 kidoban: {message}");
    let again = parse(line.as_bytes());
    let again = again.unwrap_or_else(|error| panic!("{line}: {error}"));
    assert_eq!((again.id, again.end.status, again.end.bytes), (id, status, bytes), "{line}");
}
