//! Baskerville as its second edition has it (eQualitie's `baskervillehall`): an isolation forest on
//! the features of a session.
//!
//! Everything is from its public sources. The 16 features are those that `BaskervillehallTrainer`
//! names by default, as `FeatureExtractor` computes them. The forest has 500 trees on samples of
//! 256 (`max_samples="auto"`). With `contamination="auto"`, scikit-learn calls every score above ½
//! an anomaly. It learns from the last 10,000 sessions. A session ends after a minute of silence or
//! after an hour. It is scored from 20 seconds and 10 requests on, each time it has grown by ten
//! requests. An anomaly is challenged; as no bot here answers, Banjax bans it for 5 minutes.
//!
//! Left out: features that only a content network has (country, cipher, fingerprint). Content types
//! are inferred from the file extension.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use analysis::baseline::{Baseline, BaselineAction, BaselineRequest};
use detector::Timestamp;

use super::bans::{Bans, path_of};
use super::isolation_forest::IsolationForest;

const FEATURES: usize = 16;
const TREES: usize = 500;
const SAMPLE: usize = 256;
const ANOMALY: f64 = 0.5;
const SESSIONS: usize = 10_000;
const EVERY: u32 = 10;
const SILENCE_US: u64 = 60_000_000;
const LONGEST_US: u64 = 3_600_000_000;
const SHORTEST_US: u64 = 20_000_000;
const BAN_S: u64 = 300;

/// One client's session.
#[derive(Clone, Debug)]
struct Session {
    begun: Timestamp,
    last: Timestamp,
    requests: u32,
    /// Sum and sum of squares of intervals, in seconds.
    intervals: [f64; 2],
    failed: [u32; 2],
    urls: HashMap<u64, u32>,
    most_asked: u32,
    queries: HashMap<u64, u32>,
    kinds: [u32; 4],
    /// Sum and sum of squares of path depths.
    depths: [f64; 2],
    log_bytes: f64,
}

/// Content types by file extension, as indices into [`Session::kinds`]: 0 page, 1 image, 2 script,
/// 3 style sheet.
const KINDS: [(usize, &[&str]); 3] = [
    (1, &["jpg", "jpeg", "png", "gif", "webp", "svg", "ico", "avif"]),
    (2, &["js", "mjs"]),
    (3, &["css"]),
];

impl Session {
    fn new(at: Timestamp) -> Self {
        Self {
            begun: at,
            last: at,
            requests: 0,
            intervals: [0.0; 2],
            failed: [0; 2],
            urls: HashMap::new(),
            most_asked: 0,
            queries: HashMap::new(),
            kinds: [0; 4],
            depths: [0.0; 2],
            log_bytes: 0.0,
        }
    }

    fn is_over(&self, at: Timestamp) -> bool {
        at.micros_since(self.last) > SILENCE_US || at.micros_since(self.begun) > LONGEST_US
    }

    fn push(&mut self, request: &BaselineRequest<'_>) {
        if self.requests > 0 {
            add(&mut self.intervals, request.at.micros_since(self.last) as f64 / 1e6);
        }
        (self.last, self.requests) = (request.at.max(self.last), self.requests + 1);
        match request.status {
            400..500 => self.failed[0] += 1,
            500.. => self.failed[1] += 1,
            _ => {}
        }
        let path = path_of(request.target);
        let times = self.urls.entry(hash(request.target)).or_default();
        *times += 1;
        self.most_asked = self.most_asked.max(*times);
        *self.queries.entry(hash(&request.target[path.len()..])).or_default() += 1;
        let name = path.rsplit('/').next().unwrap_or(path);
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let kind = KINDS
            .iter()
            .find(|(_, known)| known.iter().any(|known| known.eq_ignore_ascii_case(extension)));
        match kind {
            Some(&(kind, _)) => self.kinds[kind] += 1,
            // An API answers with JSON, which is none of the four types.
            None if path.starts_with("/api/") => {}
            None => self.kinds[0] += 1,
        }
        add(&mut self.depths, path.bytes().filter(|&byte| byte == b'/').count() as f64);
        self.log_bytes += (request.bytes as f64 + 1.0).ln();
    }

    /// Whether the session is scored after this request.
    fn is_due(&self) -> bool {
        self.requests.is_multiple_of(EVERY) && self.last.micros_since(self.begun) >= SHORTEST_US
    }

