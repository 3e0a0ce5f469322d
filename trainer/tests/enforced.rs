//! What calibrates a threshold is what is enforced: the same scores, bit by bit.

#![allow(clippy::unwrap_used)] // in a test a failing unwrap is a failing test

use std::io::Cursor;
use std::sync::Arc;

use detector::features::{COUNT, index_of};
use detector::model::{ScoreRule, ScorerFile, Thresholds};
use detector::{
    AllowList, Detector, Event, Judge, Mode, Policy, PolicyConfig, Score, Settings, Timestamp,
    Verdict,
};
use traffic::log::LogReader;
use traffic::replay::{Driver, Judged, Semantics};
use traffic::sim::{self, Mix};
use trainer::protocol::model_at;
use trainer::samples::highest;
use trainer::scoring::Scoring;
use trainer::site::OFFLINE_HASH_KEY;
use trainer::{Site, SiteBuilder};

fn day() -> Site {
    let start = Timestamp::from_secs(1_794_787_200);
    let shop = Arc::new(sim::Site::new(2));
    // Two days and a bit, so that some clients come again after a day of silence.
    let day = sim::simulate(&shop, 5, start, &Mix::of(80, 40), 200_000 * 1_000_000);
    let mut log = Vec::new();
    sim::write_json(&day, &mut log).unwrap();
    let mut reader = LogReader::new("day.log", Cursor::new(&log[..])).unwrap();
    let mut builder = SiteBuilder::default();
    while let Some(record) = reader.next().unwrap() {
        builder.note(&record).unwrap();
    }
    builder.finish("shop", reader.tally().resolution_us(), None).unwrap()
}

#[test]
fn the_highest_score_that_calibrates_is_the_highest_that_a_gate_gives() {
    let site = day();
    let mut weight = vec![0.0; COUNT];
    for (name, value) in [("unique_ratio", 2.0), ("gap_burstiness", -1.3), ("return_share", -2.0)] {
        weight[index_of(name).unwrap()] = value;
    }
    let (mean, scale) = (vec![0.0; COUNT], vec![1.0; COUNT]);
    let scorer = ScorerFile::Logistic { bias: 0.3, mean, scale, weight }.check().unwrap();
    for rule in [ScoreRule::LAST_PAGE, ScoreRule::CARRIED] {
        let thresholds = Thresholds::none(5, rule);
        let model = model_at("test", &scorer, thresholds, site.resolution_us).unwrap();
        let expect =
            highest(&site, site.resolution_us, Scoring::of(model.thresholds()), |_| Some(&scorer));
        let policy = Policy::new(PolicyConfig::default(), Some(&model)).unwrap();
        let judge = Judge { model: Some(model), policy, allow: AllowList::default() };
        let settings = Settings { capacity: 1 << 17, hash_key: OFFLINE_HASH_KEY };
        let detector = Detector::new(settings, judge);
        let mut found: Vec<Option<f32>> = vec![None; site.clients.len()];
        let mut driver = Driver::new(Semantics::Always(Mode::Shadow));
        site.walk(|step| {
            let best = &mut found[step.client as usize];
            let at_verdict = |_: &Event, verdict: &Verdict| {
                if let Some(score) = verdict.score.map(Score::margin) {
                    *best = Some(best.map_or(score, |best| best.max(score)));
                }
            };
            driver.step(step, &mut Judged::new(&detector, at_verdict));
        });
        assert!(expect.iter().flatten().count() > 40, "{rule:?}");
        assert!(rule.is_last_page() || expect.iter().flatten().any(|score| *score > 0.5));
        let bits = |scores: &[Option<f32>]| -> Vec<Option<u32>> {
            scores.iter().map(|score| score.map(f32::to_bits)).collect()
        };
        assert_eq!(bits(&found), bits(&expect), "{rule:?}");
    }
}
