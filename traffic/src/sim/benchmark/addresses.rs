//! The addresses of the benchmark's visitors.
//!
//! Each population has ranges that no other has, so that crowds can be mixed. The ranges belong to
//! nobody: 240.0.0.0/4 (RFC 1112, reserved) and 3fff::/20 (RFC 9637, documentation).
//!
//! The ranges are wide: each population has 8,192 networks of /24 and four million of /48, and the
//! botnet has 262,144 of /24. In a real shop, a thousand people do not share twenty networks. A
//! detector that looks at networks must be neither helped nor hurt by the simulation having few.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::sim::dice::mix as scatter;
use crate::sim::network::Exit;
use crate::sim::population::Population;

/// Address bits of a population's range: there are 64 such ranges in 240.0.0.0/5.
const SHARE_BITS: u32 = 21;
/// Address bits of the botnet's range, 248.0.0.0/6.
const BOTNET_BITS: u32 = 26;
/// People in one /24 of a carrier.
const CARRIER_PEOPLE: u32 = 250;
/// Multiplying by an odd number permutes any range of a power of two, so no address is given twice.
const STRIDE: u32 = 0x9e37_79b1;

/// The addresses of the visitor with this number.
pub(super) fn exit(population: Population, index: usize, seed: u64) -> Exit {
    let number = u32::try_from(index).unwrap_or(u32::MAX);
    match population {
        Population::SpreadScraper => {
            let [a, b, c, _] = network_v4(population, number, seed);
            Exit::Spread { network: [a, b, c], host: 0, left: 0 }
        }
        Population::DistributedBruteForcer => {
            Exit::Botnet { seed: scatter(seed ^ u64::from(number)), next: 0 }
        }
        // The 50,000 addresses hardly share a network.
        Population::BotnetScraper => {
            Exit::One(Ipv4Addr::from_bits(0xf800_0000 | permuted(number, BOTNET_BITS, seed)).into())
        }
        Population::CarrierShopper => {
            let [a, b, c, _] = network_v4(population, number / CARRIER_PEOPLE, seed);
            Exit::One(Ipv4Addr::new(a, b, c, 1 + (number % CARRIER_PEOPLE) as u8).into())
        }
        // One in five comes by IPv6, as in the other shops.
        _ if number % 5 == 4 => Exit::One(address_v6(population, number, seed)),
        _ => Exit::One(
            Ipv4Addr::from_bits(share(population) | permuted(number, SHARE_BITS, seed)).into(),
        ),
    }
}

/// The first address of a population's range in 240.0.0.0/5.
const fn share(population: Population) -> u32 {
    0xf000_0000 | (population as u32) << SHARE_BITS
}

/// The first address of one of the population's /24s; another one for every number.
fn network_v4(population: Population, number: u32, seed: u64) -> [u8; 4] {
    (share(population) | permuted(number, SHARE_BITS - 8, seed) << 8).to_be_bytes()
}

/// An address in a /48 of its own for every number.
fn address_v6(population: Population, number: u32, seed: u64) -> IpAddr {
    // 20 bits of prefix, 6 of the population, 22 of the number. Subnet and host are arbitrary.
    let network =
        0x3fff_0000_0000_u128 | (population as u128) << 22 | u128::from(permuted(number, 22, seed));
    IpAddr::V6(Ipv6Addr::from_bits(network << 80 | u128::from(scatter(seed ^ u64::from(number)))))
}

/// Maps numbers of this many bits one-to-one to numbers of as many bits.
fn permuted(number: u32, bits: u32, seed: u64) -> u32 {
    number.wrapping_mul(STRIDE).wrapping_add(scatter(seed) as u32) & ((1 << bits) - 1)
}
