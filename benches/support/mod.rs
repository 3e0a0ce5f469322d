//! Shared by the benches: how much to measure, the shipped model, Zipf's law, a description of the
//! machine, and memory and CPU time of processes.
//!
//! Figures of a process are read from `/proc`, so the benches run on Linux only and need no
//! `unsafe`.

#![allow(dead_code)] // each bench is a crate of its own and uses a part of this

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use detector::{AllowList, Judge, Model, Policy, PolicyConfig};
use traffic::sim::Dice;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// `cargo test --all-targets`: everything runs once and tiny, only to see that it still works.
    Smoke,
    /// `KIDOBAN_BENCH_QUICK=1`: every figure, from fewer and shorter runs.
    Quick,
    /// `cargo bench`: the figures that are quoted.
    Full,
}

impl Effort {
    /// The effort that cargo's arguments (`--bench` when measuring) and the environment ask for.
    pub fn asked_for() -> Self {
        if !std::env::args().any(|argument| argument == "--bench") {
            return Self::Smoke;
        }
        match std::env::var("KIDOBAN_BENCH_QUICK") {
            Ok(value) if value != "0" => Self::Quick,
            _ => Self::Full,
        }
    }

    /// Picks one of three values by effort.
    pub fn pick<T>(self, smoke: T, quick: T, full: T) -> T {
        match self {
            Self::Smoke => smoke,
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

/// The model that is built into the product.
pub const SHIPPED_MODEL: &[u8] = include_bytes!("../../models/default.json");

/// The shipped model under the default policy.
pub fn shipped_judge() -> Judge {
    let model = Model::parse(SHIPPED_MODEL).expect("the shipped model is sound");
    let policy =
        Policy::new(PolicyConfig::default(), Some(&model)).expect("the default policy fits it");
    Judge { model: Some(model), policy, allow: AllowList::default() }
}

/// Median, minimum and maximum of some runs.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// The spread of at least one run.
    pub fn of(runs: impl IntoIterator<Item = f64>) -> Self {
        let mut runs: Vec<f64> = runs.into_iter().collect();
        runs.sort_by(f64::total_cmp);
        let middle = runs.len() / 2;
        let median = if runs.len() % 2 == 1 {
            runs[middle]
        } else {
            (runs[middle - 1] + runs[middle]) / 2.0
        };
        Self { median, min: runs[0], max: runs[runs.len() - 1] }
    }
}

/// A temporary folder, removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    /// An empty one for this run of the named bench.
    pub fn new(bench: &str) -> Self {
        let name = format!("kidoban-bench-{bench}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("there is a temporary folder");
        Self(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Zipf's law with exponent 1 over `count` ranks, by its cumulative distribution.
pub struct Zipf(Vec<f64>);

impl Zipf {
    /// The law over so many ranks.
    pub fn new(count: usize) -> Self {
        let mut sum = 0.0;
        let cumulative = (1..=count).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Self(cumulative.collect())
    }

    /// Draws a rank; the most frequent is 0.
    pub fn draw(&self, dice: &mut Dice) -> usize {
        let point = dice.unit() * self.0[self.0.len() - 1];
        self.0.partition_point(|&up_to| up_to <= point).min(self.0.len() - 1)
    }
}

/// Reverses the 24 low bits, so that consecutive clients fall into many networks, as in a real
/// shop. Applying it twice gives the number itself.
pub fn scattered(index: u32) -> u32 {
    index.reverse_bits() >> 8
}

/// The machine and its load, a line each. Figures mean little without them.
pub fn describe_machine() -> String {
    let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = file("/proc/cpuinfo");
    let cpu = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("?", |(_, cpu)| cpu);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    format!(
        "machine: {cores} cores, {cpu}, Linux {}, {rustc}\nload average before: {}",
        file("/proc/sys/kernel/osrelease").trim(),
        file("/proc/loadavg").trim()
    )
}

/// Resident memory of this process, in bytes.
pub fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has /proc/self/statm");
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|field| field.parse::<u64>().ok())
        .expect("resident pages");
    /// The page size of every x86-64 and most other Linux systems.
    const PAGE_BYTES: u64 = 4096;
    pages * PAGE_BYTES
}

/// CPU time, user and system, of all living threads of a process, to the nanosecond as the
/// scheduler counts it.
///
/// Threads that have ended are missing. Compare only two readings between which no thread ends.
pub fn cpu_time(pid: &str) -> Duration {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Duration::ZERO };
    let nanos = tasks.flatten().filter_map(|task| {
        let schedstat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        schedstat.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// CPU time of all children that have ended and were waited for, to 10 ms.
pub fn cpu_time_of_children() -> Duration {
    // cutime and cstime are fields 16 and 17 of proc_pid_stat(5). Reading starts at field 3, so
    // these are indices from there.
    ticks_of_process([13, 14])
}

/// CPU time of this process, including threads that have ended, to 10 ms.
pub fn cpu_time_of_process() -> Duration {
    // utime and stime: fields 14 and 15.
    ticks_of_process([11, 12])
}

fn ticks_of_process(fields_wanted: [usize; 2]) -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has /proc/self/stat");
    // The second field is a name in parentheses and may hold spaces.
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 =
        fields_wanted.iter().filter_map(|&at| fields.get(at)?.parse::<u64>().ok()).sum();
    /// `USER_HZ` is 100 on every Linux.
    const TICK_MS: u64 = 10;
    Duration::from_millis(ticks * TICK_MS)
}

/// Writes `1234567` as `1,234,567`.
pub fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
