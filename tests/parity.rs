//! Law 3: what was served is replayed, and every line of the event log is written again, byte for
//! byte.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use detector::Settings;
use detector::{Action, ClientKey, Detector, Reason};
use kidoban::input::Logs;
use proxy::RunningGate;
use traffic::log::RequestLine;
use traffic::replay::replay;
use traffic::sim::{self, Dice};

use crate::support::http::Client;
use crate::support::{Folder, gate, metric, model, origin};

/// Connections at once: more than the gate has threads, so that requests of one client overtake
/// each other.
const CONNECTIONS: u64 = 12;
/// On each. Together with the outcomes of what passes, well over 100,000 events.
const REQUESTS: u64 = 6_500;
/// Few clients that are at it all the time, on every connection at once.
const BUSY: usize = 40;
/// Many that ask for a handful of things each.
const CROWD: usize = 6_000;

/// What the answers said.
#[derive(Default)]
struct Answered {
    passed: u64,
    limited: u64,
    blocked: u64,
    /// Bans that somebody made meanwhile.
    imposed: u64,
    lifted: u64,
}

#[test]
fn a_hundred_thousand_events_are_decided_again_byte_for_byte() {
    let folder = Folder::new("parity");
    let model = model::write(&folder, &model::trained_on_a_day(&Arc::new(sim::Site::new(1))));
    let log = folder.path("events.jsonl");
    let gate = gate(
        &folder,
        origin::start(),
        &format!(
            "mode = \"enforce\"\nmodel = {model:?}\n[client]\ntrusted_proxies = [\"127.0.0.0/8\"]\n\
             [policy]\nlimit_score = 0.3\nblock_score = 0.9985\ncohort_score = 0.9\n\
             limit_burst_pages = 1\nlimit_pages_per_min = 1\n\
             [event_log]\npath = {log:?}\nqueue = 1048576\n"
        ),
    );
    let answered = serve(&gate);
    let metrics = gate.engine().metrics_text();
    let judge = gate.engine().judge();
    gate.stop();

    let sent = CONNECTIONS * REQUESTS;
    assert_eq!(metric(&metrics, "kidoban_event_log_dropped_total"), 0);
    assert_eq!(metric(&metrics, "kidoban_detector_panics_total"), 0);
    assert_eq!(answered.passed + answered.limited + answered.blocked, sent);
    let (mut lines, outcomes, bans) = read(&log);
    let changes = [answered.imposed, answered.lifted];
    assert_eq!(bans, changes, "every ban that was imposed or lifted has its line");
    assert!(changes[0] >= 1_000 && changes[1] >= 500, "only {changes:?} changes of bans");
    assert_eq!(lines.len() as u64, sent, "every request has its line");
    assert_eq!(
        outcomes, answered.passed,
        "what the shop answered has an outcome, and nothing else has"
    );
    assert!(sent + outcomes >= 100_000, "{} events", sent + outcomes);

    // Another hash key: URLs are taken from the log as they were hashed at the time.
    let detector = Detector::new(Settings { capacity: 200_000, hash_key: 0xdead_beef }, judge);
    let (mut replayed, mut limited) = (HashMap::new(), [0; 2]);
    let mut banned = 0;
    let logs = Logs::find(&[log.display().to_string()]).unwrap();
    replay(logs.open().unwrap(), &detector, None, |event, verdict, _, _| {
        *replayed.entry(verdict.action).or_insert(0) += 1;
        banned += u64::from(verdict.reason == Reason::Banned);
        let by_cohort = (verdict.action, verdict.reason) == (Action::Limit, Reason::Cohort);
        limited[usize::from(event.write() != 0)] += u64::from(by_cohort);
        let line = lines.remove(&(event.client.to_string(), verdict.seq));
        let line = line.unwrap_or_else(|| panic!("{} has no event {}", event.client, verdict.seq));
        assert_eq!(again(&line, verdict), line);
    })
    .unwrap();
    assert_eq!(lines.len(), 0, "every request was replayed");
    assert_eq!(detector.stats(model::DAY).evictions, 0);

    println!(
        "{sent} requests, {outcomes} outcomes: {replayed:?}, by cohorts {limited:?} (of writes), \
         {banned} banned, {changes:?} bans imposed and lifted"
    );
    assert!(
        limited[0] >= 1_000 && limited[1] >= 300,
        "only {limited:?} limited by cohorts: this traffic proves too little"
    );
    let count = |action| replayed.get(&action).copied().unwrap_or(0_u64);
    assert_eq!((count(Action::Limit), count(Action::Block)), (answered.limited, answered.blocked));
    for action in Action::ALL {
        assert!(
            count(action) >= 1_000,
            "only {} {action:?}: this traffic proves too little",
            count(action)
        );
    }
}

/// Everybody's traffic, over all connections.
fn serve(gate: &RunningGate) -> Answered {
    let (addr, engine) = (gate.addr(), gate.engine());
    std::thread::scope(|scope| {
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|number| scope.spawn(move || serve_one(addr, engine, Dice::nth(3, number))))
            .collect();
        let mut all = Answered::default();
        for connection in connections {
            let one = connection.join().unwrap();
            all.passed += one.passed;
            all.limited += one.limited;
            all.blocked += one.blocked;
            all.imposed += one.imposed;
            all.lifted += one.lifted;
        }
        all
    })
}

