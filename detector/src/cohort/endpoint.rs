//! Where newcomers write and fail: a log-in page at which a botnet guesses, a password or two from
//! each address.
//!
//! Each address alone has too few pages to be judged. So how writes of such clients end (below
//! [`crate::policy`]'s `min_pages`) is counted by the path that they write to: a CUSUM (Page 1954)
//! of the log-likelihood that nine of ten fail instead of three. Three of ten is what people get
//! who mistype and try again; a guesser gets next to none right. It alarms from 13 failures in a
//! row on, of three clients at least, and once in a million attempts by chance (Lorden 1971: the
//! mean run between false alarms is e^threshold). Then newcomers share one bucket for writing
//! there.
//!
//! **One ring sees a 64th.** Clients of different rings must not know of each other
//! ([`crate::table::RINGS`]), so each ring has counters and a bucket of its own, a 64th of the
//! limited rate. A campaign is found in a ring after 13 of its failures there, in all of them after
//! about a thousand; one of two hundred guesses is not found.
//!
//! A failure is a 4xx. A shop that answers a wrong password with 200 and the right one with a
//! redirect is not watched: which of them is the failure is not learnt.
//!
//! Bounded: [`ENDPOINTS_MAX`] paths a ring, 144 bytes each, made when somebody writes; the least
//! suspicious goes first.

use crate::client::ClientKey;
use crate::event::Outcome;
use crate::policy::{Ban, Standing};
use crate::time::Timestamp;

/// Paths that a ring remembers: more than a shop has forms.
pub const ENDPOINTS_MAX: usize = 64;
/// Log-likelihood ratios in 1/1024: ln(0.9/0.3) of a failure, −ln(0.1/0.7) of a success.
const FAILURE: u32 = 1_125;
const SUCCESS: u32 = 1_993;
/// ln(10⁶): one false alarm in a million attempts.
const ALARM: u32 = 14_147;
/// As far again, and no further, so that the end of an attack is noticed.
const SUM_MAX: u32 = 2 * ALARM;
/// One client that guesses is the model's affair; two are a person with two devices.
const CLIENTS_MIN: usize = 3;

/// A ring's paths.
#[derive(Default)]
pub struct Endpoints(Vec<Endpoint>);

/// What is known of one.
#[derive(Debug)]
pub struct Endpoint {
    write: u16,
    sum: u32,
    last_at: Timestamp,
    last_by: ClientKey,
    /// Up to three that failed since the sum was 0.
    failed: [ClientKey; CLIENTS_MIN],
    failed_count: u8,
    /// What the policy remembers of it.
    pub standing: Standing,
}

const _: () = assert!(size_of::<Endpoint>() <= 144);

impl Endpoints {
    /// The path's counters; where it has none, new ones.
    pub fn of(&mut self, write: u16, client: ClientKey, at: Timestamp) -> &mut Endpoint {
        let known = self.0.iter().position(|endpoint| endpoint.write == write);
        let place = known.unwrap_or_else(|| {
            let new = Endpoint::new(write, client, at);
            if self.0.len() < ENDPOINTS_MAX {
                self.0.push(new);
                return self.0.len() - 1;
            }
            let worth = |place: &usize| {
                let Endpoint { standing, sum, last_at, .. } = &self.0[*place];
                (standing.is_suspect(at), *sum, *last_at)
            };
            let victim = (0..self.0.len()).min_by_key(worth).unwrap_or(0);
            self.0[victim] = new;
            victim
        });
        &mut self.0[place]
    }
}

impl Endpoint {
    fn new(write: u16, client: ClientKey, at: Timestamp) -> Self {
        Self {
            write,
            sum: 0,
            last_at: at,
            last_by: client,
            failed: [ClientKey::NOBODY; CLIENTS_MIN],
            failed_count: 0,
            standing: Standing::new(Ban::NONE),
        }
    }

