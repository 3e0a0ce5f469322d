//! Reads the times of log lines; writes times for people.
//!
//! The text is read here, byte by byte: every line of a log has a time, and a general parser takes
//! three to six times as long (see `docs/design/libraries.md`). Calendar arithmetic is jiff's.
//! Logs write a second many times in a row, so a [`Clock`] remembers the last text it read and what
//! it meant.
//!
//! A time without a zone is refused. A zone is never guessed, because an hour's error moves every
//! window of a merged log.

use detector::Timestamp;
use jiff::civil::Date;

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

impl Clock {
    /// Reads a time in any form that logs have: common log format, RFC 3339, or a number since 1970
    /// in seconds, milli-, micro- or nanoseconds, which its size tells apart.
    pub(super) fn any(&mut self, text: &str) -> Result<Timestamp, &'static str> {
        let bytes = text.as_bytes();
        match bytes {
            [_, _, b'/', ..] => self.clf(text),
            [_, _, _, _, b'-', ..] => rfc3339(text),
            [_, b'/', ..] => self.clf(&format!("0{text}")),
            _ if bytes.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') => {
                epoch(text).ok_or(EXPECTED_EPOCH)
            }
            _ => Err(EXPECTED_CLF),
        }
    }

    /// Reads a day and a time of day, which are in UTC, as in all W3C logs.
    pub(super) fn utc(&mut self, date: &str, time: &str) -> Result<Timestamp, &'static str> {
        // Such logs repeat their seconds, but this is quick enough: it makes one small text.
        rfc3339(&format!("{date}T{time}Z"))
    }
}

const EXPECTED_EPOCH: &str = "seconds since 1970";

/// A number since 1970. Its size tells its unit: seconds reach 10^11 in the year 5138, milliseconds
/// had it in 1973.
fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let number = super::values::integer(whole)?;
    let (unit_us, per_us) = match number {
        0..100_000_000_000 => (1_000_000, 1),
        100_000_000_000..100_000_000_000_000 => (1_000, 1),
        100_000_000_000_000..100_000_000_000_000_000 => (1, 1),
        _ => (1, 1_000),
    };
    let mut micros = i64::try_from(number.checked_mul(unit_us)? / per_us).ok()?;
    let mut place_us = i64::try_from(unit_us).ok()? / 10;
    for byte in fraction.bytes() {
        micros += byte.is_ascii_digit().then(|| i64::from(byte - b'0'))? * place_us;
        place_us /= 10;
    }
    Some(Timestamp::from_micros(micros))
}

const EPOCH: Date = Date::constant(1970, 1, 1);
const EXPECTED_CLF: &str = "day/month/year:hour:minute:second zone";
const EXPECTED_RFC3339: &str = "year-month-dayThour:minute:second and a zone";
const EXPECTED_DATE: &str = "a day that exists";
const EXPECTED_TIME: &str = "a time of day that exists";
pub(super) const EXPECTED_ZONE: &str = "a zone (+0200, -05:00 or Z) after the time";

fn clf(text: &str) -> Result<Timestamp, &'static str> {
    let mut rest = Digits(text.as_bytes());
    let date = (|| {
        let day = rest.two_digits()?;
        rest.byte(b'/')?;
        let month = rest.month()?;
        rest.byte(b'/')?;
        let year = rest.year()?;
        rest.byte(b':')?;
        Some(Date::new(year, month, day))
    })();
    rest.time_and_zone(date.ok_or(EXPECTED_CLF)?, EXPECTED_CLF)
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

/// `2016-02-20 05:00:45`, UTC; from the year 10,000 on, which only a broken log has, the seconds
/// since 1970.
pub fn civil(at: Timestamp) -> String {
    let seconds = at.as_secs();
    match jiff::Timestamp::from_second(seconds) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => format!("{seconds} s after 1970"),
    }
}

/// Reads a time in RFC 3339: `2016-02-20T00:00:45.123-05:00`. A space in place of the `T`, and an
/// offset without a colon, are accepted too.
pub(super) fn rfc3339(text: &str) -> Result<Timestamp, &'static str> {
    let mut rest = Digits(text.as_bytes());
    let date = (|| {
        let year = rest.year()?;
        rest.byte(b'-')?;
        let month = rest.two_digits()?;
        rest.byte(b'-')?;
        let day = rest.two_digits()?;
        rest.byte(b'T').or_else(|| rest.byte(b't')).or_else(|| rest.byte(b' '))?;
        Some(Date::new(year, month, day))
    })();
    rest.time_and_zone(date.ok_or(EXPECTED_RFC3339)?, EXPECTED_RFC3339)
}

/// The rest of a time that is being read.
struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn byte(&mut self, expected: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        (*first == expected).then(|| self.0 = rest)
    }

    fn two_digits(&mut self) -> Option<i8> {
        let (&[tens, ones], rest) = self.0.split_first_chunk()?;
        if !(tens.is_ascii_digit() && ones.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok()
    }

    fn year(&mut self) -> Option<i16> {
        Some(i16::from(self.two_digits()?) * 100 + i16::from(self.two_digits()?))
    }

    fn month(&mut self) -> Option<i8> {
        const MONTHS: [&[u8; 3]; 12] = [
            b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
            b"dec",
        ];
        let (name, rest) = self.0.split_first_chunk::<3>()?;
        let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))?;
        self.0 = rest;
        i8::try_from(month + 1).ok()
    }

    fn time_and_zone(
        &mut self,
        date: Result<Date, jiff::Error>,
        expected: &'static str,
    ) -> Result<Timestamp, &'static str> {
        let time = (|| {
            let hour = self.two_digits()?;
            self.byte(b':')?;
            let minute = self.two_digits()?;
            self.byte(b':')?;
            Some((hour, minute, self.two_digits()?))
        })();
        let (hour, minute, second) = time.ok_or(expected)?;
        let date = date.map_err(|_| EXPECTED_DATE)?;
        // 60 is a leap second: it counts as the second after it, as in POSIX time.
        if hour > 23 || minute > 59 || second > 60 {
            return Err(EXPECTED_TIME);
        }
        let fraction_us = self.fraction_us().ok_or(expected)?;
        let offset_s = self.zone_s().ok_or(EXPECTED_ZONE)?;
        let seconds = date.duration_since(EPOCH).as_secs()
            + i64::from(hour) * 3_600
            + i64::from(minute) * 60
            + i64::from(second)
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
        let hours = self.two_digits()?;
        let _ = self.byte(b':');
        let minutes = self.two_digits()?;
        (self.0.is_empty() && hours <= 23 && minutes <= 59)
            .then_some(offset_s * (i64::from(hours) * 3_600 + i64::from(minutes) * 60))
    }
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
    fn times_are_written_for_people() {
        let check = |micros, expect| {
            assert_eq!(civil(Timestamp::from_micros(micros)), expect);
        };
        check(0, "1970-01-01 00:00:00");
        check(-1, "1969-12-31 23:59:59");
        check(951_782_400_999_999, "2000-02-29 00:00:00");
        check(1_735_689_599_000_000, "2024-12-31 23:59:59");
        check(253_370_764_800_000_000, "9999-01-01 00:00:00");
        check(i64::MAX, "9223372036854 s after 1970");
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
        fn times_agree_with_jiff(second in 0_i64..4_102_444_800, micros in 0_i64..1_000_000,
            offset in -1_439_i32..1_440) {
            let at = jiff::Timestamp::from_microsecond(second * 1_000_000 + micros).unwrap();
            let zoned = at.to_zoned(jiff::tz::Offset::from_seconds(offset *
                60).unwrap().to_time_zone());
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
