//! What the gate costs: CPU time per proxied request of the gate, beside a bare Pingora
//! pass-through built from the same crate with the same options.
//!
//! ```text
//!  this process: load generator ──keep-alive──► child: gate · gate with event log ──keep-alive──► child: origin
//!                                                      forwarding · bare
//!            second core                             first core; its CPU time counts           second core
//! ```
//!
//! Each pair is one run against the bare proxy and one against another, back to back; what is
//! reported is the median of the pairs' ratios, because absolute times drift with whatever else the
//! machine does. Many short pairs say more than few long ones: what drifts, drifts between pairs.
//! See `README.md` beside this file.

#![allow(clippy::print_stdout)] // printing figures is what a bench is for

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use detector::url::{classify, split};
use detector::{Class, Timestamp};
use proxy::{Config, Overrides, RunningGate};
use support::{Effort, SHIPPED_MODEL, Spread, Zipf, count, cpu_time, describe_machine, scattered};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use traffic::sim::{Dice, Mix, SimRequest, Site, simulate};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tells a child what it is; set by this bench when it starts itself again.
const ROLE: &str = "KIDOBAN_BENCH_ROLE";
/// Where a child finds the origin.
const UPSTREAM: &str = "KIDOBAN_BENCH_UPSTREAM";
/// Where a child writes its event log.
const EVENT_LOG: &str = "KIDOBAN_BENCH_EVENT_LOG";
/// Kept open by the load generator: so many that the proxy's one thread always has work, and who
/// talks to it rarely none, because waking them is a price that the slower proxy pays more often.
const CONNECTIONS: usize = 64;
/// What the origin answers: a small reply, so that moving bytes does not hide the rest.
const BODY_BYTES: usize = 512;
/// Client addresses.
const CLIENTS: u32 = 20_000;
/// Page requests each client has made before the clock starts: one more than the policy wants to
/// judge it.
const PAGES_BEFORE: u32 = 6;

/// The proxy's core, and that of everybody else.
const CORES: [&str; 2] = ["0", "1"];

fn main() {
    match std::env::var(ROLE).as_deref() {
        Ok("origin") => be_origin(),
        Ok("bare") => be_bare(false),
        Ok("forwarding") => be_bare(true),
        Ok("gate") => be_gate(""),
        Ok("gate+log") => be_gate(&format!(
            "[event_log]\npath = {:?}\n",
            std::env::var(EVENT_LOG).unwrap_or_default()
        )),
        _ => measure(Effort::asked_for()),
    }
}

/// What is asked of the proxies.
#[derive(Clone, Copy)]
enum Load {
    /// What a simulated crowd asks for; who comes how often is Zipf's law, as in `observe`.
    Shop,
    /// Pages by so many clients, all alike: every request is scored, and each client has been
    /// forgotten by every cache.
    Pages { clients: u32 },
}

impl Load {
    fn name(self) -> String {
        match self {
            Self::Shop => format!("a shop's requests, {} clients", count(f64::from(CLIENTS))),
            Self::Pages { clients: 1 } => "pages only, one client".to_owned(),
            Self::Pages { clients } => {
                format!("pages only, {} clients alike", count(f64::from(clients)))
            }
        }
    }
}

/// Which proxies are measured, and with what.
const PLANS: [(&str, Load); 6] = [
    ("gate", Load::Shop),
    ("forwarding", Load::Shop),
    ("gate+log", Load::Shop),
    ("gate", Load::Pages { clients: CLIENTS }),
    ("forwarding", Load::Pages { clients: CLIENTS }),
    ("gate", Load::Pages { clients: 1 }),
];

fn measure(effort: Effort) {
    println!("{}", describe_machine());
    stay_on(CORES[1]);
    let folder = Folder::new();
    let origin = Role::start("origin", None, &folder.0);
    let crowd = Crowd::simulated(effort);
    println!("crowd: {}", crowd.describe());
    let requests = effort.pick(200, 2_000, 2_000);
    let pairs = effort.pick(1, 30, 150);
    let mut results: Vec<Vec<Pair>> = PLANS.iter().map(|_| Vec::new()).collect();
    // Fresh processes for every few pairs: where the allocator and the linker put things differs
    // from start to start.
    while results[0].len() < pairs {
        let [bare, forwarding, gate, logging] = ["bare", "forwarding", "gate", "gate+log"]
            .map(|name| Role::start(name, Some(origin.addr), &folder.0));
        for proxy in [&bare, &forwarding, &gate, &logging] {
            proxy.warm_up(effort);
        }
        for _ in 0..pairs.div_ceil(3) {
            for ((name, load), results) in PLANS.iter().zip(&mut results) {
                let other =
                    [&forwarding, &gate, &logging].into_iter().find(|role| role.name == *name);
                let other = other.expect("a plan names one of them");
                let texts = || crowd.texts(*load, requests, results.len() as u64);
                let bare_first = results.len() % 2 == 0;
                let first = if bare_first { &bare } else { other }.cpu_us(texts());
                let second = if bare_first { other } else { &bare }.cpu_us(texts());
                results.push(if bare_first {
                    Pair { bare: first, other: second }
                } else {
                    Pair { bare: second, other: first }
                });
            }
        }
    }
    for ((name, load), pairs) in PLANS.iter().zip(&results) {
        print_pairs(name, &load.name(), pairs);
    }
    newcomers(effort, origin.addr, &folder.0);
}

