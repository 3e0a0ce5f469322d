//! What the gate costs: CPU time per proxied request of the gate, beside a bare Pingora pass-through built from the same
//! crate with the same options.
//!
//! ```text
//!  this process: load generator ──keep-alive──► child: gate · gate with event log · bare ──keep-alive──► child: origin
//!                                               only its CPU time counts
//! ```
//!
//! Each pair is one run against the bare proxy and one against a gate, back to back; what is reported is the median of
//! the pairs' ratios, because absolute times drift with whatever else the machine does. See `README.md` beside this file.

#![allow(clippy::print_stdout)] // printing figures is what a bench is for

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use proxy::{Config, Overrides, RunningGate};
use support::{Effort, SHIPPED_MODEL, Spread, count, cpu_time, describe_machine};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use traffic::sim::Dice;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tells a child what it is; set by this bench when it starts itself again.
const ROLE: &str = "KIDOBAN_BENCH_ROLE";
/// Where a child finds the origin.
const UPSTREAM: &str = "KIDOBAN_BENCH_UPSTREAM";
/// Where a child writes its event log.
const EVENT_LOG: &str = "KIDOBAN_BENCH_EVENT_LOG";
/// Kept open by the load generator: enough that the proxy's one thread always has work.
const CONNECTIONS: usize = 16;
/// What the origin answers: a small reply, so that moving bytes does not hide the rest.
const BODY_BYTES: usize = 512;
/// Client addresses of the many-keys runs.
const KEYS: u32 = 20_000;
/// Page requests each key has made before the clock starts: one more than the policy wants to judge it.
const PAGES_BEFORE: u32 = 6;

fn main() {
    match std::env::var(ROLE).as_deref() {
        Ok("origin") => be_origin(),
        Ok("bare") => be_bare(),
        Ok("gate") => be_gate(""),
        Ok("gate+log") => be_gate(&format!("[event_log]\npath = {:?}\n", std::env::var(EVENT_LOG).unwrap_or_default())),
        _ => measure(Effort::asked_for()),
    }
}

/// What is asked of the proxies.
#[derive(Clone, Copy, PartialEq)]
struct Load {
    name: &'static str,
    keys: u32,
    /// One request in so many is a page, the others are images; a page is scored, an image is not.
    pages_one_in: u64,
}

const MANY: Load = Load { name: "20k keys, pages only", keys: KEYS, pages_one_in: 1 };
const HOT: Load = Load { name: "one hot key, pages only", keys: 1, pages_one_in: 1 };
const MIXED: Load = Load { name: "20k keys, one page to four images", keys: KEYS, pages_one_in: 5 };

fn measure(effort: Effort) {
    println!("{}", describe_machine());
    let folder = Folder::new();
    let origin = Role::start("origin", None, &folder.0);
    let requests = effort.pick(200, 10_000, 15_000);
    let pairs = effort.pick(1, 6, 15);
    let plans = [("gate", MANY), ("gate", HOT), ("gate", MIXED), ("gate+log", MANY)];
    let mut results: Vec<Vec<Pair>> = plans.iter().map(|_| Vec::new()).collect();
    // Fresh processes for every few pairs: where the allocator and the linker put things differs from start to start.
    while results[0].len() < pairs {
        let bare = Role::start("bare", Some(origin.addr), &folder.0);
        let gate = Role::start("gate", Some(origin.addr), &folder.0);
        let logging = Role::start("gate+log", Some(origin.addr), &folder.0);
        for proxy in [&bare, &gate, &logging] {
            proxy.warm_up(effort);
        }
        for _ in 0..pairs.div_ceil(3) {
            for ((role, load), results) in plans.iter().zip(&mut results) {
                let gate = if *role == "gate" { &gate } else { &logging };
                let bare_first = results.len() % 2 == 0;
                let first = if bare_first { &bare } else { gate }.cpu_us(*load, requests);
                let second = if bare_first { gate } else { &bare }.cpu_us(*load, requests);
                results.push(if bare_first {
                    Pair { bare: first, gate: second }
                } else {
                    Pair { bare: second, gate: first }
                });
            }
        }
    }
    for ((role, load), pairs) in plans.iter().zip(&results) {
        print_pairs(role, load.name, pairs);
    }
    newcomers(effort, origin.addr, &folder.0);
}

