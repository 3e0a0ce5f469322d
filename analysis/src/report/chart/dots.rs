//! A dot chart: in each row a value and its level on a logarithmic axis, joined by a line.

use maud::{Markup, html};

use super::axis::{Axis, bottom};
use super::figure::{at, figure};

const WIDTH: f64 = 1040.0;
const LEFT: f64 = 210.0;
const RIGHT: f64 = 1010.0;
const TOP: f64 = 14.0;
const ROW: f64 = 18.0;

/// One row.
#[derive(Clone, Debug)]
pub struct Dot {
    /// Name of the row.
    pub name: String,
    /// How much.
    pub value: f64,
    /// The level: values above it matter.
    pub level: f64,
    /// Whether the value counts as above its level.
    pub is_above: bool,
}

/// Draws the rows in the order given. `least` is the left end of the axis, where smaller values are
/// drawn too. `id` must be unique in the page.
pub fn dots(
    id: &str,
    (title, axis): (&str, &str),
    description: &str,
    least: f64,
    rows: &[Dot],
) -> Markup {
    let most = rows
        .iter()
        .map(|row| row.value.max(row.level))
        .filter(|value| value.is_finite())
        .fold(least, f64::max);
    let scale = Axis::log(
        (least, 10_f64.powf(most.log10().ceil().max(least.log10() + 1.0))),
        (LEFT, RIGHT),
    );
    let marks: Vec<(f64, String)> =
        scale.powers().into_iter().map(|power| (power, format!("{power}"))).collect();
    let bottom_at = TOP + ROW * rows.len() as f64;
    let content = html! {
        (bottom(&scale, &marks, (TOP, bottom_at), axis))
        @for (row, dot) in rows.iter().enumerate() {
            @let y = TOP + ROW * (row as f64 + 0.5);
            @let (value, level) = (scale.place(dot.value), scale.place(dot.level));
            text.row[dot.is_above] x=(at(LEFT - 12.0)) y=(at(y + 4.5)) text-anchor="end" {
                (dot.name) }
            line.level x1=(at(level)) x2=(at(level)) y1=(at(y - 7.0)) y2=(at(y + 7.0)) {}
            @if dot.is_above {
                line.beyond x1=(at(level)) x2=(at(value)) y1=(at(y)) y2=(at(y)) {}
                circle.dot.beyond cx=(at(value)) cy=(at(y)) r="6" {}
            } @else {
                circle.dot cx=(at(value)) cy=(at(y)) r="4.5" {}
            }
        }
    };
    figure(id, title, description, (WIDTH, bottom_at + 48.0), &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_above_its_level_is_told_by_more_than_a_colour() {
        let dot = |name: &str, value, is_above| Dot {
            name: name.to_owned(),
            value,
            level: 0.1,
            is_above,
        };
        let rows = [dot("<a>", 2.0, true), dot("b", 0.0, false)];
        let chart = dots("id", ("t", "x"), "d", 0.001, &rows).into_string();
        assert!(
            chart.contains("&lt;a&gt;") && chart.matches("class=\"beyond\"").count() == 1,
            "{chart}"
        );
        assert!(
            chart.contains("r=\"6\"") && chart.contains("r=\"4.5\"") && !chart.contains("NaN"),
            "{chart}"
        );
        // The axis ends at the power of ten above the largest value; 0 is drawn at the left end.
        assert!(
            chart.contains(">10</text>") && chart.contains(&format!("cx=\"{LEFT:.1}\"")),
            "{chart}"
        );
    }
}
