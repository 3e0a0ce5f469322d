//! Simulated visitors on real sockets, in real time.
//!
//! Each visitor is one client to the gate: its sockets are bound to a loopback address of its own
//! (Linux takes all of 127.0.0.0/8 without asking), so the peer address tells visitors apart as it
//! does outside, and no `X-Forwarded-For` is needed. One keep-alive connection a visitor, requests
//! one after another, the pauses of [`Visit`] between them, counted from the start of the previous
//! request.
//!
//! Nobody reacts to a refusal: people go on, and bots hammer on, because a bot that gives up would
//! look like a success of the gate.

mod client;
mod live;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use traffic::sim::{Population, Visit};

use client::Client;
pub use live::{Live, LiveRow};

/// Somebody about to visit.
pub struct Visitor {
    /// What tables call it: `shopper 3`.
    pub name: String,
    /// What it does.
    pub visit: Visit,
    /// The loopback address its sockets are bound to.
    pub source: IpAddr,
}

/// Where visitors go, how long, how fast.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// The gate, or the shop itself.
    pub to: SocketAddr,
    /// When to stop.
    pub until: Instant,
    /// 1 is real time, 2 is twice as fast.
    pub speed: f64,
}

/// One request of a visit and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Since the visitor's first moment.
    pub after: Duration,
    /// Path and query.
    pub target: String,
    /// Whether a browser asked for it by itself.
    pub is_asset: bool,
    /// How it ended.
    pub answer: Answer,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The shop answered with this status.
    Allowed(u16),
    /// The gate answered 429; the decision's id.
    Limited(String),
    /// The gate answered 403; the decision's id.
    Blocked(String),
    /// There was no answer, and why.
    Failed(String),
}

/// All of one visit.
#[derive(Clone, Debug)]
pub struct VisitLog {
    /// The visitor's name.
    pub name: String,
    /// What it was.
    pub population: Population,
    /// Its address.
    pub source: IpAddr,
    /// Every request, in order.
    pub asked: Vec<Asked>,
}

impl Visitor {
    /// The `index`-th visitor, named after its population, at an address of its own (127.1.0.1 and
    /// on).
    pub fn new(index: u16, number: usize, visit: Visit) -> Self {
        let name = format!("{} {number}", visit.population().name().replace('_', " "));
        Self { name, visit, source: loopback(index) }
    }
}

impl VisitLog {
    /// Index of the first request that the gate refused, from 0.
    pub fn first_refused(&self) -> Option<usize> {
        self.asked.iter().position(|asked| asked.answer.decision().is_some())
    }

    /// The ids of all refusals, in order.
    pub fn decisions(&self) -> impl Iterator<Item = &str> {
        self.asked.iter().filter_map(|asked| asked.answer.decision())
    }

    /// How many requests ended in a way.
    pub fn count(&self, is_wanted: impl Fn(&Answer) -> bool) -> usize {
        self.asked.iter().filter(|asked| is_wanted(&asked.answer)).count()
    }
}

impl Answer {
    /// The id of a refusal by the gate.
    pub fn decision(&self) -> Option<&str> {
        match self {
            Self::Limited(id) | Self::Blocked(id) => Some(id),
            Self::Allowed(_) | Self::Failed(_) => None,
        }
    }
}

/// The source address of the `index`-th visitor.
pub fn loopback(index: u16) -> IpAddr {
    // Last bytes 1 to 254: an address that ends in 0 or 255 is legal here, but looks like a mistake
    // in a table.
    let (third, last) = (index / 254, index % 254 + 1);
    IpAddr::V4(Ipv4Addr::new(127, 1 + (third >> 8) as u8, (third & 0xff) as u8, last as u8))
}

/// Drives one visit to its end, or to the course's.
pub async fn drive(visitor: Visitor, course: Course, live: Arc<Live>) -> VisitLog {
    let Visitor { name, visit, source } = visitor;
    let population = visit.population();
    let mut client = Client::new(course.to, source, visit.user_agent());
    let mut asked = Vec::new();
    let start = Instant::now();
    let mut sent = start;
    for step in visit {
        // From when the previous request really began: who was held up does not hurry to catch up.
        let due = sent + Duration::from_micros(step.wait_us).div_f64(course.speed);
        if due >= course.until {
            break;
        }
        sleep_until(due).await;
        sent = Instant::now();
        let Ok(answer) = tokio::time::timeout_at(course.until, client.ask(&step)).await else {
            break;
        };
        live.count(&answer);
        asked.push(Asked {
            after: sent - start,
            target: step.target,
            is_asset: step.is_asset,
            answer,
        });
    }
    VisitLog { name, population, source, asked }
}

/// Drives all of them at once; the tables to watch meanwhile, and the logs when the last has ended.
///
/// The logs come in the visitors' order. Must be called within a tokio runtime.
pub fn drive_all(
    visitors: Vec<Visitor>,
    course: Course,
) -> (Vec<Arc<Live>>, impl Future<Output = Vec<VisitLog>> + Send) {
    let mut tasks = JoinSet::new();
    let mut lives = Vec::new();
    for (index, visitor) in visitors.into_iter().enumerate() {
        let live = Arc::new(Live::new(&visitor));
        lives.push(Arc::clone(&live));
        tasks.spawn(async move { (index, drive(visitor, course, live).await) });
    }
    let logs = async move {
        let mut logs = tasks.join_all().await;
        logs.sort_by_key(|(index, _)| *index);
        logs.into_iter().map(|(_, log)| log).collect()
    };
    (lives, logs)
}

#[cfg(test)]
mod tests;
