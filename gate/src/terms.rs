//! What is in force for one request, for a door that asks about it more than once.
//!
//! A door refuses some requests before they are decided ([`crate::malformed`]), and only in enforce
//! mode. If it asked for the mode first and for a decision afterwards, a reload in between would
//! have the two under different configurations. So it takes [`Engine::terms`] once.

use std::sync::Arc;

use arc_swap::Guard;
use detector::Mode;

use crate::enforce::Ruling;
use crate::engine::{Ask, Engine, InFlight};
use crate::in_force::InForce;
use crate::malformed::Malformed;

/// The configuration that was in force when a request arrived.
pub struct Terms<'e> {
    engine: &'e Engine,
    in_force: Guard<Arc<InForce>>,
}

impl Engine {
    /// What is in force now. To be taken once a request, and not to be kept across an `.await`.
    pub fn terms(&self) -> Terms<'_> {
        Terms { engine: self, in_force: self.in_force.load() }
    }
}

impl Terms<'_> {
    /// Whether the door must answer a malformed request itself, which is counted either way.
    /// Shadow mode changes no response: there the request is passed on.
    pub fn rejects(&self, malformed: Malformed) -> bool {
        self.engine.metrics.malformed(malformed, self.in_force.mode);
        self.in_force.mode == Mode::Enforce
    }

    /// See [`Engine::decide`].
    pub fn decide(self, ask: &Ask<'_>) -> (InFlight, Ruling) {
        self.engine.decide_under(&self.in_force, ask)
    }
}

impl InFlight {
    /// Whether the door must end a request whose body turns out to be malformed, which is counted
    /// either way. The mode is the one that the request was decided in, however long it takes.
    pub fn rejects(&self, engine: &Engine, malformed: Malformed) -> bool {
        engine.metrics.malformed(malformed, self.mode);
        self.mode == Mode::Enforce
    }
}
