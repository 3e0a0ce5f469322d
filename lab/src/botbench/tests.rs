use std::collections::HashSet;

use detector::ClientKey;

use super::client_results::ClientResults;
use super::columns::ColumnAction;
use super::result::{Column, Quantiles, Share};
use super::*;

/// The smallest scale at which a model can be trained.
const TINY: RunScale = RunScale {
    training_days: 2,
    training_people: 80,
    training_bots: 3,
    rounds: 3,
    people: 30,
    bots: 2,
    botnet_rounds: 0,
    heat_clients: 2,
    heat_step: 6,
};

#[test]
fn the_result_is_the_same_however_many_threads_work() {
    let crowd = BenchmarkTraffic::new(7, TINY);
    let training = trainer::Options::default();
    let TrainedModel { model, learnt, counts, .. } =
        learn(crowd.training(), &training, 7, &|_| {}).unwrap();
    assert!(counts.people > 100 && counts.bots > 50 && counts.requests > 10_000);
    let column_set = ColumnSet { models: vec![("kidoban".to_owned(), model)], rules: Some(learnt) };
    let result = |threads| {
        let (RoundResult { sums, refused }, heat) =
            tested(&crowd, TINY, &column_set, threads, &|_| {}).unwrap();
        let rows = [Truth::Human, Truth::Welcome, Truth::Bad].map(|truth| rows(&sums, truth));
        (rows, refused, heat)
    };
    let (rows, refused, heat) = result(1);
    let again = result(3);
    let text =
        |rows, heat| (serde_json::to_string(rows).unwrap(), serde_json::to_string(heat).unwrap());
    assert_eq!(text(&rows, &heat), text(&again.0, &again.2));
    assert_eq!(refused, again.1);

    assert_eq!(column_set.columns().len(), 7);
    let populations = [Truth::Human, Truth::Welcome, Truth::Bad].map(|truth| {
        let comes = |population: &&Population| {
            population.truth() == truth && !benchmark_traffic::is_botnet(**population)
        };
        Population::OF_THE_BENCHMARK.iter().filter(comes).count()
    });
    assert_eq!([rows[0].len(), rows[1].len(), rows[2].len()], populations);
    for row in rows.iter().flatten() {
        assert!(row.clients > 0 && row.of.len() == 7 && !row.reasoning.is_empty(), "{row:?}");
        for of in &row.of {
            let numbers = [of.detected.n, of.refused.n, of.blocked.n, of.let_through.n];
            assert_eq!(numbers, [row.clients, row.clients, row.clients, row.requests]);
            assert!(of.blocked.k <= of.refused.k && of.refused.k <= of.detected.k, "{row:?}");
            assert_eq!(of.requests_to_detect.is_some(), of.detected.k > 0);
        }
    }
}

#[test]
fn nobody_is_tested_whom_the_model_was_trained_on_and_no_address_is_two_clients() {
    let crowd = BenchmarkTraffic::new(7, TINY);
    let mut known: HashSet<ClientKey> = HashSet::new();
    let mut days = 0;
    for day in crowd.training() {
        let clients: HashSet<ClientKey> =
            day.iter().map(|request| request.as_request().client).collect();
        assert!(clients.is_disjoint(&known), "each day has other visitors");
        assert!(day.iter().all(|request| benchmark_traffic::is_trained_on(request.population)));
        known.extend(clients);
        days += 1;
    }
    assert_eq!(days, TINY.training_days);
    let visitors = |requests: &[traffic::sim::SimRequest]| -> HashSet<String> {
        // Visitors are simulated by their seed: no two do the same thing in the same microsecond of
        // a day.
        requests
            .iter()
            .map(|request| {
                format!("{} {}", request.at.as_micros() % 86_400_000_000, request.target)
            })
            .collect()
    };
    let trained: HashSet<String> = crowd.training().flat_map(|day| visitors(&day)).collect();
    let tested: HashSet<String> =
        (0..TINY.rounds).flat_map(|round| visitors(&crowd.round(round))).collect();
    let both = trained.intersection(&tested).count();
    assert!(both * 1_000 < tested.len(), "{both} of {}", tested.len());
    for round in 0..TINY.rounds {
        let mut populations = std::collections::HashMap::new();
        for request in crowd.round(round) {
            let before =
                *populations.entry(request.as_request().client).or_insert(request.population);
            assert_eq!(before, request.population);
        }
    }
}

