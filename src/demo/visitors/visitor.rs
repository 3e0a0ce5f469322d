//! Who visits, and from which loopback address.

use std::net::{IpAddr, Ipv4Addr};

use traffic::sim::Visit;

/// Somebody about to visit.
pub struct Visitor {
    /// What tables call it: `shopper 3`.
    pub name: String,
    /// What it does.
    pub visit: Visit,
    /// The loopback address its sockets are bound to.
    pub source: IpAddr,
}

impl Visitor {
    /// The `index`-th visitor, named after its population, at an address of its own (127.1.0.1 and
    /// on).
    pub fn new(index: u16, number: usize, visit: Visit) -> Self {
        let name = format!("{} {number}", visit.population().name().replace('_', " "));
        Self { name, visit, source: loopback(index) }
    }
}

/// The source address of the `index`-th visitor.
pub fn loopback(index: u16) -> IpAddr {
    // Last bytes 1 to 254: an address that ends in 0 or 255 is legal here, but looks like a mistake
    // in a table.
    let (third, last) = (index / 254, index % 254 + 1);
    IpAddr::V4(Ipv4Addr::new(127, 1 + (third >> 8) as u8, (third & 0xff) as u8, last as u8))
}
