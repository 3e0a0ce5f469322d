//! A list of targets that a program goes through. At its end, it begins again.

use crate::sim::visit::Turn;

/// The list, the position in it, and the number of requests left.
#[derive(Debug)]
pub(in crate::sim) struct Round {
    targets: Vec<String>,
    next: usize,
    requests_left: u32,
}

impl Round {
    pub(in crate::sim) fn new(targets: Vec<String>, requests_left: u32) -> Self {
        Self { targets, next: 0, requests_left }
    }

    /// Requests the next target. `false` if no request is left.
    pub(in crate::sim) fn ask(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.requests_left == 0 {
            return false;
        }
        self.requests_left -= 1;
        turn.get(self.targets[self.next % self.targets.len()].clone(), None);
        self.next += 1;
        true
    }
}
