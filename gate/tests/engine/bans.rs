//! Bans are imposed and lifted at once, and others hear of it.

use detector::{Cause, ClientKey, Mode};
use traffic::log::LogReader;
use traffic::replay::{Driver, Judged, LogStep};

use crate::support::{Door, Folder};

const FREE: (u16, &str) = (200, "usual");
const BANNED: (u16, &str) = (403, "banned");

fn door(folder: &Folder) -> Door {
    let model = folder.model("mild", -5.0);
    Door::open(&format!(
        "mode = \"enforce\"\nmodel = {model:?}\n[policy]\nmin_pages = 1\nlimit_score = 0.5\n\
         block_score = 0.9\n[table]\ncapacity = 1000\n"
    ))
}

#[test]
fn a_ban_holds_at_once_for_a_client_that_is_there_and_for_one_that_is_not() {
    let folder = Folder::new();
    let door = door(&folder);
    let visit = |peer: &str| door.visit(peer, "/p/1", &[], 200);
    for _ in 0..5 {
        assert_eq!(visit("192.0.2.1"), FREE);
    }
    let until = door.engine.now().plus_secs(60);
    for peer in ["192.0.2.1", "192.0.2.2"] {
        assert!(door.engine.impose(ClientKey::from_text(peer), until));
        assert_eq!(visit(peer), BANNED, "{peer}");
    }
    assert_eq!(door.engine.stats().bans, 2);
    for peer in ["192.0.2.1", "192.0.2.2"] {
        assert!(door.engine.lift(ClientKey::from_text(peer)));
        assert_eq!(visit(peer), FREE, "{peer}");
        assert!(!door.engine.lift(ClientKey::from_text(peer)), "there is none any more");
    }
    assert_eq!(door.engine.stats().bans, 0);
    door.engine.impose(ClientKey::from_text("192.0.2.1"), door.engine.now().plus_secs(60));
    door.machine.pass(61_000_000);
    assert_eq!(visit("192.0.2.1"), FREE, "it ends by itself");
}

#[test]
fn a_ban_by_the_score_is_lifted_with_what_led_to_it() {
    let folder = Folder::new();
    let model = folder.model("strict", 5.0);
    let door = Door::open(&format!(
        "mode = \"enforce\"\nmodel = {model:?}\n[policy]\nmin_pages = 1\nlimit_score = 0.5\n\
         block_score = 0.9\nblock_after_pages = 2\n"
    ));
    let visit = || door.visit("192.0.2.1", "/p/1", &[], 200);
    assert_eq!([visit(), visit(), visit()], [(200, "limited"), (403, "score"), BANNED]);
    assert!(door.engine.lift(ClientKey::from_text("192.0.2.1")));
    assert_eq!([visit(), visit()], [(200, "limited"), (403, "score")], "it begins anew");
    assert_eq!(
        door.engine.tracker().standing(ClientKey::from_text("192.0.2.1")).unwrap().ban().offences,
        1
    );
}

#[test]
fn a_ban_outlasts_the_eviction_of_its_client_and_so_does_a_pardon() {
    let folder = Folder::new();
    let door = door(&folder);
    let until = door.engine.now().plus_secs(100_000);
    for client in ["192.0.2.1", "192.0.2.2"] {
        door.visit(client, "/p/1", &[], 200);
        door.engine.impose(ClientKey::from_text(client), until);
    }
    door.engine.lift(ClientKey::from_text("192.0.2.2"));
    for number in 0..40_000_u32 {
        let peer = format!("198.51.{}.{}", number >> 8 & 255, number & 255);
        door.visit(&peer, "/p/1", &[], 200);
        door.visit(&peer, "/p/1", &[], 200);
    }
    assert!(door.engine.stats().evictions > 10_000);
    assert_eq!(door.visit("192.0.2.1", "/p/1", &[], 200), BANNED);
    assert_ne!(door.visit("192.0.2.2", "/p/1", &[], 200), BANNED);
}

#[test]
fn an_imposed_ban_holds_at_an_address_of_many_browsers() {
    let folder = Folder::new();
    let door = door(&folder);
    for browser in 0..30 {
        let agent = format!("Browser/{browser}");
        door.visit("192.0.2.1", "/p/1", &[("user-agent", &agent)], 200);
    }
    door.engine.impose(ClientKey::from_text("192.0.2.1"), door.engine.now().plus_secs(60));
    assert_eq!(door.visit("192.0.2.1", "/p/1", &[("user-agent", "Browser/7")], 200), BANNED);
}

