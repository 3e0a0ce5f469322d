//! `kidoban drift`: has traffic changed since the model was trained, and does its budget still hold?

use std::fmt::Write as _;

use anyhow::{Result, bail};
use detector::drift::{Drift, PSI_ALARM, Shift};
use trainer::drift::{Examined, Held, Verdict, examine};

use crate::Answer;
use crate::args::DriftArgs;
use crate::input::{Logs, read_labels, read_model};
use crate::output::{self, Table};

/// Features shown when none of them moved.
const SHOWN_QUIET: usize = 5;

/// Compares and prints. Answers no when something moved or a budget is broken.
///
/// # Errors
/// What cannot be read; a model that is refused, or that has nothing to compare with.
pub fn run(args: &DriftArgs) -> Result<Answer> {
    let model = read_model(Some(&args.model))?;
    if model.file().drift.is_none() {
        bail!(
            "{}: the model does not remember what its traffic was like; train it again with this version",
            args.model.display()
        );
    }
    let labels = args.labels.as_deref().map(read_labels).transpose()?;
    let (mut site, _) = Logs::find(&args.logs)?.read_site("site", labels.as_ref())?;
    if let Some(memory) = model.shared_memory() {
        site.remember_all(memory);
    }
    let examined = examine(&site, &model);
    if args.json {
        output::print_json(&examined)?;
    } else {
        output::print(&describe(&examined))?;
    }
    Ok(if examined.is_quiet() { Answer::Yes } else { Answer::No })
}

fn describe(examined: &Examined) -> String {
    let mut text = String::new();
    let Some(drift) = &examined.drift else {
        let _ = writeln!(text, "Nobody in this log has pages enough to be judged: nothing can be said.");
        return text;
    };
    let _ = writeln!(text, "{}", in_words(drift, &examined.model));
    if let Some(share) = examined.share_above_limit {
        let _ = writeln!(
            text,
            "{} of {} judged clients score from the limit threshold on; what moved is measured on the others.",
            output::percent(share),
            output::count(examined.clients_judged),
        );
    }
    let number = |value: Option<f32>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let mut table = Table::new(&["", "PSI", "alarm above", "median then", "now", "missing then", "now"]);
    let mut row = |shift: &Shift| {
        table.row([
            format!("{}{}", shift.name, if shift.alarm { " !" } else { "" }),
            format!("{:.3}", shift.psi),
            format!("{:.3}", shift.noise.max(PSI_ALARM)),
            number(shift.median_then).replace('-', "−"),
            number(shift.median_now).replace('-', "−"),
            output::percent(f64::from(shift.missing_then)),
            output::percent(f64::from(shift.missing_now)),
        ]);
    };
    row(&drift.score);
    let alarms = drift.features.iter().filter(|shift| shift.alarm).count();
    drift.features.iter().take(alarms.max(SHOWN_QUIET)).for_each(&mut row);
    let _ = write!(text, "\n{}\n", table.render());
    for (name, held) in &examined.budgets {
        let _ = writeln!(text, "  {name} budget {}: {}", output::percent(held.budget), of_budget(held));
    }
    text
}

fn in_words(drift: &Drift, model: &str) -> String {
    let moved: Vec<&str> = drift.features.iter().filter(|shift| shift.alarm).map(|shift| shift.name).collect();
    let clients = format!(
        "{} clients now, {} when {model} was trained",
        output::count(drift.clients_now),
        output::count(drift.clients_then)
    );
    match (drift.score.alarm, moved.is_empty()) {
        (false, true) => format!("Nothing moved beyond chance ({clients})."),
        (true, true) => format!("Scores moved though no single feature did ({clients}). Train again on recent logs."),
        (false, false) => format!(
            "Moved: {} ({clients}). The score did not follow: look at what changed in the shop, and train again soon.",
            moved.join(", ")
        ),
        (true, false) => {
            format!("The score moved, and so did {} ({clients}). Train again on recent logs.", moved.join(", "))
        }
    }
}

fn of_budget(held: &Held) -> String {
    let seen = format!(
        "{} of {} known people above, 95 % {} – {}",
        output::count(held.above),
        output::count(held.people),
        output::percent(held.share_ci[0]),
        output::percent(held.share_ci[1]),
    );
    match held.verdict {
        Verdict::Holds => format!("holds ({seen})"),
        Verdict::Unsure if held.people == 0 => "nobody in this log is known for a person; give --labels".to_owned(),
        Verdict::Unsure => format!("neither shown nor refuted by so few people ({seen})"),
        Verdict::Broken => format!("BROKEN ({seen}). Raise the threshold, or train again on recent logs"),
    }
}
