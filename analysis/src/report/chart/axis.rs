//! Positions of values on an axis, and marks along it.

use maud::{Markup, html};

use super::figure::at;

/// A mapping from values to positions.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// Values at both ends; their logarithms, if the axis is logarithmic.
    ends: (f64, f64),
    /// Positions at both ends.
    places: (f64, f64),
    is_log: bool,
}

impl Axis {
    /// A linear axis.
    pub fn linear(ends: (f64, f64), places: (f64, f64)) -> Self {
        Self { ends, places, is_log: false }
    }

    /// A logarithmic axis; both ends must be above 0.
    pub fn log((low, high): (f64, f64), places: (f64, f64)) -> Self {
        let ends = (low.max(f64::MIN_POSITIVE).log10(), high.max(f64::MIN_POSITIVE).log10());
        Self { ends, places, is_log: true }
    }

    /// The position of a value. Values beyond an end are drawn at that end.
    pub fn place(&self, value: f64) -> f64 {
        let value = if self.is_log { value.max(f64::MIN_POSITIVE).log10() } else { value };
        let (low, high) = self.ends;
        let share = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        self.places.0 + share * (self.places.1 - self.places.0)
    }

    /// Powers of ten within the axis.
    pub fn powers(&self) -> Vec<f64> {
        let (low, high) = ((self.ends.0 - 1e-9).ceil() as i32, (self.ends.1 + 1e-9).floor() as i32);
        (low..=high).map(|power| 10_f64.powi(power)).collect()
    }
}

/// Marks along the bottom of a chart, with grid lines up to `top`.
pub fn bottom(
    scale: &Axis,
    marks: &[(f64, String)],
    (top, bottom): (f64, f64),
    title: &str,
) -> Markup {
    let middle = (scale.places.0 + scale.places.1) / 2.0;
    html! {
        g.axis {
            @for (value, text) in marks {
                @let x = scale.place(*value);
                line.grid x1=(at(x)) x2=(at(x)) y1=(at(top)) y2=(at(bottom)) {}
                text x=(at(x)) y=(at(bottom + 18.0)) text-anchor="middle" { (text) }
            }
            text.title x=(at(middle)) y=(at(bottom + 38.0)) text-anchor="middle" { (title) }
        }
    }
}

/// Marks along the left side, with grid lines to `right`; the title is above.
pub fn left(
    scale: &Axis,
    marks: &[(f64, String)],
    (left, right): (f64, f64),
    title: &str,
) -> Markup {
    let top = scale.places.0.min(scale.places.1);
    html! {
        g.axis {
            @for (value, text) in marks {
                @let y = scale.place(*value);
                line.grid x1=(at(left)) x2=(at(right)) y1=(at(y)) y2=(at(y)) {}
                text x=(at(left - 8.0)) y=(at(y + 4.0)) text-anchor="end" { (text) }
            }
            @if !title.is_empty() { text.title x=(at(left - 44.0)) y=(at(top - 12.0)) { (title) } }
        }
    }
}

/// Marks at 0, 20, … 100 %.
pub fn percents() -> Vec<(f64, String)> {
    (0..=5).map(|i| (f64::from(i) / 5.0, format!("{} %", i * 20))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_between_the_ends_and_none_beyond() {
        let linear = Axis::linear((0.0, 10.0), (100.0, 0.0));
        assert_eq!(
            [0.0, 5.0, 10.0, 99.0, -1.0].map(|value| linear.place(value)),
            [100.0, 50.0, 0.0, 0.0, 100.0]
        );
        let log = Axis::log((0.001, 1.0), (0.0, 300.0));
        assert!((log.place(0.1) - 200.0).abs() < 1e-9 && log.place(0.0) == 0.0);
        assert_eq!(log.powers().len(), 4);
        assert_eq!(Axis::linear((1.0, 1.0), (5.0, 9.0)).place(1.0), 5.0);
    }
}
