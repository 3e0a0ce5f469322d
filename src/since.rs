//! `--since`: the time from which a replay reports requests.

use anyhow::{Result, bail};
use detector::Timestamp;
use traffic::log::ReadOptions;
use traffic::replay::newest_time;

use crate::args::span_us;
use crate::input::Logs;

/// The argument of `--since`. Earlier requests are observed, because they shape later verdicts, but
/// not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// From this time on.
    At(Timestamp),
    /// From this many microseconds before the last line of the log on.
    Last(u64),
}

impl Since {
    /// Parses `2026-11-22T08:00:00Z`, `2026-11-22`, `90s`, `30m`, `2h`, `7d`.
    ///
    /// # Errors
    /// A text in none of these forms. The message says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(span_us) = span_us(text) {
            return Ok(Self::Last(span_us));
        }
        traffic::log::time(text).map(Self::At).map_err(|_| {
            "expected a time with its zone (2026-11-22T08:00:00Z), a day (2026-11-22), or a span \
             before the log's end (30m, 2h, 7d)"
                .to_owned()
        })
    }

    /// The point in time that the argument means. A span counts back from the last line, so this
    /// reads all logs once, on `jobs` threads.
    ///
    /// # Errors
    /// Logs that cannot be read; and a pipe where a span is given, because a pipe cannot be read
    /// twice.
    pub fn resolve(
        self,
        patterns: &[String],
        options: &ReadOptions,
        jobs: usize,
    ) -> Result<Timestamp> {
        let span_us = match self {
            Self::At(at) => return Ok(at),
            Self::Last(span_us) => span_us,
        };
        let logs = Logs::find(patterns)?.reading(options.clone()).quiet();
        if logs.has_pipe() {
            bail!(
                "--since counts back from the log's end, which a pipe does not tell before it is \
                 over: give a file, or a time such as 2026-11-22T08:00:00Z"
            );
        }
        let end = newest_time(jobs, logs.open()?)?.unwrap_or_default();
        logs.finish();
        let span_us = i64::try_from(span_us).unwrap_or(i64::MAX);
        Ok(Timestamp::from_micros(end.as_micros().saturating_sub(span_us)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_days_and_spans_are_told_apart() {
        assert_eq!(Since::parse("2h"), Ok(Since::Last(7_200_000_000)));
        assert_eq!(Since::parse("90s"), Ok(Since::Last(90_000_000)));
        let day = Since::parse("2016-02-20").unwrap();
        assert_eq!(day, Since::At(Timestamp::from_secs(1_455_926_400)));
        assert_eq!(Since::parse("2016-02-20T00:00:00Z").unwrap(), day);
        assert_eq!(Since::parse("2016-02-19T19:00:00-05:00").unwrap(), day);
        for text in [
            "",
            "h",
            "2 hours",
            "-2h",
            "2016-02-30",
            "2016-02-20T00:00:00",
            "99999999999999999999d",
            "é",
        ] {
            assert!(Since::parse(text).is_err(), "{text}");
        }
    }
}
