//! How fast a client asks: counts of pages and of all requests that fade with τ = 60 s and 600 s.
//! About 2 ns.
//!
//! `s ← s·e^(−Δ/τ) + 1`: a steady client of λ requests a second settles at λ·τ.

use crate::window::{ONE, Window};

/// Features of this family.
pub const COUNT: usize = 5;

/// `rate_60s`, `rate_600s`, `request_rate_60s`, `request_rate_600s`: in requests, never missing.
/// `asset_share`: the share of `request_rate_600s` that is not pages.
pub fn measure(window: &Window, out: &mut [f32]) {
    let counts = &window.fading;
    let all = [counts.pages[0], counts.pages[1], counts.requests[0], counts.requests[1]];
    for (out, count) in out.iter_mut().zip(all) {
        *out = count as f32 / ONE as f32;
    }
    out[4] = if counts.requests[1] > 0 {
        1.0 - (counts.pages[1] as f32 / counts.requests[1] as f32).min(1.0)
    } else {
        f32::NAN
    };
}

#[cfg(test)]
mod tests {
    use crate::features::tests::measured;

    #[test]
    fn a_steady_client_settles_at_rate_times_tau() {
        let pages: Vec<_> = (0..1_000).map(|i| (f64::from(i) * 0.5, 1, 0)).collect();
        assert!((measured(&pages, "rate_60s") - 120.5).abs() < 1.5);
        assert!((measured(&pages, "request_rate_60s") - 120.5).abs() < 1.5);
        let expect = 1_200.0 * (1.0 - (-500.0_f32 / 600.0).exp());
        assert!((measured(&pages, "rate_600s") / expect - 1.0).abs() < 0.01);
    }
}