/// Keeps this process, and whom it starts, on one core, where `taskset` (util-linux) is there to do
/// it.
fn stay_on(core: &str) {
    let _ = Command::new("taskset").args(["-acp", core, &std::process::id().to_string()]).output();
}

/// This program once more, on the core that is its own.
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

/// What the simulated visitors of a shop ask for, without who they are.
struct Crowd {
    visits: Vec<Vec<SimRequest>>,
}

impl Crowd {
    fn simulated(effort: Effort) -> Self {
        let site = Arc::new(Site::new(1));
        let mix = Mix::of(effort.pick(30, 600, 600), effort.pick(3, 60, 60));
        let requests =
            simulate(&site, 1, Timestamp::from_secs(1_795_219_200), &mix, 3 * 3_600 * 1_000_000);
        let mut visits = std::collections::BTreeMap::<_, Vec<SimRequest>>::new();
        for request in requests {
            visits.entry(request.client).or_default().push(request);
        }
        Self { visits: visits.into_values().collect() }
    }

    fn describe(&self) -> String {
        let requests = || self.visits.iter().flatten();
        let pages = requests().filter(|request| class_of(request) == Class::Page).count();
        format!(
            "{} visits, {:.0} % of their requests are pages",
            self.visits.len(),
            pages as f64 / requests().count() as f64 * 100.0
        )
    }

    /// So many requests as bytes on the wire; another `seed`, others.
    fn texts(&self, load: Load, requests: usize, seed: u64) -> Vec<String> {
        let mut dice = Dice::new(11 + seed);
        match load {
            Load::Pages { clients } => {
                let mut page =
                    || page_of(dice.below(clients as usize) as u32, dice.below(2_000) as u32);
                (0..requests).map(|_| page()).collect()
            }
            Load::Shop => {
                let zipf = Zipf::new(CLIENTS as usize);
                let mut request = || {
                    let client = zipf.draw(&mut dice);
                    let visit = &self.visits[client % self.visits.len()];
                    text_of(client as u32, &visit[dice.below(visit.len())])
                };
                (0..requests).map(|_| request()).collect()
            }
        }
    }
}

fn class_of(request: &SimRequest) -> Class {
    classify(split(&request.target).0, None)
}

/// Every request from an address that was never seen: the slowest of a hundred, by the bare proxy
/// and by the gate in turns.
fn newcomers(effort: Effort, origin: SocketAddr, folder: &Path) {
    let requests = effort.pick(200, 20_000, 50_000);
    let bare = Role::start("bare", Some(origin), folder);
    let gate = Role::start("gate", Some(origin), folder);
    bare.warm_up(effort);
    gate.warm_up(effort);
    let mut next = CLIENTS;
    let mut p99_us = |role: &Role| {
        let from = next;
        next += requests;
        let mut micros =
            load(role.addr, (from..next).map(|client| page_of(client, client % 2_000)));
        micros.sort_unstable();
        f64::from(micros[micros.len() * 99 / 100])
    };
    let pairs: Vec<(f64, f64)> = (0..effort.pick(1, 6, 12))
        .map(|pair| {
            if pair % 2 == 0 {
                let bare = p99_us(&bare);
                (bare, p99_us(&gate))
            } else {
                let gate = p99_us(&gate);
                (p99_us(&bare), gate)
            }
        })
        .collect();
    let ratio = Spread::of(pairs.iter().map(|(bare, gate)| gate / bare));
    println!(
        "gate, every request from somebody new ({} of them): p99 bare {:.0} µs, gate {:.0} µs; \
            ratio {:.2} ({:.2} to {:.2}, \
         {} pairs)",
        count(f64::from(next - CLIENTS) / 2.0),
        Spread::of(pairs.iter().map(|(bare, _)| *bare)).median,
        Spread::of(pairs.iter().map(|(_, gate)| *gate)).median,
        ratio.median,
        ratio.min,
        ratio.max,
        pairs.len(),
    );
}

/// CPU microseconds per request.
struct Pair {
    bare: f64,
    other: f64,
}

