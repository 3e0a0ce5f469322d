//! Writes numbers for the text of a message.

const SECOND_US: u64 = 1_000_000;

/// A share as a whole percentage: `0.05` as `5 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// A count with commas between groups of three digits: `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let group = |(index, digit): (usize, char)| {
        let comma = (index > 0 && (digits.len() - index).is_multiple_of(3)).then_some(',');
        comma.into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(group).collect()
}

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
