//! Says in plain words why the guard limits a client.

use detector::guard::Rule;
use detector::{Action, Judge, Verdict};

/// Why the client of this verdict is limited, and to what. Empty if the guard does not limit it.
pub(super) fn sentence(verdict: &Verdict, judge: &Judge) -> String {
    let Some(rule) = verdict.reason.rule() else { return String::new() };
    let did = match rule {
        Rule::Pace => "opens different pages faster than any hand",
        Rule::AttackPaths => {
            "asks for ten different paths that only attack tools ask for, all of them missing"
        }
        Rule::FailedLogins => "fails to log in 30 times without a longer pause",
        Rule::Counting => "counts through the numbers of one URL faster than any hand",
    };
    let config = judge.policy.config();
    let which = if verdict.action == Action::Limit { "beyond" } else { "within" };
    format!(
        "No person can do what it did, whatever its score: a client that {did} has {} pages a \
         minute, {} at once, for {} s after it did so last; this request was {which} that. The \
         rule is {:?}, which guard in [policy] turns on and off.",
        config.limit_pages_per_min,
        config.limit_burst_pages,
        config.limit_s,
        verdict.reason.as_str(),
    )
}
