//! What the detector remembers of clients, in bounded memory.
//!
//! - [`table`]: who is tracked, of [`shard`]s that find their clients by an [`index`]; a full one
//!   asks its [`doorkeeper`] who was here lately
//! - [`client_state`]: what is kept of one client; [`newcomer`]: its first few events
//! - [`browsers`]: how many user agents it names; [`asset_credit`]: how many assets its last page
//!   accounts for
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
