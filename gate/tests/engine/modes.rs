//! Shadow leaves no trace that refuses, and a configuration is in force as a whole.

use std::sync::atomic::{AtomicBool, Ordering};

use detector::{ClientKey, Mode};
use gate::malformed::Malformed;
use gate::{Ask, End, RequestHeaders};
use traffic::log::LogReader;
use traffic::replay::{Driver, Judged, LogStep};

use crate::support::{Door, Folder, config};

/// Blocks after three pages.
const POLICY: &str = "[policy]\nmin_pages = 1\nlimit_score = 0.5\nblock_score = 0.9\n\
                      block_after_pages = 3\n";

#[test]
fn a_ban_made_in_shadow_refuses_nobody_after_a_switch_to_enforce() {
    let folder = Folder::new();
    let model = folder.model("strict", 5.0);
    let text = |mode: &str, rest: &str| format!("mode = \"{mode}\"\nmodel = {model:?}\n{rest}");
    let nobody = "[policy]\nmin_pages = 1\nlimit_score = 0.9999\nblock_score = 0.99999\n";
    let door = Door::open(&text("shadow", POLICY));
    for page in 0..8 {
        door.machine.pass(1_000_000);
        assert_eq!(door.visit("192.0.2.1", &format!("/p/{page}"), &[], 200).0, 200);
    }
    let stats = door.engine.stats();
    assert_eq!((stats.bans, stats.bans_provisional), (0, 1));
    assert!(door.engine.metrics_text().contains("kidoban_bans 1"), "in shadow it is shown");
    door.engine.reload(config(&text("enforce", nobody))).unwrap();
    assert!(door.engine.metrics_text().contains("kidoban_bans 0"));
    assert_eq!(door.engine.tracker().bans(door.engine.now(), Mode::Enforce), []);
    for page in 0..8 {
        door.machine.pass(1_000_000);
        let told = door.visit("192.0.2.1", &format!("/p/{page}"), &[], 200);
        assert_eq!(told, (200, "usual"), "page {page}");
    }
}

#[test]
fn a_ban_that_is_imposed_in_shadow_does_not_make_shadows_limit_a_real_one() {
    let folder = Folder::new();
    let model = folder.model("strict", 5.0);
    let policy = "[policy]\nmin_pages = 1\nlimit_score = 0.5\nblock_score = 0.9\n\
                  block_after_pages = 8\nlimit_s = 600\nlimit_burst_pages = 1\n";
    let text = |mode: &str| format!("mode = \"{mode}\"\nmodel = {model:?}\n{policy}");
    let door = Door::open(&text("shadow"));
    // Limited in shadow, and banned once.
    for page in 0..9 {
        door.machine.pass(1_000_000);
        door.visit("192.0.2.1", &format!("/p/{page}"), &[], 200);
    }
    let client = ClientKey::from_text("192.0.2.1");
    assert!(door.engine.impose(client, door.engine.now().plus_secs(10)));
    door.engine.reload(config(&text("enforce"))).unwrap();
    assert_eq!(door.visit("192.0.2.1", "/p/9", &[], 200), (403, "banned"));
    door.machine.pass(11_000_000);
    assert_eq!(door.visit("192.0.2.1", "/p/10", &[], 200), (200, "limited"), "a full bucket");
    let standing = door.engine.tracker().standing(client).unwrap();
    assert_eq!(standing.ban().offences, 0, "shadow's offence is none");
}

#[test]
fn a_standing_is_shown_as_the_next_verdict_finds_it() {
    let folder = Folder::new();
    let model = folder.model("strict", 5.0);
    let text = |mode: &str| format!("mode = \"{mode}\"\nmodel = {model:?}\n{POLICY}");
    let door = Door::open(&text("enforce"));
    let visit = |page: u32| {
        door.machine.pass(1_000_000);
        door.visit("192.0.2.1", &format!("/p/{page}"), &[], 200)
    };
    (0..3).for_each(|page| _ = visit(page));
    let client = ClientKey::from_text("192.0.2.1");
    let in_mode = |mode| door.engine.tracker().standing_in(client, mode).ban();
    let made = in_mode(Mode::Enforce);
    assert!(made.until > door.engine.now());
    door.engine.reload(config(&text("shadow"))).unwrap();
    visit(3);
    assert_eq!(in_mode(Mode::Enforce), made, "a period of shadow mode does not end it");
    let stranger = ClientKey::from_text("192.0.2.9");
    door.engine.impose(stranger, made.until);
    let standing = door.engine.tracker().standing_in(stranger, Mode::Enforce);
    assert_eq!(standing.ban().until, made.until, "also where no request has come yet");
}

