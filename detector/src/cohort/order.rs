//! The order of two clients' events that are taken into one window.

use crate::time::Timestamp;

/// How far a client's event is moved at most, in µs: one second. Threads overtake each other by
/// less. A log that jumps back further is not to be believed about order.
const LAG_MAX_US: u64 = 1_000_000;

/// The time that an event of `at` counts for which came after another client's event of `last_at`:
/// the microsecond after that one if it would be earlier.
pub(super) fn after(last_at: Timestamp, at: Timestamp) -> Timestamp {
    let is_overtaken = at <= last_at && last_at.micros_since(at) < LAG_MAX_US;
    if is_overtaken { last_at.plus_micros(1) } else { at }
}
