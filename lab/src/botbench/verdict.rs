//! Compares the detector with each rule, and checks the targets.

use std::collections::BTreeMap;

use analysis::format::count;

use super::result::{
    Against, Behind, BotBench, Column, PopulationRow, PopulationVerdict, Share, Target,
};

/// Compares the detector, the first column, with each rule on each bad population.
pub(super) fn verdicts(
    columns: &[Column],
    people: &PopulationRow,
    bad: &[PopulationRow],
) -> Vec<PopulationVerdict> {
    let against = |row: &PopulationRow| PopulationVerdict {
        population: row.population.clone(),
        against: columns
            .iter()
            .enumerate()
            .filter(|(_, column)| !column.is_detector)
            .map(|(index, column)| {
                stands(&column.name, [people, row].map(|row| [&row.of[0], &row.of[index]]))
            })
            .collect(),
    };
    // If one side has no clients there is nothing to compare.
    bad.iter().filter(|row| row.clients > 0 && people.clients > 0).map(against).collect()
}

fn stands(rule: &str, [people, bad]: [[&super::result::ColumnOutcome; 2]; 2]) -> Against {
    let [hurt, hurt_by_it] = people.map(|outcome| outcome.refused);
    let [found, found_by_it] = bad.map(|outcome| outcome.detected);
    let [passed, passed_by_it] = bad.map(|outcome| outcome.let_through);
    let mut behind = Vec::new();
    if found.value() < found_by_it.value() {
        behind.push(format!(
            "finds {} of {} where it finds {}",
            count(found.k),
            count(found.n),
            count(found_by_it.k)
        ));
    }
    if passed.value() > passed_by_it.value() {
        behind.push(format!(
            "lets {} of {} requests through where it lets {}",
            count(passed.k),
            count(passed.n),
            count(passed_by_it.k)
        ));
    }
    if hurt.value() > hurt_by_it.value() {
        behind.push(format!(
            "refuses {} of {} people where it refuses {}",
            count(hurt.k),
            count(hurt.n),
            count(hurt_by_it.k)
        ));
    }
    let why = (!behind.is_empty()).then(|| behind.join(", and "));
    Against { rule: rule.to_owned(), is_ahead: why.is_none(), why }
}

impl BotBench {
    /// Where the detector is not ahead, by rule. Populations with the same reason are listed
    /// together, because the reason is often the same everywhere: a rule that does nothing also
    /// refuses no people.
    pub fn behind(&self) -> Vec<Behind<'_>> {
        let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for verdict in &self.verdicts {
            for against in &verdict.against {
                if let Some(why) = &against.why {
                    reasons.entry((&against.rule, why)).or_default().push(&verdict.population);
                }
            }
        }
        let all = self.verdicts.len();
        let behind = |((rule, why), populations): (_, Vec<_>)| {
            let is_everywhere = populations.len() == all;
            Behind { rule, why, populations, is_everywhere }
        };
        reasons.into_iter().map(behind).collect()
    }
}

/// The share of a bad population, by its name, that must be detected.
pub(super) type WantedShare = (&'static str, f64);

/// Checks the targets: people first, then the bad populations that `wanted` names.
pub(super) fn targets(
    people: &PopulationRow,
    bad: &[PopulationRow],
    wanted: &[WantedShare],
) -> Vec<Target> {
    let mut targets = Vec::new();
    if let Some(of) = people.of.first() {
        let (blocked, refused) = (of.blocked, of.refused);
        let limited = Share { k: refused.k - blocked.k.min(refused.k), n: refused.n };
        let is_met = blocked.k == 0;
        targets.push(of_people(
            "blocked at most",
            0.0,
            blocked,
            is_met,
            is_met && blocked.n >= PEOPLE_MIN,
        ));
        let (is_met, is_sure) =
            (limited.value() <= LIMITED_MAX, limited.interval().high <= LIMITED_MAX);
        targets.push(of_people("limited at most", LIMITED_MAX, limited, is_met, is_sure));
    }
    for &(population, bound) in wanted {
        let row = bad.iter().find(|row| row.population == population && row.clients > 0);
        let Some(found) = row.and_then(|row| row.of.first()).map(|of| of.detected) else {
            continue;
        };
        targets.push(Target {
            population: population.to_owned(),
            what: "detected at least",
            bound,
            found,
            is_met: found.value() >= bound,
            is_sure: found.interval().low >= bound,
        });
    }
    targets
}

fn of_people(what: &'static str, bound: f64, found: Share, is_met: bool, is_sure: bool) -> Target {
    Target { population: "people".to_owned(), what, bound, found, is_met, is_sure }
}

/// If none of this many people is blocked, at most 0.0125 % of people are, with 95 % confidence.
const PEOPLE_MIN: u64 = 30_000;
/// Share of people that may be answered 429.
const LIMITED_MAX: f64 = 0.001;

/// The result in one sentence.
pub(super) fn summary(found: &BotBench) -> String {
    let Some(people) = found.people.of.first() else { return "Nobody came.".to_owned() };
    let (mut ahead, mut all) = (0, 0);
    for against in found.verdicts.iter().flat_map(|verdict| &verdict.against) {
        ahead += u64::from(against.is_ahead);
        all += 1;
    }
    let met = found.targets.iter().filter(|target| target.is_met).count();
    let unsure = found.targets.iter().filter(|target| target.is_met && !target.is_sure).count();
    let surely = if unsure == 0 {
        String::new()
    } else {
        format!(", {unsure} of them not surely (near the bound, or few came)")
    };
    format!(
        "Of {} people the detector blocks {} and answers 429 to {}. In {ahead} of {all} \
            comparisons with the peers' rules, over {} bad \
         populations, it is ahead: it finds no fewer bots, lets no more of their requests through \
         and refuses no more people. It reaches {met} of \
         {} targets{surely}.",
        count(people.refused.n),
        count(people.blocked.k),
        count(people.refused.k - people.blocked.k.min(people.refused.k)),
        found.verdicts.len(),
        found.targets.len(),
    )
}
