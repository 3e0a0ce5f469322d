//! A heat map: a share for each pair of row and column, as a shade and as a number.

use maud::{Markup, html};

use super::figure::{at, figure};

const CELL: (f64, f64) = (64.0, 34.0);
const LEFT: f64 = 130.0;
const TOP: f64 = 34.0;
/// Number of shades in the style sheet, from 0 to 1.
const SHADES: usize = 6;

/// One cell of a heat map.
#[derive(Clone, Debug)]
pub struct HeatCell {
    /// The share from 0 to 1; `None` if nothing was measured.
    pub share: Option<f64>,
    /// The share in words, so that nobody has to read a shade.
    pub text: String,
}

/// Draws a heat map. `rows` and `columns` are headings; `cells` has one list for each row. `id`
/// must be unique in the page.
pub fn heat(
    id: &str,
    title: &str,
    description: &str,
    (rows, columns): (&[String], &[String]),
    cells: &[Vec<HeatCell>],
) -> Markup {
    let width = LEFT + CELL.0 * columns.len() as f64 + 10.0;
    let height = TOP + CELL.1 * rows.len() as f64 + 10.0;
    let content = html! {
        g.axis {
            @for (column, heading) in columns.iter().enumerate() {
                text x=(at(LEFT + CELL.0 * (column as f64 + 0.5))) y=(at(TOP - 10.0))
                    text-anchor="middle" { (heading) }
            }
        }
        @for (row, heading) in rows.iter().enumerate() {
            @let y = TOP + CELL.1 * row as f64;
            g.axis { text x=(at(LEFT - 10.0)) y=(at(y + CELL.1 / 2.0 + 4.0)) text-anchor="end" {
                (heading) } }
            @for (column, cell) in
                cells.get(row).into_iter().flatten().take(columns.len()).enumerate() {
                @let x = LEFT + CELL.0 * column as f64;
                rect.(shade(cell.share)) x=(at(x + 1.0)) y=(at(y + 1.0)) width=(at(CELL.0 - 2.0))
                    height=(at(CELL.1 - 2.0)) rx="3" {}
                text.cell.(shade(cell.share)) x=(at(x + CELL.0 / 2.0)) y=(at(y + CELL.1 / 2.0 +
                    4.5)) text-anchor="middle" { (cell.text) }
            }
        }
    };
    figure(id, title, description, (width.max(320.0), height), &content)
}

fn shade(share: Option<f64>) -> &'static str {
    const CLASSES: [&str; SHADES] = ["heat0", "heat1", "heat2", "heat3", "heat4", "heat5"];
    match share {
        Some(share) if share.is_finite() => {
            CLASSES[((share.clamp(0.0, 1.0) * SHADES as f64) as usize).min(SHADES - 1)]
        }
        _ => "heatless",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_follow_shares_and_nothing_measured_has_none() {
        let shades = [Some(0.0), Some(0.5), Some(1.0), Some(9.0), Some(f64::NAN), None].map(shade);
        assert_eq!(shades, ["heat0", "heat3", "heat5", "heat5", "heatless", "heatless"]);
        let cells = [vec![HeatCell { share: Some(1.0), text: "<b>".into() }]];
        let map = heat("h", "t", "d", (&["r".into()], &["c".into(), "more".into()]), &cells)
            .into_string();
        assert!(map.contains("&lt;b&gt;") && map.matches("<rect").count() == 1);
    }
}
