//! A door, a machine whose clocks a test sets, and models that find everybody alike.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use detector::features::{COUNT, FEATURES, definition_hash};
use detector::model::{Card, File, GoldenRow, Readiness, ScoreRule, ScorerFile, Thresholds, seal};
use gate::clock::{Clock, TimeSource};
use gate::{Ask, Config, End, Engine, InFlight, Overrides, RequestHeaders, Ruling};

/// A machine that is switched on in November 2026.
#[derive(Clone, Default)]
pub struct Machine(Arc<[AtomicI64; 2]>);

impl Machine {
    /// Time passes.
    pub fn pass(&self, us: i64) {
        self.0.iter().for_each(|clock| _ = clock.fetch_add(us, Ordering::Relaxed));
    }

    /// Somebody sets the wall clock.
    pub fn set_wall_by(&self, us: i64) {
        self.0[1].fetch_add(us, Ordering::Relaxed);
    }
}

impl TimeSource for Machine {
    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0[0].load(Ordering::Relaxed) as u64)
    }

    fn wall(&self) -> SystemTime {
        let us = 1_795_219_200_000_000 + self.0[1].load(Ordering::Relaxed);
        UNIX_EPOCH + Duration::from_micros(us as u64)
    }
}

/// A folder of a test's own, removed when it passes.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("kidoban-engine-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A model that scores every page alike: `margin` in log-odds.
    pub fn model(&self, name: &str, margin: f32) -> PathBuf {
        let mut weight = vec![0.0; COUNT];
        weight[0] = 0.0;
        let scorer = ScorerFile::Logistic {
            bias: margin,
            mean: vec![0.0; COUNT],
            scale: vec![1.0; COUNT],
            weight,
        };
        self.seal(name, scorer, margin)
    }

    fn seal(&self, name: &str, scorer: ScorerFile, golden: f32) -> PathBuf {
        let file = File {
            format: detector::model::FORMAT,
            name: name.to_owned(),
            product: "test".to_owned(),
            features: FEATURES.iter().map(|feature| feature.name.to_owned()).collect(),
            definition: definition_hash(),
            resolution_us: 1,
            scorer,
            calibration: Vec::new(),
            thresholds: Thresholds::none(1, ScoreRule::LAST_PAGE),
            readiness: Readiness::default(),
            card: Card::default(),
            drift: None,
            site: None,
            golden: vec![GoldenRow { row: vec![None; COUNT], margin: golden }],
        };
        let path = self.path(&format!("{name}.json"));
        std::fs::write(&path, seal(&file).unwrap()).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// A configuration of this text.
pub fn config(text: &str) -> Config {
    Config::parse(text, Path::new("test.toml"), &Overrides::default()).unwrap()
}

/// A door: it hands over requests and carries out rulings.
pub struct Door {
    pub engine: Engine,
    pub machine: Machine,
}

impl Door {
    pub fn open(text: &str) -> Self {
        let machine = Machine::default();
        let engine = Engine::start_with(config(text), Clock::new(machine.clone())).unwrap();
        Self { engine, machine }
    }

    /// Asks, and leaves the request under way.
    pub fn ask(&self, peer: Option<IpAddr>, target: &str, headers: &[(&str, &str)]) -> Asked {
        let lines = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        let headers = RequestHeaders::read(lines);
        let ask = Ask { peer, method: "GET", target: target.as_bytes(), headers: &headers };
        let (in_flight, ruling) = self.engine.decide(&ask);
        Asked { in_flight, ruling }
    }

    /// A request that is answered after 20 ms, with this status if it is forwarded. Returns the
    /// status that the client gets, and why.
    pub fn visit(&self, peer: &str, target: &str, headers: &[(&str, &str)], status: u16) -> Told {
        let asked = self.ask(Some(peer.parse().unwrap()), target, headers);
        let told = asked.told(status);
        self.machine.pass(20_000);
        self.engine.conclude(asked.in_flight, End { status: told.0, bytes: 100 });
        told
    }
}

/// Status and reason.
pub type Told = (u16, &'static str);

/// A request under way.
pub struct Asked {
    pub in_flight: InFlight,
    pub ruling: Ruling,
}

impl Asked {
    /// What its client gets where the shop would answer with `status`.
    pub fn told(&self, status: u16) -> Told {
        use gate::enforce::Kind;
        let status = match self.ruling.refusal().map(gate::Refusal::kind) {
            None => status,
            Some(Kind::Limit { .. }) => 429,
            Some(Kind::Block) => 403,
        };
        (status, self.ruling.verdict().reason.as_str())
    }
}
