//! What the detector remembers of clients, in bounded memory.
//!
//! - [`table`]: the clients that are tracked. It consists of [`shard`]s, which find their clients
//!   with an [`index`]; a full shard asks its [`doorkeeper`] which clients were seen lately
//! - [`client_state`]: what is kept of one client; [`newcomer`]: its first few events
//! - [`browsers`]: how many user agents a client names; [`asset_credit`]: how many assets its last
//!   page accounts for
//! - [`bans`]: who is banned, apart from the table, because a ban outlasts an eviction

pub mod asset_credit;
pub mod bans;
pub mod browsers;
pub mod client_state;
mod doorkeeper;
pub(crate) mod index;
pub mod newcomer;
mod shard;
pub mod table;

use crate::cohort::Cohorts;
use crate::drift::DriftCounts;
use bans::Bans;
use table::Table;

/// Everything that a tracker remembers.
pub(crate) struct TrackerState {
    /// The windows and standings of clients.
    pub(crate) table: Table,
    /// What newcomers do together.
    pub(crate) cohorts: Cohorts,
    /// Who is banned.
    pub(crate) bans: Bans,
    /// How the features of judged clients are spread.
    pub(crate) drift: DriftCounts,
}
