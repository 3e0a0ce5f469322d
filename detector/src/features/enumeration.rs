//! How much a client counts through numbers in URLs: `/item/17`, `/item/18`; `?page=2`, `?page=3`.
//! About 3 ns.
//!
//! Running means over the last 32 steps from page to page that took a second or more. Faster steps
//! are left out, because scripts fetch numbered pages ahead. Missing before the first such step.

use crate::window::SHARE_ONE;
use crate::window::Window;

/// Features of this family.
pub const COUNT: usize = 2;

/// `sequence_share`: share of steps by 1 to 3, up or down. `page_walk`: share of steps by exactly
/// one up.
pub fn measure(window: &Window, out: &mut [f32]) {
    if window.means.steps > 0 {
        out[0] = f32::from(window.means.sequence) / f32::from(SHARE_ONE);
        out[1] = f32::from(window.means.page_walk) / f32::from(SHARE_ONE);
    }
}

#[cfg(test)]
mod tests {
    use crate::features::tests::measured;

    fn walk(numbers: &[u16]) -> Vec<(f64, u16, u16)> {
        numbers.iter().enumerate().map(|(i, &number)| (i as f64, number, 0)).collect()
    }

    #[test]
    fn counting_through_shows_and_jumping_does_not() {
        let up: Vec<u16> = (100..160).collect();
        assert_eq!(measured(&walk(&up), "page_walk"), 1.0);
        assert_eq!(measured(&walk(&up), "sequence_share"), 1.0);
        let down: Vec<u16> = (100..160).rev().collect();
        assert_eq!(measured(&walk(&down), "page_walk"), 0.0);
        assert_eq!(measured(&walk(&down), "sequence_share"), 1.0);
        let jumps: Vec<u16> = (0..60).map(|i| i * 37 % 1_000).collect();
        assert_eq!(measured(&walk(&jumps), "sequence_share"), 0.0);
        assert_eq!(measured(&walk(&[5; 40]), "sequence_share"), 0.0);
    }

    #[test]
    fn half_of_the_steps_is_a_half() {
        assert!((measured(&walk(&[1, 2, 50, 51, 90]), "sequence_share") - 0.5).abs() < 0.001);
        assert!(measured(&walk(&[1]), "sequence_share").is_nan());
    }
}
