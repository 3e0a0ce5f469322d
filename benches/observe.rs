//! The cost of a verdict: nanoseconds per [`Detector::observe`] by number of clients and threads,
//! nanoseconds per stage, and bytes per tracked client.
//!
//! Clients send the requests of the simulated crowd, pages and assets. Each has requested at least
//! six pages before the clock starts, so that every page is scored. How often a client comes
//! follows Zipf's law: the first of a million makes 7 % of the traffic, as the busiest client of a
//! shop does. See `README.md` beside this file.

#![allow(clippy::print_stdout)] // printing figures is what a bench is for

#[path = "observe/crowd.rs"]
mod crowd;
#[path = "observe/newcomers.rs"]
mod newcomers;
mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use crowd::{Crowd, HASH_KEY, Ring, START, client_key};
use detector::Settings;
use detector::{
    Class, ClientKey, Detector, Event, Features, Judge, Mode, Policy, PolicyConfig, Timestamp,
    Window,
};
use support::{Effort, Spread, count, describe_machine, scattered, shipped_judge};
use traffic::LogReader;
use traffic::sim::write_combined;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    if newcomers::run_as_child() {
        return;
    }
    let effort = Effort::asked_for();
    println!("{}", describe_machine());
    newcomers::measure(effort);
    let crowd = Crowd::simulated();
    println!("crowd: {}", crowd.describe());
    let mut criterion = criterion(effort);
    stages(&mut criterion, &crowd);
    for clients in
        effort.pick(vec![100], vec![1_000, 100_000, 1_000_000], vec![1_000, 100_000, 1_000_000])
    {
        let mut bench = Bench::new(&crowd, clients, effort);
        println!("{}", bench.describe());
        bench.measure(&mut criterion);
        bench.measure_with_cohorts(&mut criterion);
        bench.compare_threads(effort);
    }
    criterion.final_summary();
}

fn criterion(effort: Effort) -> Criterion {
    let millis = |smoke, quick, full| Duration::from_millis(effort.pick(smoke, quick, full));
    Criterion::default()
        .sample_size(effort.pick(10, 10, 30))
        .warm_up_time(millis(1, 300, 1_000))
        .measurement_time(millis(5, 1_000, 3_000))
        .without_plots()
        .configure_from_args()
}

/// A detector whose clients are warmed up, and traffic for it.
struct Bench {
    clients: usize,
    detector: Detector,
    ring: Ring,
}

impl Bench {
    fn new(crowd: &Crowd, clients: usize, effort: Effort) -> Self {
        // A little more than the clients need, because shards fill unevenly and nobody should be
        // evicted.
        let capacity = clients + clients / 8 + 1_000;
        let detector = Detector::new(Settings { capacity, hash_key: HASH_KEY }, shipped_judge());
        for client in 0..clients {
            let visit = crowd.visit_of(client);
            let known = &visit[..Crowd::steps_before(visit)];
            let span_us: u64 = known.iter().map(|step| step.gap_us).sum();
            let mut at = Timestamp::from_micros(START.as_micros() - span_us as i64);
            for step in known {
                at = at.plus_micros(step.gap_us);
                detector
                    .observe(&Event { client: client_key(client), at, ..step.event }, Mode::Shadow);
            }
        }
        let length = effort.pick(1_000, 1 << 20, 1 << 22);
        Self { clients, detector, ring: Ring::new(crowd, clients, length) }
    }

    /// Shares of pages, scored and limited requests, counted over a part of the traffic.
    fn describe(&self) -> String {
        let looked_at = self.ring.steps.len().min(200_000) as u64;
        let (mut pages, mut scored, mut stopped) = (0_u64, 0_u64, 0_u64);
        for index in 0..looked_at {
            let (event, _) = self.ring.event(index);
            let verdict = self.detector.observe(&event, Mode::Shadow).verdict;
            let is_page = event.class == Class::Page;
            pages += u64::from(is_page);
            scored += u64::from(is_page && verdict.score.is_some());
            stopped += u64::from(verdict.action != detector::Action::Allow);
        }
        let share = |part: u64| part as f64 / looked_at as f64 * 100.0;
        format!(
            "\n{} clients resident: {:.0} % of requests are pages, {:.0} % are scored, {:.1} % are \
                limited",
            count(self.detector.stats(START).clients as f64),
            share(pages),
            share(scored),
            share(stopped)
        )
    }

    fn measure(&self, criterion: &mut Criterion) {
        let mut next = 0;
        criterion.bench_function(&format!("observe/{}", self.clients), |bencher| {
            bencher.iter_custom(|requests| {
                let took = self.observe(next, requests);
                next += requests;
                took
            });
        });
        criterion.bench_function(&format!("observe_and_conclude/{}", self.clients), |bencher| {
            bencher.iter_custom(|requests| {
                let started = Instant::now();
                for index in next..next + requests {
                    let (event, status) = self.ring.event(index);
                    let observed = black_box(self.detector.observe(&event, Mode::Shadow));
                    let at = event.at.plus_micros(20_000);
                    if let Some(token) = observed.token {
                        black_box(self.detector.conclude(token, at, status));
                    }
                }
                next += requests;
                started.elapsed()
            });
        });
        criterion.bench_function(&format!("observe_pages_only/{}", self.clients), |bencher| {
            bencher.iter_custom(|requests| {
                let started = Instant::now();
                let mut left = requests;
                while left > 0 {
                    let (event, _) = self.ring.event(next);
                    next += 1;
                    if event.class == Class::Page {
                        black_box(self.detector.observe(&event, Mode::Shadow).verdict);
                        left -= 1;
                    }
                }
                started.elapsed()
            });
        });
    }

