//! How a client's way through the site differs from that of the site's own people. About 3 ns;
//! looking up each page in the site profile costs about 40 ns more.
//!
//! Running means over the last 32 pages or steps of what [`crate::site_profile`] says of them. All
//! are missing, not zero, where the model has no site profile. Only a model of the site can use
//! them: on another shop their signs flip.

use crate::window::SHARE_ONE;
use crate::window::Window;

/// Features of this family.
pub const COUNT: usize = 5;

/// - `novelty`: rarity of the pages, in bits above the people's mean
/// - `tail_share`: share of pages that at most one person asked for
/// - `known_step`: share of steps from page to page that a person has taken
/// - `walk_likelihood`: mean −log₂ P(template | template before), in bits
/// - `template_rarity`: mean −log₂ of the template's share among people, in bits. This is the
///   client's own entropy over templates plus the Kullback–Leibler divergence from people.
pub fn measure(window: &Window, out: &mut [f32]) {
    let site = &window.site;
    let share = |mean: u16| f32::from(mean) / f32::from(SHARE_ONE);
    if site.pages > 0 {
        out[0] = f32::from(site.novelty) / 2_048.0 - 16.0;
        out[1] = share(site.tail);
        out[4] = f32::from(site.rarity) / 4_096.0;
    }
    if site.steps > 0 {
        out[2] = share(site.known);
    }
    if site.walked > 0 {
        out[3] = f32::from(site.surprise) / 4_096.0;
    }
}