fn print_pairs(name: &str, load: &str, pairs: &[Pair]) {
    let mut ratios: Vec<f64> = pairs.iter().map(|pair| pair.other / pair.bare).collect();
    ratios.sort_by(f64::total_cmp);
    // The ranks between which the true median lies, by the binomial distribution.
    let (middle, reach) = ((ratios.len() - 1) as f64 / 2.0, 0.98 * (ratios.len() as f64).sqrt());
    let rank = |rank: f64| ratios[rank.clamp(0.0, (ratios.len() - 1) as f64) as usize];
    let median = |what: fn(&Pair) -> f64| Spread::of(pairs.iter().map(what)).median;
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    println!(
        "{name}, {load}: bare {:.2} µs, {name} {:.2} µs of CPU a request; {:+.1} % (95 %: {:+.1} \
            to {:+.1}, {} pairs)",
        median(|pair| pair.bare),
        median(|pair| pair.other),
        percent(Spread::of(ratios.iter().copied()).median),
        percent(rank((middle - reach).floor())),
        percent(rank((middle + reach).ceil())),
        pairs.len(),
    );
}

/// A child process that serves until its standard input is closed.
struct Role {
    child: Child,
    addr: SocketAddr,
    name: &'static str,
}

impl Role {
    fn start(name: &'static str, upstream: Option<SocketAddr>, folder: &Path) -> Self {
        let core = if name == "origin" { CORES[1] } else { CORES[0] };
        let mut child = own_program(core)
            .env(ROLE, name)
            .env(UPSTREAM, upstream.map_or_else(String::new, |addr| format!("http://{addr}")))
            .env(EVENT_LOG, folder.join("events.jsonl"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the bench starts itself again");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the child says where it listens");
        let addr =
            line.trim().parse().unwrap_or_else(|_| panic!("{name} says {line:?} and no address"));
        Self { child, addr, name }
    }

    /// Makes every client known well enough to be scored, and fills pools and caches of a proxy
    /// that knows none.
    fn warm_up(&self, effort: Effort) {
        let clients = effort.pick(20, CLIENTS, CLIENTS);
        let rounds = if self.name.starts_with("gate") { PAGES_BEFORE } else { 1 };
        let pages = (0..rounds).flat_map(|page| (0..clients).map(move |client| (client, page)));
        load(self.addr, pages.map(|(client, page)| page_of(client, page)));
    }

    /// CPU time of the proxy for each of these requests.
    fn cpu_us(&self, texts: Vec<String>) -> f64 {
        let requests = texts.len();
        let pid = self.child.id().to_string();
        let before = cpu_time(&pid);
        load(self.addr, texts.into_iter());
        let spent = cpu_time(&pid) - before;
        spent.as_secs_f64() * 1e6 / requests as f64
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // What it has to say in the end; then it ends by itself, its input being closed.
        let mut rest = String::new();
        let _ = self.child.stdout.as_mut().map(|stdout| stdout.read_to_string(&mut rest));
        print!("{rest}");
        let _ = self.child.wait();
    }
}

fn page_of(client: u32, page: u32) -> String {
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    request(client, "GET", &format!("/p/{page}"), "document", agent, Some("/"))
}

fn text_of(client: u32, sim: &SimRequest) -> String {
    let destination = if class_of(sim) == Class::Page { "document" } else { "image" };
    request(client, sim.method, &sim.target, destination, sim.user_agent, sim.referer.as_deref())
}

/// What a browser sends, about, as the proxy that ends TLS in front of the gate passes it on.
fn request(
    client: u32,
    method: &str,
    target: &str,
    destination: &str,
    agent: &str,
    referer: Option<&str>,
) -> String {
    let client = Ipv4Addr::from_bits(0x0b00_0000 + scattered(client));
    let referer =
        referer.map_or_else(String::new, |page| format!("Referer: https://shop.example{page}\r\n"));
    let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
    format!(
        "{method} {target} HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: \
            {client}\r\nX-Forwarded-Proto: https\r\n\
         User-Agent: {agent}\r\nAccept: \
         text/html,application/xhtml+xml,*/*;q=0.8\r\nAccept-Language: en-GB,en;q=0.7\r\n\
         {referer}Sec-Fetch-Dest: {destination}\r\nCookie: session=0123456789abcdef\r\n{length}\r\n"
    )
}

/// Sends all requests over a few keep-alive connections, one at a time on each; every answer must
/// be 200. Returns how long each took, in µs.
fn load(addr: SocketAddr, requests: impl Iterator<Item = String>) -> Vec<u32> {
    let requests = std::cell::RefCell::new(requests);
    let micros = std::cell::RefCell::new(Vec::new());
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let local = tokio::task::LocalSet::new();
    let connections = (0..CONNECTIONS).map(|_| async {
        let mut stream = TcpStream::connect(addr).await.expect("the proxy accepts");
        stream.set_nodelay(true).expect("a socket option");
        let mut answer = vec![0; 4_096];
        loop {
            let Some(request) = requests.borrow_mut().next() else { return };
            let started = Instant::now();
            stream.write_all(request.as_bytes()).await.expect("the proxy reads");
            let status = read_answer(&mut stream, &mut answer).await;
            micros
                .borrow_mut()
                .push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
            assert_eq!(status, "200", "every request passes, or the runs would not compare");
        }
    });
    let all: Vec<_> = connections.collect();
    runtime.block_on(local.run_until(join_all(all)));
    micros.into_inner()
}

/// Polls every future to its end.
async fn join_all<F: Future<Output = ()>>(futures: Vec<F>) {
    let mut waiting: Vec<_> = futures.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

async fn read_answer<'a>(stream: &mut TcpStream, buffer: &'a mut [u8]) -> &'a str {
    let mut filled = 0;
    loop {
        let bytes = stream.read(&mut buffer[filled..]).await.expect("the proxy answers");
        assert!(bytes > 0, "the proxy closed the connection");
        filled += bytes;
        let head = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n");
        if head.is_some_and(|head| filled >= head + 4 + BODY_BYTES) {
            return std::str::from_utf8(&buffer[9..12]).unwrap_or("");
        }
        // A refusal has a shorter body: do not wait for more of it.
        if head.is_some() && &buffer[9..12] != b"200" {
            return std::str::from_utf8(&buffer[9..12]).unwrap_or("");
        }
    }
}

