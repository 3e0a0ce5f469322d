//! The frame of a chart, and what is drawn in all of them.

use maud::{Markup, html};

/// A chart's frame: `id` once a page, `width` and `height` in the units that `content` is drawn in.
/// `description` says in words what is to be seen, and is what a screen reader reads.
pub fn figure(
    id: &str,
    title: &str,
    description: &str,
    (width, height): (f64, f64),
    content: &Markup,
) -> Markup {
    let (title_id, text_id) = (format!("{id}-title"), format!("{id}-text"));
    html! {
        figure .wide[width > 800.0] {
            figcaption { (title) }
            div.scroll role="region" aria-label=(title) tabindex="0" {
                svg viewBox=(format!("0 0 {width:.0} \
                    {height:.0}")) role="img" aria-labelledby={ (title_id) " " (text_id) } {
                    title id=(title_id) { (title) }
                    desc id=(text_id) { (description) }
                    (content)
                }
            }
            p.description { (description) }
        }
    }
}

/// A coordinate with one digit: a tenth of a pixel is not seen.
pub(crate) fn at(value: f64) -> String {
    format!("{value:.1}")
}

/// A path through points.
pub(crate) fn path(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (i, (x, y)) in points.into_iter().enumerate() {
        path.push_str(&format!("{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" }));
    }
    path
}

/// Signs that tell lines apart, and their entries below a chart.
pub(crate) fn legend(entries: &[(&str, String)]) -> Markup {
    html! {
        ul.legend {
            @for (class, text) in entries {
                li {
                    svg viewBox="0 0 28 10" width="28" height="10" aria-hidden="true" { path.line.(class) d="M1 5H27" {} }
                    (text)
                }
            }
        }
    }
}
