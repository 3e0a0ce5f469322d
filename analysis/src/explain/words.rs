//! Says in plain words what was decided and why.

use std::fmt::Write as _;

use detector::policy::{Policy, Rung, SHARED_MIN, Standing};
use detector::{Action, Judge, Reason};
use traffic::log::civil;

use super::explanation::{Decisive, ScoreThresholds, Totals};
use super::guard_words;
use super::moment::RequestChoice;
use super::phrases::{score, times, value, were};
use super::spoken_record;
use super::story::{Snapshot, Story, network};

/// Number of features that a sentence names.
const LOUDEST: usize = 3;

/// What was decided and why, in two or three sentences.
pub(super) fn sentences(
    story: &Story,
    decisive: Option<&Decisive>,
    judge: &Judge,
    totals: &Totals,
    thresholds: &ScoreThresholds,
) -> Vec<String> {
    // What happened comes first; what another judge would decide is marked as such.
    let recorded = Some(&story.recorded).filter(|recorded| !recorded.is_repeated());
    let mut words: Vec<String> = recorded
        .and_then(|recorded| spoken_record::sentence(story, recorded))
        .into_iter()
        .collect();
    if let Some(recorded) = recorded {
        let model = judge.model.as_ref().map_or("(none)", |model| &model.file().name);
        words.push(spoken_record::other_judge(story, recorded, model));
    }
    words.push(what(story, decisive, totals, is_enforced(story) && recorded.is_none()));
    match (&story.decisive, decisive) {
        (Some(snapshot), Some(decisive)) => {
            words.push(why(story, snapshot, decisive, judge, thresholds))
        }
        (Some(snapshot), None) if snapshot.verdict.reason.rule().is_some() => {
            words.push(guard_words::sentence(&snapshot.verdict, judge))
        }
        _ => words.push(unmeasured(story, judge)),
    }
    words.extend(story.challenges.sentence());
    words
}

/// Whether the gate really enforced its verdicts.
fn is_enforced(story: &Story) -> bool {
    let is_enforced = |mode: &str| mode == "enforce";
    story
        .moments
        .iter()
        .any(|moment| moment.recorded.as_ref().is_some_and(|past| is_enforced(&past.mode)))
}

fn what(story: &Story, decisive: Option<&Decisive>, totals: &Totals, is_real: bool) -> String {
    let client = story.client;
    let were = |number: u64| if is_real { were(number) } else { "would have been" };
    let was = were(1);
    let requests = times(totals.requests, "request");
    let in_all = match (totals.limited, totals.blocked) {
        (0, 0) if totals.requests == 1 => format!("Its one request {was} allowed"),
        (0, 0) => format!("All of its {requests} {} allowed", were(totals.requests)),
        (limited, 0) => format!("{limited} of its {requests} {} limited", were(limited)),
        (0, blocked) => format!("{blocked} of its {requests} {} blocked", were(blocked)),
        (limited, blocked) => {
            format!("{limited} of its {requests} {} limited and {blocked} blocked", were(limited))
        }
    };
    let Some(decisive) = decisive else {
        return format!("{client}: {}.", in_all.to_lowercase());
    };
    let target = usize::try_from(decisive.number)
        .ok()
        .and_then(|number| story.moments.get(number.checked_sub(1)?));
    let target =
        target.map_or_else(String::new, |moment| format!(", {} {}", moment.method, moment.target));
    let place = format!("request {} at {} UTC{target}", decisive.number, civil(decisive.at));
    let verb = match decisive.action {
        Action::Allow
            if totals.limited + totals.blocked == 0 && story.which == RequestChoice::Hardest =>
        {
            let never = if is_real { "was never" } else { "would never have been" };
            return format!(
                "{client} {never} stopped. {in_all}; the highest score came with {place}."
            );
        }
        Action::Allow => "allowed",
        Action::Limit => "limited",
        Action::Block => "blocked",
    };
    format!("{client} {was} {verb} with {place}. {in_all}.")
}

/// The features that contributed most towards "bot".
fn because(decisive: &Decisive) -> String {
    let mut text = String::new();
    for row in decisive.features.iter().filter(|row| row.part > 0.0).take(LOUDEST) {
        let said = row
            .value
            .map_or_else(|| "not known".to_owned(), |measured| value(row.feature, measured));
        let _ = write!(
            text,
            "{}{} {said} (+{:.1}",
            if text.is_empty() { "" } else { ", " },
            row.words,
            row.part
        );
        if let Some(normal) = row.normal {
            let _ = write!(text, ", people {}", value(row.feature, normal.middle));
        }
        text.push(')');
    }
    if text.is_empty() { "no feature speaks against it".to_owned() } else { text }
}

