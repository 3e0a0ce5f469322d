//! What is said of a request: its end, its record, its size.

use std::collections::HashSet;

use gate::End;

use crate::support::{Door, Folder};

/// Twelve pages and as many misses below a path that is on every allow list.
#[test]
fn what_the_allow_list_let_past_is_no_error_of_its_client() {
    let door = Door::open("");
    for page in 0..12 {
        assert_eq!(door.visit("192.0.2.1", &format!("/p/{page}"), &[], 200).0, 200);
        let told = door.visit("192.0.2.1", "/.well-known/nothing", &[], 404);
        assert_eq!(told, (404, "allow_list"));
    }
    let judge = door.engine.judge();
    let client = detector::ClientKey::from_text("192.0.2.1");
    let features = door.engine.tracker().features(&judge, client).unwrap();
    assert_eq!(features.value("error_share"), Some(0.0));
}

#[test]
fn a_target_of_any_length_is_decided_by_and_logged_with_its_beginning() {
    let folder = Folder::new();
    let log = folder.path("events.jsonl");
    let door = Door::open(&format!("[event_log]\npath = {log:?}\n"));
    let long = format!("/p/{}", "x".repeat(100_000));
    assert_eq!(door.visit("192.0.2.1", &long, &[], 200).0, 200);
    door.engine.stop();
    let text = std::fs::read_to_string(log).unwrap();
    assert!(text.lines().next().unwrap().len() < 9_000);
}

#[test]
fn every_decision_has_a_name_of_its_own_and_ends_may_come_in_any_order() {
    let door = Door::open("");
    let mut under_way: Vec<_> = (0..1_000)
        .map(|number| door.ask(Some("192.0.2.1".parse().unwrap()), &format!("/p/{number}"), &[]))
        .collect();
    let names: HashSet<String> =
        under_way.iter().map(|asked| asked.in_flight.id.to_string()).collect();
    assert_eq!(names.len(), 1_000);
    while let Some(asked) = under_way.pop() {
        door.engine.conclude(asked.in_flight, End { status: 404, bytes: 0 });
    }
    let judge = door.engine.judge();
    let client = detector::ClientKey::from_text("192.0.2.1");
    let features = door.engine.tracker().features(&judge, client).unwrap();
    assert_eq!(features.value("error_share"), Some(1.0));
}
