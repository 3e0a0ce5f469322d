//! `kidoban explain`: shows what was decided about one client, and why.

mod print;

use analysis::explain::{ExplainPass, ExplainWatch, Explanation, Follower, RequestChoice};
use anyhow::{Result, bail};
use detector::{ClientKey, Detector, Settings};
use traffic::replay::{Walked, walk_twice_if_needed};
use trainer::site::OFFLINE_HASH_KEY;

use crate::args::ExplainArgs;
use crate::command_result::CommandResult;
use crate::input::{Logs, read_labels};
use crate::jobs::jobs;
use crate::judge::judge;
use crate::{decision, not_found, output};

/// Explains one client or one decision and prints. The result is `Failed` when it is not in the
/// logs.
///
/// # Errors
/// A file that cannot be read; a text that is no decision's id.
pub fn run(args: &ExplainArgs) -> Result<CommandResult> {
    let (client, patterns, which) = match (&args.id, args.words.as_slice()) {
        (Some(id), patterns) => {
            if Logs::find(patterns)?.has_pipe() {
                bail!("--id reads the event log twice, which a pipe does not allow: give a file");
            }
            let Some(decided) = decision::find(id, patterns, jobs(args.jobs))? else {
                return decision::not_found(id, patterns, args.json);
            };
            (decided.client, patterns, RequestChoice::Decision(decided.id))
        }
        (None, [client, patterns @ ..]) if !patterns.is_empty() => {
            let which = args.request.map_or(RequestChoice::Hardest, RequestChoice::Number);
            crate::input::warn_of_name(client);
            (ClientKey::from_text(client), patterns, which)
        }
        _ => bail!("expected a client and its log, such as `kidoban explain 192.0.2.7 access.log`"),
    };
    let labels = args.labels.as_deref().map(read_labels).transpose()?;
    let (judge, capacity) = judge(args.config.as_deref(), args.model.as_deref())?;
    let options = args.read.options(args.config.as_deref())?;
    let logs = Logs::find(patterns)?.reading(options);
    let following = || {
        let settings = Settings { capacity, hash_key: OFFLINE_HASH_KEY };
        ExplainPass::new(Detector::new(settings, judge.clone()), client, which.clone())
    };
    let Walked { watches, .. } = walk_twice_if_needed(jobs(args.jobs), &logs, following)?;
    logs.finish();
    let followers = watches.into_iter().map(ExplainWatch::into_follower);
    let follower = followers.reduce(Follower::join);
    let Some(explanation) = follower.and_then(|follower| follower.explain(&judge, labels.as_ref()))
    else {
        // The words as typed, because the key of a name that is no address is only a hash.
        let asked = args
            .words
            .first()
            .filter(|_| args.id.is_none())
            .map_or_else(|| client.to_string(), Clone::clone);
        return not_found::print(
            &asked,
            not_found_words(&output::safe(&asked, 80), args.request, patterns),
            args.json,
        );
    };
    print(&explanation, args)?;
    Ok(CommandResult::Passed)
}

fn print(explanation: &Explanation, args: &ExplainArgs) -> Result<()> {
    if args.json {
        output::print_json(explanation)
    } else {
        output::print(&print::describe(explanation, args.all))
    }
}

fn not_found_words(client: &str, request: Option<u64>, patterns: &[String]) -> String {
    let logs = patterns.join(" ");
    match request {
        Some(number) => format!("{client} has no request {number} in {logs}."),
        None => format!(
            "{client} is not in {logs}. A client is what the log's client field holds; `kidoban \
                replay` lists those who were \
             stopped."
        ),
    }
}
