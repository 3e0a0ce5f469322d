//! The wall clock may be set while shoppers are there.

use crate::support::{Door, Folder};

const HOUR_US: i64 = 3_600_000_000;

/// Five ordinary visitors and a scraper for ten minutes, in whose middle the clock is set.
fn ten_minutes(step_us: i64) -> (Vec<(u16, &'static str)>, Vec<i64>) {
    let folder = Folder::new();
    let log = folder.path("events.jsonl");
    let text = format!(
        "mode = \"enforce\"\nmodel = {:?}\n[policy]\nlimit_score = 0.5\nblock_score = 0.9\n\
         [event_log]\npath = {log:?}\n",
        folder.model("none", -5.0)
    );
    let door = Door::open(&text);
    let mut told = Vec::new();
    for second in 0..600_i64 {
        if second == 300 {
            door.machine.set_wall_by(step_us);
        }
        door.engine.tick();
        for visitor in 0..5_i64 {
            if second % (7 + visitor) == 0 {
                let peer = format!("192.0.2.{visitor}");
                told.push(door.visit(&peer, &format!("/p/{}", second % 40), &[], 200));
            }
        }
        door.machine.pass(1_000_000);
    }
    door.engine.stop();
    let text = std::fs::read_to_string(log).unwrap();
    let at = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        (line["type"] == "request" && line["client"] == "192.0.2.0")
            .then(|| line["at"].as_i64().unwrap())
    };
    (told, text.lines().filter_map(at).collect())
}

#[test]
fn a_step_of_three_hours_under_load_changes_no_verdict_and_no_gap_by_more_than_the_slew() {
    let (usual, at) = ten_minutes(0);
    let gaps = |at: &[i64]| at.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<i64>>();
    let usual_gaps = gaps(&at);
    assert!(
        usual_gaps.len() > 80
            && usual.iter().all(|told| *told == (200, "usual") || told.1 == "too_few_pages")
    );
    for step_us in [3 * HOUR_US, -3 * HOUR_US] {
        let (told, at) = ten_minutes(step_us);
        assert_eq!(told, usual, "{step_us}");
        for (gap, usual) in gaps(&at).iter().zip(&usual_gaps) {
            let stretched = *gap as f64 / *usual as f64;
            assert!((0.949..=1.051).contains(&stretched), "{step_us}: {gap} µs, was {usual}");
        }
    }
}

#[test]
fn how_far_the_wall_clock_is_ahead_is_a_metric() {
    let door = Door::open("");
    door.machine.set_wall_by(90_000_000);
    door.engine.tick();
    assert!(door.engine.metrics_text().contains("\nkidoban_clock_behind_seconds 90\n"));
}

#[test]
fn healthz_says_when_the_wall_clock_is_far_away_and_what_to_do() {
    let door = Door::open("");
    let health = || gate::admin::answer(&door.engine, "GET", "/healthz").body;
    assert!(!health().contains("\"clock\""), "{}", health());
    door.machine.set_wall_by(-3 * HOUR_US);
    let text = health();
    assert!(text.contains("\"clock\":\"the wall clock is 3 hours behind"), "{text}");
    assert!(text.contains("restart the gate"), "{text}");
}
