//! Parser of flags that take a number of bytes.

/// Parses `512MiB`, `8GiB`, or a number of bytes.
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 4] =
        [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];
    let unit = UNITS.iter().find_map(|(name, bytes)| Some((text.strip_suffix(name)?, *bytes)));
    let (number, bytes) = unit.unwrap_or((text, 1));
    let bytes = number.trim_end().parse::<u64>().ok().and_then(|number| number.checked_mul(bytes));
    bytes.filter(|&bytes| bytes > 0).ok_or_else(|| {
        "expected a number of bytes above 0, or one with a unit such as 512MiB or 8GiB".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_with_and_without_a_unit() {
        assert_eq!(parse_bytes("8GiB"), Ok(trainer::memory_limit::MEMORY_MAX_BYTES));
        assert_eq!(parse_bytes("512 MiB"), Ok(512 << 20));
        assert_eq!(parse_bytes("1000000"), Ok(1_000_000));
        for text in ["", "0", "0GiB", "GiB", "-1GiB", "1.5GiB", "8GB", "99999999999TiB"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }
}
