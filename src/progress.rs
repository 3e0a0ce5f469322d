//! Progress bars: what is being done, how much of it is done, how fast, and the time left.
//!
//! Bars are drawn on standard error, and only on a terminal that can redraw a line (not
//! `TERM=dumb`). A pipe, a file and a cron job get none, and neither does `--json` on the screen
//! ([`hush`]). Bars have no colour, so `NO_COLOR` changes nothing. A bar clears itself when it is
//! dropped, also when an error ends the command, so only the answer stays on the screen.
//!
//! - [`fn@bytes`]: bytes of files being read (`src/input/logs.rs` shows one for all logs)
//! - [`counted`]: items done of a known number
//! - [`uncounted`]: work of unknown length
//! - [`stages`]: the stages that a library reports
//!
//! Cost: one atomic addition a step, and a redraw ten times a second.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{
    HumanDuration, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressState, ProgressStyle,
};
use trainer::Stage;

/// Set when no bar may be drawn.
static IS_HUSHED: AtomicBool = AtomicBool::new(false);

/// How often a bar is redrawn: often enough to look alive, at no measurable cost.
const TICK: Duration = Duration::from_millis(100);

const BYTES: &str = "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
/// For pipes, whose length is unknown.
const BYTES_OF_UNKNOWN: &str = "{msg} {spinner} {bytes}, {bytes_per_sec}, {elapsed} so far";
const COUNTED: &str = "{msg} {wide_bar} {human_pos} of {human_len} {prefix}, {rate}, {left} left";
const UNCOUNTED: &str = "{msg} {spinner} {elapsed} so far";

/// From this call on, no bar is drawn.
pub fn hush() {
    IS_HUSHED.store(true, Ordering::Relaxed);
}

/// A bar over `total` bytes, or over an unknown number. Nothing is drawn before the first byte.
pub fn bytes(what: &str, total: Option<u64>) -> ProgressBar {
    let bar = new(total).with_message(what.to_owned());
    dress(&bar, if total.is_some() { BYTES } else { BYTES_OF_UNKNOWN });
    bar
}

/// A bar over `total` items, which `unit` names ("clients", "shops"). Call `bar.inc(1)` after each,
/// and `bar.set_message(…)` when something else begins.
pub fn counted(what: &str, unit: &'static str, total: u64) -> ProgressBar {
    let bar = new(Some(total)).with_message(what.to_owned()).with_prefix(unit);
    dress(&bar, COUNTED);
    bar.enable_steady_tick(TICK);
    bar
}

/// A bar for the stages that a library reports. `verb` begins the line ("Training"). Call the
/// returned function with each [`Stage`].
pub fn stages(verb: &'static str) -> impl FnMut(Stage<'_>) {
    let mut bar: Option<(String, ProgressBar)> = None;
    move |stage: Stage<'_>| {
        if bar.as_ref().is_none_or(|(name, _)| name != stage.name) {
            let what = format!("{verb}: {}", stage.name);
            // The old bar is dropped first, or both would be drawn on one line.
            bar = None;
            bar = Some((stage.name.to_owned(), begun(&what, &stage)));
        }
        if let Some((_, bar)) = bar.as_ref().filter(|_| stage.of > 0) {
            bar.set_length(stage.of);
            bar.set_position(stage.done);
        }
    }
}

/// A spinner for work of unknown length.
pub fn uncounted(what: &str) -> ProgressBar {
    let bar = new(None).with_message(what.to_owned());
    dress(&bar, UNCOUNTED);
    bar.enable_steady_tick(TICK);
    bar
}

fn begun(what: &str, stage: &Stage<'_>) -> ProgressBar {
    if stage.of == 0 { uncounted(what) } else { counted(what, stage.unit, stage.of) }
}

fn new(total: Option<u64>) -> ProgressBar {
    // The target hides the bar by itself where standard error is no terminal.
    let target = if IS_HUSHED.load(Ordering::Relaxed) {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    ProgressBar::with_draw_target(total, target).with_finish(ProgressFinish::AndClear)
}

fn dress(bar: &ProgressBar, template: &str) {
    // The templates are constants, and a test parses them all. A bar without one has indicatif's
    // default look.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.with_key("rate", rate).with_key("left", left));
    }
}

/// Writes the rate: `310/s`, and `4.2/s` or `5/min` for slow work.
fn rate(state: &ProgressState, out: &mut dyn Write) {
    let _ = match state.per_sec() {
        per_second if per_second < 1.0 => write!(out, "{:.0}/min", per_second * 60.0),
        per_second if per_second < 10.0 => write!(out, "{per_second:.1}/s"),
        per_second => write!(out, "{per_second:.0}/s"),
    };
}

/// Writes the time left, from the mean speed since the start. The speed of the last seconds would
/// mislead: steps can be few and large, and two threads may end two at once. `?` before the first
/// step.
fn left(state: &ProgressState, out: &mut dyn Write) {
    let (done, of) = (state.pos(), state.len().unwrap_or(0));
    let _ = match done {
        0 => write!(out, "?"),
        _ => {
            let seconds =
                state.elapsed().as_secs_f64() * of.saturating_sub(done) as f64 / done as f64;
            write!(out, "{:#}", HumanDuration(Duration::from_secs(seconds.ceil() as u64)))
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_one() {
        for template in [BYTES, BYTES_OF_UNKNOWN, COUNTED, UNCOUNTED] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
