//! How fast logs are replayed, in lines per second with scores: through the call that `kidoban
//! replay` makes, with one job and with several, from a plain and a gzipped log; and through the
//! whole command as a child process.
//!
//! The log is a simulated day, written to a temporary folder and removed again. See `README.md`
//! beside this file.

#![allow(clippy::print_stdout)] // printing figures is what a bench is for

mod support;

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use detector::Settings;
use detector::{Action, ClientKey, Detector, Event, Timestamp, Verdict};
use flate2::Compression;
use flate2::write::GzEncoder;
use kidoban::input::Logs;
use support::{
    Effort, Folder, Spread, count, cpu_time, cpu_time_of_children, cpu_time_of_process,
    describe_machine, shipped_judge,
};
use traffic::replay::{RecordedVerdict, VerdictSink, replay_parallel};
use traffic::sim::{Mix, Site, simulate, write_combined};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Clients that `kidoban replay` tracks without a configuration.
const CAPACITY: usize = 1_000_000;
const DAY_US: u64 = 86_400 * 1_000_000;
/// 2026-11-20, midnight UTC.
const START: Timestamp = Timestamp::from_secs(1_795_132_800);

fn main() {
    let effort = Effort::asked_for();
    println!("{}", describe_machine());
    let folder = Folder::new("replay");
    let log = Log::write(folder.path(), effort);
    println!("{}", log.description);
    let runs = effort.pick(1, 3, 7);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // In turns, so that other load on the machine affects all of them alike.
    let mut calls: Vec<(String, &Path, usize, Vec<Run>)> = Vec::new();
    for (name, path) in [("plain", &log.plain), ("gzip", &log.gzipped)] {
        for jobs in (1..=cores).filter(|jobs| jobs.is_power_of_two()) {
            calls.push((
                format!("traffic::replay::replay_parallel, {name}, {jobs} jobs"),
                path,
                jobs,
                Vec::new(),
            ));
        }
    }
    for _ in 0..runs {
        for (_, path, jobs, done) in &mut calls {
            done.push(replayed(path, log.lines, *jobs));
        }
    }
    for (name, _, _, done) in &calls {
        print_runs(name, done);
    }
    let command = |path: &Path| (0..runs).map(|_| commanded(path, log.lines)).collect::<Vec<Run>>();
    print_runs("the command `kidoban replay`, all cores, plain", &command(&log.plain));
    print_runs("the command `kidoban replay`, all cores, gzip", &command(&log.gzipped));
    print_runs(
        "reading and parsing alone, plain",
        &(0..runs).map(|_| parsed(&log.plain, log.lines)).collect::<Vec<_>>(),
    );
}

/// Lines per second of wall-clock time, and per second of CPU time.
struct Run {
    per_wall_s: f64,
    per_cpu_s: f64,
}

fn print_runs(what: &str, runs: &[Run]) {
    let wall = Spread::of(runs.iter().map(|run| run.per_wall_s));
    let cpu = Spread::of(runs.iter().map(|run| run.per_cpu_s));
    println!(
        "{what}: {} lines/s ({} to {}, {} runs), {} lines per CPU second",
        count(wall.median),
        count(wall.min),
        count(wall.max),
        runs.len(),
        count(cpu.median)
    );
}

/// What one watching thread counts.
#[derive(Default)]
struct Counts {
    requests: u64,
    stopped: u64,
    /// Clients whose reasons were given. The command too asks for them once a client.
    told: HashSet<ClientKey>,
}

impl VerdictSink for Counts {
    fn accept(
        &mut self,
        event: &Event,
        verdict: &Verdict,
        _: Option<&RecordedVerdict>,
        _: Option<&str>,
    ) {
        self.requests += 1;
        if verdict.action != Action::Allow {
            self.stopped += 1;
            self.told.insert(event.client);
        }
    }

    fn wants_reasons(&self, client: ClientKey) -> bool {
        !self.told.contains(&client)
    }
}

