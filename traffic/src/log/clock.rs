//! Reads the times of log lines, directly from their bytes.
//!
//! Logs repeat a second in many lines, so a [`Clock`] keeps the last text that it read together
//! with its meaning. Days are counted from the civil date with Howard Hinnant's `days_from_civil`
//! (chrono-Compatible Low-Level Date Algorithms).
//!
//! A time without a zone is refused. A zone is never guessed, because an hour's error moves every
//! window of a merged log.

use detector::Timestamp;

/// Reads times, and keeps the last one in case the next line repeats it.
#[derive(Debug, Default)]
pub(super) struct Clock {
    text: [u8; CLF_BYTES],
    at: Option<Timestamp>,
}

/// Bytes of a time in common log format: `20/Feb/2016:00:00:45 -0500`.
const CLF_BYTES: usize = 26;

impl Clock {
    /// Reads a time in common log format, which is nginx's `time_local`:
    /// `20/Feb/2016:00:00:45 -0500`.
    pub(super) fn clf(&mut self, text: &str) -> Result<Timestamp, &'static str> {
        if let (Some(at), true) = (self.at, text.as_bytes() == self.text) {
            return Ok(at);
        }
        let at = clf(text)?;
        if let Ok(text) = text.as_bytes().try_into() {
            self.text = text;
            self.at = Some(at);
        }
        Ok(at)
    }
}

const EXPECTED_CLF: &str = "day/month/year:hour:minute:second zone";
const EXPECTED_RFC3339: &str = "year-month-dayThour:minute:second and a zone";
const EXPECTED_DATE: &str = "a day that exists";
const EXPECTED_TIME: &str = "a time of day that exists";
pub(super) const EXPECTED_ZONE: &str = "a zone (+0200, -05:00 or Z) after the time";

fn clf(text: &str) -> Result<Timestamp, &'static str> {
    let mut rest = Digits(text.as_bytes());
    let date = (|| {
        let day = rest.number(2)?;
        rest.byte(b'/')?;
        let month = rest.month()?;
        rest.byte(b'/')?;
        let year = rest.number(4)?;
        rest.byte(b':')?;
        Some((year, month, day))
    })();
    let (year, month, day) = date.ok_or(EXPECTED_CLF)?;
    rest.time_and_zone(year, month, day, EXPECTED_CLF)
}

/// Reads a time that a user has typed: RFC 3339, or a day such as `2016-02-20`, which means its
/// midnight in UTC.
///
/// # Errors
/// What was expected.
pub fn time(text: &str) -> Result<Timestamp, &'static str> {
    let is_day = text.len() == "2016-02-20".len();
    if is_day { rfc3339(&format!("{text}T00:00:00Z")) } else { rfc3339(text) }
}