    /// The session's features, in the order of `feature_names`.
    fn features(&self) -> [f32; FEATURES] {
        let hits = f64::from(self.requests.max(1));
        let minutes = self.last.micros_since(self.begun).max(1_000_000) as f64 / 60e6;
        let [interval, interval_spread] = mean_and_deviation(self.intervals, hits - 1.0);
        let [depth, depth_spread] = mean_and_deviation(self.depths, hits);
        let (urls, queries) = (self.urls.len() as f64, self.queries.len() as f64);
        let [pages, images, scripts, styles] = self.kinds.map(f64::from);
        let to_pages = |number: f64| if pages > 0.0 { number / pages } else { 10.0 };
        let row = [
            hits / minutes,
            interval,
            interval_spread,
            f64::from(self.failed[0]) / hits,
            f64::from(self.failed[1]) / hits,
            f64::from(self.most_asked) / hits,
            urls / minutes,
            urls / hits,
            queries / minutes,
            queries / urls.max(1.0),
            to_pages(images),
            to_pages(scripts),
            to_pages(styles),
            depth,
            depth_spread,
            self.log_bytes / hits,
        ];
        row.map(|value| value as f32)
    }
}

fn add(sums: &mut [f64; 2], value: f64) {
    sums[0] += value;
    sums[1] += value * value;
}

fn mean_and_deviation([sum, squares]: [f64; 2], number: f64) -> [f64; 2] {
    let number = number.max(1.0);
    let mean = sum / number;
    [mean, (squares / number - mean * mean).max(0.0).sqrt()]
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The current session of each client.
#[derive(Clone, Debug, Default)]
struct Sessions(HashMap<u32, Session>);

impl Sessions {
    /// Adds a request to its client's session. Returns the features if the session is to be scored.
    fn push(&mut self, request: &BaselineRequest<'_>) -> Option<[f32; FEATURES]> {
        let session = self.0.entry(request.client).or_insert_with(|| Session::new(request.at));
        if session.is_over(request.at) {
            *session = Session::new(request.at);
        }
        session.push(request);
        session.is_due().then(|| session.features())
    }
}

/// The rule: the fitted forest, the current sessions and the bans.
#[derive(Clone, Debug)]
pub struct Baskerville {
    forest: Arc<IsolationForest<FEATURES>>,
    sessions: Sessions,
    bans: Bans,
}

impl Baseline for Baskerville {
    fn name(&self) -> &'static str {
        "baskerville_isolation_forest"
    }

    fn observe(&mut self, request: &BaselineRequest<'_>) -> BaselineAction {
        if self.bans.holds(request) {
            return BaselineAction::Banned;
        }
        match self.sessions.push(request) {
            Some(features) if self.forest.score(&features) > ANOMALY => {
                self.bans.insert(request.client, request.at, BAN_S);
                BaselineAction::Caught
            }
            _ => BaselineAction::Passed,
        }
    }
}

/// Collects the latest sessions, to fit the forest on.
#[derive(Default)]
pub(super) struct SessionLearner {
    sessions: Sessions,
    rows: VecDeque<[f32; FEATURES]>,
}

impl SessionLearner {
    pub(super) fn note(&mut self, request: &BaselineRequest<'_>) {
        let Some(row) = self.sessions.push(request) else { return };
        if self.rows.len() == SESSIONS {
            self.rows.pop_front();
        }
        self.rows.push_back(row);
    }

    pub(super) fn finish(self, seed: u64) -> Option<Baskerville> {
        let rows: Vec<_> = self.rows.into();
        let forest = Arc::new(IsolationForest::fit(&rows, TREES, SAMPLE, seed)?);
        Some(Baskerville { forest, sessions: Sessions::default(), bans: Bans::default() })
    }
}

#[cfg(test)]
mod tests {
    use detector::Method;

    use super::*;

    #[test]
    fn features_are_those_of_the_session() {
        let mut sessions = Sessions::default();
        let mut ask = |second: i64, target: &str, status| {
            sessions.push(&BaselineRequest {
                client: 1,
                at: Timestamp::from_secs(1_000 + second),
                method: Method::Get,
                target,
                status,
                bytes: 0,
            })
        };
        for second in 0..9 {
            let target = if second % 2 == 0 { "/p/1" } else { "/img/1.jpg?w=3" };
            assert_eq!(ask(second * 5, target, if second == 3 { 404 } else { 200 }), None);
        }
        let features = ask(45, "/p/2", 200).unwrap();
        let expect = [
            10.0 / 0.75,
            5.0,
            0.0,
            0.1,
            0.0,
            0.5,
            3.0 / 0.75,
            0.3,
            2.0 / 0.75,
            2.0 / 3.0,
            4.0 / 6.0,
            0.0,
            0.0,
            2.0,
            0.0,
            0.0,
        ];
        for (index, (value, expect)) in features.iter().zip(expect).enumerate() {
            assert!(
                (f64::from(*value) - expect).abs() < 1e-5,
                "feature {index}: {value}, not {expect}"
            );
        }
        // After more than a minute of silence a new session begins.
        assert_eq!(ask(45 + 61, "/p/3", 200), None);
        assert_eq!(sessions.0[&1].requests, 1);
    }
}