#[test]
fn fates_are_counted_by_client_and_by_request() {
    let mut client_results = ClientResults::new(1);
    let acts = [
        vec![ColumnAction::Passed; 3],
        vec![ColumnAction::Passed, ColumnAction::Noted, ColumnAction::Passed],
        vec![
            ColumnAction::Passed,
            ColumnAction::Noted,
            ColumnAction::Limited,
            ColumnAction::Blocked,
        ],
        vec![ColumnAction::Passed, ColumnAction::Passed, ColumnAction::Caught],
    ];
    for (client, acts) in acts.iter().enumerate() {
        for &action in acts {
            let number = client_results.count(client);
            client_results.note(client, 0, number, action);
        }
    }
    let mut sum = PopulationSum::default();
    (0..5).for_each(|client| client_results.add_to(&mut sum, client));
    let mut twice = sum.clone();
    twice.join(&sum);
    let [row, twice] = [sum, twice].map(|sum| sum.row("p", "r"));
    let of = &row.of[0];
    assert_eq!((row.clients, row.requests), (4, 13), "one did not come");
    assert_eq!([of.detected.k, of.refused.k, of.blocked.k], [3, 2, 2]);
    assert_eq!((of.let_through.k, of.let_through.n), (11, 13));
    assert_eq!(of.requests_to_detect, Some(Quantiles { median: 2, p90: 3 }));
    assert_eq!(of.requests_to_block, Some(Quantiles { median: 3, p90: 4 }));
    assert_eq!((twice.clients, twice.of[0].detected), (8, Share { k: 6, n: 8 }));
}

#[test]
fn a_verdict_says_where_the_detector_is_behind_and_why() {
    let outcome = |detected, refused| result::ColumnOutcome {
        detected: Share { k: detected, n: 100 },
        refused: Share { k: refused, n: 100 },
        let_through: result::RequestShare { k: 900 - 9 * refused.min(95), n: 900 },
        ..result::ColumnOutcome::default()
    };
    let row = |of| PopulationRow {
        population: "p".to_owned(),
        reasoning: String::new(),
        clients: 100,
        requests: 900,
        of,
    };
    let column = |name: &str| Column { name: name.to_owned(), is_detector: name == "kidoban" };
    let columns = ["kidoban", "same", "finds_more", "spares_more", "lets_less"].map(column);
    let people =
        row(vec![outcome(2, 2), outcome(2, 2), outcome(9, 9), outcome(0, 0), outcome(9, 9)]);
    let bad = row(vec![
        outcome(90, 90),
        outcome(90, 90),
        outcome(91, 90),
        outcome(50, 50),
        outcome(90, 95),
    ]);
    let [verdict] = &verdict::verdicts(&columns, &people, std::slice::from_ref(&bad))[..] else {
        panic!("one population")
    };
    let said: Vec<(bool, Option<&str>)> =
        verdict.against.iter().map(|against| (against.is_ahead, against.why.as_deref())).collect();
    assert_eq!(
        said,
        [
            (true, None),
            (false, Some("finds 90 of 100 where it finds 91")),
            (false, Some("refuses 2 of 100 people where it refuses 0")),
            (false, Some("lets 90 of 900 requests through where it lets 45")),
        ]
    );
    let targets = verdict::targets(&people, &[bad], &[("p", 0.9), ("p", 0.91), ("not there", 0.5)]);
    let met: Vec<bool> = targets.iter().map(|target| target.is_met).collect();
    assert_eq!(met, [true, false, true, false], "nobody blocked, 2 % limited, 90 % found");
    let sure = |people: Share, found: Share| -> Vec<bool> {
        let row = |of| row(vec![of]);
        let people = row(result::ColumnOutcome {
            refused: people,
            blocked: Share { k: 0, n: people.n },
            ..outcome(0, 0)
        });
        let bad = row(result::ColumnOutcome { detected: found, ..outcome(0, 0) });
        let targets = verdict::targets(&people, &[bad], &[("p", 0.9)]);
        assert!(targets.iter().all(|target| target.is_met));
        targets.iter().map(|target| target.is_sure).collect()
    };
    assert_eq!(
        sure(Share { k: 0, n: 500 }, Share { k: 9, n: 10 }),
        [false; 3],
        "too few to be sure"
    );
    assert_eq!(sure(Share { k: 10, n: 30_000 }, Share { k: 99, n: 100 }), [true; 3]);
}

#[test]
fn intervals_are_the_exact_ones_from_both_sides_and_with_many() {
    let near = |share: Share, of: trainer::statistics::Interval| {
        let found = share.interval();
        let apart = [found.value - of.value, found.low - of.low, found.high - of.high];
        assert!(apart.iter().all(|apart| apart.abs() < 2e-4), "{share:?}: {found:?}, not {of:?}");
    };
    for (k, n) in [(0, 10), (3, 10), (9, 10), (10, 10), (2_500, 5_000), (2_100, 40_000)] {
        near(Share { k, n }, trainer::statistics::share(k, n));
    }
    assert!(Share::default().interval().value.is_nan());
}

#[test]
fn what_must_be_reached_names_populations_of_the_benchmark() {
    for (name, _) in benchmark_traffic::WANTED {
        assert!(
            Population::OF_THE_BENCHMARK.iter().any(|population| population.name() == name),
            "{name}"
        );
    }
}
