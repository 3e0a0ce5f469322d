//! A shop, its visitors, and nothing that is not on loopback: what `kidoban demo` shows and the end-to-end tests use.
//!
//! [`shop`] is the origin, a real HTTP server; [`visitors`] drives simulated people and bots through real sockets.
//! Both follow [`traffic::sim`], so what a live run does is what a simulated log says.

pub mod shop;
pub mod visitors;
