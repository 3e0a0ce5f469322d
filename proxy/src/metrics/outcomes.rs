//! What visits come to while the gate runs: does it hurt who buys?
//!
//! The live counterpart of a budget. Who comes to what the owner calls an outcome (an order, a
//! log-in) is a person as far as anybody can tell without looking, so the share of them who are
//! limited or blocked is what a budget promises to bound.

use detector::{Action, Reason, Verdict};
use metrics::Counter;
use traffic::Outcomes;

use crate::enforce::Ruling;

/// How its client stood when a request was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stood {
    /// Nothing against it.
    Free,
    /// Limited, alone or with others: within its rate, or in shadow mode beyond it.
    Limited,
    /// Blocked, in shadow mode.
    Blocked,
    /// The gate refused the request.
    Refused,
}

impl Stood {
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
            (Action::Limit, _)
            | (Action::Allow, Reason::Limited | Reason::Shared | Reason::Cohort) => Self::Limited,
            (Action::Allow, _) => Self::Free,
        }
    }
}

/// The outcomes of a configuration, and a counter for each of them and each way to stand.
pub(crate) struct OutcomeCounters {
    outcomes: Outcomes,
    counters: Vec<[Counter; Stood::ALL.len()]>,
}

impl OutcomeCounters {
    /// `counter` makes the one of an outcome's name.
    pub(super) fn new(outcomes: Outcomes, counter: impl Fn(&str, Stood) -> Counter) -> Self {
        let counters = outcomes
            .names()
            .iter()
            .map(|name| Stood::ALL.map(|stood| counter(name, stood)))
            .collect();
        Self { outcomes, counters }
    }

    /// Counts a request that ended with this status. What the gate refused has no status of the
    /// shop's, and counts for what it asked for. Method and target as on the wire. Nothing is done
    /// where nobody has named an outcome.
    pub(crate) fn count(&self, method: &str, target: &[u8], status: u16, stood: Stood) {
        if self.outcomes.is_empty() {
            return;
        }
        let asked = self.outcomes.asked(method, &String::from_utf8_lossy(target));
        if asked.is_nothing() {
            return;
        }
        let reached = match stood {
            Stood::Refused => self.outcomes.wanted(asked),
            Stood::Free | Stood::Limited | Stood::Blocked => self.outcomes.reached(asked, status),
        };
        for (number, counters) in self.counters.iter().enumerate() {
            if reached.has(number) {
                counters[stood as usize].increment(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn an_outcome_counts_when_it_is_reached_or_refused() {
        let mut outcomes = Outcomes::default();
        outcomes.add("login", "POST /login 302").unwrap();
        outcomes.add("buyer", "POST /checkout/complete 2xx").unwrap();
        let cells: Vec<Arc<AtomicU64>> = (0..8).map(|_| Arc::new(AtomicU64::new(0))).collect();
        let place = |name: &str, stood: Stood| usize::from(name == "buyer") * 4 + stood as usize;
        let counters = OutcomeCounters::new(outcomes, |name, stood| {
            Counter::from_arc(Arc::clone(&cells[place(name, stood)]))
        });
        let buy = |status, stood| counters.count("POST", b"/checkout/complete?x=1", status, stood);
        buy(200, Stood::Free);
        buy(500, Stood::Free);
        buy(201, Stood::Limited);
        buy(403, Stood::Refused);
        counters.count("GET", b"/checkout/complete", 200, Stood::Free);
        counters.count("POST", b"/login", 302, Stood::Blocked);
        let counted: Vec<u64> = cells.iter().map(|cell| cell.load(Ordering::Relaxed)).collect();
        assert_eq!(counted, [0, 0, 1, 0, 1, 1, 0, 1], "log-ins and buyers, free to refused");
    }

    #[test]
    fn the_ways_to_stand_are_in_the_order_of_their_variants() {
        assert!(Stood::ALL.iter().enumerate().all(|(index, stood)| *stood as usize == index));
    }
}
