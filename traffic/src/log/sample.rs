//! What the first lines of a log show when they are read: the clients, the other addresses, the
//! times. Every command that reads a log is told what is wrong with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use detector::Timestamp;

use super::address::{EXPECTED_ONE, bare};
use super::excerpt::escaped;
use super::layout::Layout;
use super::parser::Parser;
use super::shown::Shown;
use super::warning::Warning;

/// Share of the clients that must be addresses for the others to be refused.
const ADDRESSES_MIN: f64 = 0.95;
/// Fewest lines that prove something.
const LINES_MIN: usize = 10;

/// The lines of a sample, read.
pub(super) struct Sample {
    times: Vec<Timestamp>,
    clients: Vec<String>,
    /// The lists of other addresses that were not believed.
    others: Vec<String>,
    /// Lines that hold several addresses, of which nobody said whose they are.
    lists: Vec<String>,
    has_trusted: bool,
    pub(super) shown: Shown,
}

impl Sample {
    pub(super) fn read(layout: &Layout, lines: &[impl AsRef<str>]) -> Self {
        let mut parser = Parser::new(Arc::new(layout.clone()));
        let mut sample = Self {
            times: Vec::new(),
            clients: Vec::new(),
            others: Vec::new(),
            lists: Vec::new(),
            has_trusted: !layout.rule.trusted.is_empty(),
            shown: Shown::default(),
        };
        for line in lines {
            let bytes = line.as_ref().as_bytes();
            match parser.parse(bytes) {
                Ok(fields) => {
                    let record = fields.record(parser.text(bytes));
                    sample.shown.note(line.as_ref(), &record);
                    sample.times.push(record.at);
                    sample.clients.push(record.client.to_owned());
                    sample.others.extend(record.other_addresses.map(str::to_owned));
                }
                Err(refusal) => sample.lists.extend(refusal.found_where(EXPECTED_ONE)),
            }
        }
        sample
    }

    /// How many lines hold a request, even if its client is not known.
    pub(super) fn requests(&self) -> usize {
        self.times.len() + self.lists.len()
    }

    /// Whether nearly all clients are addresses.
    pub(super) fn has_addresses(&self) -> bool {
        let addresses = self.clients.iter().filter(|client| bare(client).is_some()).count();
        addresses > 0 && addresses as f64 >= ADDRESSES_MIN * self.clients.len() as f64
    }

    /// The time in the middle: half of the lines are not later.
    pub(super) fn middle(&self) -> Option<Timestamp> {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    }

    /// What is wrong with the log.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        [self.hidden_clients(), self.unresolved_lists(), self.newest_first()]
            .into_iter()
            .flatten()
            .collect()
    }

    fn hidden_clients(&self) -> Option<Warning> {
        let share = self.others.len() as f64 / self.requests().max(1) as f64;
        if self.others.is_empty() || share < 0.05 {
            return None;
        }
        let peers = counted(self.clients.iter().map(String::as_str));
        let others = counted(self.others.iter().map(String::as_str));
        let is_worthless = share > 0.5 && others.len() > peers.len();
        let shown = escaped(self.others[0].as_bytes(), 40);
        let message = format!(
            "{} of the lines also hold another address than the client's, such as {shown} beside \
                {}: the client may be a proxy",
            crate::percent(share, 0),
            escaped(self.clients.first().map_or("", |client| client).as_bytes(), 40),
        );
        let code = if is_worthless { "hidden_clients" } else { "other_addresses" };
        Some(Warning::new(code, message, advice(&peers)))
    }

    fn unresolved_lists(&self) -> Option<Warning> {
        let first = self.lists.first()?;
        let nearest = |list: &String| {
            let last = list.rsplit(',').next().unwrap_or("");
            bare(last.trim()).map(|(ip, _)| ip.to_string())
        };
        let proxies: Vec<String> = self.lists.iter().filter_map(nearest).collect();
        let peers = counted(proxies.iter().map(String::as_str));
        let message = format!(
            "{} of {} lines hold several addresses, such as {}, and no proxy is trusted: which of \
                them is the client is not known",
            self.lists.len(),
            self.requests(),
            escaped(first.as_bytes(), 60),
        );
        Some(Warning::new("address_lists", message, advice(&peers))).filter(|_| !self.has_trusted)
    }

    fn newest_first(&self) -> Option<Warning> {
        let steps = || self.times.windows(2).map(|pair| pair[0].cmp(&pair[1]));
        let back = steps().filter(|step| step.is_gt()).count();
        let forth = steps().filter(|step| step.is_lt()).count();
        (self.times.len() >= LINES_MIN && back > 9 * forth).then(|| {
            Warning::new(
                "newest_first",
                "the newest line comes first: a client's requests would be counted backwards",
                "Reverse it: tac FILE | kidoban …",
            )
        })
    }
}

/// How often each text occurs.
fn counted<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    texts.for_each(|text| *counts.entry(text).or_insert(0) += 1);
    counts
}

/// What to do about proxies, with those that were seen most often.
fn advice(peers: &BTreeMap<&str, usize>) -> String {
    let mut most: Vec<(&str, usize)> = peers.iter().map(|(peer, count)| (*peer, *count)).collect();
    most.sort_by_key(|&(peer, count)| (std::cmp::Reverse(count), peer));
    let named: Vec<String> = most
        .iter()
        .take(3)
        .map(|(peer, _)| format!("--trusted-proxy {}", escaped(peer.as_bytes(), 40)))
        .collect();
    format!(
        "If these are your proxies, name them and their networks, here or as trusted_proxies in \
            kidoban.toml: {}",
        named.join(" ")
    )
}
