//! The record of one whole visit.

use std::net::IpAddr;

use traffic::sim::Population;

use super::request::{RequestResult, VisitRequest};

/// One visit with all its requests.
#[derive(Clone, Debug)]
pub struct VisitLog {
    /// The visitor's name.
    pub name: String,
    /// What kind of visitor it was.
    pub population: Population,
    /// Its address.
    pub source: IpAddr,
    /// Every request, in order.
    pub asked: Vec<VisitRequest>,
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

    /// How many requests ended in the wanted way.
    pub fn count(&self, is_wanted: impl Fn(&RequestResult) -> bool) -> usize {
        self.asked.iter().filter(|asked| is_wanted(&asked.answer)).count()
    }
}
