//! Counters of a visit while it happens, which the live table reads.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use traffic::sim::{Population, Truth};

use super::request::RequestResult;
use super::visitor::Visitor;

/// Counters of one visit. Its task writes them; the live table and the summary read them.
#[derive(Debug)]
pub struct Live {
    name: String,
    population: Population,
    source: IpAddr,
    allowed: AtomicU32,
    limited: AtomicU32,
    blocked: AtomicU32,
    failed: AtomicU32,
    /// Number of the first refused request, from 1; 0 while there is none.
    first_refused: AtomicU32,
}

/// The counters of [`Live`] at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveRow {
    /// The visitor's name.
    pub name: String,
    /// What kind of visitor it is.
    pub population: Population,
    /// Whether it is a person or a bad bot.
    pub truth: Truth,
    /// Its address.
    pub source: IpAddr,
    /// Requests that have ended, one way or another.
    pub requests: u32,
    /// Answered by the shop.
    pub allowed: u32,
    /// Answered by the gate with 429.
    pub limited: u32,
    /// Answered by the gate with 403.
    pub blocked: u32,
    /// Without an answer.
    pub failed: u32,
    /// Number of the first request that the gate refused, from 1.
    pub first_refused_at: Option<u32>,
}

impl Live {
    /// All zero.
    pub fn new(visitor: &Visitor) -> Self {
        Self {
            name: visitor.name.clone(),
            population: visitor.visit.population(),
            source: visitor.source,
            allowed: AtomicU32::new(0),
            limited: AtomicU32::new(0),
            blocked: AtomicU32::new(0),
            failed: AtomicU32::new(0),
            first_refused: AtomicU32::new(0),
        }
    }

    /// The counters now. A request that is being counted at this moment may be missing.
    pub fn row(&self) -> LiveRow {
        let read = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        let (allowed, limited) = (read(&self.allowed), read(&self.limited));
        let (blocked, failed) = (read(&self.blocked), read(&self.failed));
        LiveRow {
            name: self.name.clone(),
            population: self.population,
            truth: self.population.truth(),
            source: self.source,
            requests: allowed + limited + blocked + failed,
            allowed,
            limited,
            blocked,
            failed,
            first_refused_at: Some(read(&self.first_refused)).filter(|number| *number > 0),
        }
    }

    pub(super) fn count(&self, answer: &RequestResult) {
        let counter = match answer {
            RequestResult::Allowed(_) => &self.allowed,
            RequestResult::Limited(_) => &self.limited,
            RequestResult::Blocked(_) => &self.blocked,
            RequestResult::Failed(_) => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if answer.decision().is_some() && self.first_refused.load(Ordering::Relaxed) == 0 {
            // Only the visit's task writes, so no other write can come between.
            self.first_refused.store(self.row().requests, Ordering::Relaxed);
        }
    }
}
