//! Requests that an edge was told to let pass, until it says how they ended.
//!
//! They are found by the decision's id. Each is kept until its outcome comes or its time is up;
//! then the outcome counts as lost. An edge may also ask twice about one request (nginx does after
//! an internal redirect): the second question brings the id of the first, and is recognised here.
//!
//! **Bound**: [`AWAITED_MAX`] requests of about 250 bytes. When there are more, the oldest is lost.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use gate::InFlight;
use gate::decision::DecisionId;
use parking_lot::Mutex;

/// A minute of some 4,000 requests a second without any outcome: 64 MB.
const AWAITED_MAX: usize = 1 << 18;

/// Requests under way at an edge.
#[derive(Default)]
pub(crate) struct Awaited(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    by_id: HashMap<DecisionId, Waiting>,
    /// By the end of their time. Holds those as well whose outcome has come.
    order: VecDeque<(Instant, DecisionId)>,
}

struct Waiting {
    fingerprint: u64,
    /// `None` where no outcome is expected, and the request is kept to recognise it only.
    in_flight: Option<InFlight>,
}

impl Awaited {
    /// Keeps a request for this long. Returns how many outcomes are given up for it.
    pub(crate) fn keep(
        &self,
        id: DecisionId,
        fingerprint: u64,
        in_flight: Option<InFlight>,
        until: Instant,
    ) -> u64 {
        let mut inner = self.0.lock();
        let lost = if inner.order.len() >= AWAITED_MAX { inner.drop_first() } else { 0 };
        inner.order.push_back((until, id));
        inner.by_id.insert(id, Waiting { fingerprint, in_flight });
        lost
    }

    /// Was this very request decided, and is it still under way?
    pub(crate) fn is_under_way(&self, id: DecisionId, fingerprint: u64) -> bool {
        self.0.lock().by_id.get(&id).is_some_and(|waiting| waiting.fingerprint == fingerprint)
    }

    /// Takes a request out whose outcome has come.
    pub(crate) fn take(&self, id: DecisionId) -> Option<InFlight> {
        self.0.lock().by_id.remove(&id)?.in_flight
    }

    /// Drops those whose time is up, and returns how many outcomes are lost.
    pub(crate) fn expire(&self, now: Instant) -> u64 {
        let mut inner = self.0.lock();
        let mut lost = 0;
        while inner.order.front().is_some_and(|(until, _)| *until <= now) {
            lost += inner.drop_first();
        }
        lost
    }
}

impl Inner {
    fn drop_first(&mut self) -> u64 {
        let first = self.order.pop_front().and_then(|(_, id)| self.by_id.remove(&id));
        u64::from(first.is_some_and(|waiting| waiting.in_flight.is_some()))
    }
}

/// How long a request is kept to be recognised where no outcome is expected: an internal redirect
/// of nginx follows at once, or when the shop has answered.
pub(crate) const REPEAT_WITHIN: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use gate::decision::DecisionIds;

    use super::*;

    #[test]
    fn a_request_is_recognised_by_id_and_fingerprint_until_its_time_is_up() {
        let (awaited, ids, begin) = (Awaited::default(), DecisionIds::new(), Instant::now());
        let (id, other) = (ids.draw(), ids.draw());
        awaited.keep(id, 7, None, begin + REPEAT_WITHIN);
        assert!(awaited.is_under_way(id, 7));
        assert!(!awaited.is_under_way(id, 8) && !awaited.is_under_way(other, 7));
        assert_eq!(awaited.expire(begin), 0);
        assert!(awaited.is_under_way(id, 7));
        assert_eq!(awaited.expire(begin + REPEAT_WITHIN), 0, "no outcome was expected");
        assert!(!awaited.is_under_way(id, 7));
    }

    #[test]
    fn their_number_is_bounded() {
        let (awaited, ids, begin) = (Awaited::default(), DecisionIds::new(), Instant::now());
        let first = ids.draw();
        awaited.keep(first, 0, None, begin + REPEAT_WITHIN);
        for _ in 0..AWAITED_MAX {
            awaited.keep(ids.draw(), 0, None, begin + REPEAT_WITHIN);
        }
        assert!(!awaited.is_under_way(first, 0));
        assert_eq!(awaited.0.lock().by_id.len(), AWAITED_MAX);
        assert_eq!(awaited.0.lock().order.len(), AWAITED_MAX);
    }
}
