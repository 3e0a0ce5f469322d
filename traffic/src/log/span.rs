//! Writes a span of time for the text of a message.

const SECOND_US: u64 = 1_000_000;

/// A span of time, given in microseconds, in its largest fitting unit: `18 s`, `5 min`, `14 h`,
/// `3 days`.
pub(super) fn span(us: u64) -> String {
    match us / SECOND_US {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
