//! Every metric is registered, and its labels are in order.

use super::*;

#[test]
fn the_lists_are_in_the_order_of_their_variants() {
    assert!(Mode::ALL.iter().enumerate().all(|(index, mode)| *mode as usize == index));
    assert!(Action::ALL.iter().enumerate().all(|(index, action)| *action as usize == index));
    assert!(Reason::ALL.iter().enumerate().all(|(index, reason)| *reason as usize == index));
    assert!(Malformed::ALL.iter().enumerate().all(|(index, kind)| *kind as usize == index));
}

#[test]
fn every_metric_is_there_before_the_first_request() {
    let metrics = Metrics::new();
    metrics.model(None);
    metrics.budgets([None, Some(0.001)]);
    let mut outcomes = Conversions::default();
    outcomes.add("buyer", "POST /order 2xx").unwrap();
    metrics.conversions(&outcomes);
    let stats = Stats {
        clients: 3,
        capacity: 9,
        evictions: 2,
        bans: 1,
        bans_provisional: 2,
        bans_dropped: 0,
        panics: 0,
    };
    let text = metrics.render(&stats, Mode::Shadow);
    for (name, help) in METRICS.into_iter().chain(EDGE_METRICS) {
        assert!(text.contains(&format!("# HELP {name} {help}")), "{name} has no help in:\n{text}");
        assert!(text.contains(&format!("# TYPE {name} ")), "{name} is missing in:\n{text}");
    }
    assert!(text.contains("kidoban_clients 3"), "{text}");
    assert!(text.contains("kidoban_evictions_total 2"), "{text}");
    assert!(
        text.contains("kidoban_outcomes_total{outcome=\"buyer\",standing=\"refused\"} 0"),
        "{text}"
    );
    assert!(text.contains("kidoban_budget{threshold=\"limit\"} NaN"), "{text}");
    assert!(text.contains("kidoban_budget{threshold=\"block\"} 0.001"), "{text}");
}
