//! A verdict and its reasons in words.

use detector::{Action, Reason, Verdict};

/// The features that raised the score most, in words. For a client that is refused because of its
/// cohort (network or login endpoint), what the cohort did comes first.
pub fn because(verdict: &Verdict) -> Vec<String> {
    let spoken: Vec<String> = verdict.because.iter().map(ToString::to_string).collect();
    match (verdict.action, verdict.reason) {
        (Action::Allow, _) => spoken,
        // The score did not decide this.
        (_, reason) if reason.rule().is_some() => vec![guarded(reason).to_owned()],
        // A newcomer that posts where other newcomers fail is refused before anything is measured.
        (_, Reason::Cohort) if spoken.is_empty() => {
            vec!["newcomers fail where it sends its form".to_owned()]
        }
        (_, Reason::Cohort) => {
            let together = "its network's newcomers together".to_owned();
            std::iter::once(together).chain(spoken).collect()
        }
        _ => spoken,
    }
}

/// A verdict in few words, such as `blocked by its score`.
pub fn first_words(action: Action, reason: Reason) -> String {
    let done = match action {
        Action::Allow => "allowed",
        Action::Limit => "limited",
        Action::Block => "blocked",
    };
    let why = match reason {
        Reason::Score | Reason::Limited => "by its score",
        Reason::Slowed => "by its score, page after page",
        Reason::Held => "by its score, for long or beyond doubt",
        Reason::Banned => "by an earlier ban",
        Reason::Shared => "by its score, at an address of many browsers",
        Reason::Cohort => "for what its network's newcomers do",
        other if other.rule().is_some() => "for what no person does",
        other => other.as_str(),
    };
    format!("{done} {why}")
}

/// What a client did that no person can do.
fn guarded(reason: Reason) -> &'static str {
    match reason {
        Reason::GuardPace => "different pages faster than any hand",
        Reason::GuardAttackPaths => "many paths that only attack tools ask for",
        Reason::GuardFailedLogins => "log-ins that fail again and again",
        Reason::GuardCounting => "numbers counted through faster than any hand",
        other => other.as_str(),
    }
}
