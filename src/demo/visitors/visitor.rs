//! Who visits, and from which loopback address.

use std::net::{IpAddr, Ipv4Addr};

use traffic::sim::{Truth, Visit};

/// A simulated visitor before its visit.
pub struct Visitor {
    /// Its name in tables, such as `shopper 3`.
    pub name: String,
    /// The requests it will send, and when.
    pub visit: Visit,
    /// The loopback address its sockets are bound to.
    pub source: IpAddr,
}

impl Visitor {
    /// The `index`-th visitor, at a loopback address of its own: people from 127.1.0.1 on, bots
    /// from 127.3.0.1 on. Its name is its population and `number`.
    pub fn new(index: u16, number: usize, visit: Visit) -> Self {
        let is_bot = visit.population().truth() == Truth::Bad;
        let name = format!("{} {number}", visit.population().name().replace('_', " "));
        Self { name, visit, source: loopback(index, is_bot) }
    }
}

/// The source address of the `index`-th visitor. Bots do not come from the network of people: a
/// shop's customers do not sit in a scraper's data centre, and newcomers of one network are looked
/// at together.
pub fn loopback(index: u16, is_bot: bool) -> IpAddr {
    // The last byte is 1 to 254. An address that ends in 0 or 255 works, but looks like a mistake
    // in a table.
    let second = if is_bot { 3 } else { 1 };
    let (third, last) = (index / 254, index % 254 + 1);
    IpAddr::V4(Ipv4Addr::new(127, second + (third >> 8) as u8, (third & 0xff) as u8, last as u8))
}
