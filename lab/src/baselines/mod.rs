//! What the field does today, to be better than: the peers' rules, from their public definitions,
//! one a file.
//!
//! | file | rule | acts by |
//! |---|---|---|
//! | `limit_req.rs` | nginx `limit_req rate=10r/s burst=20 nodelay` | refusing what is beyond the rate |
//! | `fail2ban.rs` | 300 requests in 300 s | a ban of 10 minutes |
//! | `crowdsec.rs` | `http-crawl-non_statics`: 40 distinct file names, one leaks each 0.5 s | a ban of 4 hours |
//! | `three_sigma.rs` | more requests in one second than mean + 3σ of all clients' | a ban of 10 minutes |
//! | `webshield.rs` | ten times the requests of the ten seconds before, among the top talkers | a ban of an hour |
//! | `baskerville.rs` | isolation forest (`isolation_forest.rs`) on features of a session | a ban of 5 minutes |
//!
//! Each sees the same requests as the detector, in order of time. The last three are learnt, or set
//! themselves, from the traffic of all clients: [`fixed`] has those that need none, [`Learner`]
//! makes all from the traffic that the model was trained on.

mod baskerville;
mod crowdsec;
mod fail2ban;
mod isolation_forest;
mod limit_req;
mod three_sigma;
mod webshield;

use std::collections::HashMap;

use analysis::baseline::{Asked, Baseline, Ruling};
use detector::Timestamp;

pub use baskerville::Baskerville;
pub use crowdsec::CrawlNonStatics;
pub use fail2ban::CountPerWindow;
pub use isolation_forest::IsolationForest;
pub use limit_req::LimitReq;
pub use three_sigma::ThreeSigma;
pub use webshield::TopTalkerRise;

/// The rules that need not be learnt, fresh.
pub fn fixed() -> Vec<Box<dyn Baseline>> {
    vec![
        Box::<LimitReq>::default(),
        Box::<CountPerWindow>::default(),
        Box::<CrawlNonStatics>::default(),
    ]
}

/// What is learnt from traffic: [`Learner::note`] each request of it in order of time, then
/// [`Learner::finish`].
#[derive(Default)]
pub struct Learner {
    per_second: three_sigma::Learner,
    sessions: baskerville::Learner,
}

/// Rules that have learnt. Each run of traffic gets fresh ones of it ([`Learnt::all`]).
#[derive(Clone, Debug)]
pub struct Learnt {
    per_second: ThreeSigma,
    sessions: Option<Baskerville>,
}

impl Learner {
    /// Takes a request of the traffic to learn from in.
    pub fn note(&mut self, asked: &Asked<'_>) {
        self.per_second.note(asked);
        self.sessions.note(asked);
    }

    /// What was learnt; the same traffic and seed give the same.
    pub fn finish(self, seed: u64) -> Learnt {
        Learnt { per_second: self.per_second.finish(), sessions: self.sessions.finish(seed) }
    }
}

impl Learnt {
    /// Every rule, fresh. Without the isolation forest where there was no session to learn it from.
    pub fn all(&self) -> Vec<Box<dyn Baseline>> {
        let mut all = fixed();
        all.push(Box::new(self.per_second.clone()));
        all.push(Box::<TopTalkerRise>::default());
        all.extend(self.sessions.clone().map(|sessions| Box::new(sessions) as Box<dyn Baseline>));
        all
    }
}

/// Bans in force, by client.
#[derive(Clone, Debug, Default)]
struct Bans(HashMap<u32, Timestamp>);

impl Bans {
    fn holds(&self, asked: &Asked<'_>) -> bool {
        self.0.get(&asked.client).is_some_and(|&until| asked.at < until)
    }

    fn insert(&mut self, client: u32, at: Timestamp, seconds: u64) {
        self.0.insert(client, at.plus_secs(seconds));
    }
}

/// Path, without query.
fn path_of(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

#[cfg(test)]
mod tests;
