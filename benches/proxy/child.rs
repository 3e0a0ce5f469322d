//! Child processes, each this program once more: how one is started, told its role, and measured.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child as Process, Command, Stdio};

use super::crowd::{CLIENTS, page_of};
use super::load::load;
use super::support::{Effort, cpu_time};

/// Tells a child what it is; set by this bench when it starts itself again.
pub const ROLE: &str = "KIDOBAN_BENCH_ROLE";
/// Where a child finds the origin.
pub const UPSTREAM: &str = "KIDOBAN_BENCH_UPSTREAM";
/// Where a child writes its event log.
pub const EVENT_LOG: &str = "KIDOBAN_BENCH_EVENT_LOG";

/// The core of the proxies, and the one of everybody else.
pub const CORES: [&str; 2] = ["0", "1"];
/// Page requests that each client has made before the clock starts: one more than the policy wants
/// before it judges a client.
const PAGES_BEFORE: u32 = 6;

/// A child process that serves until its standard input is closed.
pub struct Child {
    process: Process,
    pub addr: SocketAddr,
    pub name: &'static str,
}

impl Child {
    /// Starts this program again in a role and waits until it listens.
    pub fn start(name: &'static str, upstream: Option<SocketAddr>, folder: &Path) -> Self {
        let core = if name == "origin" { CORES[1] } else { CORES[0] };
        let mut process = own_program(core)
            .env(ROLE, name)
            .env(UPSTREAM, upstream.map_or_else(String::new, |addr| format!("http://{addr}")))
            .env(EVENT_LOG, folder.join("events.jsonl"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the bench starts itself again");
        let mut line = String::new();
        let stdout = process.stdout.as_mut().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the child says where it listens");
        let addr =
            line.trim().parse().unwrap_or_else(|_| panic!("{name} says {line:?} and no address"));
        Self { process, addr, name }
    }

    /// Sends each client's first pages: a gate then knows every client well enough to score it, and
    /// a pass-through, which knows no clients, has full pools and caches.
    pub fn warm_up(&self, effort: Effort) {
        let clients = effort.pick(20, CLIENTS, CLIENTS);
        let rounds = if self.name.starts_with("gate") { PAGES_BEFORE } else { 1 };
        let pages = (0..rounds).flat_map(|page| (0..clients).map(move |client| (client, page)));
        load(self.addr, pages.map(|(client, page)| page_of(client, page)));
    }

    /// CPU time of the proxy for each of these requests, in µs.
    pub fn cpu_us(&self, texts: Vec<String>) -> f64 {
        let requests = texts.len();
        let pid = self.process.id().to_string();
        let before = cpu_time(&pid);
        load(self.addr, texts.into_iter());
        let spent = cpu_time(&pid) - before;
        spent.as_secs_f64() * 1e6 / requests as f64
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // Its last words, up to its end: it ends by itself because its input is closed.
        let mut rest = String::new();
        let _ = self.process.stdout.as_mut().map(|stdout| stdout.read_to_string(&mut rest));
        print!("{rest}");
        let _ = self.process.wait();
    }
}

/// Keeps this process and its children on one core. Does nothing where `taskset` (util-linux) is
/// missing.
pub fn stay_on(core: &str) {
    let _ = Command::new("taskset").args(["-acp", core, &std::process::id().to_string()]).output();
}

/// A command that starts this program once more, on that core.
fn own_program(core: &str) -> Command {
    let own = std::env::current_exe().expect("a process has a file");
    let pinned = Command::new("taskset")
        .args(["-c", core, "true"])
        .output()
        .is_ok_and(|tried| tried.status.success());
    if !pinned {
        return Command::new(own);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(own);
    command
}

/// In a child: prints the address it listens on, then waits until its standard input is closed.
pub fn serve_until_told(addr: SocketAddr) {
    println!("{addr}");
    std::io::stdout().flush().expect("somebody listens");
    let mut nothing = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut nothing);
}