/// A child's last act of starting: say where it listens, then wait for the end.
fn serve_until_told(addr: SocketAddr) {
    println!("{addr}");
    std::io::stdout().flush().expect("somebody listens");
    let mut nothing = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut nothing);
}

/// Enforces, with thresholds that nobody reaches: everybody is scored, nobody refused, so that both
/// proxies do the same work behind the verdict. By force, because the shipped model knows no shop
/// and is not armed. One thread, so that the figures are of the code and not of stealing.
fn config(rest: &str) -> Config {
    let upstream = std::env::var(UPSTREAM).unwrap_or_default();
    let text = format!(
        "listen = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nupstream = \"{upstream}\"\nthreads = \
            1\nmode = \"enforce\"\n\
         [client]\ntrusted_proxies = [\"127.0.0.0/8\"]\n\
         [policy]\nlimit_score = 0.9999998\ncohort_score = 0.9999998\nblock_score = \
         0.9999999\n{rest}"
    );
    let gate =
        gate::Overrides { model_built_in: Some(SHIPPED_MODEL), force: true, ..Default::default() };
    let overrides = Overrides { gate, ..Overrides::default() };
    Config::parse(&text, Path::new("bench.toml"), &overrides).expect("the configuration is sound")
}

fn be_bare(tells_who: bool) {
    let start = if tells_who { RunningGate::start_forwarding } else { RunningGate::start_bare };
    let bare = start(&config("")).expect("it starts");
    serve_until_told(bare.addr());
    bare.stop();
}

fn be_gate(rest: &str) {
    let gate = RunningGate::start(config(rest)).expect("it starts");
    serve_until_told(gate.addr());
    let text = gate.engine().metrics_text();
    let sum = |name: &str| -> f64 {
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    println!(
        "  that gate, warm-up included: {} requests, {} with a score, {} event log lines dropped",
        count(sum("kidoban_requests_total")),
        count(sum("kidoban_score_count")),
        count(sum("kidoban_event_log_dropped_total")),
    );
    gate.stop();
}

/// A server that answers every request at once with the same bytes, on one thread.
fn be_origin() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let addr = listener.local_addr().expect("it has an address");
    // Ends with the process.
    std::thread::spawn(move || {
        runtime.block_on(async {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                tokio::spawn(answer(stream));
            }
        });
    });
    serve_until_told(addr);
}

async fn answer(mut stream: TcpStream) {
    let reply = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {BODY_BYTES}\r\n\r\n{}",
        "k".repeat(BODY_BYTES)
    );
    let mut buffer = vec![0; 8_192];
    let mut filled = 0;
    let _ = stream.set_nodelay(true);
    loop {
        match stream.read(&mut buffer[filled..]).await {
            Ok(bytes) if bytes > 0 => filled += bytes,
            _ => return,
        }
        // No request here has a body, and none is sent before the one before it was answered.
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            filled = 0;
            if stream.write_all(reply.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// A temporary folder, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder =
            std::env::temp_dir().join(format!("kidoban-bench-proxy-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("there is a temporary folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
