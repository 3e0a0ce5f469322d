//! Line charts: ROC, precision-recall, time to detect.

use maud::{Markup, html};

use super::axis::{Axis, bottom, left, percents};
use super::figure::{at, figure, legend, path};
use crate::evaluate::Detection;
use crate::format::{count, percent, range, score};
use crate::separation::Point;

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 488.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 350.0;

/// The ROC: robots caught against people hurt. The axis of people is logarithmic, because
/// thresholds lie where they are few; it has a place for 0.
pub fn roc(curve: &[Point], marked: &[Marked]) -> Markup {
    let people = people(curve);
    // The least share above 0 is one person; 0 is placed to the left of it.
    let least = 1.0 / people.max(1) as f64;
    let scale = Axis::log((least / 2.0, 1.0), (LEFT, RIGHT));
    let up = Axis::linear((0.0, 1.0), (BOTTOM, TOP));
    let mut marks: Vec<(f64, String)> = scale
        .powers()
        .into_iter()
        .filter(|&power| power >= least)
        .map(|power| (power, percent(power)))
        .collect();
    marks.insert(0, (0.0, "none".to_owned()));
    let x = |fpr: f64| if fpr > 0.0 { scale.place(fpr) } else { LEFT };
    let upper = steps(curve.iter().map(|point| (x(point.fpr), up.place(point.tpr_ci[1]))));
    let lower = steps(curve.iter().map(|point| (x(point.fpr), up.place(point.tpr_ci[0]))));
    let content = html! {
        (bottom(&scale, &marks, (TOP, BOTTOM), "share of people who reach a score (logarithmic)"))
        (left(&up, &percents(), (LEFT, RIGHT), "bad robots who reach it"))
        path.band d=(path(upper.into_iter().chain(lower.into_iter().rev()))) {}
        path.line.bad d=(path(steps(curve.iter().map(|point| (x(point.fpr),
            up.place(point.tpr)))))) {}
        @for mark in marked {
            (cross((x(mark.fpr), up.place(mark.tpr)), mark.fpr_ci.map(x), mark.tpr_ci.map(|tpr|
                up.place(tpr)), &mark.name))
        }
    };
    let at_least = |fpr: f64| {
        let caught = curve
            .iter()
            .filter(|point| point.fpr <= fpr)
            .map(|point| point.tpr)
            .fold(0.0, f64::max);
        format!("{} of bad robots reach what {} of people reach", percent(caught), percent(fpr))
    };
    let description = format!(
        "ROC of {} people: {}; {}. The band is the 95 % interval of the robots' share \
            (Clopper–Pearson).",
        count(people),
        at_least(0.0),
        at_least(0.01)
    );
    figure(
        "roc",
        "Bad robots against people who reach a score (ROC)",
        &description,
        (WIDTH, HEIGHT),
        &content,
    )
}

/// A threshold marked on the ROC, with both intervals.
#[derive(Clone, Debug)]
pub struct Marked {
    /// Name of the threshold.
    pub name: String,
    /// Share of people hurt.
    pub fpr: f64,
    /// 95 % interval of that share.
    pub fpr_ci: [f64; 2],
    /// Share of robots caught.
    pub tpr: f64,
    /// 95 % interval of that share.
    pub tpr_ci: [f64; 2],
}

/// A point whose precision and interval are known.
type Known<'a> = (&'a Point, f64, [f64; 2]);

/// Precision against recall, with this log's mix of people and robots.
pub fn precision_recall(curve: &[Point]) -> Markup {
    let (across, up) =
        (Axis::linear((0.0, 1.0), (LEFT, RIGHT)), Axis::linear((0.0, 1.0), (BOTTOM, TOP)));
    let known: Vec<Known<'_>> = curve
        .iter()
        .filter_map(|point| Some((point, point.precision?, point.precision_ci?)))
        .collect();
    let along = |of: fn(&Known<'_>) -> f64| -> Vec<(f64, f64)> {
        known.iter().map(|row| (across.place(row.0.tpr), up.place(of(row)))).collect()
    };
    let (upper, lower) = (along(|row| row.2[1]), along(|row| row.2[0]));
    let all = curve.last();
    let prevalence = all.and_then(|last| last.precision).unwrap_or(0.0);
    let content = html! {
        (bottom(&across, &percents(), (TOP, BOTTOM), "bad robots who reach a score (recall)"))
        (left(&up, &percents(), (LEFT, RIGHT), "bad robots among all who reach it (precision)"))
        path.band d=(path(upper.into_iter().chain(lower.into_iter().rev()))) {}
        line.chance x1=(at(LEFT)) x2=(at(RIGHT)) y1=(at(up.place(prevalence)))
            y2=(at(up.place(prevalence))) {}
        path.line.bad d=(path(along(|row| row.1))) {}
    };
    let half = known.iter().find(|row| row.0.tpr >= 0.5);
    let half = half.map_or_else(String::new, |(point, precision, _)| {
        format!(
            "Where {} of bad robots reach a score, {} of all who do are bad robots. ",
            percent(point.tpr),
            percent(*precision)
        )
    });
    let description = format!(
        "{half}The dashed line is what a score that everybody reaches gives: bad robots are {} of \
            the labelled clients of this log, and the curve moves \
         with that share. The band is the 95 % interval.",
        percent(prevalence)
    );
    figure("precision-recall", "Precision and recall", &description, (WIDTH, HEIGHT), &content)
}

