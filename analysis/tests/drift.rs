//! Drift: silent on a month of a shop where nothing changes, loud on the first day after something
//! did.

#![allow(clippy::unwrap_used)] // in a test a failing unwrap is a failing test

use analysis::drift::{BudgetVerdict, Promise, examine};
use detector::Settings;
use detector::model::seal;
use detector::{AllowList, Detector, Judge, Model, Policy, PolicyConfig, Timestamp};
use traffic::log::LogReader;
use traffic::replay::{Driver, Judged};
use traffic::sim::{
    SHOPS, Scripts, Shop, SimRequest, labels, simulate_shop, write_json, write_labels,
};
use trainer::{Labels, Options, Site, SiteBuilder, train};

const DAY_US: u64 = 86_400_000_000;
/// A Monday.
const START: Timestamp = Timestamp::from_secs(1_764_547_200);
const PEOPLE_A_DAY: usize = 250;
const TRAINED_DAYS: u64 = 4;
const QUIET_DAYS: u64 = 30;

fn site(requests: &[SimRequest]) -> Site {
    let (mut log, mut csv) = (Vec::new(), Vec::new());
    write_json(requests, &mut log).unwrap();
    write_labels(&labels(requests), &mut csv).unwrap();
    let labels = Labels::parse("labels.csv", std::str::from_utf8(&csv).unwrap()).unwrap();
    let mut reader = LogReader::new("day.log", &log[..]).unwrap();
    let mut builder = SiteBuilder::default();
    while let Some(record) = reader.next().unwrap() {
        builder.note(&record).unwrap();
    }
    builder.finish("shop", 1_000, Some(&labels)).unwrap()
}

fn days(requests: &[SimRequest], from: u64, to: u64) -> &[SimRequest] {
    let at =
        |day: u64| requests.partition_point(|request| request.at < START.plus_micros(day * DAY_US));
    &requests[at(from)..at(to)]
}

#[test]
fn a_month_without_change_is_silent_and_a_change_is_heard_on_its_first_day() {
    let shop = *SHOPS.iter().find(|shop| shop.name == "outlet").unwrap();
    let span = (TRAINED_DAYS + QUIET_DAYS) * DAY_US;
    let month = simulate_shop(&shop, 5, START, span, Some(PEOPLE_A_DAY));
    let model = {
        let trained =
            train(&[site(days(&month, 0, TRAINED_DAYS))], &Options::default(), |_| {}).unwrap();
        Model::parse(&seal(&trained.file).unwrap()).unwrap()
    };
    let mut broken = 0;
    for day in TRAINED_DAYS..TRAINED_DAYS + QUIET_DAYS {
        let examined =
            examine(&site(days(&month, day, day + 1)), &model, Promise::of_model(&model));
        let drift = examined.drift.as_ref().unwrap();
        assert!(drift.clients_now > 100, "{drift:?}");
        assert!(!drift.is_alarming(), "day {day}: {:?} {:?}", drift.score, drift.features.first());
        broken +=
            examined.budgets.values().filter(|held| held.verdict == BudgetVerdict::Broken).count();
    }
    assert!(broken <= 1, "a 95 % interval of thirty days may miss once: {broken}");

    // The same people, on pages that now fetch their neighbours ahead.
    let eager = Shop { scripts: Scripts::Eager, ..shop };
    let day = simulate_shop(&eager, 5, START, DAY_US, Some(PEOPLE_A_DAY));
    let examined = examine(&site(&day), &model, Promise::of_model(&model));
    let drift = examined.drift.unwrap();
    assert!(drift.is_alarming() && drift.features[0].alarm, "{drift:?}");

    // Live, the gate's own detector hears it as well.
    let policy = Policy::new(PolicyConfig::default(), Some(&model)).unwrap();
    let judge = Judge { model: Some(model), policy, allow: AllowList::default() };
    let detector = Detector::new(Settings { capacity: 100_000, hash_key: 1 }, judge);
    let pass = |requests: &[SimRequest]| {
        let mut driver = Driver::default();
        site(requests).walk(|step| driver.step(step, &mut Judged::new(&detector, |_, _| ())));
    };
    assert_eq!(detector.drift(), None, "nobody has come");
    pass(days(&month, TRAINED_DAYS, TRAINED_DAYS + 2));
    assert!(!detector.drift().unwrap().is_alarming(), "{:?}", detector.drift());
    let seen = detector.drift_seen();
    assert_eq!(seen.compared, detector.drift().unwrap().clients_now);
    assert!(
        seen.above_limit > 0 && seen.share_above_limit() < 0.5,
        "the shop's few bots are left out: {seen:?}"
    );
    detector.begin_drift_window();
    assert_eq!(detector.drift_seen().all(), 0);
    let moved: Vec<SimRequest> = day
        .into_iter()
        .map(|request| SimRequest { at: request.at.plus_micros(40 * DAY_US), ..request })
        .collect();
    pass(&moved);
    assert!(detector.drift().unwrap().is_alarming(), "{:?}", detector.drift());
}