    /// As `observe`, with a cohort threshold in force, so that cohorts are scored as well.
    fn measure_with_cohorts(&mut self, criterion: &mut Criterion) {
        let judge = shipped_judge();
        let config = PolicyConfig { cohort_score: Some(0.999), ..PolicyConfig::default() };
        let policy = Policy::new(config, judge.model.as_ref()).expect("a sound policy");
        self.detector.install(Judge { policy, ..judge });
        let mut next = 0;
        criterion.bench_function(&format!("observe_with_cohorts/{}", self.clients), |bencher| {
            bencher.iter_custom(|requests| {
                let took = self.observe(next, requests);
                next += requests;
                took
            });
        });
        self.detector.install(shipped_judge());
    }

    fn observe(&self, from: u64, requests: u64) -> Duration {
        let started = Instant::now();
        for index in from..from + requests {
            black_box(self.detector.observe(&self.ring.event(index).0, Mode::Shadow).verdict);
        }
        started.elapsed()
    }

    /// Observes traffic on one thread and on two, in turns, and prints the ratio.
    fn compare_threads(&self, effort: Effort) {
        let requests = effort.pick(1_000, 200_000, 500_000);
        let half = self.ring.steps.len() as u64 / 2;
        let pairs: Vec<(f64, f64)> = (0..effort.pick(1, 3, 9))
            .map(|pair| {
                let from = pair * requests;
                let alone = requests as f64 / self.observe(from, requests).as_secs_f64();
                let started = Instant::now();
                std::thread::scope(|scope| {
                    scope.spawn(|| self.observe(from, requests));
                    scope.spawn(|| self.observe(from + half, requests));
                });
                (alone, 2.0 * requests as f64 / started.elapsed().as_secs_f64())
            })
            .collect();
        let ratio = Spread::of(pairs.iter().map(|(one, two)| two / one));
        println!(
            "threads, {} clients: one {}/s, two {}/s, ratio {:.2} ({:.2} to {:.2}, {} pairs)",
            count(self.clients as f64),
            count(Spread::of(pairs.iter().map(|(one, _)| *one)).median),
            count(Spread::of(pairs.iter().map(|(_, two)| *two)).median),
            ratio.median,
            ratio.min,
            ratio.max,
            pairs.len()
        );
    }
}

/// Measures each stage alone, on a thousand clients with filled windows, all in the CPU cache.
fn stages(criterion: &mut Criterion, crowd: &Crowd) {
    const CLIENTS: usize = 1_000;
    let judge = shipped_judge();
    let model = judge.model.as_ref().expect("the shipped judge has a model");
    let resolution_us = model.resolution_us();
    let ring = Ring::new(crowd, CLIENTS, 1 << 16);
    let index_of = |event: &Event| scattered(event.client.to_bits() as u32 - 0x0b00_0000) as usize;
    let mut windows: Vec<Window> = (0..CLIENTS).map(|_| Window::new(START)).collect();
    let mut order = Vec::new();
    for index in 0..ring.steps.len() as u64 {
        let (event, _) = ring.event(index);
        windows[index_of(&event)].push(&event, resolution_us);
        if event.class == Class::Page {
            order.push(index_of(&event));
        }
    }
    let features: Vec<Features> = windows.iter().map(Features::measure).collect();
    let mut stage = |name: &str, run: &mut dyn FnMut(usize)| {
        let mut next = 0;
        criterion.bench_function(&format!("stage/{name}"), |bencher| {
            bencher.iter_custom(|times| {
                let started = Instant::now();
                for _ in 0..times {
                    run(next);
                    next += 1;
                }
                started.elapsed()
            });
        });
    };
    let judged = |turn: usize| order[turn % order.len()];
    let mut pushed = windows.clone();
    stage("push", &mut |turn| {
        let (event, _) = ring.event((ring.steps.len() + turn) as u64);
        black_box(pushed[index_of(&event)].push(&event, resolution_us));
    });
    stage("measure", &mut |turn| _ = black_box(Features::measure(&windows[judged(turn)])));
    let asked = model.asks();
    stage("measure_asked", &mut |turn| {
        _ = black_box(Features::measure_only(&windows[judged(turn)], asked))
    });
    stage("score", &mut |turn| _ = black_box(model.score(&features[judged(turn)])));
    stage("contributions", &mut |turn| _ = black_box(model.contributions(&features[judged(turn)])));
    let detector = Detector::new(Settings { capacity: 1, hash_key: HASH_KEY }, judge.clone());
    let requests = &crowd.requests;
    stage("event_of_request", &mut |turn| {
        _ = black_box(detector.event(&requests[turn % requests.len()].as_request()));
    });
    let mut combined = Vec::new();
    write_combined(requests, &mut combined).expect("memory takes everything");
    let mut reader = LogReader::new("memory", combined.as_slice()).expect("a combined log");
    stage("parse_combined_line", &mut |_| loop {
        if black_box(reader.next().expect("memory reads")).is_some() {
            break;
        }
        reader = LogReader::new("memory", combined.as_slice()).expect("a combined log");
    });
    let addresses: Vec<String> =
        requests.iter().map(|request| request.client.to_string()).collect();
    stage("client_key_of_text", &mut |turn| {
        _ = black_box(ClientKey::from_text(&addresses[turn % addresses.len()]));
    });
}
