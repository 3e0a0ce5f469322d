//! What asking costs: CPU per request of nginx with and without the service, and how soon the
//! service answers. Run by `make edges`; prints the table of docs/deploy/README.md.
//!
//! **CPU**: nginx (one worker) serves a file of 200 bytes on sixteen kept connections; 5,000
//! visitors, each address asked for is new. The ways are measured in turns, because a shared
//! machine drifts, and the median of their rounds counts. The time is the kernel's count of what
//! the worker and the service's threads ran (`schedstat`), whatever else the machine does.
//!
//! **Latency**: 5,000 questions a second over a unix socket, on four connections, at fixed times.
//! Each is measured from its sending to its answer.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code)]
#[path = "../../gate/tests/engine/support.rs"]
mod engine;
#[allow(dead_code)]
#[path = "../../tests/support/http.rs"]
mod http;
#[allow(dead_code)]
#[path = "../tests/edges/nginx_server.rs"]
mod nginx_server;
#[path = "../../tests/support/origin.rs"]
mod origin;
#[allow(dead_code)]
#[path = "../tests/edges/service.rs"]
mod service;
#[path = "../../tests/support/skip.rs"]
mod skip;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use decide::Overrides;
use engine::Folder;
use nginx_server::{Nginx, Setup};
use service::{Edge, Service};

const ROUNDS: usize = 7;
const REQUESTS: u32 = 12_000;
const BUSY_CONNECTIONS: u32 = 16;
const VISITORS: u32 = 5_000;
const QUESTIONS_PER_S: u64 = 5_000;
const CONNECTIONS: u64 = 4;
const SECONDS: u64 = 10;

const WAYS: [&str; 4] =
    ["nginx alone", "`limit_req`", "`auth_request`, detector", "the same with outcomes"];

fn main() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    println!("load of this machine before: {load}");
    latency();
    cpu();
}

/// With the shipped model, in shadow: everybody passes, as nearly everybody does at a shop.
fn start(outcomes: bool) -> Service {
    let model = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models/default.json");
    let told = match outcomes {
        true => "[decide.outcomes]\nlisten = \"unix:outcomes.sock\"\n",
        false => "",
    };
    let text = format!(
        "mode = \"shadow\"\nadmin = \"127.0.0.1:0\"\nmodel = {model:?}\n[client]\ntrusted_proxies \
         = [\"127.0.0.0/8\"]\n[decide]\nlisten = [\"unix:decide.sock\"]\nsocket_mode = \
         \"0666\"\n{told}"
    );
    Service::start_in(Folder::new(), &text, &Overrides::default())
}

