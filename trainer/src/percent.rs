//! Shares as text for people: in the evidence of a threshold, on a terminal and in a report.

/// A share as `12.3 %`; small ones with the digits that matter.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent.is_nan() => "–".to_owned(),
        percent if percent == 0.0 || percent >= 9.95 => format!("{percent:.0} %"),
        percent if percent >= 0.1 => format!("{percent:.1} %"),
        percent => format!("{percent:.3} %"),
    }
}

/// A bound of a share, with the two digits that matter and never below what it is: `0.49 %`, `0.14
/// %`, `13 %`.
pub fn percent_at_most(share: f64) -> String {
    let percent = share * 100.0;
    if percent.is_nan() || percent <= 0.0 {
        return self::percent(percent);
    }
    let digits = (1.0 - percent.log10().floor()).clamp(0.0, 6.0) as i32;
    let scale = 10_f64.powi(digits);
    // What a multiplication adds in the last bit is no reason to go up.
    let up = ((percent * scale * (1.0 - 1e-12)).ceil() / scale).min(100.0);
    format!("{up:.*} %", digits as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_never_said_to_be_less_than_it_is() {
        let said = [0.001_36, 0.004_86, 0.123, 0.001, 0.01, 0.995, 1.0, 0.0, 0.000_861]
            .map(percent_at_most);
        assert_eq!(
            said,
            ["0.14 %", "0.49 %", "13 %", "0.10 %", "1.0 %", "100 %", "100 %", "0 %", "0.087 %"]
        );
        for share in (1..3_000).map(|i| f64::from(i) / 2_999.0 / 3.0) {
            let read: f64 = percent_at_most(share).trim_end_matches(" %").parse().unwrap();
            assert!(
                read / 100.0 >= share - 1e-12 && read / 100.0 <= share * 1.1 + 1e-6,
                "{share} {read}"
            );
        }
    }
}
