//! How many of a client's requests fail. About 2 ns.
//!
//! Errors are shares of outcomes that fade with τ = 600 s. Missing until the first outcome.
//! Scanners and brute forcers show here. So do a shop's own broken links, which is why these
//! features alone never block.

use crate::window::SHARE_ONE;
use crate::window::Window;

/// Features of this family.
pub const COUNT: usize = 4;

/// `error_share` (4xx), `not_found_share` (404), `conditional_share` (304) and `redirect_share`
/// (other 3xx) over the last 32 outcomes.
pub fn measure(window: &Window, out: &mut [f32]) {
    let counts = &window.fading;
    if counts.outcomes > 0 {
        let outcomes = counts.outcomes as f32;
        out[0] = (counts.errors as f32 / outcomes).min(1.0);
        out[1] = (counts.not_found as f32 / outcomes).min(1.0);
        out[2] = f32::from(window.means.not_modified) / f32::from(SHARE_ONE);
        out[3] = f32::from(window.means.redirected) / f32::from(SHARE_ONE);
    }
}

#[cfg(test)]
mod tests {
    use crate::event::Outcome;
    use crate::features::Features;
    use crate::features::tests::window_of;
    use crate::{ClientKey, Timestamp};

    #[test]
    fn errors_are_a_share_of_what_has_ended() {
        let mut window = window_of(&[(0.0, 1, 0)]);
        assert!(Features::measure(&window).value("error_share").unwrap().is_nan());
        for (i, status) in [200, 404, 401, 200].into_iter().enumerate() {
            let client = ClientKey::from_text("192.0.2.1");
            window.conclude(&Outcome::new(client, Timestamp::from_micros(i as i64), status), 1);
        }
        assert_eq!(Features::measure(&window).value("error_share"), Some(0.5));
        assert_eq!(Features::measure(&window).value("not_found_share"), Some(0.25));
    }
}
