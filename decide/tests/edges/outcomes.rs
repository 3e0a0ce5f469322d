//! Outcomes are concluded, lost ones are counted, and the event log repeats every verdict.

use std::io::{BufRead, Cursor};
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use decide::Overrides;
use detector::{ClientKey, Detector, Settings};
use traffic::log::LogReader;
use traffic::replay::replay;

use crate::engine::Folder;
use crate::service::{Edge, STRICT, Service, until};

/// Tells the service how a request ended, as nginx does.
fn tell(service: &Service, token: &str, status: u16) {
    let line = format!(
        "<190>Nov 30 22:59:33 kidoban: {status} 2 \"{token}\" \"127.0.0.1:1\" \"0.001\" \
         \"text/html\""
    );
    let socket = UnixDatagram::unbound().unwrap();
    socket.send_to(line.as_bytes(), service.outcomes()).unwrap();
}

/// The value of a feature; `None` where it is missing.
fn feature(service: &Service, client: &str, name: &str) -> Option<f32> {
    let engine = service.engine();
    let client = ClientKey::from_text(client);
    let features = engine.tracker().features(&engine.judge(), client).unwrap();
    features.value(name).filter(|value| !value.is_nan())
}

const WIDE: &str = "[policy]\nguard = []\n";

#[test]
fn what_an_edge_says_is_concluded_and_what_it_does_not_say_is_missing_and_never_zero() {
    let service = Service::start(WIDE, "");
    let mut edge = Edge::connect(&service);
    let mut pages = |client: &str| -> Vec<String> {
        let ask = |page: u32| {
            let told = edge.ask("/auth_request", client, &format!("/p/{page}"));
            assert_eq!(told.status, 200);
            told.header("x-kidoban-token").unwrap().to_owned()
        };
        (0..8).map(ask).collect()
    };
    let (heard, silent) = (pages("203.0.113.1"), pages("203.0.113.2"));
    for (number, token) in heard.iter().enumerate() {
        tell(&service, token, if number < 4 { 404 } else { 200 });
    }
    service.wait_for("concluded", 8);
    let share = feature(&service, "203.0.113.1", "error_share").unwrap();
    assert!((0.4..0.6).contains(&share), "{share}");
    assert_eq!(feature(&service, "203.0.113.2", "error_share"), None, "{silent:?}");
    tell(&service, &heard[0], 200);
    service.wait_for("unknown", 1);
    service.wait_for("lost", silent.len() as u64);
    tell(&service, &silent[0], 200);
    service.wait_for("unknown", 2);
    let socket = UnixDatagram::unbound().unwrap();
    socket.send_to(b"<13>Nov 30 22:59:33 sshd: hello", service.outcomes()).unwrap();
    service.wait_for("unreadable", 1);
}

#[test]
fn where_no_outcomes_are_configured_none_is_awaited() {
    let folder = Folder::new();
    let text = format!(
        "admin = \"127.0.0.1:0\"\nmode = \"enforce\"\n{WIDE}[decide]\nlisten = \
         [\"unix:decide.sock\"]\n"
    );
    let service = Service::start_in(folder, &text, &Overrides::default());
    let mut edge = Edge::connect(&service);
    let ask = |number: u32| edge.ask("/auth_request", "203.0.113.1", &format!("/p/{number}"));
    let told: Vec<_> = (0..9).map(ask).collect();
    assert!(told.iter().all(|told| told.status == 200));
    assert_eq!(feature(&service, "203.0.113.1", "error_share"), None);
    assert_eq!(service.ended("lost"), 0);
}

