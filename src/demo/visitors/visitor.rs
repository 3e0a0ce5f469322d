//! Who visits, and from which loopback address.

use std::net::{IpAddr, Ipv4Addr};

use traffic::sim::Visit;

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
    /// The `index`-th visitor, at a loopback address of its own from 127.1.0.1 on. Its name is its
    /// population and `number`.
    pub fn new(index: u16, number: usize, visit: Visit) -> Self {
        let name = format!("{} {number}", visit.population().name().replace('_', " "));
        Self { name, visit, source: loopback(index) }
    }
}

/// The source address of the `index`-th visitor.
pub fn loopback(index: u16) -> IpAddr {
    // The last byte is 1 to 254. An address that ends in 0 or 255 works, but looks like a mistake
    // in a table.
    let (third, last) = (index / 254, index % 254 + 1);
    IpAddr::V4(Ipv4Addr::new(127, 1 + (third >> 8) as u8, (third & 0xff) as u8, last as u8))
}
