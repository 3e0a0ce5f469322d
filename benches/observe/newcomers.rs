//! Clients that the detector has not seen before: their cost in memory, their slowest request, and
//! whether memory grows after ten million of them.

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use detector::Settings;
use detector::state::client_state::KnownClient;
use detector::{
    AgentKey, AllowList, Detector, Event, Mode, Request, Target, Token, UrlHasher, Window,
};
use traffic::sim::Dice;

use super::crowd::{HASH_KEY, START, client_key};
use super::support::{Effort, count, resident_bytes, shipped_judge};

/// Tells a child what to measure; set by this bench when it starts itself again.
const TASK: &str = "KIDOBAN_BENCH_TASK";
/// After this many requests a client is no newcomer any more.
const REQUESTS: usize = 8;

/// Measures memory, newcomers and a flood, each in a process of its own: an allocator would reuse
/// memory that an earlier measurement has freed.
pub fn measure(effort: Effort) {
    let clients: Vec<u32> =
        effort.pick(vec![1_000], vec![200_000, 1_000_000], vec![200_000, 1_000_000]);
    let bytes = clients
        .iter()
        .flat_map(|clients| [format!("newcomer {clients}"), format!("client {clients}")]);
    let events = effort.pick(10_000, 2_000_000, 10_000_000);
    let capacity = effort.pick(1_000, 1_000_000, 1_000_000);
    let tasks = [
        format!("newcomers {events} {}", effort.pick(10_000, 4_000_000, 20_000_000)),
        format!("newcomers {events} {capacity}"),
        format!("spoofed {} {capacity}", effort.pick(10_000, 10_000_000, 10_000_000)),
    ];
    for task in bytes.chain(tasks) {
        let own = std::env::current_exe().expect("a process has a file");
        let status =
            Command::new(own).env(TASK, &task).status().expect("the bench starts itself again");
        assert!(status.success(), "{task} ended with {status}");
    }
}

/// In a child process: runs the task it was started for and returns true.
pub fn run_as_child() -> bool {
    let Ok(task) = std::env::var(TASK) else { return false };
    let mut words = task.split(' ');
    let name = words.next().unwrap_or_default();
    let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    match name {
        "newcomer" => bytes_each("newcomer", number(), 1),
        "client" => bytes_each("client", number(), REQUESTS),
        "newcomers" => newcomers(number(), number()),
        "spoofed" => spoofed(number(), number()),
        _ => panic!("no task {task}"),
    }
    true
}

/// Prints how much memory a process gains when its detector grows from no client to `clients`, each
/// of so many requests.
fn bytes_each(what: &str, clients: usize, requests: usize) {
    let judge = shipped_judge();
    let before = resident_bytes();
    let detector = Detector::new(Settings { capacity: clients, hash_key: HASH_KEY }, judge);
    let page = page();
    for client in (0..clients).map(client_key) {
        for _ in 0..requests {
            detector.observe(&Event { client, ..page }, Mode::Shadow);
        }
    }
    let tracked = detector.stats(START).clients;
    let each = (resident_bytes() - before) as f64 / tracked as f64;
    println!(
        "bytes per {what}, everything, {} tracked: {each:.0} (client {}, of it Window {})",
        count(tracked as f64),
        size_of::<KnownClient>(),
        size_of::<Window>(),
    );
}

/// Prints how long `observe` takes when nine of ten requests are of a new client and the tenth is
/// of one of 10,000 known clients. Each request is concluded.
fn newcomers(events: usize, capacity: usize) {
    const USUAL: usize = 10_000;
    let detector = Detector::new(Settings { capacity, hash_key: HASH_KEY }, shipped_judge());
    let page = page();
    let mut dice = Dice::new(5);
    let mut next = USUAL;
    let mut nanos = Vec::with_capacity(events);
    for index in 0..events {
        let at = START.plus_micros(index as u64 * 20);
        let client = if dice.chance(0.9) {
            next += 1;
            client_key(next)
        } else {
            client_key(dice.below(USUAL))
        };
        let event = Event { client, at, ..page };
        let started = Instant::now();
        black_box(detector.observe(&event, Mode::Shadow).verdict);
        nanos.push(u32::try_from(started.elapsed().as_nanos()).unwrap_or(u32::MAX));
        detector.conclude(Token::recorded(client, AgentKey::NONE, Target::NONE), at, 200);
    }
    nanos.sort_unstable();
    let at = |share: f64| count(f64::from(nanos[((events - 1) as f64 * share) as usize]));
    let stats = detector.stats(START);
    println!(
        "newcomers, 9 of 10 events by somebody new, room for {}: {} events, {} tracked at the end; \
         ns p50 {}, p99 {}, p99.9 {}, p99.99 {}, max {}",
        count(stats.capacity as f64),
        count(events as f64),
        count(stats.clients as f64),
        at(0.5),
        at(0.99),
        at(0.999),
        at(0.9999),
        at(1.0),
    );
}

/// Prints memory before, during and after `keys` new clients of one request each, on a table that
/// is already full.
fn spoofed(keys: usize, capacity: usize) {
    let detector = Detector::new(Settings { capacity, hash_key: HASH_KEY }, shipped_judge());
    let page = page();
    let megabytes = || resident_bytes() / (1 << 20);
    let empty = megabytes();
    for client in (0..2 * capacity).map(client_key) {
        detector.observe(&Event { client, ..page }, Mode::Shadow);
    }
    let full = megabytes();
    let before = detector.stats(START);
    let mut halfway = 0;
    let started = Instant::now();
    for index in 0..keys {
        let (client, at) = (client_key(3 * capacity + index), START.plus_micros(index as u64));
        detector.observe(&Event { client, at, ..page }, Mode::Shadow);
        detector.conclude(Token::recorded(client, AgentKey::NONE, Target::NONE), at, 200);
        if index == keys / 2 {
            halfway = megabytes();
        }
    }
    let took = started.elapsed();
    let after = detector.stats(START);
    println!(
        "spoofed, {} keys once each on a full table of {}: RSS {empty} MiB empty, {full} full, \
            {halfway} halfway, {} at \
         the end; {} evicted; {:.0} ns a key",
        count(keys as f64),
        count(before.clients as f64),
        megabytes(),
        count((after.evictions - before.evictions) as f64),
        took.as_nanos() as f64 / keys as f64,
    );
}

/// A request for a page. Its client is replaced before use.
fn page() -> Event {
    let request = Request {
        client: client_key(0),
        at: START,
        method: "GET",
        target: "/p/1",
        fetch_dest: None,
        agent: None,
        recorded: None,
        is_proxys: false,
    };
    Event::new(&request, &UrlHasher::new(HASH_KEY), &AllowList::default(), None)
}