/// Writes a time for people, in UTC: `2016-02-20 05:00:45`.
pub fn civil(at: Timestamp) -> String {
    let seconds = at.as_secs();
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Civil date from days since the epoch (Hinnant, "chrono-compatible low-level date
    // algorithms").
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

/// Reads a time in RFC 3339: `2016-02-20T00:00:45.123-05:00`. A space in place of the `T`, and an
/// offset without a colon, are accepted too.
pub(super) fn rfc3339(text: &str) -> Result<Timestamp, &'static str> {
    let mut rest = Digits(text.as_bytes());
    let date = (|| {
        let year = rest.number(4)?;
        rest.byte(b'-')?;
        let month = rest.number(2)?;
        rest.byte(b'-')?;
        let day = rest.number(2)?;
        rest.byte(b'T').or_else(|| rest.byte(b't')).or_else(|| rest.byte(b' '))?;
        Some((year, month, day))
    })();
    let (year, month, day) = date.ok_or(EXPECTED_RFC3339)?;
    rest.time_and_zone(year, month, day, EXPECTED_RFC3339)
}

/// The rest of a time that is being read.
struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn byte(&mut self, expected: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        (*first == expected).then(|| self.0 = rest)
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        let value = number.iter().try_fold(0, |value, byte| {
            byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
        })?;
        self.0 = rest;
        Some(value)
    }

    fn month(&mut self) -> Option<i64> {
        const MONTHS: [&[u8; 3]; 12] = [
            b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
            b"dec",
        ];
        let (name, rest) = self.0.split_first_chunk::<3>()?;
        let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))?;
        self.0 = rest;
        i64::try_from(month + 1).ok()
    }

    fn time_and_zone(
        &mut self,
        year: i64,
        month: i64,
        day: i64,
        expected: &'static str,
    ) -> Result<Timestamp, &'static str> {
        let time = (|| {
            let hour = self.number(2)?;
            self.byte(b':')?;
            let minute = self.number(2)?;
            self.byte(b':')?;
            Some((hour, minute, self.number(2)?))
        })();
        let (hour, minute, second) = time.ok_or(expected)?;
        if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
            return Err(EXPECTED_DATE);
        }
        // Second 60 is a leap second. It counts as the second after it, as in POSIX time.
        if hour > 23 || minute > 59 || second > 60 {
            return Err(EXPECTED_TIME);
        }
        let fraction_us = self.fraction_us().ok_or(expected)?;
        let offset_s = self.zone_s().ok_or(EXPECTED_ZONE)?;
        let seconds =
            days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
                - offset_s;
        Ok(Timestamp::from_micros(seconds * 1_000_000 + fraction_us))
    }

    /// Reads a fraction after `.` or `,` in microseconds. Digits after the sixth are dropped.
    fn fraction_us(&mut self) -> Option<i64> {
        if self.byte(b'.').or_else(|| self.byte(b',')).is_none() {
            return Some(0);
        }
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (fraction, rest) = self.0.split_at(digits);
        self.0 = rest;
        let micros = (0..6).fold(0, |micros, place| {
            micros * 10 + fraction.get(place).map_or(0, |byte| i64::from(byte - b'0'))
        });
        (digits > 0).then_some(micros)
    }

    /// Reads a zone as seconds east of UTC. Nothing may follow it.
    fn zone_s(&mut self) -> Option<i64> {
        let _ = self.byte(b' ');
        let offset_s = match self.0 {
            b"Z" | b"z" => return Some(0),
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return None,
        };
        self.0 = &self.0[1..];
        let hours = self.number(2)?;
        let _ = self.byte(b':');
        let minutes = self.number(2)?;
        (self.0.is_empty() && hours <= 23 && minutes <= 59)
            .then_some(offset_s * (hours * 3_600 + minutes * 60))
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. Years begin in March, so that the leap day comes last; 400 years are an
/// era of 146,097 days.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_in_common_log_format_are_read() {
        let check = |text, expect: Result<i64, &str>| {
            assert_eq!(Clock::default().clf(text).map(Timestamp::as_micros), expect, "{text}");
        };
        check("01/Jan/1970:00:00:00 +0000", Ok(0));
        check("20/Feb/2016:00:00:45 -0500", Ok(1_455_944_445_000_000));
        check("14/Oct/2019:10:50:18 +0200", Ok(1_571_043_018_000_000));
        check("14/Oct/2019:10:50:18.5 +02:00", Ok(1_571_043_018_500_000));
        check("14/oct/2019:08:50:18 Z", Ok(1_571_043_018_000_000));
        check("29/Feb/2024:12:00:00 +0000", Ok(1_709_208_000_000_000));
        check("30/Jun/2015:23:59:60 +0000", Ok(1_435_708_800_000_000));
        check("31/Feb/2016:00:00:45 -0500", Err(EXPECTED_DATE));
        check("29/Feb/2023:00:00:45 -0500", Err(EXPECTED_DATE));
        check("00/Jan/2023:00:00:45 -0500", Err(EXPECTED_DATE));
        check("20/Feb/2016:25:00:45 -0500", Err(EXPECTED_TIME));
        check("20/Feb/2016:00:60:45 -0500", Err(EXPECTED_TIME));
        check("20/Feb/2016:00:00:45", Err(EXPECTED_ZONE));
        check("20/Feb/2016:00:00:45 ", Err(EXPECTED_ZONE));
        check("20/Feb/2016:00:00:45 CEST", Err(EXPECTED_ZONE));
        check("20/Feb/2016:00:00:45 +9900", Err(EXPECTED_ZONE));
        check("20/Feb/2016:00:00:45 +0200 x", Err(EXPECTED_ZONE));
        check("20/Fev/2016:00:00:45 -0500", Err(EXPECTED_CLF));
        check("2016-02-20T00:00:45Z", Err(EXPECTED_CLF));
        check("20/Feb/2016", Err(EXPECTED_CLF));
        check("", Err(EXPECTED_CLF));
    }

    #[test]
    fn times_in_rfc_3339_are_read() {
        let check = |text, expect: Result<i64, &str>| {
            assert_eq!(rfc3339(text).map(Timestamp::as_micros), expect, "{text}");
        };
        check("2015-07-22T09:00:28.019143Z", Ok(1_437_555_628_019_143));
        check("2015-07-22T11:00:28.019143999+02:00", Ok(1_437_555_628_019_143));
        check("2015-07-22 04:00:28-0500", Ok(1_437_555_628_000_000));
        check("1969-12-31T23:59:59.9z", Ok(-100_000));
        check("2015-07-22T09:00:28.Z", Err(EXPECTED_RFC3339));
        check("2015-07-22T09:00:28", Err(EXPECTED_ZONE));
        check("2015-13-22T09:00:28Z", Err(EXPECTED_DATE));
        check("2015-7-22T09:00:28Z", Err(EXPECTED_RFC3339));
    }

    #[test]
    fn a_remembered_second_is_not_taken_for_another() {
        let mut clock = Clock::default();
        let first = clock.clf("20/Feb/2016:00:00:45 -0500");
        assert_eq!(clock.clf("20/Feb/2016:00:00:45 -0500"), first);
        assert_ne!(clock.clf("20/Feb/2016:00:00:46 -0500"), first);
        assert_ne!(clock.clf("20/Feb/2016:00:00:46 -0600"), first);
        assert!(clock.clf("20/Feb/2016:00:00:99 -0600").is_err());
        assert_eq!(clock.clf("20/Feb/2016:00:00:45 -0500"), first);
    }

    proptest! {
        #[test]
        fn times_agree_with_jiff(second in 0_i64..4_102_444_800, micros in 0_i64..1_000_000, offset in -1_439_i32..1_440) {
            let at = jiff::Timestamp::from_microsecond(second * 1_000_000 + micros).unwrap();
            let zoned = at.to_zoned(jiff::tz::Offset::from_seconds(offset * 60).unwrap().to_time_zone());
            let found = rfc3339(&zoned.strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string());
            prop_assert_eq!(found.map(Timestamp::as_micros), Ok(at.as_microsecond()));
            let found = Clock::default().clf(&zoned.strftime("%d/%b/%Y:%H:%M:%S %z").to_string());
            prop_assert_eq!(found.map(Timestamp::as_micros), Ok(second * 1_000_000));
        }

        #[test]
        fn no_text_makes_the_clock_panic(text in "[0-9/:+. A-Za-z-]{0,40}|.*") {
            let _ = (Clock::default().clf(&text), rfc3339(&text));
        }
    }
}
