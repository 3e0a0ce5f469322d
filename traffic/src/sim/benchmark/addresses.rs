//! Where the benchmark's visitors come from.
//!
//! Each population has ranges that no other has, so that crowds can be mixed. They belong to
//! nobody: 240.0.0.0/4 (RFC 1112, reserved), 3fff::/20 (RFC 9637, documentation). And they are
//! wide: 8,192 networks of /24 and four million of /48 for each (the botnet has 262,144 of /24),
//! because a thousand people who share twenty networks are not what a shop sees, and a detector
//! that looks at networks must not be helped, nor hurt, by how few a simulation has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::sim::dice::mix as scatter;
use crate::sim::network::Exit;
use crate::sim::population::Population;

/// Bits of a population's share of 240.0.0.0/5: 64 shares.
const SHARE_BITS: u32 = 21;
/// Bits of the botnet's: 248.0.0.0/6.
const BOTNET_BITS: u32 = 26;
/// People of a /24 of a carrier's.
const CARRIER_PEOPLE: u32 = 250;
/// Odd, so that multiplying permutes any range of a power of two: no address is given twice.
const STRIDE: u32 = 0x9e37_79b1;

/// Where the requests of a population's visitor of this number come from.
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
        // From everywhere: 50,000 addresses hardly share a network.
        Population::BotnetScraper => {
            Exit::One(Ipv4Addr::from_bits(0xf800_0000 | permuted(number, BOTNET_BITS, seed)).into())
        }
        Population::CarrierShopper => {
            let [a, b, c, _] = network_v4(population, number / CARRIER_PEOPLE, seed);
            Exit::One(Ipv4Addr::new(a, b, c, 1 + (number % CARRIER_PEOPLE) as u8).into())
        }
        // One in five by IPv6, as in the other shops.
        _ if number % 5 == 4 => Exit::One(address_v6(population, number, seed)),
        _ => Exit::One(
            Ipv4Addr::from_bits(share(population) | permuted(number, SHARE_BITS, seed)).into(),
        ),
    }
}

/// The first address of a population's share of 240.0.0.0/5.
const fn share(population: Population) -> u32 {
    0xf000_0000 | (population as u32) << SHARE_BITS
}

/// One of the share's /24s for every number.
fn network_v4(population: Population, number: u32, seed: u64) -> [u8; 4] {
    (share(population) | permuted(number, SHARE_BITS - 8, seed) << 8).to_be_bytes()
}

/// A /48 of its own for every number.
fn address_v6(population: Population, number: u32, seed: u64) -> IpAddr {
    // 20 bits of prefix, 6 of the population, 22 of the number; subnet and host are anything.
    let network =
        0x3fff_0000_0000_u128 | (population as u128) << 22 | u128::from(permuted(number, 22, seed));
    IpAddr::V6(Ipv6Addr::from_bits(network << 80 | u128::from(scatter(seed ^ u64::from(number)))))
}

/// Another number of so many bits for every number of as many.
fn permuted(number: u32, bits: u32, seed: u64) -> u32 {
    number.wrapping_mul(STRIDE).wrapping_add(scatter(seed) as u32) & ((1 << bits) - 1)
}
