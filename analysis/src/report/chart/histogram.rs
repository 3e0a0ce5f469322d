//! Clients by score: one row of bars for each label above a common axis, so that labels can be told
//! apart without colours.

use detector::Score;
use maud::{Markup, html};
use trainer::label::Label;

use super::axis::{Axis, bottom};
use super::figure::{at, figure};
use crate::format::{count, counted, score};
use crate::report::clients::{label, sign};
use crate::separation::ScoreHistogram;

const WIDTH: f64 = 1040.0;
const LEFT: f64 = 120.0;
const RIGHT: f64 = 1020.0;
const ROW: f64 = 74.0;
const TOP: f64 = 40.0;
/// Scores with a mark on the axis.
const MARKS: [f32; 7] = [0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999];

/// Draws bars by label, with lines at these thresholds (name and score).
pub fn histogram(histogram: &ScoreHistogram, thresholds: &[(&str, f64)]) -> Markup {
    let rows: Vec<(Label, &Vec<u64>)> =
        histogram.clients.iter().map(|(label, counts)| (*label, counts)).collect();
    let bottom_at = TOP + ROW * rows.len() as f64;
    let (low, high) = ends(histogram);
    let scale = Axis::linear((f64::from(low), f64::from(high)), (LEFT, RIGHT));
    let margin = |value: f64| f64::from(Score::from_value(value as f32).margin());
    let marks: Vec<(f64, String)> =
        MARKS.iter().map(|&mark| (margin(f64::from(mark)), score_mark(mark))).collect();
    let content = html! {
        (bottom(&scale, &marks, (TOP, bottom_at), "highest score a client reached (even steps of \
            log-odds)"))
        @for (row, (label, counts)) in rows.iter().enumerate() {
            (bars(histogram, &scale, TOP + ROW * row as f64, *label, counts))
        }
        @for (i, (name, value)) in thresholds.iter().enumerate() {
            @let x = scale.place(margin(*value));
            // Neighbouring names are at different heights, so that close ones do not overlap.
            @let y = if i % 2 == 0 { 14.0 } else { 30.0 };
            line.threshold x1=(at(x)) x2=(at(x)) y1=(at(y + 4.0)) y2=(at(bottom_at)) {}
            text.threshold x=(at(x)) y=(at(y)) text-anchor=(if x > RIGHT - 60.0 { "end" } else {
                "middle" }) {
                (name) " " (score(*value))
            }
        }
    };
    let words: Vec<String> =
        rows.iter().map(|(of, counts)| in_words(histogram, *of, counts)).collect();
    let description = format!("By score, {}.", words.join("; "));
    figure(
        "score-histogram",
        "Clients by highest score",
        &description,
        (WIDTH, bottom_at + 48.0),
        &content,
    )
}

fn bars(histogram: &ScoreHistogram, scale: &Axis, top: f64, of: Label, counts: &[u64]) -> Markup {
    let base = top + ROW;
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let (class, sign) = sign(of);
    let (low, high) = ends(histogram);
    let edge = |i: usize| f64::from(histogram.edges.get(i).copied().unwrap_or(high));
    html! {
        line.base x1=(at(LEFT)) x2=(at(RIGHT)) y1=(at(base)) y2=(at(base)) {}
        text.row x="0" y=(at(base - 26.0)) { (sign) " " (label(of)) }
        text.count x="0" y=(at(base - 9.0)) { (counted(counts.iter().sum(), "client")) }
        @for (bin, &clients) in counts.iter().enumerate().filter(|(_, clients)| **clients > 0) {
            @let from = scale.place(if bin == 0 { f64::from(low) } else { edge(bin - 1) });
            @let to = scale.place(edge(bin));
            // Heights are square roots, and never so low that one client of a million is invisible.
            @let height = (ROW - 22.0) * (clients as f64 / most as f64).sqrt();
            @let height = height.max(3.0);
            rect.bar.(class) x=(at(from + 1.0)) width=(at((to - from - 2.0).max(1.0))) y=(at(base
                - height)) height=(at(height)) {}
            @if clients == most {
                text.count x=(at((from + to) / 2.0)) y=(at(base - height - 4.0))
                    text-anchor="middle" { (count(clients)) }
            }
        }
    }
}

/// Log-odds at both ends of the axis: one bin beyond the outer edges.
fn ends(histogram: &ScoreHistogram) -> (f32, f32) {
    let step = histogram.edges.windows(2).next().map_or(1.0, |two| two[1] - two[0]);
    let first = histogram.edges.first().copied().unwrap_or(0.0);
    let last = histogram.edges.last().copied().unwrap_or(0.0);
    (first - step, last + step)
}

fn score_mark(score: f32) -> String {
    format!("{score}")
}

fn in_words(histogram: &ScoreHistogram, of: Label, counts: &[u64]) -> String {
    let total: u64 = counts.iter().sum();
    let half = counts.iter().scan(0, |sum, &count| {
        *sum += count;
        Some(*sum)
    });
    let middle = half.take_while(|&sum| 2 * sum < total).count();
    let edge =
        |i: usize| histogram.edges.get(i).map(|&edge| f64::from(Score::from_margin(edge).value()));
    let middle = match (middle.checked_sub(1).and_then(edge), edge(middle)) {
        (None, Some(high)) => format!("below {}", score(high)),
        (Some(low), Some(high)) => format!("between {} and {}", score(low), score(high)),
        (Some(low), None) => format!("above {}", score(low)),
        (None, None) => "anywhere".to_owned(),
    };
    format!("of {} {} the middle one lies {middle}", count(total), label(of))
}
