//! Parsers of flags that take a share, written as percent or fraction.

/// Parses a confidence: a share of at least 50 %, because less is no evidence.
pub(super) fn parse_confidence(text: &str) -> Result<f64, String> {
    let share = parse_share(text)?;
    if share >= 0.5 { Ok(share) } else { Err("must be from 50% to below 100%".to_owned()) }
}

/// Parses the share of clients that are left alone during warm-up: at least 95 %.
pub(super) fn parse_warm_up(text: &str) -> Result<f64, String> {
    let share = parse_share(text)?;
    if share >= 0.95 {
        Ok(share)
    } else {
        Err("must be from 95% to below 100%: lower hurts people".to_owned())
    }
}

/// Parses `0.1%` or `0.001`: above 0 and below 1.
pub(super) fn parse_share(text: &str) -> Result<f64, String> {
    let (number, scale) = match text.strip_suffix('%') {
        Some(percent) => (percent.trim(), 0.01),
        None => (text, 1.0),
    };
    let share =
        number.parse::<f64>().map_err(|_| "expected a share such as 0.1% or 0.001".to_owned())?
            * scale;
    if share > 0.0 && share < 1.0 {
        Ok(share)
    } else {
        Err("must be above 0 and below 100%".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_percent_or_fraction() {
        assert_eq!(parse_share("0.1%"), Ok(0.001));
        assert_eq!(parse_share("0.25"), Ok(0.25));
        assert!(
            parse_share("0").is_err() && parse_share("100%").is_err() && parse_share("x").is_err()
        );
    }
}