fn serve_one(addr: SocketAddr, engine: &gate::Engine, mut dice: Dice) -> Answered {
    let mut connection = Client::connect(addr);
    let mut answered = Answered::default();
    for _ in 0..REQUESTS {
        if dice.chance(0.03) {
            change_a_ban(engine, &mut dice, &mut answered);
        }
        let request = request(&mut dice);
        match connection.ask(&request).status {
            429 => answered.limited += 1,
            403 => answered.blocked += 1,
            200 | 401 | 404 | 500 => answered.passed += 1,
            other => panic!("{other} to {request}"),
        }
    }
    answered
}

/// Imposes or lifts a ban as an operator or another gate would, while its client asks on the other
/// connections.
fn change_a_ban(engine: &gate::Engine, dice: &mut Dice, answered: &mut Answered) {
    let client = match dice.chance(0.8) {
        true => format!("203.0.113.{}", dice.below(BUSY)),
        false => format!("198.18.{}.{}", dice.below(CROWD / 250), dice.below(250)),
    };
    let client = ClientKey::from_text(&client);
    if dice.chance(0.6) {
        answered.imposed += 1;
        let until = engine.now().plus_micros(dice.below(400_000) as u64);
        engine.impose(client, until);
    } else {
        answered.lifted += 1;
        engine.lift(client);
    }
}

/// Somebody's next request. Addresses are of the benchmarking and documentation ranges, one in five
/// IPv6.
fn request(dice: &mut Dice) -> String {
    let (client, line, body) = if dice.chance(0.3) {
        let who = dice.below(BUSY);
        let (line, body) = busy(who, dice);
        (format!("203.0.113.{who}"), line, body)
    } else {
        let who = dice.below(CROWD);
        let client = match who % 5 {
            4 => format!("2001:db8:0:{who:x}::{:x}", dice.below(65_536)),
            _ => format!("198.18.{}.{}", who / 250, who % 250),
        };
        if dice.chance(0.06) {
            return ask(&client, "POST /login HTTP/1.1", "user=a&password=b", dice);
        }
        let target = match dice.weighted(&[0.4, 0.2, 0.3, 0.06, 0.04]) {
            0 => format!("/img/{}.jpg HTTP/1.1", dice.below(500)),
            // No ending says what this is: the browser's header does, and the log must.
            1 => format!("/image/{}/200x200 HTTP/1.1\r\nSec-Fetch-Dest: image", dice.below(500)),
            2 => format!("/p/{}?ref=café HTTP/1.1", dice.below(300)),
            3 => format!("/broken/{} HTTP/1.1", dice.below(9)),
            _ => format!("/gone/{} HTTP/1.1", dice.below(9)),
        };
        (client, format!("GET {target}"), "")
    };
    ask(&client, &line, body, dice)
}

fn ask(client: &str, line: &str, body: &str, dice: &mut Dice) -> String {
    // Few browsers, so that networks have cohorts that two connections meet in at once.
    let agent = dice.below(2);
    format!(
        "{line}\r\nHost: shop.test\r\nUser-Agent: number {agent}\r\nX-Forwarded-For: {client}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Crawlers, pollers, guessers, scanners, each a quarter of the busy.
fn busy(who: usize, dice: &mut Dice) -> (String, &'static str) {
    match who % 4 {
        0 => (format!("GET /p/{} HTTP/1.1", dice.below(20_000)), ""),
        1 => (format!("HEAD /p/{who} HTTP/1.1"), ""),
        2 => ("POST /login HTTP/1.1".to_owned(), "user=a&password=b"),
        _ => (format!("GET /gone/{}.php HTTP/1.1", dice.below(1_000)), ""),
    }
}

/// The request lines by client and event number, how many outcomes there are, and how many bans
/// were imposed and lifted.
fn read(log: &Path) -> (HashMap<(String, u32), String>, u64, [u64; 2]) {
    let (mut requests, mut outcomes, mut bans) = (HashMap::new(), 0, [0; 2]);
    for line in BufReader::new(std::fs::File::open(log).unwrap()).lines() {
        let line = line.unwrap();
        if line.contains("\"type\":\"outcome\"") {
            outcomes += 1;
            continue;
        }
        if line.contains("\"type\":\"ban\"") {
            bans[usize::from(line.contains("\"change\":\"lifted\""))] += 1;
            continue;
        }
        let request: RequestLine<'_> = serde_json::from_str(&line).unwrap();
        let key = (request.client.clone().into_owned(), request.seq);
        assert!(requests.insert(key, line).is_none(), "an event number was given twice");
    }
    (requests, outcomes, bans)
}

/// The line as it would be written with this verdict.
fn again(line: &str, verdict: &detector::Verdict) -> String {
    let request: RequestLine<'_> = serde_json::from_str(line).unwrap();
    let mut again = Vec::new();
    RequestLine {
        at: verdict.at,
        seq: verdict.seq,
        action: verdict.action.as_str().into(),
        reason: verdict.reason.as_str().into(),
        score: verdict.score.map(detector::Score::value),
        ..request
    }
    .write_to(&mut again);
    String::from_utf8(again).unwrap().trim_end().to_owned()
}
