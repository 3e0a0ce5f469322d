//! `kidoban label --propose`: lists the clients nearest to a threshold, where a label teaches the
//! next model most.

use std::fmt::Write as _;

use analysis::borderline::{Borderline, NearThreshold, NearThresholdPass, NearThresholdWatch};
use anyhow::{Result, bail};
use detector::{Detector, Settings};
use serde::Serialize;
use traffic::replay::{Walked, walk_twice_if_needed};
use trainer::site::OFFLINE_HASH_KEY;

use crate::args::LabelArgs;
use crate::command_result::CommandResult;
use crate::input::{Logs, read_labels};
use crate::jobs::jobs;
use crate::judge::judge;
use crate::output::{self, TextTable};

#[derive(Serialize)]
struct Proposed {
    model: String,
    requests_from: Vec<String>,
    borderline: Vec<Borderline>,
}

/// Prints the proposals. The result is `Failed` when no client is near a threshold.
///
/// # Errors
/// A file that cannot be read; a configuration or model that is refused.
pub fn run(args: &LabelArgs) -> Result<CommandResult> {
    if args.words.is_empty() {
        bail!(
            "--propose looks at logs: name them, such as `kidoban label --propose access.log \
                --model shop.json`"
        );
    }
    let (judge, capacity) = judge(args.config.as_deref(), args.model.as_deref())?;
    let labels = args.labels.is_file().then(|| read_labels(&args.labels)).transpose()?;
    let logs = Logs::find(&args.words)?.reading(args.read.options(args.config.as_deref())?);
    let proposing = || {
        let settings = Settings { capacity, hash_key: OFFLINE_HASH_KEY };
        NearThresholdPass::new(Detector::new(settings, judge.clone()))
    };
    let Walked { watches, .. } = walk_twice_if_needed(jobs(None), &logs, proposing)?;
    logs.finish();
    let border = watches
        .into_iter()
        .map(NearThresholdWatch::into_near_threshold)
        .reduce(NearThreshold::join);
    let borderline =
        border.map_or_else(Vec::new, |border| border.nearest(labels.as_ref(), args.top));
    let model = judge.model.as_ref().map_or_else(String::new, |model| model.file().name.clone());
    let proposed = Proposed { model, requests_from: logs.names(), borderline };
    if args.json {
        output::print_json(&proposed)?;
    } else {
        output::print(&describe(&proposed, labels.is_some(), args))?;
    }
    Ok(CommandResult::passed_if(!proposed.borderline.is_empty()))
}

fn describe(proposed: &Proposed, has_labels: bool, args: &LabelArgs) -> String {
    let labels = args.labels.display();
    let mut text = String::new();
    let Some(first) = proposed.borderline.first() else {
        return format!(
            "No client whom {labels} leaves open is near a threshold of {}.\n",
            proposed.model
        );
    };
    let open = if has_labels { format!(" and whom {labels} leaves open") } else { String::new() };
    let _ = writeln!(
        text,
        "The {} nearest to a threshold of {}{open}. A label for each teaches the next model \
            most.\n",
        analysis::format::counted(proposed.borderline.len() as u64, "client"),
        proposed.model
    );
    let mut table = TextTable::new(&[
        "client",
        "pages",
        "score",
        "nearest threshold",
        "highest at (UTC)",
        "weak rules say",
        "because",
    ]);
    for row in &proposed.borderline {
        let side = if row.distance < 0.0 { "below" } else { "above" };
        table.row([
            row.client.clone(),
            output::count(u64::from(row.pages)),
            output::figure(Some(f64::from(row.score))),
            format!("{side} {} {:.3}", row.threshold, row.threshold_score),
            output::time(row.at),
            format!("{}: {}", row.guess, row.why),
            row.because.join(", "),
        ]);
    }
    text.push_str(&table.render());
    let _ = writeln!(
        text,
        "\nLook at one:  kidoban explain {} {}{}{}\nLabel it:     kidoban label {} human|bad \
            --labels {labels}",
        first.client,
        args.words.join(" "),
        // Without the same model, `explain` would show another score.
        args.config.as_deref().map_or_else(String::new, |path| format!(" -c {}", path.display())),
        args.model
            .as_deref()
            .map_or_else(String::new, |path| format!(" --model {}", path.display())),
        first.client
    );
    text
}
