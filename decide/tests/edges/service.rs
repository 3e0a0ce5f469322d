//! A service in a folder of its own, and who asks it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use decide::config::Address;
use decide::{Config, Overrides, RunningService};

use crate::engine::Folder;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Service {
    pub running: Option<RunningService>,
    pub folder: Folder,
}

/// Nobody is limited before the third page, and everybody from then on.
pub const STRICT: &str = "[policy]\nmin_pages = 1\nlimit_score = 0.5\nlimit_burst_pages = 2\n\
                          limit_pages_per_min = 1\nguard = []\n";

impl Service {
    /// Enforces with a model that takes everybody for a bot; `rest` is more configuration, and
    /// `decide` more of `[decide]`.
    pub fn start(rest: &str, decide: &str) -> Self {
        let folder = Folder::new();
        let model = folder.model("strict", 5.0);
        let text = format!(
            "mode = \"enforce\"\nadmin = \"127.0.0.1:0\"\nmodel = {model:?}\n{rest}\n[event_log]\n\
             path = \"events.jsonl\"\n[decide]\nlisten = [\"unix:decide.sock\", \"127.0.0.1:0\"]\n\
             socket_mode = \"0666\"\n{decide}\n[decide.outcomes]\nlisten = \"unix:outcomes.sock\"\n\
             wait_s = 1\n"
        );
        Self::start_in(folder, &text, &Overrides::default())
    }

    pub fn start_in(folder: Folder, text: &str, overrides: &Overrides) -> Self {
        let path = folder.path("kidoban.toml");
        std::fs::write(&path, text).unwrap();
        let config = Config::load(Some(&path), overrides).unwrap();
        let running = RunningService::start(config).unwrap_or_else(|error| panic!("{error}"));
        Self { running: Some(running), folder }
    }

    pub fn engine(&self) -> &gate::Engine {
        self.running.as_ref().unwrap().engine()
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path("decide.sock")
    }

    pub fn outcomes(&self) -> PathBuf {
        self.folder.path("outcomes.sock")
    }

    pub fn tcp(&self) -> SocketAddr {
        let addresses = self.running.as_ref().unwrap().addresses();
        let ip = addresses.iter().find_map(|address| match address {
            Address::Ip(address) => Some(*address),
            Address::Unix(_) => None,
        });
        ip.unwrap()
    }

    /// Bans a client for a minute.
    pub fn ban(&self, client: &str) {
        let engine = self.engine();
        let client = detector::ClientKey::from_text(client);
        assert!(engine.impose(client, engine.now().plus_secs(60)));
    }

    /// The value of a series at `/metrics`.
    pub fn metric(&self, series: &str) -> u64 {
        let text = self.engine().metrics_text();
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {series} in {text}")).parse().unwrap()
    }

    pub fn questions(&self, result: &str) -> u64 {
        self.metric(&format!("kidoban_edge_questions_total{{result=\"{result}\"}}"))
    }

    pub fn ended(&self, result: &str) -> u64 {
        self.metric(&format!("kidoban_edge_outcomes_total{{result=\"{result}\"}}"))
    }

    /// Waits until so many requests have ended so.
    pub fn wait_for(&self, result: &str, count: u64) {
        until(|| self.ended(result) >= count, &format!("{count} outcomes {result}"));
        assert_eq!(self.ended(result), count, "{result}");
    }

    /// Stops it, and returns the event log.
    pub fn stop(&mut self) -> String {
        self.running.take().unwrap().stop();
        std::fs::read_to_string(self.folder.path("events.jsonl")).unwrap()
    }
}

/// Waits until this holds.
pub fn until(mut holds: impl FnMut() -> bool, what: &str) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::yield_now();
    }
}

/// A port that is free now: an edge cannot be told to take any.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The first block of this language in a page of docs/deploy whose first line is this.
pub fn block(page: &str, first: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/deploy").join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut blocks = text.split("```").skip(1).step_by(2);
    let is_wanted = |block: &&str| block.lines().nth(1).is_some_and(|line| line.trim() == first);
    let found = blocks.find(is_wanted).unwrap_or_else(|| panic!("{page} has no block {first:?}"));
    found.lines().skip(2).map(|line| format!("{line}\n")).collect()
}

/// An edge's connection to the service.
pub struct Edge(BufReader<UnixStream>);

/// What an edge is told.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Told {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Edge {
    pub fn connect(service: &Service) -> Self {
        let stream = UnixStream::connect(service.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    /// Asks about a visitor's GET.
    pub fn ask(&mut self, path: &str, client: &str, target: &str) -> Told {
        self.ask_with(
            path,
            &format!(
                "X-Forwarded-Method: GET\r\nX-Forwarded-Uri: {target}\r\nX-Forwarded-For: \
                 {client}\r\nUser-Agent: Browser/1\r\n"
            ),
        )
    }

    /// Asks with these headers.
    pub fn ask_with(&mut self, path: &str, headers: &str) -> Told {
        let question = format!("GET {path} HTTP/1.1\r\nHost: shop.test\r\n{headers}\r\n");
        self.0.get_mut().write_all(question.as_bytes()).unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.0.read_line(&mut head).unwrap() > 0, "closed after {head:?}");
        }
        let mut told = Told {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: String::new(),
        };
        let length = told.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        told.body = String::from_utf8(body).unwrap();
        told
    }
}
