//! What the benches share: how much to do, the shipped model, who comes how often, the machine, and
//! figures of the process itself.
//!
//! Everything about a process is read from `/proc`, so the benches run on Linux only and need no
//! `unsafe`.

#![allow(dead_code)] // each bench is a crate of its own and uses a part of this

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use detector::{AllowList, Judge, Model, Policy, PolicyConfig};
use traffic::sim::Dice;

/// How much to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Run by `cargo test --all-targets`: everything once, tiny, to see that it still works.
    Smoke,
    /// `KIDOBAN_BENCH_QUICK=1`: every figure, with fewer and shorter runs.
    Quick,
    /// `cargo bench`.
    Full,
}

impl Effort {
    /// From the arguments that cargo passes (`--bench` when measuring) and the environment.
    pub fn asked_for() -> Self {
        if !std::env::args().any(|argument| argument == "--bench") {
            return Self::Smoke;
        }
        match std::env::var("KIDOBAN_BENCH_QUICK") {
            Ok(value) if value != "0" => Self::Quick,
            _ => Self::Full,
        }
    }

    /// One of three, by effort.
    pub fn pick<T>(self, smoke: T, quick: T, full: T) -> T {
        match self {
            Self::Smoke => smoke,
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

/// The model that comes with the product.
pub const SHIPPED_MODEL: &[u8] = include_bytes!("../../models/default.json");

/// The shipped model under the default policy.
pub fn shipped_judge() -> Judge {
    let model = Model::parse(SHIPPED_MODEL).expect("the shipped model is sound");
    let policy =
        Policy::new(PolicyConfig::default(), Some(&model)).expect("the default policy fits it");
    Judge { model: Some(model), policy, allow: AllowList::default() }
}

/// Median, least and most of some runs.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// Of at least one run.
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
    /// Over so many ranks.
    pub fn new(count: usize) -> Self {
        let mut sum = 0.0;
        let cumulative = (1..=count).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Self(cumulative.collect())
    }

    /// A rank from 0.
    pub fn draw(&self, dice: &mut Dice) -> usize {
        let point = dice.unit() * self.0[self.0.len() - 1];
        self.0.partition_point(|&up_to| up_to <= point).min(self.0.len() - 1)
    }
}

/// Its 24 bits the other way round: a shop's clients are of many networks, few of each. Twice gives
/// the number itself.
pub fn scattered(index: u32) -> u32 {
    index.reverse_bits() >> 8
}

/// What this was measured on, in one line each: figures mean little without it.
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

/// Bytes of this process that lie in memory.
pub fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has /proc/self/statm");
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|field| field.parse::<u64>().ok())
        .expect("resident pages");
    /// What every x86-64 and most other Linux systems use.
    const PAGE_BYTES: u64 = 4096;
    pages * PAGE_BYTES
}

/// Time on a CPU, user and system, of all living threads of a process, in nanoseconds as the
/// scheduler counts them.
///
/// Threads that have ended are missing: compare two readings between which none ends.
pub fn cpu_time(pid: &str) -> Duration {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Duration::ZERO };
    let nanos = tasks.flatten().filter_map(|task| {
        let schedstat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        schedstat.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// Time on a CPU of all children that have ended and were waited for; to 10 ms.
pub fn cpu_time_of_children() -> Duration {
    // cutime and cstime are fields 16 and 17 of proc_pid_stat(5), of which three come before what
    // is read here.
    ticks_of_process([13, 14])
}

/// Time on a CPU of this process, its threads that have ended as well; to 10 ms.
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

/// `1234567` as `1,234,567`.
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