    /// The time that this client's event counts for; as in a cohort, no two clients act in the same
    /// microsecond.
    pub fn order(&mut self, client: ClientKey, at: Timestamp) -> Timestamp {
        let at = if self.last_by == client { at } else { super::after(self.last_at, at) };
        self.last_at = self.last_at.max(at);
        self.last_by = client;
        at
    }

    /// Takes in how a newcomer's write ended, and says whether that is an attack.
    pub fn conclude(&mut self, outcome: &Outcome) -> bool {
        match outcome.status {
            0 => {}
            400..500 => {
                self.sum = (self.sum + FAILURE).min(SUM_MAX);
                let count = usize::from(self.failed_count);
                if count < CLIENTS_MIN && !self.failed[..count].contains(&outcome.client) {
                    self.failed[count] = outcome.client;
                    self.failed_count += 1;
                }
            }
            _ => {
                self.sum = self.sum.saturating_sub(SUCCESS);
                if self.sum == 0 {
                    self.failed_count = 0;
                }
            }
        }
        self.sum >= ALARM && usize::from(self.failed_count) == CLIENTS_MIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_secs(1_795_219_200);

    fn client(number: u32) -> ClientKey {
        ClientKey::from_ip(std::net::Ipv4Addr::from(number << 8).into())
    }

    fn end(endpoint: &mut Endpoint, number: u32, status: u16) -> bool {
        endpoint.conclude(&Outcome::new(client(number), AT, status))
    }

    #[test]
    fn it_alarms_at_thirteen_failures_of_three_clients() {
        let alarm = |clients: u32| {
            let mut endpoint = Endpoint::new(1, client(0), AT);
            (1..=100).find(|&number| end(&mut endpoint, number % clients, 401))
        };
        assert_eq!([1, 2, 3, 50].map(alarm), [None, None, Some(13), Some(13)]);
    }

    #[test]
    fn people_who_mistype_do_not_alarm_it_and_an_attack_among_them_does() {
        let mut state = 7_u64;
        let mut dice = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % 100
        };
        let mut endpoint = Endpoint::new(1, client(0), AT);
        let alarms = (0..1_000_000)
            .filter(|&number| end(&mut endpoint, number, if dice() < 30 { 401 } else { 302 }));
        assert!(alarms.count() <= 20, "about one excursion in a million attempts");
        // Guesses are nine of ten: found within some dozens, and over when it is over.
        let mut attacked = |guesses: u64| {
            (0..2_000_u32)
                .filter(|&number| {
                    let fails = if dice() < guesses { true } else { dice() < 20 };
                    end(&mut endpoint, number, if fails { 403 } else { 200 })
                })
                .count()
        };
        assert!(attacked(90) > 1_900);
        assert!(attacked(0) < 60);
        assert_eq!(attacked(0), 0);
    }

    #[test]
    fn paths_are_bounded_and_the_least_suspicious_goes() {
        let mut endpoints = Endpoints::default();
        for number in 0..13 {
            end(endpoints.of(7, client(number), AT), number, 401);
        }
        for number in 0..100_000_u32 {
            let write = 100 + (number % 60_000) as u16;
            end(endpoints.of(write, client(number), AT.plus_secs(u64::from(number))), number, 404);
        }
        assert_eq!(endpoints.0.len(), ENDPOINTS_MAX);
        assert!(end(endpoints.of(7, client(99), AT), 99, 401), "the attack on it is still known");
    }

    #[test]
    fn no_two_clients_act_in_the_same_microsecond() {
        let mut endpoint = Endpoint::new(1, client(0), AT);
        assert_eq!(endpoint.order(client(0), AT), AT);
        assert_eq!(endpoint.order(client(1), AT), AT.plus_micros(1));
        assert_eq!(endpoint.order(client(1), AT.plus_micros(1)), AT.plus_micros(1));
        assert_eq!(endpoint.order(client(2), AT), AT.plus_micros(2));
    }
}