#[test]
fn a_request_is_judged_once_however_often_its_edge_asks_and_a_forged_token_is_worth_nothing() {
    let service = Service::start(STRICT, "");
    let mut edge = Edge::connect(&service);
    let mut ask = |client: &str, target: &str, token: &str| {
        let headers = format!(
            "X-Forwarded-Method: GET\r\nX-Forwarded-Uri: {target}\r\nX-Forwarded-For: {client}\r\n\
             X-Kidoban-Token: {token}\r\n"
        );
        edge.ask_with("/auth_request", &headers)
    };
    let first = ask("203.0.113.1", "/p/1", "");
    let token = first.header("x-kidoban-token").unwrap();
    for _ in 0..5 {
        let again = ask("203.0.113.1", "/p/1", token);
        assert_eq!((again.status, again.header("x-kidoban-token")), (200, Some(token)));
    }
    assert_eq!((service.questions("decided"), service.questions("repeated")), (1, 5));
    // Another page, another visitor, an id that was never given: each is judged.
    assert_eq!(ask("203.0.113.1", "/p/2", token).status, 200);
    assert_eq!(ask("203.0.113.1", "/p/3", token).status, 403);
    assert_eq!(ask("203.0.113.9", "/p/1", token).status, 200);
    assert_eq!(ask("203.0.113.1", "/p/4", "0000000000000").status, 403);
    assert_eq!((service.questions("decided"), service.questions("repeated")), (5, 5));
    tell(&service, token, 200);
    service.wait_for("concluded", 1);
    assert_eq!(ask("203.0.113.1", "/p/1", token).status, 403, "it has ended");
}

#[test]
fn the_event_log_of_the_service_is_replayed_to_the_same_verdicts() {
    let folder = Folder::new();
    let model = folder.model("strict", 5.0);
    let told = serve_and_replay(folder, &model);
    assert!(told.iter().all(|count| *count >= 300), "{told:?} proves too little");
    // The shipped model's features know of outcomes.
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/default.json");
    serve_and_replay(Folder::new(), &shipped);
}

/// How many requests passed, were limited and were blocked, all of which a replay has repeated.
fn serve_and_replay(folder: Folder, model: &Path) -> [u64; 3] {
    let text = format!(
        "mode = \"enforce\"\nadmin = \"127.0.0.1:0\"\nmodel = {model:?}\n[policy]\nlimit_score = \
         0.6\nblock_score = 0.9\nlimit_burst_pages = 3\n[event_log]\npath = \"events.jsonl\"\n\
         queue = 1048576\n[decide]\nlisten = [\"unix:decide.sock\"]\n[decide.outcomes]\nlisten = \
         \"unix:outcomes.sock\"\nwait_s = 60\n"
    );
    let gate = gate::Overrides { force: true, ..gate::Overrides::default() };
    let mut service = Service::start_in(folder, &text, &Overrides { gate, listen: Vec::new() });
    let mut told = [0_u64; 3];
    let (mut edge, mut concluded) = (Edge::connect(&service), 0);
    for number in 0..6_000_u32 {
        // Some crawl, some ask for what is not there, some come back to a page.
        let client = number * 7 % 400;
        let (target, status) = match client % 3 {
            0 => (format!("/p/{number}"), 200),
            1 => (format!("/gone/{number}.php"), 404),
            _ => (format!("/p/{}", client + number / 3_000), 200),
        };
        let path = if client % 10 == 9 { "/forward_auth" } else { "/auth_request" };
        let answer =
            edge.ask(path, &format!("198.{}.{}.7", 18 + client / 250, client % 250), &target);
        match answer.header("x-kidoban") {
            Some("allow") => told[0] += 1,
            Some("limit") => told[1] += 1,
            _ => told[2] += 1,
        }
        // One in eleven is never heard of.
        if let Some(token) = answer.header("x-kidoban-token").filter(|_| number % 11 > 0) {
            tell(&service, token, status);
            concluded += 1;
        }
    }
    until(|| service.ended("concluded") == concluded, "the last outcome");
    assert_eq!(service.metric("kidoban_event_log_dropped_total"), 0);
    let judge = service.engine().judge();
    let log = service.stop();
    let ends = log.lines().filter(|line| line.contains("\"type\":\"outcome\"")).count() as u64;
    assert_eq!(ends, concluded);

    let detector = Detector::new(Settings { capacity: 200_000, hash_key: 5 }, judge);
    let log: Box<dyn BufRead + Send> = Box::new(Cursor::new(log.into_bytes()));
    let readers = vec![LogReader::new("events.jsonl", log).unwrap()];
    let (mut replayed, mut scored) = (0, 0);
    replay(readers, &detector, None, |event, verdict, recorded, _| {
        let recorded = recorded.unwrap();
        assert!(recorded.is_repeated_by(verdict), "{}: {recorded:?}, {verdict:?}", event.client);
        replayed += 1;
        scored += u32::from(verdict.score.is_some());
    })
    .unwrap();
    assert_eq!(replayed, 6_000);
    println!("{told:?} passed, limited, blocked; {concluded} outcomes; {scored} scored");
    told
}
