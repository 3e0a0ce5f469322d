//! Bans that an operator, or another gate, imposes and lifts.
//!
//! They hold at once, and the event log has a line of each, so that a replay does the same after
//! the same event of the client. Bans by the score are the detector's; whoever listens hears of
//! both.

use detector::{BanChanges, ClientKey, Timestamp};

use crate::engine::Engine;
use crate::record::BanRecord;

impl Engine {
    /// Bans a client until `until` in the time of events ([`Engine::now`]), at once. `false` when
    /// there is no room for another ban and the client is not tracked. The event log has a line of
    /// it, so that a replay does the same.
    pub fn impose(&self, client: ClientKey, until: Timestamp) -> bool {
        let now = self.now();
        let mark = self.tracker.impose(&self.in_force.load().judge, client, now, until);
        self.record_ban(BanRecord { client, mark, until: Some(until), changed_at: now });
        mark.was_done
    }

    /// Takes back all that is held against a client, at once. Was it banned? The event log has a
    /// line of it.
    pub fn lift(&self, client: ClientKey) -> bool {
        let now = self.now();
        let mark = self.tracker.lift(client, now);
        self.record_ban(BanRecord { client, mark, until: None, changed_at: now });
        mark.was_done
    }

    fn record_ban(&self, ban: BanRecord) {
        if let Some(recorder) = &self.recorder {
            recorder.ban(ban);
        }
    }

    /// Bans made and lifted from the change of this number on; begin with 0.
    pub fn ban_changes(&self, from: u64) -> BanChanges {
        self.tracker.ban_changes(from)
    }
}
