//! What the rules need to know of one request.

use detector::Timestamp;
use traffic::log::Record;

use super::agents::{AgentKind, Agents};
use super::attack::attack;
use super::visit::{Step, authority, host, step};

/// What the rules need to know of one request.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    pub(super) at: Timestamp,
    pub(super) agent: u32,
    pub(super) kind: AgentKind,
    /// Who sent the client here, as a hash; 0 for nobody.
    pub(super) referer: u32,
    /// The site's name as the log has it, as a hash; 0 where it has none.
    pub(super) host: u32,
    pub(super) status: u16,
    pub(super) is_write: bool,
    pub(super) step: Step,
    pub(super) attack: Option<u8>,
}

impl Trace {
    /// The trace of a request.
    pub fn of(record: &Record<'_>, agents: &mut Agents) -> Self {
        let (agent, kind) = agents.judge(record.user_agent.unwrap_or(""));
        Self {
            at: record.at,
            agent,
            kind,
            referer: record.referer.map_or(0, authority),
            host: record.host.map_or(0, host),
            status: record.status,
            is_write: record.method == "POST",
            step: step(record.target),
            attack: attack(record.target, record.status),
        }
    }

    pub(super) fn is_ok(&self) -> bool {
        matches!(self.status, 200..300 | 304)
    }

    pub(super) fn is_redirect(&self) -> bool {
        matches!(self.status, 301..=303 | 307 | 308)
    }

    /// Was what it sent taken?
    pub(super) fn is_taken(&self) -> bool {
        matches!(self.status, 200..400)
    }
}
