//! The addresses of visitors who use several, or who share a network.
//!
//! | population | addresses | range, which belongs to nobody |
//! |---|---|---|
//! | spread scraper | the hosts of a /24 in turn, 5 to 9 requests each | 192.0.2.0/24 (RFC 5737) |
//! | further ones | another /24 each | the end of 198.19.0.0/16 (RFC 2544) |
//! | botnet | unrelated ones, one or two guesses each | 10.0.0.0/8 (RFC 1918) |
//! | people of a carrier | one each, 250 in a /24 | 100.64.0.0/10 (RFC 6598, carriers) |
//!
//! The people of a carrier also share two user agents.

use std::net::{IpAddr, Ipv4Addr};

use super::dice::{Dice, mix as scatter};
use super::population::Population;

/// How many requests a spread scraper sends from one address.
const KEPT: std::ops::Range<u32> = 5..10;
/// People in one /24 of a carrier.
const PEOPLE_A_NETWORK: usize = 250;

/// The addresses that one visitor's requests come from.
#[derive(Debug)]
pub(super) enum Exit {
    /// One address for all requests.
    One(IpAddr),
    /// The hosts of a /24, one after the other. `left` is how many more requests this host sends.
    Spread { network: [u8; 3], host: u8, left: u32 },
    /// A random address, which changes after one or two requests.
    Botnet { seed: u64, next: u64 },
}

impl Exit {
    /// The addresses of the `index`-th visitor of a population. `own` returns an address for
    /// populations that have one a visitor.
    pub fn of(
        population: Population,
        index: usize,
        seed: u64,
        own: impl FnOnce() -> IpAddr,
    ) -> Self {
        match population {
            Population::SpreadScraper => {
                // A documentation network first, then the last networks of the benchmarking range.
                let network = match index {
                    0 => [192, 0, 2],
                    index => [198, 19, 255_u8.saturating_sub(index as u8)],
                };
                Self::Spread { network, host: 0, left: 0 }
            }
            Population::DistributedBruteForcer => Self::Botnet { seed, next: 0 },
            Population::CarrierShopper => {
                let (network, host) = (index / PEOPLE_A_NETWORK % 256, index % PEOPLE_A_NETWORK);
                Self::One(Ipv4Addr::new(100, 64, network as u8, 1 + host as u8).into())
            }
            _ => Self::One(own()),
        }
    }

    /// The address of the next request.
    pub fn address(&mut self, dice: &mut Dice) -> IpAddr {
        match self {
            Self::One(address) => *address,
            Self::Spread { network: [a, b, c], host, left } => {
                if *left == 0 {
                    *host = *host % 254 + 1;
                    *left = KEPT.start + dice.below((KEPT.end - KEPT.start) as usize) as u32;
                }
                *left -= 1;
                Ipv4Addr::new(*a, *b, *c, *host).into()
            }
            Self::Botnet { seed, next } => {
                // Two in three guesses are the first from their address.
                *next += u64::from(dice.chance(2.0 / 3.0));
                Ipv4Addr::from_bits(0x0a00_0000 | (scatter(*seed ^ *next) as u32 & 0x00ff_ffff))
                    .into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use detector::{ClientKey, Timestamp};

    use super::*;
    use crate::sim::{Mix, SimRequest, Site, simulate};

    fn crowd(population: Population, count: usize) -> Vec<SimRequest> {
        let start = Timestamp::from_secs(1_763_683_200);
        simulate(
            &Arc::new(Site::new(1)),
            1,
            start,
            &Mix::new().with(population, count),
            86_400_000_000,
        )
    }

    fn by_address(requests: &[SimRequest]) -> HashMap<IpAddr, usize> {
        let mut counts = HashMap::new();
        requests.iter().for_each(|request| *counts.entry(request.client).or_insert(0) += 1);
        counts
    }

    fn networks(requests: &[SimRequest]) -> usize {
        let networks = requests.iter().map(|request| ClientKey::from_ip(request.client).network());
        networks.collect::<std::collections::HashSet<_>>().len()
    }

    #[test]
    fn a_spread_scraper_makes_a_handful_of_requests_from_each_host_of_a_24() {
        let requests = crowd(Population::SpreadScraper, 1);
        let counts = by_address(&requests);
        assert_eq!(networks(&requests), 1);
        assert!(
            counts.len() > 60 && counts.values().all(|&count| count < 10 || counts.len() == 254),
            "{counts:?}"
        );
    }

    #[test]
    fn a_botnet_has_nothing_in_common_but_what_it_asks_for() {
        let requests = crowd(Population::DistributedBruteForcer, 1);
        let counts = by_address(&requests);
        assert!(
            requests.len() > 1_500 && counts.len() > 900,
            "{} of {}",
            counts.len(),
            requests.len()
        );
        assert!(networks(&requests) * 10 > counts.len() * 9);
        assert!(counts.values().max() < Some(&16));
        let guesses = requests
            .iter()
            .filter(|request| (request.method, request.status) == ("POST", 401))
            .count();
        assert!(guesses > 1_400, "{guesses}");
    }

    #[test]
    fn people_of_a_carrier_share_a_24_and_two_browsers() {
        let requests = crowd(Population::CarrierShopper, 200);
        assert_eq!((networks(&requests), by_address(&requests).len()), (1, 200));
        let browsers = requests.iter().map(|request| request.user_agent);
        assert_eq!(browsers.collect::<std::collections::HashSet<_>>().len(), 2);
    }
}
