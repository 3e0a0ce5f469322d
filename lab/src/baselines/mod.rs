//! The rules of other projects that the detector is compared with, from their public definitions,
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
//! Each rule sees the same requests as the detector, in order of time. The last three depend on the
//! traffic of all clients: they learn from it, or adapt to it. [`fixed`] makes those that need no
//! training; [`RuleLearner`] makes all of them from the model's training traffic.

mod bans;
mod baskerville;
mod crowdsec;
mod fail2ban;
mod isolation_forest;
mod limit_req;
mod three_sigma;
mod webshield;

use analysis::baseline::{Baseline, BaselineRequest};

pub use baskerville::Baskerville;
pub use crowdsec::CrawlNonStatics;
pub use fail2ban::CountPerWindow;
pub use isolation_forest::IsolationForest;
pub use limit_req::LimitReq;
pub use three_sigma::ThreeSigma;
pub use webshield::TopTalkerRise;

/// The rules that need no training, with no state yet.
pub fn fixed() -> Vec<Box<dyn Baseline>> {
    vec![
        Box::<LimitReq>::default(),
        Box::<CountPerWindow>::default(),
        Box::<CrawlNonStatics>::default(),
    ]
}

/// Trains rules on traffic: call [`RuleLearner::note`] with each request in order of time, then
/// [`RuleLearner::finish`].
#[derive(Default)]
pub struct RuleLearner {
    per_second: three_sigma::PerSecondLearner,
    sessions: baskerville::SessionLearner,
}

/// Trained rules. [`LearntRules::all`] makes fresh ones for each run of traffic.
#[derive(Clone, Debug)]
pub struct LearntRules {
    per_second: ThreeSigma,
    sessions: Option<Baskerville>,
}

impl RuleLearner {
    /// Takes in one request of the training traffic.
    pub fn note(&mut self, request: &BaselineRequest<'_>) {
        self.per_second.note(request);
        self.sessions.note(request);
    }

    /// Ends the training. The result depends on the traffic and the seed only.
    pub fn finish(self, seed: u64) -> LearntRules {
        LearntRules { per_second: self.per_second.finish(), sessions: self.sessions.finish(seed) }
    }
}

impl LearntRules {
    /// Every rule, with no state yet. The isolation forest is missing if there was no session to
    /// train it on.
    pub fn all(&self) -> Vec<Box<dyn Baseline>> {
        let mut all = fixed();
        all.push(Box::new(self.per_second.clone()));
        all.push(Box::<TopTalkerRise>::default());
        all.extend(self.sessions.clone().map(|sessions| Box::new(sessions) as Box<dyn Baseline>));
        all
    }
}

#[cfg(test)]
mod tests;
