//! A feature's value as text: shares in per cent, gaps in a unit of time, and the number of pages
//! itself instead of its logarithm. All reports use these functions.

use super::definition::Definition;

/// The unit of a feature.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Share,
    Seconds,
    Bits,
    /// The natural logarithm of a number of pages.
    LogPages,
    Whole,
    None,
}

impl Definition {
    fn unit(&self) -> Unit {
        match self.name {
            "gap_median" => Unit::Seconds,
            "novelty" | "walk_likelihood" | "template_rarity" => Unit::Bits,
            "log_n" => Unit::LogPages,
            "unique_window" => Unit::Whole,
            _ if self.words.starts_with("share ") => Unit::Share,
            _ => Unit::None,
        }
    }

    /// Is the feature a share, 0..=1?
    pub fn is_share(&self) -> bool {
        self.unit() == Unit::Share
    }

    /// A value with two or three significant digits: `33 %`, `2.6 h`, `441` pages. A missing value
    /// is `not known`.
    pub fn say(&self, value: f32) -> String {
        match self.unit() {
            _ if value.is_nan() => "not known".to_owned(),
            Unit::Share => percent(value),
            Unit::Seconds => span(value),
            Unit::Bits => format!("{} bits", decimal(value)),
            Unit::LogPages => format!("{:.0}", value.exp()),
            Unit::Whole if value.fract() == 0.0 => format!("{value:.0}"),
            Unit::Whole | Unit::None => decimal(value),
        }
    }

    /// A value with all its digits, so that a reader has the exact number: a value that is said to
    /// change a verdict must change it.
    pub fn say_exactly(&self, value: f32) -> String {
        match self.unit() {
            Unit::Share => format!("{} %", times_hundred(&value.to_string())),
            Unit::Seconds => format!("{value} s"),
            Unit::Bits => format!("{value} bits"),
            Unit::LogPages => format!("{}", value.exp().round()),
            Unit::Whole | Unit::None => format!("{value}"),
        }
    }
}

/// A number with about three significant digits.
pub fn decimal(value: f32) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A share in whole per cent, with one decimal close to 0 % and to 100 %.
fn percent(share: f32) -> String {
    let percent = share * 100.0;
    let is_near_an_end = (percent > 0.0 && percent < 0.95) || (percent > 99.05 && percent < 100.0);
    if is_near_an_end { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// A time in hours, minutes or seconds.
fn span(seconds: f32) -> String {
    match seconds {
        long if long >= 7_200.0 => format!("{:.1} h", long / 3_600.0),
        middle if middle >= 120.0 => format!("{:.1} min", middle / 60.0),
        _ => format!("{} s", decimal(seconds)),
    }
}

/// Multiplies a decimal number in text form, without sign or exponent, by 100. No digit is lost.
fn times_hundred(text: &str) -> String {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = format!("{part:0<2}");
    let (front, rest) = part.split_at(2);
    let whole = format!("{whole}{front}");
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::super::definition::{FEATURES, index_of};
    use super::*;

    fn of(name: &str) -> &'static Definition {
        &FEATURES[index_of(name).unwrap()]
    }

    #[test]
    fn a_value_is_said_in_its_unit() {
        let check = |name: &str, value: f32, expect: &str| {
            assert_eq!(of(name).say(value), expect, "{name} {value}")
        };
        check("log_n", 6.09, "441");
        check("error_share", 1.0, "100 %");
        check("error_share", 0.004, "0.4 %");
        check("tail_share", 0.996, "99.6 %");
        check("known_step", 0.25, "25 %");
        check("gap_median", 9_241.0, "2.6 h");
        check("gap_median", 300.0, "5.0 min");
        check("gap_median", 0.5, "0.50 s");
        check("novelty", -3.25, "-3.25 bits");
        check("unique_window", 118.0, "118");
        check("gap_cv", 0.125, "0.12");
        check("gap_cv", f32::NAN, "not known");
    }

    #[test]
    fn no_digit_of_an_exact_value_is_lost() {
        let check = |value: f32, expect: &str| {
            let said = of("error_share").say_exactly(value);
            assert_eq!(said, expect);
            let digits = said.trim_end_matches(" %");
            assert_eq!(format!("{digits}e-2").parse::<f32>().unwrap(), value, "{said}");
        };
        check(0.0000144, "0.00144 %");
        check(0.125, "12.5 %");
        check(0.07, "7 %");
        check(1.0, "100 %");
        check(0.0, "0 %");
        check(0.3_f32.next_up(), &format!("{} %", times_hundred(&0.3_f32.next_up().to_string())));
        assert_eq!(of("log_n").say_exactly(110_f32.ln()), "110");
        assert_eq!(of("gap_median").say_exactly(12.5), "12.5 s");
    }
}
