//! Which clients teach a profile, and how much of one client counts.

use crate::label::Label;
use crate::site::Site;

/// How many first pages and steps of one client count: as many as its window holds.
pub const PER_CLIENT: usize = 48;

/// Does this client teach the profile? Bots do not, nor do clients that prove a budget.
pub fn teaches(site: &Site, client: usize) -> bool {
    !matches!(site.clients[client].labelled.label, Label::Bad | Label::GoodBot)
        && !site.is_apart(client)
}
