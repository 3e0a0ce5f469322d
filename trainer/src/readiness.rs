//! What a model must reach before it may refuse anybody.

use std::collections::BTreeMap;

use detector::model::{Metric, Readiness, Requirement, Thresholds};

/// The lower end of the interval of the area under the curve must reach this. Below it, three pairs
/// of a person and a bot in ten are in the wrong order, and no threshold catches much without
/// hurting many.
const AUC_MIN: f64 = 0.7;
/// Fewer people show neither whom a threshold hurts nor how bots differ from people.
const PEOPLE_MIN: f64 = 20.0;

/// Compares a model's figures with what is required. `assumed` of the people seen are people by
/// assumption only: they may arm a limit and do not count towards a block threshold.
pub(crate) fn readiness(
    metrics: &BTreeMap<String, Metric>,
    thresholds: &Thresholds,
    people_seen: u64,
    assumed: u64,
    people_needed: u64,
) -> Readiness {
    let gate = |name: &str, value: f64, required: f64, remedy: &str| Requirement {
        name: name.to_owned(),
        value,
        required,
        remedy: remedy.to_owned(),
    };
    // A log without bots: attackers stand for them.
    let area =
        if metrics.contains_key("calibration/auc") { "calibration/auc" } else { "attack/auc" };
    let low = |name: &str| metrics.get(name).map_or(0.0, |metric| metric.low);
    let mut gates = vec![
        gate(
            "the number of people with enough pages",
            people_seen as f64,
            PEOPLE_MIN,
            "train on a longer log, or name more people in --labels",
        ),
        gate(
            "the lower bound of the area under the curve on clients it did not see",
            low(area),
            AUC_MIN,
            "label more clients, or look with --labels-out for those labelled wrongly",
        ),
        gate(
            "the number of limit thresholds",
            f64::from(u8::from(thresholds.limit.margin.is_some())),
            1.0,
            "train on a log with more people or clients",
        ),
    ];
    let left_out =
        metrics.iter().filter(|(name, _)| name.starts_with("left_out/") && name.ends_with("/auc"));
    if let Some(worst) = left_out.map(|(_, metric)| metric.low).reduce(f64::min) {
        gates.push(gate(
            "the lower bound of the area under the curve on the worst site it did not see",
            worst,
            AUC_MIN,
            "adapt it to your own site with kidoban train --base",
        ));
    }
    Readiness::new(
        people_seen - assumed.min(people_seen),
        people_needed,
        thresholds.block.margin.is_some(),
        gates,
    )
}
