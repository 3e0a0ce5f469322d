//! The frame of a chart, and parts that several charts share.

use maud::{Markup, html};

/// The frame of a chart. `id` must be unique in the page; `width` and `height` are in the units of
/// `content`. `description` says in words what the chart shows; screen readers read it.
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

/// A coordinate with one decimal: a tenth of a pixel is not visible.
pub(crate) fn at(value: f64) -> String {
    format!("{value:.1}")
}

/// An SVG path through points.
pub(crate) fn path(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (i, (x, y)) in points.into_iter().enumerate() {
        path.push_str(&format!("{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" }));
    }
    path
}

/// The legend below a chart, with a line sample for each entry.
pub(crate) fn legend(entries: &[(&str, String)]) -> Markup {
    html! {
        ul.legend {
            @for (class, text) in entries {
                li {
                    svg viewBox="0 0 28 10" width="28" height="10" aria-hidden="true" {
                        path.line.(class) d="M1 5H27" {} }
                    (text)
                }
            }
        }
    }
}
