//! Conversions counted while the gate runs: does it hurt who buys?
//!
//! The live counterpart of a budget. Who comes to a conversion that the owner has named in
//! `[outcomes]` (an order, a log-in) is a person as far as anybody can tell without looking. So the
//! share of them who are limited or blocked is what a budget promises to bound.

use std::fmt;
use std::sync::Arc;

use detector::{Action, Verdict};
use metrics::Counter;
use traffic::Conversions;
use traffic::conversions::MatchedPatterns;

use crate::enforce::Ruling;

/// How its client stood when a request was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StandingLabel {
    /// Nothing against it.
    Free,
    /// Limited, alone or with others: within its rate, or in shadow mode beyond it.
    Limited,
    /// Blocked, in shadow mode.
    Blocked,
    /// The gate refused the request.
    Refused,
}

impl StandingLabel {
    /// Every way, in the order of the variants.
    pub(crate) const ALL: [Self; 4] = [Self::Free, Self::Limited, Self::Blocked, Self::Refused];

    /// The word in the metric's label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Limited => "limited",
            Self::Blocked => "blocked",
            Self::Refused => "refused",
        }
    }

    /// What a ruling says of it.
    pub(crate) const fn of(ruling: &Ruling) -> Self {
        let Verdict { action, reason, .. } = ruling.verdict();
        match (action, reason) {
            _ if ruling.refusal().is_some() => Self::Refused,
            (Action::Block, _) => Self::Blocked,
            (Action::Limit, _) => Self::Limited,
            (Action::Allow, reason) if reason.is_limit() => Self::Limited,
            (Action::Allow, _) => Self::Free,
        }
    }
}

/// The outcomes of a configuration, and a counter for each of them and each way to stand.
pub(crate) struct ConversionCounters {
    outcomes: Conversions,
    counters: Vec<[Counter; StandingLabel::ALL.len()]>,
}

impl ConversionCounters {
    /// `counters` are in the order of the outcomes' names.
    pub(super) fn new(
        outcomes: Conversions,
        counters: Vec<[Counter; StandingLabel::ALL.len()]>,
    ) -> Self {
        Self { outcomes, counters }
    }

    /// Which conversions a request asks for; method and target as on the wire. `None` for nearly
    /// all requests, and for all where nobody has named one.
    pub(crate) fn asked(self: &Arc<Self>, method: &str, target: &str) -> Option<PendingConversion> {
        if self.outcomes.is_empty() {
            return None;
        }
        let asked = self.outcomes.asked(method, target);
        (!asked.is_nothing()).then(|| PendingConversion { of: Arc::clone(self), asked })
    }
}

/// A request on its way to a conversion. It holds the configuration that it was asked under,
/// because a reload may number conversions otherwise.
pub(crate) struct PendingConversion {
    of: Arc<ConversionCounters>,
    asked: MatchedPatterns,
}

impl PendingConversion {
    /// Counts the request, now that it has ended with this status. What the gate refused has no
    /// status of the shop's, and counts for what it asked for.
    pub(crate) fn end(&self, status: u16, standing: StandingLabel) {
        let outcomes = &self.of.outcomes;
        let reached = match standing {
            StandingLabel::Refused => outcomes.wanted(self.asked),
            StandingLabel::Free | StandingLabel::Limited | StandingLabel::Blocked => {
                outcomes.reached(self.asked, status)
            }
        };
        for (number, counters) in self.of.counters.iter().enumerate() {
            if reached.has(number) {
                counters[standing as usize].increment(1);
            }
        }
    }
}

impl fmt::Debug for PendingConversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PendingConversion").field(&self.asked).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn an_outcome_counts_when_it_is_reached_or_refused() {
        let mut outcomes = Conversions::default();
        outcomes.add("login", "POST /login 302").unwrap();
        outcomes.add("buyer", "POST /checkout/complete 2xx").unwrap();
        let cells: Vec<Arc<AtomicU64>> = (0..8).map(|_| Arc::new(AtomicU64::new(0))).collect();
        let counter = |name: usize, stood: StandingLabel| {
            Counter::from_arc(Arc::clone(&cells[name * 4 + stood as usize]))
        };
        let counters =
            [0, 1].map(|name| StandingLabel::ALL.map(|stood| counter(name, stood))).to_vec();
        let conversions = Arc::new(ConversionCounters::new(outcomes, counters));
        let count = |method: &str, target: &str, status, stood| {
            if let Some(pending) = conversions.asked(method, target) {
                pending.end(status, stood);
            }
        };
        let buy = |status, stood| count("POST", "/checkout/complete?x=1", status, stood);
        buy(200, StandingLabel::Free);
        buy(500, StandingLabel::Free);
        buy(201, StandingLabel::Limited);
        buy(403, StandingLabel::Refused);
        count("GET", "/checkout/complete", 200, StandingLabel::Free);
        count("POST", "/login", 302, StandingLabel::Blocked);
        let counted: Vec<u64> = cells.iter().map(|cell| cell.load(Ordering::Relaxed)).collect();
        assert_eq!(counted, [0, 0, 1, 0, 1, 1, 0, 1], "log-ins and buyers, free to refused");
    }

    #[test]
    fn the_ways_to_stand_are_in_the_order_of_their_variants() {
        assert!(
            StandingLabel::ALL.iter().enumerate().all(|(index, stood)| *stood as usize == index)
        );
    }
}
