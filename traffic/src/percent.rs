//! Writes a share as a percentage. Callers choose the digits, because how many matter depends on
//! what the share is of.

/// A share of 1 as a percentage with so many decimals: `percent(0.1234, 1)` is `12.3 %`.
pub fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_becomes_a_percentage() {
        assert_eq!(percent(0.1234, 0), "12 %");
        assert_eq!(percent(0.1234, 1), "12.3 %");
        assert_eq!(percent(0.0, 2), "0.00 %");
        assert_eq!(percent(1.0, 0), "100 %");
    }
}
