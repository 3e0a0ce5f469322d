//! The webhook calls of a payment provider.
//!
//! There is a POST for every payment, and another when the money has arrived. A call whose answer
//! was lost is repeated after 10 s or more. A program requests one URL hundreds of times a day, and
//! every request is revenue.

use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A payment provider's webhook: POSTs to one URL as \
    payments happen, in pairs and with retries. \
     Refusing it loses orders, so an operator allows it; shown without that. Expected: detected \
     unless allowed.";

/// Its user agent.
pub(in crate::sim) const AGENT: &str = "PaymentProvider-Webhooks/1.0";

/// One of the provider's senders.
#[derive(Debug)]
pub(in crate::sim) struct PaymentWebhook {
    /// Mean time between two payments.
    gap_s: f64,
}

impl PaymentWebhook {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        Self {
            gap_s: if tempo == Tempo::Day {
                dice.log_between(20.0, 300.0)
            } else {
                dice.between(0.5, 1.5)
            },
        }
    }
}

impl Behave for PaymentWebhook {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        let payment = turn.dice.below(100_000_000);
        let notify = |turn: &mut Turn<'_>, event: &str| {
            turn.post("/api/webhooks/payment", format!("payment={payment}&event={event}"), None);
        };
        notify(turn, "authorised");
        let mut again_s = 10.0;
        while turn.dice.chance(0.02) {
            turn.wait(again_s);
            notify(turn, "authorised");
            again_s *= 3.0;
        }
        turn.pause(1.5, 0.6);
        notify(turn, "captured");
        let wait_s = turn.dice.exponential(self.gap_s);
        turn.wait(wait_s);
        true
    }
}
