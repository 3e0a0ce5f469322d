//! Simulated visitors on real sockets, in real time.
//!
//! The gate sees each visitor as one client, because its sockets are bound to a loopback address of
//! its own. Linux allows all of 127.0.0.0/8 for that, so no `X-Forwarded-For` is needed. A visitor
//! has one keep-alive connection and sends one request after another. The pauses between requests
//! are those of [`Visit`](traffic::sim::Visit), counted from the start of the previous request.
//!
//! No visitor reacts to a refusal. A bot that gave up would look like a success of the gate.

mod client;
mod live;
mod request;
mod visit_log;
mod visitor;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use client::Client;
pub use live::{Live, LiveRow};
pub use request::{RequestResult, VisitRequest};
pub use visit_log::VisitLog;
pub use visitor::{Visitor, loopback};

/// Where visitors connect to, until when, and how fast they act.
#[derive(Clone, Copy, Debug)]
pub struct VisitPlan {
    /// The gate, or the shop itself.
    pub to: SocketAddr,
    /// When to stop.
    pub until: Instant,
    /// 1 is real time, 2 is twice as fast.
    pub speed: f64,
}

/// Drives one visit until it ends or the time is over.
pub async fn drive(visitor: Visitor, plan: VisitPlan, live: Arc<Live>) -> VisitLog {
    let Visitor { name, visit, source } = visitor;
    let population = visit.population();
    let mut client = Client::new(plan.to, source, visit.user_agent());
    let mut asked = Vec::new();
    let start = Instant::now();
    let mut sent = start;
    for step in visit {
        // Counted from the real start of the previous request: a delayed visitor does not catch up.
        let due = sent + Duration::from_micros(step.wait_us).div_f64(plan.speed);
        if due >= plan.until {
            break;
        }
        sleep_until(due).await;
        sent = Instant::now();
        let Ok(answer) = tokio::time::timeout_at(plan.until, client.ask(&step)).await else {
            break;
        };
        live.count(&answer);
        asked.push(VisitRequest {
            after: sent - start,
            target: step.target,
            is_asset: step.is_asset,
            answer,
        });
    }
    VisitLog { name, population, source, asked }
}

/// Drives all visitors at the same time. Returns the live counters at once, and a future of the
/// logs that ends when the last visit has ended.
///
/// The logs are in the order of the visitors. Must be called within a tokio runtime.
pub fn drive_all(
    visitors: Vec<Visitor>,
    plan: VisitPlan,
) -> (Vec<Arc<Live>>, impl Future<Output = Vec<VisitLog>> + Send) {
    let mut tasks = JoinSet::new();
    let mut lives = Vec::new();
    for (index, visitor) in visitors.into_iter().enumerate() {
        let live = Arc::new(Live::new(&visitor));
        lives.push(Arc::clone(&live));
        tasks.spawn(async move { (index, drive(visitor, plan, live).await) });
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