/// How many bad robots are found by which number of requests. The first line is the model, drawn
/// thicker.
pub fn detection(lines: &[(String, &Detection)]) -> Markup {
    let last =
        lines.iter().filter_map(|(_, found)| Some(found.by_request.last()?[0])).max().unwrap_or(1);
    let end = 10_f64.powf((last.max(10) as f64).log10().ceil());
    let (across, up) =
        (Axis::log((1.0, end), (LEFT, RIGHT)), Axis::linear((0.0, 1.0), (BOTTOM, TOP)));
    let marks: Vec<(f64, String)> =
        across.powers().into_iter().map(|power| (power, count(power as u64))).collect();
    let points = |found: &Detection| {
        let of = found.of.max(1) as f64;
        let known = found
            .by_request
            .iter()
            .map(|&[requests, robots]| (requests as f64, robots as f64 / of));
        let end = found.by_request.last().map_or(0.0, |&[_, robots]| robots as f64 / of);
        let all = std::iter::once((1.0, 0.0)).chain(known).chain([(end_of(&across), end)]);
        steps(all.map(|(x, y)| (across.place(x), up.place(y))))
    };
    let classes = ["bad", "one", "two", "three", "four", "five", "six"];
    let content = html! {
        (bottom(&across, &marks, (TOP, BOTTOM), "requests of a bad robot until it is found \
            (logarithmic)"))
        (left(&up, &percents(), (LEFT, RIGHT), "bad robots found by then"))
        @for (i, (_, found)) in lines.iter().enumerate().rev() {
            path.line.(classes[i % classes.len()]) d=(path(points(found))) {}
        }
    };
    let share = |found: &Detection| {
        found.by_request.last().map_or(0.0, |last| last[1] as f64 / found.of.max(1) as f64)
    };
    let words: Vec<String> =
        lines.iter().map(|(name, found)| format!("{name} {}", percent(share(found)))).collect();
    let description = format!("Found in the end: {}.", words.join("; "));
    let entries: Vec<(&str, String)> = lines
        .iter()
        .enumerate()
        .map(|(i, (name, _))| (classes[i % classes.len()], name.clone()))
        .collect();
    html! {
        div {
            (figure("detection-curve", "Requests until a bad robot is \
                found", &description, (WIDTH, HEIGHT), &content))
            (legend(&entries))
        }
    }
}

/// Value at the right end of a logarithmic axis.
fn end_of(across: &Axis) -> f64 {
    across.powers().last().copied().unwrap_or(1.0)
}

/// Number of people at the far end of the curve.
fn people(curve: &[Point]) -> u64 {
    curve.last().map_or(0, |point| point.hurt)
}

/// Between two points the line goes up first, then right: it does not suggest values that were not
/// measured.
fn steps(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for (x, y) in points {
        if let Some(&(_, before)) = steps.last() {
            steps.push((x, before));
        }
        steps.push((x, y));
    }
    steps
}

fn cross((x, y): (f64, f64), across: [f64; 2], up: [f64; 2], name: &str) -> Markup {
    let is_right = x > (LEFT + RIGHT) / 2.0;
    let text_at = if is_right { x - 10.0 } else { x + 10.0 };
    html! {
        line.interval x1=(at(across[0])) x2=(at(across[1])) y1=(at(y)) y2=(at(y)) {}
        line.interval x1=(at(x)) x2=(at(x)) y1=(at(up[0])) y2=(at(up[1])) {}
        circle.mark cx=(at(x)) cy=(at(y)) r="4.5" {}
        text.mark x=(at(text_at)) y=(at(y + 17.0)) text-anchor=(if is_right { "end" } else {
            "start" }) { (name) }
    }
}

/// A mark's name, such as `limit 0.90`.
pub fn name_of(name: &str, threshold: f64) -> String {
    format!("{name} {}", score(threshold))
}

/// An interval of shares in words.
pub fn interval(ends: [f64; 2]) -> String {
    format!("95 % interval: {}", range(ends))
}