/// Runs one replay in this process. CPU time is that of the whole process, because the replay's
/// threads have ended when it is read.
fn replayed(path: &Path, lines: u64, jobs: usize) -> Run {
    let (started, cpu_before) = (Instant::now(), cpu_time_of_process());
    let detector = Detector::new(
        Settings { capacity: CAPACITY, hash_key: trainer::site::OFFLINE_HASH_KEY },
        shipped_judge(),
    );
    let logs = open(path);
    let (tallies, counts) =
        replay_parallel::<Counts>(jobs, logs.open().expect("a log"), &detector, None)
            .expect("the log reads");
    logs.finish();
    let read: u64 = tallies.iter().map(|tally| tally.parsed).sum();
    let requests: u64 = counts.iter().map(|counts| counts.requests).sum();
    let stopped: u64 = counts.iter().map(|counts| counts.stopped).sum();
    assert_eq!((read, requests), (lines, lines), "every line is read and judged");
    assert!(stopped < lines / 2, "most requests pass, as on a shop");
    run(lines, started, (cpu_time_of_process() - cpu_before).as_secs_f64())
}

/// Runs `kidoban replay` as a child process, which also checks its model, prints and exits.
fn commanded(path: &Path, lines: u64) -> Run {
    let (started, cpu_before) = (Instant::now(), cpu_time_of_children());
    let status = Command::new(env!("CARGO_BIN_EXE_kidoban"))
        .args(["replay", "--json"])
        .arg(path)
        .stdout(Stdio::null())
        .status()
        .expect("the command starts");
    assert!(status.success(), "the command ends with {status}");
    run(lines, started, (cpu_time_of_children() - cpu_before).as_secs_f64())
}

/// Reads and parses the log only, without merging and detector.
fn parsed(path: &Path, lines: u64) -> Run {
    let (started, cpu_before) = (Instant::now(), cpu_time("self"));
    let mut read = 0;
    for mut reader in open(path).open().expect("a log") {
        while let Some(record) = reader.next().expect("the log reads") {
            std::hint::black_box(&record);
            read += 1;
        }
    }
    assert_eq!(read, lines);
    run(lines, started, (cpu_time("self") - cpu_before).as_secs_f64())
}

fn open(path: &Path) -> Logs {
    Logs::find(&[path.display().to_string()]).expect("the log is there")
}

fn run(lines: u64, started: Instant, cpu_s: f64) -> Run {
    let per = |seconds: f64| lines as f64 / seconds.max(1e-3);
    Run { per_wall_s: per(started.elapsed().as_secs_f64()), per_cpu_s: per(cpu_s) }
}

/// A day of a simulated shop, plain and gzipped.
struct Log {
    plain: PathBuf,
    gzipped: PathBuf,
    lines: u64,
    description: String,
}

impl Log {
    fn write(folder: &Path, effort: Effort) -> Self {
        let site = Arc::new(Site::new(2));
        let (people, bots) = effort.pick((20, 4), (6_000, 40), (24_000, 160));
        let requests = simulate(&site, 2, START, &Mix::of(people, bots), DAY_US);
        let (plain, gzipped) = (folder.join("access.log"), folder.join("access.log.gz"));
        let mut out =
            BufWriter::new(File::create(&plain).expect("the temporary folder takes files"));
        write_combined(&requests, &mut out).expect("the log is written");
        drop(out);
        let text = std::fs::read(&plain).expect("the log reads");
        let mut encoder =
            GzEncoder::new(File::create(&gzipped).expect("and another"), Compression::new(6));
        encoder
            .write_all(&text)
            .and_then(|()| encoder.try_finish())
            .expect("the log is compressed");
        let lines = requests.len() as u64;
        let clients: std::collections::HashSet<_> =
            requests.iter().map(|request| request.client).collect();
        let description = format!(
            "log: {} lines of {} clients, {} MB ({:.0} bytes a line), combined",
            count(lines as f64),
            count(clients.len() as f64),
            text.len() / 1_000_000,
            text.len() as f64 / lines as f64
        );
        Self { plain, gzipped, lines, description }
    }
}