/// `8 pages in a row`; for a client that was banned before, `4 pages in a row (8 before its first
/// ban, and half as many after each)`.
fn in_a_row(policy: &Policy, before: Option<&Snapshot>) -> String {
    let usual = policy.config().block_after_pages;
    let pages =
        before.map_or(usual, |before| policy.pages_to_block(&before.standing, before.verdict.at));
    let row = if pages == 1 { "one page".to_owned() } else { format!("{pages} pages in a row") };
    if pages < usual {
        format!("{row} ({usual} before its first ban, and half as many after each)")
    } else {
        row
    }
}

/// ` and goes on (24 points)`, for a client that has less than at first; nothing for others.
fn went_on(rung: Rung, standing: &Standing) -> String {
    match rung {
        Rung::Limited => String::new(),
        Rung::Slowed | Rung::Held => format!(" and goes on ({} points)", standing.points()),
    }
}

fn why(
    story: &Story,
    snapshot: &Snapshot,
    decisive: &Decisive,
    judge: &Judge,
    thresholds: &ScoreThresholds,
) -> String {
    let (verdict, config) = (&snapshot.verdict, judge.policy.config());
    let loudest = because(decisive);
    let own = score(decisive.score);
    let until = civil(verdict.at.plus_secs(u64::from(verdict.retry_after_s)));
    let rung = judge.policy.rung(&snapshot.standing);
    let (pages_per_min, burst_pages) = rung.allowance(config);
    let pace = format!("{} a minute, {burst_pages} at once", times(pages_per_min.into(), "page"));
    let led = match &story.cause {
        Some(cause) if decisive.scored == cause.number && cause.number != decisive.number => {
            format!("request {} at {} UTC", cause.number, civil(cause.verdict.at))
        }
        _ => "this request".to_owned(),
    };
    match verdict.reason {
        Reason::Score => format!(
            "It scored {own}, and who scores {} or more on {} is blocked, this time until {until} \
                UTC. What speaks for a \
             bot: {loudest}.",
            score(thresholds.block),
            in_a_row(&judge.policy, Some(snapshot))
        ),
        Reason::Banned if story.cause.is_none() => {
            format!(
                "An earlier ban was in force until {until} UTC; the request that led to it is \
                not in this log."
            )
        }
        Reason::Banned => format!(
            "A ban was in force until {until} UTC, whatever was asked for. It came from {led}, \
                which scored {own} ({} or more on \
             {} is a ban): {loudest}.",
            score(thresholds.block),
            in_a_row(&judge.policy, story.cause.as_ref())
        ),
        reason
            if reason.is_score_limit()
                && verdict.action == Action::Limit
                && snapshot.is_scored
                && decisive.scored == decisive.number =>
        {
            format!(
                "It scored {own}; from {} on a client{} has {pace}, and it asked for more. What \
                    speaks for a bot: {loudest}.",
                score(thresholds.limit),
                went_on(rung, &snapshot.standing)
            )
        }
        Reason::Limited | Reason::Slowed | Reason::Held => format!(
            "A client that scores {} or more{} has {pace}, for {} s after each such score or until \
                it is clearly below; this request \
             was {} that. {} scored {own}: {loudest}.",
            score(thresholds.limit),
            went_on(rung, &snapshot.standing),
            rung.lasts_s(config),
            if verdict.action == Action::Limit { "beyond" } else { "within" },
            led.replacen("this request", "It", 1).replacen("request", "Request", 1)
        ),
        Reason::Shared => format!(
            "{} browsers or more came from this address within the hour, so it is taken for many \
                people's and never blocked: \
             what would have been ({led} scored {own}) is limited to {pace}. What speaks for a \
             bot: {loudest}. At least \
             {SHARED_MIN} browsers make an address shared.",
            decisive.browsers
        ),
        Reason::Proxy => {
            "It is a proxy's own request, or came through a proxy that trusted_proxies does not \
             name: nobody is judged by it."
                .to_owned()
        }
        Reason::GuardPace
        | Reason::GuardAttackPaths
        | Reason::GuardFailedLogins
        | Reason::GuardCounting => guard_words::sentence(verdict, judge),
        Reason::Cohort => cohort(story, snapshot, decisive, thresholds, &pace),
        Reason::TooFewPages => format!(
            "It had asked for {} and is judged from {}: until then everybody is allowed.",
            times(u64::from(decisive.pages), "page"),
            judged_from(judge)
        ),
        Reason::NoThreshold => {
            "This model has no threshold in force, so nobody is limited or blocked, whatever the \
                score."
                .to_owned()
        }
        Reason::Usual => {
            let nearest = [thresholds.limit, thresholds.block].into_iter().flatten().next();
            let clause = nearest.map_or_else(String::new, |limit| {
                format!(
                    "; from {limit:.3} on a \
                client is stopped"
                )
            });
            format!("It scored {own}{clause}. What speaks for a bot: {loudest}.")
        }
        Reason::AllowList | Reason::Crowded | Reason::Failure => {
            unmeasured_reason(verdict.reason).to_owned()
        }
    }
}