#[test]
fn what_goes_on_after_the_switch_is_held_against_it_anew_and_a_replay_says_the_same() {
    let folder = Folder::new();
    let (model, log) = (folder.model("strict", 5.0), folder.path("events.jsonl"));
    let text = |mode: &str| {
        format!("mode = \"{mode}\"\nmodel = {model:?}\n{POLICY}[event_log]\npath = {log:?}\n")
    };
    let door = Door::open(&text("shadow"));
    let visit = |page: u32| {
        door.machine.pass(1_000_000);
        door.visit("192.0.2.1", &format!("/p/{page}"), &[], 200)
    };
    let shadow: Vec<_> = (0..5).map(visit).collect();
    let (free, held) = ((200, "limited"), (200, "banned"));
    assert_eq!(shadow, [free, free, (200, "score"), held, held]);
    door.engine.reload(config(&text("enforce"))).unwrap();
    let enforced: Vec<_> = (5..9).map(visit).collect();
    assert_eq!(enforced, [free, free, (403, "score"), (403, "banned")]);
    // Back in shadow for a while: what was made in enforce mode is still in force afterwards.
    door.engine.reload(config(&text("shadow"))).unwrap();
    assert_eq!(visit(9), held);
    door.engine.reload(config(&text("enforce"))).unwrap();
    assert_eq!(visit(10), (403, "banned"));
    let judge = door.engine.judge();
    door.engine.stop();

    let bytes = std::fs::read(&log).unwrap();
    let mut reader = LogReader::new("events.jsonl", &bytes[..]).unwrap();
    let settings = detector::Settings { capacity: 1_000, hash_key: 7 };
    let detector = detector::Detector::new(settings, judge);
    let (mut driver, mut seen) = (Driver::default(), 0);
    while let Some(record) = reader.next().unwrap() {
        let mut judged = Judged::new(&detector, |_, verdict| {
            let recorded = record.decision.unwrap();
            let said = (verdict.action.as_str(), verdict.reason.as_str());
            assert_eq!(said, (recorded.action, recorded.reason), "at {}", record.target);
            seen += 1;
        });
        driver.step(&LogStep::of(&record, &detector), &mut judged);
    }
    assert_eq!(seen, 11);
}

/// One configuration would refuse and does not, because it is in shadow; the other enforces and
/// finds nobody. A request that met the judge of one and the mode of the other would be refused.
#[test]
fn no_request_meets_the_judge_of_one_configuration_and_the_mode_of_another() {
    let folder = Folder::new();
    let (strict, mild) = (folder.model("strict", 5.0), folder.model("mild", -5.0));
    let block = POLICY.replace("block_after_pages = 3", "block_after_pages = 1");
    let text = |mode: &str, model: &std::path::Path| {
        format!("mode = \"{mode}\"\nmodel = {model:?}\n{block}")
    };
    let (one, two) = (text("shadow", &strict), text("enforce", &mild));
    let door = Door::open(&one);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..2_u32)
            .map(|thread| {
                let (door, done) = (&door, &done);
                scope.spawn(move || {
                    let (mut asked, mut refused) = (0_u32, 0_u32);
                    while !done.load(Ordering::Relaxed) {
                        // Of a client that nobody has seen: nothing is held against it.
                        let host = asked % 60_000;
                        let peer = format!("198.{}.{}.{}", 18 + thread, host >> 8, host & 255);
                        refused += u32::from(door.visit(&peer, "/p/1", &[], 200).0 != 200);
                        asked += 1;
                    }
                    (asked, refused)
                })
            })
            .collect();
        for _ in 0..300 {
            door.engine.reload(config(&two)).unwrap();
            door.engine.reload(config(&one)).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        for thread in asking {
            let (asked, refused) = thread.join().unwrap();
            assert!(asked > 100 && refused == 0, "{refused} of {asked} were refused");
        }
    });
    let text = door.engine.metrics_text();
    assert_eq!(text.matches("\nkidoban_model_info{").count(), 1, "one series after 600 reloads");
}

#[test]
fn keys_that_only_a_restart_changes_are_named_and_kept() {
    let door = Door::open("[table]\ncapacity = 2000\n");
    let next = "admin = \"127.0.0.1:9999\"\nmode = \"enforce\"\n[table]\ncapacity = 3000\n";
    let reloaded = door.engine.reload(config(next)).unwrap();
    assert_eq!(reloaded.needs_restart, ["admin", "table"]);
    assert_eq!(door.engine.mode(), gate::Mode::Enforce);
    let again = door.engine.reload(config(next)).unwrap();
    assert_eq!(again.needs_restart, ["admin", "table"], "compared with what is running");
}

/// What a door answers itself is of the same configuration as the ruling, however long it takes.
#[test]
fn what_is_malformed_is_passed_on_in_the_mode_that_its_request_was_decided_in() {
    let folder = Folder::new();
    let model = folder.model("strict", 5.0);
    let text = |mode: &str| format!("mode = \"{mode}\"\nmodel = {model:?}\n{POLICY}");
    let engine = Door::open(&text("shadow")).engine;
    let headers = RequestHeaders::read([]);
    let peer = Some("192.0.2.1".parse().unwrap());
    let ask = Ask { peer, method: "POST", target: b"/up", headers: &headers };

    let terms = engine.terms();
    engine.reload(config(&text("enforce"))).unwrap();
    assert!(!terms.rejects(Malformed::LongTarget));
    let (in_flight, ruling) = terms.decide(&ask);
    assert_eq!(ruling.mode(), gate::Mode::Shadow);
    assert!(!in_flight.rejects(&engine, Malformed::LargeBody), "it was decided in shadow");
    engine.conclude(in_flight, End { status: 200, bytes: 0 });

    assert!(engine.terms().rejects(Malformed::LongTarget));
    let (in_flight, _) = engine.decide(&ask);
    assert!(in_flight.rejects(&engine, Malformed::LargeBody));
    let text = engine.metrics_text();
    for (kind, mode) in [("long_target", "shadow"), ("large_body", "enforce")] {
        let line = format!("kidoban_malformed_total{{kind=\"{kind}\",mode=\"{mode}\"}} 1\n");
        assert!(text.contains(&line), "{line} is missing in:\n{text}");
    }
}