/// Every request from an address that was never seen: the slowest of a hundred, by the bare proxy and by the gate in
/// turns.
fn newcomers(effort: Effort, origin: SocketAddr, folder: &Path) {
    let requests = effort.pick(200, 20_000, 50_000);
    let bare = Role::start("bare", Some(origin), folder);
    let gate = Role::start("gate", Some(origin), folder);
    bare.warm_up(effort);
    gate.warm_up(effort);
    let mut next = KEYS;
    let mut p99_us = |role: &Role| {
        let from = next;
        next += requests;
        let mut micros = load(role.addr, (from..next).map(|key| page_of(key, key % 2_000)));
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
        "gate, every request from somebody new ({} of them): p99 bare {:.0} µs, gate {:.0} µs; ratio {:.2} ({:.2} to {:.2}, \
         {} pairs)",
        count(f64::from(next - KEYS) / 2.0),
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
    gate: f64,
}

fn print_pairs(role: &str, load: &str, pairs: &[Pair]) {
    let ratio = Spread::of(pairs.iter().map(|pair| pair.gate / pair.bare));
    println!(
        "{role}, {load}: bare {:.2} µs, gate {:.2} µs of CPU a request; ratio {:.3} ({:.3} to {:.3}, {} pairs): {:+.1} %",
        Spread::of(pairs.iter().map(|pair| pair.bare)).median,
        Spread::of(pairs.iter().map(|pair| pair.gate)).median,
        ratio.median,
        ratio.min,
        ratio.max,
        pairs.len(),
        (ratio.median - 1.0) * 100.0
    );
    let each: Vec<String> = pairs.iter().map(|pair| format!("{:.2}/{:.2}", pair.bare, pair.gate)).collect();
    println!("  bare/gate by pair: {}", each.join(" "));
}

/// A child process that serves until its standard input is closed.
struct Role {
    child: Child,
    addr: SocketAddr,
    name: &'static str,
}

impl Role {
    fn start(name: &'static str, upstream: Option<SocketAddr>, folder: &Path) -> Self {
        let own = std::env::current_exe().expect("a process has a file");
        let mut child = Command::new(own)
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
        let addr = line.trim().parse().unwrap_or_else(|_| panic!("{name} says {line:?} and no address"));
        Self { child, addr, name }
    }

    /// Makes every key known well enough to be scored, and fills pools and caches of a proxy that knows no keys.
    fn warm_up(&self, effort: Effort) {
        let keys = effort.pick(20, KEYS, KEYS);
        let rounds = if self.name == "bare" { 1 } else { PAGES_BEFORE };
        load(
            self.addr,
            (0..rounds).flat_map(|page| (0..keys).map(move |key| (key, page))).map(|(key, page)| page_of(key, page)),
        );
    }

    /// CPU time of the proxy for each of so many requests.
    fn cpu_us(&self, what: Load, requests: u64) -> f64 {
        let mut dice = Dice::new(11);
        let texts = (0..requests).map(|number| {
            let key = dice.below(what.keys as usize) as u32;
            if number % what.pages_one_in == 0 {
                page_of(key, dice.below(2_000) as u32)
            } else {
                image_of(key, dice.below(2_000) as u32)
            }
        });
        let texts: Vec<String> = texts.collect();
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

fn page_of(key: u32, page: u32) -> String {
    request(key, &format!("/p/{page}"), "document")
}

fn image_of(key: u32, image: u32) -> String {
    request(key, &format!("/img/p/{image}-1.jpg"), "image")
}

/// What a browser sends, about.
fn request(key: u32, target: &str, destination: &str) -> String {
    let client = Ipv4Addr::from_bits(0x0b00_0000 + key);
    format!(
        "GET {target} HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: {client}\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
         Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nAccept-Language: en-GB,en;q=0.7\r\n\
         Referer: https://shop.example/\r\nSec-Fetch-Dest: {destination}\r\nCookie: session=0123456789abcdef\r\n\r\n"
    )
}

/// Sends all requests over a few keep-alive connections, one at a time on each; every answer must be 200. Returns how
/// long each took, in µs.
fn load(addr: SocketAddr, requests: impl Iterator<Item = String>) -> Vec<u32> {
    let requests = std::cell::RefCell::new(requests);
    let micros = std::cell::RefCell::new(Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
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
            micros.borrow_mut().push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
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

/// Enforces, with thresholds that nobody reaches: everybody is scored, nobody refused, so that both proxies do the same
/// work behind the verdict. By force, because the shipped model knows no shop and is not armed. One thread, so that the figures are of the code and not of stealing.
fn config(rest: &str) -> Config {
    let upstream = std::env::var(UPSTREAM).unwrap_or_default();
    let text = format!(
        "listen = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nupstream = \"{upstream}\"\nthreads = 1\nmode = \"enforce\"\n\
         [client]\ntrusted_proxies = [\"127.0.0.0/8\"]\n\
         [policy]\nlimit_score = 0.9999998\ncohort_score = 0.9999998\nblock_score = 0.9999999\n{rest}"
    );
    let overrides = Overrides { model_built_in: Some(SHIPPED_MODEL), force: true, ..Overrides::default() };
    Config::parse(&text, Path::new("bench.toml"), &overrides).expect("the configuration is sound")
}

fn be_bare() {
    let bare = RunningGate::start_bare(&config("")).expect("it starts");
    serve_until_told(bare.addr());
    bare.stop();
}

fn be_gate(rest: &str) {
    let gate = RunningGate::start(config(rest)).expect("it starts");
    serve_until_told(gate.addr());
    let text = gate.metrics_text();
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
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
        let folder = std::env::temp_dir().join(format!("kidoban-bench-proxy-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("there is a temporary folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