/// Why a client was limited because of its cohort.
fn cohort(
    story: &Story,
    snapshot: &Snapshot,
    decisive: &Decisive,
    thresholds: &ScoreThresholds,
    pace: &str,
) -> String {
    let together: Vec<String> = snapshot.verdict.because.iter().map(ToString::to_string).collect();
    if snapshot.write != 0 && together.is_empty() {
        let place = story
            .moments
            .get(decisive.number as usize - 1)
            .map_or("this path", |moment| &*moment.target);
        return format!(
            "Newcomers who send forms to {place} share one small bucket there, because many of \
                them fail: that page is under \
             attack. It had asked for {}, too few to be judged by itself; nothing that it did \
             itself is held against it.",
            times(u64::from(decisive.pages), "page")
        );
    }
    let who = decisive.cohort.as_ref().map_or_else(
        || format!("Newcomers of the network {}", network(story.client)),
        |cohort| {
            let clients = times(cohort.clients, "client");
            format!(
                "The newcomers of the network {} with the same browser ({clients} so far)",
                cohort.network
            )
        },
    );
    let own = match decisive.score {
        Some(own) => format!("By itself it scored {own:.3}, which stops nobody"),
        None => {
            format!("By itself it has no score after {}", times(u64::from(decisive.pages), "page"))
        }
    };
    format!(
        "{who} together score like one bot (from {} on), and share {pace}: {}. {own}: nothing that \
            it alone did decides this.",
        score(thresholds.cohort),
        if together.is_empty() {
            "their requests taken as one client's".to_owned()
        } else {
            together.join(", ")
        },
    )
}

/// From when on a client is judged. A model that averages the pages of a visit begins at a step.
fn judged_from(judge: &Judge) -> String {
    let pages = judge.policy.min_pages();
    match judge.model.as_ref().map(|model| model.score_rule()) {
        Some(rule) if rule.from_step > 1 => format!(
            "{pages} on, in step {} of its visit at the earliest (a click and what it loads by \
             itself are one step)",
            rule.from_step
        ),
        _ => format!("{pages} on"),
    }
}

/// Why nothing was measured.
fn unmeasured(story: &Story, judge: &Judge) -> String {
    if judge.model.is_none() {
        return "There is no model: everybody is allowed.".to_owned();
    }
    let wanted = match story.which {
        RequestChoice::Hardest => story.moments.last(),
        RequestChoice::Number(number) => {
            story.moments.get(usize::try_from(number).unwrap_or(0).saturating_sub(1))
        }
        RequestChoice::Decision(ref id) => story
            .moments
            .iter()
            .find(|moment| moment.recorded.as_ref().is_some_and(|past| past.id == *id)),
    };
    match wanted.map(|moment| moment.reason) {
        Some(Reason::TooFewPages) => {
            let pages = times(story.pages, "page");
            format!(
                "It asked for {pages} and is judged from {}: until then everybody is allowed.",
                judged_from(judge)
            )
        }
        Some(reason) => unmeasured_reason(reason).to_owned(),
        None => "Nothing was measured of it.".to_owned(),
    }
}

fn unmeasured_reason(reason: Reason) -> &'static str {
    match reason {
        Reason::AllowList => "The allow list lets it pass: it is neither judged nor remembered.",
        Reason::Crowded => {
            "All places of the table were taken and it had not been here lately: it was noted, \
                allowed, and has a place when it \
             returns."
        }
        Reason::Failure => {
            "Scoring failed, and the gate lets pass what it cannot judge: this is a fault of the \
                gate."
        }
        _ => "It was allowed and never scored.",
    }
}
