//! How many pages are known of a client, how deep they lie, and how it asks for them. About 5 ns.

use super::set::FeatureSet;
use crate::window::SHARE_ONE;
use crate::window::Window;

/// Features of this family.
pub const COUNT: usize = 5;

/// `depth_mean`, `depth_sd` (segments, over the last 32 pages), `write_share`, `head_share`,
/// `log_n` (ln pages). Missing before the first page.
pub fn measure(window: &Window, wanted: FeatureSet, out: &mut [f32]) {
    if window.pages() == 0 {
        return;
    }
    let (mean, square) =
        (f32::from(window.means.depth) / 8.0, f32::from(window.means.depth_square) / 8.0);
    out[0] = mean;
    out[1] = (square - mean * mean).max(0.0).sqrt();
    let counts = &window.fading;
    out[2] = if counts.requests[1] > 0 {
        (counts.writes as f32 / counts.requests[1] as f32).min(1.0)
    } else {
        f32::NAN
    };
    out[3] = f32::from(window.means.head) / f32::from(SHARE_ONE);
    if wanted.has(4) {
        out[4] = (window.pages() as f32).ln();
    }
}

#[cfg(test)]
mod tests {
    use crate::features::tests::measured;

    #[test]
    fn log_n_grows_with_the_client() {
        let pages = [(0.0, 1, 0), (10.0, 2, 0), (99.0, 3, 0)];
        assert!((measured(&pages, "log_n") - 3_f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn equal_depths_have_no_spread() {
        let pages: Vec<_> = (0..50).map(|i| (f64::from(i), 1, 0)).collect();
        assert!((measured(&pages, "depth_mean") - 1.0).abs() < 0.01);
        assert!(measured(&pages, "depth_sd") < 0.1);
    }
}
