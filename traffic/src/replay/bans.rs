//! Checks that the table of bans had room for every client that was banned during a replay.
//!
//! When that table is full, a new ban displaces an older one. Then the verdicts depend on the order
//! in which clients were banned, and several threads do not know that order.

use std::collections::HashSet;

use detector::{Action, ClientKey, Detector, Reason, Verdict};

use super::log_step::LogStep;
use crate::log::RecordedBan;

/// More clients were banned than the table of bans holds, so the order of bans decides who is still
/// banned. Several threads do not know that order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{banned} clients would be banned and there is room for {room}, so it matters who was banned \
     first: replay with --jobs 1"
)]
pub struct TooManyBans {
    /// How many clients were banned.
    pub banned: usize,
    /// How many bans the detector can hold.
    pub room: usize,
}

/// The clients that one watcher saw being banned.
#[derive(Debug, Default)]
pub struct BannedClients(HashSet<ClientKey>);

impl BannedClients {
    /// Adds the client if this verdict bans it. A block by the score is what starts a ban.
    pub fn note(&mut self, client: ClientKey, verdict: &Verdict) {
        if (verdict.action, verdict.reason) == (Action::Block, Reason::Score) {
            self.0.insert(client);
        }
    }

    /// Adds the client if this line imposes a ban on it.
    pub fn note_line(&mut self, line: &LogStep) {
        if let Some(RecordedBan::Imposed(_)) = line.ban() {
            self.0.insert(line.event.client);
        }
    }

    /// Checks that `detector` had room for all bans that the watchers saw. No two watchers see the
    /// same client, so their counts add up.
    ///
    /// # Errors
    /// [`TooManyBans`], when the detector may have dropped one ban for another.
    pub fn check<'a>(
        banned: impl Iterator<Item = &'a Self>,
        detector: &Detector,
    ) -> Result<(), TooManyBans> {
        let (banned, room) = (banned.map(|banned| banned.0.len()).sum(), detector.room_for_bans());
        if banned > room { Err(TooManyBans { banned, room }) } else { Ok(()) }
    }
}