/// The line stands after the client's last event, whatever the clock said.
#[test]
fn the_event_log_says_after_which_event_a_ban_was_imposed_and_lifted() {
    let folder = Folder::new();
    let (model, log) = (folder.model("mild", -5.0), folder.path("events.jsonl"));
    let door = Door::open(&format!(
        "mode = \"enforce\"\nmodel = {model:?}\n[policy]\nmin_pages = 1\nlimit_score = 0.5\n\
         block_score = 0.9\n[event_log]\npath = {log:?}\n"
    ));
    let [there, stranger] = ["192.0.2.1", "192.0.2.2"].map(ClientKey::from_text);
    let until = door.engine.now().plus_secs(600);
    assert_eq!(door.visit("192.0.2.1", "/p/1", &[], 200), FREE);
    let last_at = door.engine.now();
    door.machine.pass(60_000_000);
    let now = door.engine.now();
    door.engine.impose(there, until);
    door.engine.impose(stranger, until);
    assert_eq!(door.visit("192.0.2.1", "/p/1", &[], 200), BANNED);
    door.engine.lift(there);
    door.engine.stop();
    let text = std::fs::read_to_string(log).unwrap();
    let bans: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["type"] == "ban")
        .collect();
    let line = |client: &str, at: detector::Timestamp, seq: u32, until: Option<i64>| {
        let change = if until.is_some() { "imposed" } else { "lifted" };
        let mut line = serde_json::json!({
            "v": 1, "type": "ban", "at": at.as_micros(), "seq": seq, "client": client,
            "change": change,
        });
        if let Some(until) = until {
            line["until"] = until.into();
        }
        line
    };
    let until = Some(until.as_micros());
    // Its page and the end of it were two events; the refused page is the third.
    let expect = [
        line("192.0.2.1", last_at, 2, until),
        line("192.0.2.2", now, 0, until),
        line("192.0.2.1", now, 3, None),
    ];
    let without_time = bans.into_iter().map(|mut line| {
        assert!(line["changed_at"].as_i64().unwrap() >= now.as_micros());
        line.as_object_mut().unwrap().remove("changed_at");
        line
    });
    assert_eq!(without_time.collect::<Vec<_>>(), expect);
}

#[test]
fn a_replay_imposes_and_lifts_what_was_imposed_and_lifted_at_the_gate() {
    for mode in ["enforce", "shadow"] {
        let folder = Folder::new();
        let (model, log) = (folder.model("strict", 1.0), folder.path("events.jsonl"));
        let door = Door::open(&format!(
            "mode = \"{mode}\"\nmodel = {model:?}\n[policy]\nmin_pages = 3\nlimit_score = 0.5\n\
             block_score = 0.9\nlimit_burst_pages = 5\n[event_log]\npath = {log:?}\n"
        ));
        let mut live = Vec::new();
        for number in 0..200_u32 {
            let peer = format!("192.0.2.{}", number % 4);
            let client = ClientKey::from_text(&peer);
            match number % 23 {
                // Of a client that has just been there, in the same microsecond.
                5 => _ = door.engine.impose(client, door.engine.now().plus_secs(30)),
                11 => _ = door.engine.lift(client),
                17 => _ = door.engine.impose(ClientKey::from_text("192.0.2.3"), door.engine.now()),
                _ => door.machine.pass(3_000_000),
            }
            live.push(door.visit(&peer, &format!("/p/{number}"), &[], 200).1);
        }
        let judge = door.engine.judge();
        door.engine.stop();
        assert!(["banned", "limited", "too_few_pages"].iter().all(|reason| live.contains(reason)));

        let bytes = std::fs::read(&log).unwrap();
        let detector =
            detector::Detector::new(detector::Settings { capacity: 1_000, hash_key: 5 }, judge);
        let mut reader = LogReader::new("events.jsonl", &bytes[..]).unwrap();
        let (mut driver, mut replayed) = (Driver::default(), Vec::new());
        while let Some(record) = reader.next().unwrap() {
            let mut judged =
                Judged::new(&detector, |_, verdict| replayed.push(verdict.reason.as_str()));
            driver.step(&LogStep::of(&record, &detector), &mut judged);
        }
        assert_eq!(replayed, live, "{mode}");
    }
}

#[test]
fn whoever_listens_hears_every_ban_and_who_made_it() {
    let folder = Folder::new();
    let model = folder.model("strict", 5.0);
    let door = Door::open(&format!(
        "mode = \"enforce\"\nmodel = {model:?}\n[policy]\nmin_pages = 1\nlimit_score = 0.5\n\
         block_score = 0.9\nblock_after_pages = 1\n"
    ));
    let [bot, admins] = ["192.0.2.1", "192.0.2.2"].map(ClientKey::from_text);
    door.visit("192.0.2.1", "/p/1", &[], 200);
    door.engine.impose(admins, door.engine.now().plus_secs(9));
    door.engine.lift(bot);
    let heard = door.engine.ban_changes(0);
    let said: Vec<_> = heard
        .changes
        .iter()
        .map(|change| (change.client, change.ban.map(|ban| ban.cause)))
        .collect();
    assert_eq!(said, [(bot, Some(Cause::Score)), (admins, Some(Cause::Imposed)), (bot, None)]);
    assert_eq!((heard.missed, door.engine.ban_changes(heard.next).changes.len()), (0, 0));
    let listed = door.engine.tracker().bans(door.engine.now(), Mode::Enforce);
    assert_eq!(listed.iter().map(|(client, _)| *client).collect::<Vec<_>>(), [admins]);
}

#[test]
fn a_ban_is_never_shortened_and_one_that_has_ended_is_none_to_lift() {
    let folder = Folder::new();
    let door = door(&folder);
    let [there, stranger] = ["192.0.2.1", "192.0.2.2"].map(ClientKey::from_text);
    door.visit("192.0.2.1", "/p/1", &[], 200);
    for client in [there, stranger] {
        for seconds in [60, 10] {
            assert!(door.engine.impose(client, door.engine.now().plus_secs(seconds)));
        }
    }
    door.machine.pass(30_000_000);
    for peer in ["192.0.2.1", "192.0.2.2"] {
        assert_eq!(door.visit(peer, "/p/2", &[], 200), BANNED, "{peer}");
    }
    door.machine.pass(31_000_000);
    assert!(!door.engine.lift(there) && !door.engine.lift(stranger));
}