fn latency() {
    let service = start(false);
    let begin = Instant::now();
    let ask = |connection: u64| {
        let mut edge = Edge::connect(&service);
        let mut took = Vec::new();
        for number in 0..QUESTIONS_PER_S / CONNECTIONS * SECONDS {
            let due = Duration::from_nanos(
                (number * CONNECTIONS + connection) * 1_000_000_000 / QUESTIONS_PER_S,
            );
            std::thread::sleep(due.saturating_sub(begin.elapsed()));
            let visitor = (number * 31 + connection) % u64::from(VISITORS);
            let client = format!("198.18.{}.{}", visitor / 250, visitor % 250);
            let target = format!("/p/{number}?from={connection}");
            let sent = Instant::now();
            assert_eq!(edge.ask("/auth_request", &client, &target).status, 200);
            took.push(sent.elapsed());
        }
        took
    };
    let mut took: Vec<Duration> = std::thread::scope(|scope| {
        let ask = &ask;
        let threads: Vec<_> =
            (0..CONNECTIONS).map(|number| scope.spawn(move || ask(number))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let seconds = begin.elapsed().as_secs_f64();
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_micros();
    println!(
        "{} questions in {seconds:.1} s over a unix socket: median {} µs, p99 {} µs, p99.9 {} µs\n",
        took.len(),
        at(0.5),
        at(0.99),
        at(0.999)
    );
}

fn cpu() {
    let (service, silent) = (start(true), start(false));
    for of in [&service, &silent] {
        std::fs::write(of.folder.path("file"), "x".repeat(200)).unwrap();
    }
    let location = |of: &Service, more: &str| {
        let file = of.folder.path("file").display().to_string();
        format!("location = /f {{ {more} alias {file}; }}")
    };
    let fast = "limit_req zone=all burst=100000 nodelay;";
    let zone = "limit_req_zone $http_x_forwarded_for zone=all:10m rate=100000r/s;\n\
                keepalive_requests 1000000;\n";
    let keep = "keepalive_requests 1000000;\n";
    let setups = [
        (&silent, false, false, keep, location(&silent, "")),
        (&silent, false, false, zone, location(&silent, fast)),
        (&silent, true, false, keep, location(&silent, "")),
        (&service, true, true, keep, location(&service, "")),
    ];
    let mut took: [Vec<[f64; 2]>; 4] = Default::default();
    for round in 0..ROUNDS {
        for (way, (beside, is_gated, has_outcomes, http, locations)) in setups.iter().enumerate() {
            let (is_gated, has_outcomes) = (*is_gated, *has_outcomes);
            let base = Setup { is_gated, has_outcomes, http, locations, ..Setup::default() };
            let setup = Setup { workers: 1, ..base };
            let Some(nginx) = Nginx::start(beside, &setup) else { return };
            let turn = (round * WAYS.len() + way) as u32;
            let spent = measure(beside, &nginx, turn * 2 * REQUESTS);
            // The first round warms up.
            if round > 0 {
                took[way].push(spent);
            }
        }
    }
    let medians = took.map(|rounds| {
        let median = |part: fn(&[f64; 2]) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(part).collect();
            values.sort_unstable_by(f64::total_cmp);
            values[values.len() / 2]
        };
        [median(|spent| spent[0]), median(|spent| spent[0] + spent[1])]
    });
    let alone = medians[0][1];
    println!("| way | worker, µs | with the service, µs | times nginx alone |\n|---|---|---|---|");
    for (way, [worker, both]) in WAYS.iter().zip(medians) {
        println!("| {way} | {worker:.1} | {both:.1} | {:.2} |", both / alone);
    }
    println!(
        "\noutcomes: {} concluded, {} lost",
        service.ended("concluded"),
        service.ended("lost")
    );
}

/// CPU time of a request in µs: of nginx's worker, and of the service's threads.
fn measure(service: &Service, nginx: &Nginx, turn: u32) -> [f64; 2] {
    let pid = std::fs::read_to_string(service.folder.path("nginx.pid")).unwrap();
    let children = format!("/proc/{0}/task/{0}/children", pid.trim());
    let worker = std::fs::read_to_string(children).unwrap();
    let worker = PathBuf::from(format!("/proc/{}", worker.trim()));
    ask(nginx, turn, REQUESTS / 10);
    let before = [ran(&worker), services()];
    ask(nginx, turn + VISITORS, REQUESTS);
    let after = [ran(&worker), services()];
    [0, 1].map(|part| (after[part] - before[part]) as f64 / 1_000.0 / f64::from(REQUESTS))
}

/// So many requests, over several connections at once, as a busy nginx has them.
fn ask(nginx: &Nginx, turn: u32, requests: u32) {
    std::thread::scope(|scope| {
        for connection in 0..BUSY_CONNECTIONS {
            scope.spawn(move || {
                let mut client = nginx.client();
                for number in (connection..requests).step_by(BUSY_CONNECTIONS as usize) {
                    let visitor = (number + turn) % VISITORS;
                    let name = format!("198.18.{}.{}", visitor / 250, visitor % 250);
                    let answer = client.get_as(&name, &format!("/f?{turn}-{number}"));
                    assert_eq!((answer.status, answer.body.len()), (200, 200));
                }
            });
        }
    });
}

/// How long a thread or a process of one thread has run, in ns.
fn ran(of: &std::path::Path) -> u64 {
    let text = std::fs::read_to_string(of.join("schedstat")).unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

/// How long this process's threads of the service have run.
fn services() -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().map(|entry| entry.unwrap().path());
    let is_service = |path: &PathBuf| {
        let name = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
        name.starts_with("kidoban-")
    };
    threads.filter(is_service).map(|path| ran(&path)).sum()
}
