//! Table cells that several tables of the benchmark's report share.

use analysis::format::{percent, range};
use analysis::report::Names;
use analysis::report::table::Cell;
use maud::{Markup, html};

use crate::botbench::result::{PopulationRow, Share};

/// A name with a longer word, as a label's reason may have, can be broken anywhere. In characters.
const WORD_CHARS_MAX: usize = 20;

/// The name of a row's population.
pub(super) fn name(row: &PopulationRow, names: &Names) -> Cell {
    Cell::markup(called(&row.population, names))
}

/// A name that can be broken at the ends of its words but is copied unbroken.
pub(super) fn called(name: &str, names: &Names) -> Markup {
    let name = names.text(name);
    let is_breakable = name.split(['_', ' ']).all(|word| word.chars().count() <= WORD_CHARS_MAX);
    let words = name.split_inclusive('_').enumerate();
    html! {
        code .name[is_breakable] { bdi { @for (i, word) in words { @if i > 0 { wbr; } (word) } } }
    }
}

pub(super) fn share(share: Share) -> Cell {
    Cell::figure(&percent(share.value()))
}

/// The ends of the share's 95 % interval.
pub(super) fn ends(share: Share) -> String {
    if share.n == 0 {
        return "–".to_owned();
    }
    let interval = share.interval();
    range([interval.low, interval.high])
}
