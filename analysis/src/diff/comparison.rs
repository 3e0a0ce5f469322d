//! Sums over requests that two judges have decided.

use std::collections::{BTreeMap, HashMap};

use detector::{ClientKey, Timestamp, Verdict};
use traffic::conversions::ReachedConversions;

/// Distinct paths kept for each group of clients; further ones are summed up as [`OTHER_PATHS`].
pub(super) const PATHS_MAX: usize = 500;
/// The name for all paths beyond the bound.
pub const OTHER_PATHS: &str = "(other paths)";

/// Sums over the requests of some groups of clients.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    pub(super) by_request: [[u64; 3]; 3],
    pub(super) reasons: BTreeMap<[u8; 4], u64>,
    pub(super) clients: HashMap<ClientKey, ClientTally>,
    /// By group of clients, so that the bound does not depend on which thread sees which group.
    pub(super) paths: BTreeMap<usize, BTreeMap<Box<str>, [u64; 2]>>,
}

/// How both judges treat one client.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientTally {
    pub(super) requests: u64,
    pub(super) harder: u64,
    pub(super) softer: u64,
    /// The hardest action of each judge, as a number.
    pub(super) hardest: [u8; 2],
    pub(super) reached: ReachedConversions,
    pub(super) is_good_robot: bool,
    pub(super) first: Option<Box<FirstDifference>>,
}

#[derive(Clone, Debug)]
pub(super) struct FirstDifference {
    pub(super) at: Timestamp,
    pub(super) number: u64,
    pub(super) path: Box<str>,
    pub(super) verdicts: [Verdict; 2],
}

impl Comparison {
    /// Takes in a request of a client in this group, decided by both judges.
    pub fn note(
        &mut self,
        client: ClientKey,
        group: usize,
        path: Box<str>,
        is_good_robot: bool,
        verdicts: [Verdict; 2],
    ) {
        let [before, after] = verdicts.map(|verdict| verdict.action as usize);
        self.by_request[before][after] += 1;
        let tally = self.clients.entry(client).or_default();
        tally.requests += 1;
        tally.is_good_robot |= is_good_robot;
        tally.hardest = [tally.hardest[0].max(before as u8), tally.hardest[1].max(after as u8)];
        if before == after {
            return;
        }
        let is_harder = after > before;
        tally.harder += u64::from(is_harder);
        tally.softer += u64::from(!is_harder);
        let [first, second] = verdicts.map(|verdict| verdict.reason as u8);
        *self.reasons.entry([before as u8, first, after as u8, second]).or_default() += 1;
        let paths = self.paths.entry(group).or_default();
        if tally.first.is_none() {
            let (at, number, path) = (verdicts[0].at, tally.requests, path.clone());
            tally.first = Some(Box::new(FirstDifference { at, number, path, verdicts }));
        }
        let path = if paths.len() < PATHS_MAX || paths.contains_key(&path) {
            path
        } else {
            OTHER_PATHS.into()
        };
        paths.entry(path).or_default()[usize::from(!is_harder)] += 1;
    }

    /// Notes that a client has come to a conversion.
    pub fn reached(&mut self, client: ClientKey, reached: ReachedConversions) {
        let tally = self.clients.entry(client).or_default();
        tally.reached = tally.reached.and(reached);
    }

    /// Adds the sums of another part, which has seen other groups.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        for (sum, part) in
            self.by_request.as_flattened_mut().iter_mut().zip(other.by_request.as_flattened())
        {
            *sum += part;
        }
        for (reasons, requests) in other.reasons {
            *self.reasons.entry(reasons).or_default() += requests;
        }
        self.clients.extend(other.clients);
        self.paths.extend(other.paths);
        self
    }
}
