//! Progress bars: what is being done, how far it is, how fast, and how long it will still take.
//!
//! They are drawn on standard error, and only where that is a terminal that can redraw a line (not
//! `TERM=dumb`), so a pipe, a file and a cron job get none; nor does who reads `--json` on the
//! screen ([`hush`]). They hold no colour, so `NO_COLOR` has nothing to take away. A bar takes
//! itself off the screen when it is dropped, also where an error ends the command: the answer
//! stands alone.
//!
//! - [`bytes`]: files being read (`src/input.rs` shows one for every log by itself)
//! - [`counted`]: so many of so many, of anything
//! - [`stages`]: what a library tells of one stage after another
//!
//! Cost: an atomic addition a step; drawn ten times a second.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{
    HumanDuration, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressState, ProgressStyle,
};
use trainer::Stage;

/// The screen is for the answer alone.
static IS_HUSHED: AtomicBool = AtomicBool::new(false);

/// Often enough to look alive, seldom enough to cost nothing.
const TICK: Duration = Duration::from_millis(100);

const BYTES: &str = "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
/// Nobody knows how much a pipe will bring.
const BYTES_OF_UNKNOWN: &str = "{msg} {spinner} {bytes}, {bytes_per_sec}, {elapsed} so far";
const COUNTED: &str = "{msg} {wide_bar} {human_pos} of {human_len} {prefix}, {rate}, {left} left";
const UNCOUNTED: &str = "{msg} {spinner} {elapsed} so far";

/// Draws nothing from here on, whatever standard error is.
pub fn hush() {
    IS_HUSHED.store(true, Ordering::Relaxed);
}

/// Bytes of `total`, or of nobody knows how many. Nothing is drawn before the first of them.
pub fn bytes(what: &str, total: Option<u64>) -> ProgressBar {
    let bar = new(total).with_message(what.to_owned());
    dress(&bar, if total.is_some() { BYTES } else { BYTES_OF_UNKNOWN });
    bar
}

/// `total` of what `unit` names ("clients", "shops"): `bar.inc(1)` after each, `bar.set_message(…)`
/// when something else begins.
pub fn counted(what: &str, unit: &'static str, total: u64) -> ProgressBar {
    let bar = new(Some(total)).with_message(what.to_owned()).with_prefix(unit);
    dress(&bar, COUNTED);
    bar.enable_steady_tick(TICK);
    bar
}

/// Draws what a library tells of its stages; `verb` begins the line ("Training"). Call what it
/// returns with each [`Stage`].
pub fn stages(verb: &'static str) -> impl FnMut(Stage<'_>) {
    let mut bar: Option<(String, ProgressBar)> = None;
    move |stage: Stage<'_>| {
        if bar.as_ref().is_none_or(|(name, _)| name != stage.name) {
            let what = format!("{verb}: {}", stage.name);
            // First the old one goes, lest two share a line.
            bar = None;
            bar = Some((stage.name.to_owned(), begun(&what, &stage)));
        }
        if let Some((_, bar)) = bar.as_ref().filter(|_| stage.of > 0) {
            bar.set_length(stage.of);
            bar.set_position(stage.done);
        }
    }
}

/// Something of which nobody knows how far it is.
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
    // Standard error that is no terminal hides a bar by itself.
    let target = if IS_HUSHED.load(Ordering::Relaxed) {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    ProgressBar::with_draw_target(total, target).with_finish(ProgressFinish::AndClear)
}

fn dress(bar: &ProgressBar, template: &str) {
    // The templates are ours and a test reads them all; a bar without one is drawn in indicatif's
    // own way.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.with_key("rate", rate).with_key("left", left));
    }
}

/// `310/s`, and of slow things `4.2/s` or `5/min`.
fn rate(state: &ProgressState, out: &mut dyn Write) {
    let _ = match state.per_sec() {
        per_second if per_second < 1.0 => write!(out, "{:.0}/min", per_second * 60.0),
        per_second if per_second < 10.0 => write!(out, "{per_second:.1}/s"),
        per_second => write!(out, "{per_second:.0}/s"),
    };
}

/// What is left, if it goes on as it has gone on the whole. A few large steps, of which two threads
/// end two at once, tell nothing about the next seconds; before the first nobody knows.
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
