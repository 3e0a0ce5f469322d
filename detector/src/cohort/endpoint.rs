//! Finds paths at which newcomers write and fail, such as a log-in page at which a botnet guesses
//! passwords, one or two from each address.
//!
//! Each address alone has too few pages to be judged (fewer than `min_pages` of [`crate::policy`]).
//! So the outcomes of such clients' writes are counted by the path that they write to, in a CUSUM
//! (Page 1954). It sums the log-likelihood that nine of ten writes fail against three of ten. Three
//! of ten is what people get who mistype and try again; a guesser gets next to none right. The
//! alarm is raised at 13 failures in a row of at least three clients. By chance it is raised once
//! in a million attempts (Lorden 1971: the mean run between false alarms is e^threshold). From then
//! on newcomers share one token bucket for writing there.
//!
//! **One ring sees a 64th of the clients.** Clients of different rings must not influence each
//! other ([`RINGS`]), so each ring has its own counters and its own bucket, with a 64th of the
//! limited rate. A campaign is found in a ring after 13 of its failures there, and in all rings
//! after about a thousand. A campaign of two hundred guesses is not found.
//!
//! A failure is a status of 4xx. 404, 405 and 410 say that there is no form at all and count for
//! nothing, so a scanner that posts to a thousand invented paths raises no sum. A shop that answers
//! a wrong password with 200 and the right one with a redirect is not watched: nothing tells which
//! of the two is the failure.
//!
//! **Old failures count less.** A sum is halved for each [`HALF_LIFE_US`] in which nobody wrote
//! there. So a form at which three people a day mistype never adds up to an attack, and paths that
//! were tried once make room for the one that is attacked now.
//!
//! Bounded: [`ENDPOINTS_MAX`] paths in each ring, 144 bytes each, made when somebody writes. When
//! there are more, the least suspicious path is replaced. Of the paths at which writes succeed, the
//! [`PROVEN_KEPT`] with the most successes are kept: a botnet that fails at invented paths all the
//! time must not crowd out the log-in page that it attacks next.

use super::order::after;
use crate::client::ClientKey;
use crate::event::Outcome;
use crate::policy::{Ban, ENDPOINT_RATE_PART, Standing};
use crate::state::table::RINGS;
use crate::time::Timestamp;

/// Paths that a ring remembers: more than a shop has forms.
pub const ENDPOINTS_MAX: usize = 64;
/// Paths that are kept for their successes: a shop has a dozen forms that newcomers get right
/// (log-in, registration, cart, checkout, search, contact). Three quarters are left for suspects.
const PROVEN_KEPT: usize = 16;
/// A day in µs: successes count until nobody has written there for so long, as windows forget.
const PROVEN_US: u64 = 86_400_000_000;
/// What a failure adds to the sum: the log-likelihood ratio ln(0.9/0.3), in 1/1024.
const FAILURE: u32 = 1_125;
/// What a success takes from the sum: −ln(0.1/0.7), in 1/1024.
const SUCCESS: u32 = 1_993;
/// The sum at which the alarm is raised: ln(10⁶), in 1/1024, for one false alarm in a million
/// attempts.
const ALARM: u32 = 14_147;
/// The sum grows no further than this, so that the end of an attack is noticed.
const SUM_MAX: u32 = 2 * ALARM;
/// Ten minutes in µs, as long as an alarm lasts, because a botnet pauses, too. A botnet that makes
/// one guess in ten minutes in each of 64 rings makes more than six a minute.
const HALF_LIFE_US: u64 = 600_000_000;
/// An attack has failures of this many clients. A single guesser is found by the model; two clients
/// are a person with two devices.
const CLIENTS_MIN: usize = 3;

/// The paths that are watched in one ring.
#[derive(Default)]
pub struct Endpoints(Vec<Endpoint>);

/// What is known of newcomers' writes to one path.
#[derive(Debug)]
pub struct Endpoint {
    /// Hash of the path ([`Event::write`](crate::Event::write)).
    write: u16,
    /// The CUSUM as of `last_at`, in 1/1024.
    sum: u32,
    last_at: Timestamp,
    last_by: ClientKey,
    /// Up to three clients that failed since the sum was 0.
    failed: [ClientKey; CLIENTS_MIN],
    failed_count: u8,
    /// Writes that succeeded, as far as 255.
    succeeded: u8,
    /// What the policy remembers of the path.
    pub standing: Standing,
}

const _: () = assert!(size_of::<Endpoint>() <= 144);
/// Every ring has its own bucket, and the buckets together allow one limited client's rate.
const _: () = assert!(ENDPOINT_RATE_PART as usize == RINGS);

impl Endpoints {
    /// The counters of a path, new ones if it has none.
    pub fn of(&mut self, write: u16, client: ClientKey, at: Timestamp) -> &mut Endpoint {
        let known = self.0.iter().position(|endpoint| endpoint.write == write);
        let place = known.unwrap_or_else(|| {
            let new = Endpoint::new(write, client, at);
            if self.0.len() < ENDPOINTS_MAX {
                self.0.push(new);
                return self.0.len() - 1;
            }
            let enough = self.successes_to_be_kept(at);
            let worth = |place: &usize| {
                let endpoint = &self.0[*place];
                let is_kept = endpoint.successes(at) >= enough;
                let is_suspect = endpoint.standing.is_suspect(at);
                (is_kept, is_suspect, endpoint.aged_sum(at), endpoint.last_at)
            };
            let victim = (0..self.0.len()).min_by_key(worth).unwrap_or(0);
            self.0[victim] = new;
            victim
        });
        &mut self.0[place]
    }

    /// From how many successes on a path is kept: those of the path of rank [`PROVEN_KEPT`], and at
    /// least one. Where several have as many, all of them are kept, or else all of them are not.
    fn successes_to_be_kept(&self, at: Timestamp) -> u8 {
        let mut successes = [0; ENDPOINTS_MAX];
        for (count, endpoint) in successes.iter_mut().zip(&self.0) {
            *count = endpoint.successes(at);
        }
        successes.sort_unstable_by(|a, b| b.cmp(a));
        if successes[PROVEN_KEPT] < successes[PROVEN_KEPT - 1] {
            successes[PROVEN_KEPT - 1]
        } else {
            successes[PROVEN_KEPT].saturating_add(1)
        }
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
            succeeded: 0,
            standing: Standing::new(Ban::NONE),
        }
    }

    /// The sum as of `at`: halved for each half-life of silence.
    fn aged_sum(&self, at: Timestamp) -> u32 {
        let half_lives = at.micros_since(self.last_at) / HALF_LIFE_US;
        self.sum.checked_shr(u32::try_from(half_lives).unwrap_or(u32::MAX)).unwrap_or(0)
    }

    /// How many writes succeeded, unless nobody has written for a day.
    fn successes(&self, at: Timestamp) -> u8 {
        if at.micros_since(self.last_at) < PROVEN_US { self.succeeded } else { 0 }
    }

    /// The time that this client's event counts for: no two clients act in the same microsecond, as
    /// in a cohort. Ages the sum as well.
    pub fn order(&mut self, client: ClientKey, at: Timestamp) -> Timestamp {
        let at = if self.last_by == client { at } else { after(self.last_at, at) };
        self.succeeded = self.successes(at);
        let aged = self.aged_sum(at);
        if aged != self.sum {
            self.sum = aged;
            self.failed_count = if aged == 0 { 0 } else { self.failed_count };
        }
        self.last_at = self.last_at.max(at);
        self.last_by = client;
        at
    }

    /// Takes in how a newcomer's write ended, and tells whether the path is under attack.
    pub fn conclude(&mut self, outcome: &Outcome) -> bool {
        match outcome.status {
            // Not answered; or nothing is there that could be attacked.
            0 | 404 | 405 | 410 => {}
            400..500 => {
                self.sum = (self.sum + FAILURE).min(SUM_MAX);
                let count = usize::from(self.failed_count);
                if count < CLIENTS_MIN && !self.failed[..count].contains(&outcome.client) {
                    self.failed[count] = outcome.client;
                    self.failed_count += 1;
                }
            }
            status => {
                self.succeeded = self.succeeded.saturating_add(u8::from(status < 400));
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
            let at = AT.plus_micros(u64::from(number) * 1_000);
            end(endpoints.of(write, client(number), at), number, 400);
        }
        assert_eq!(endpoints.0.len(), ENDPOINTS_MAX);
        let now = AT.plus_secs(100);
        assert!(end(endpoints.of(7, client(99), now), 99, 401), "the attack on it is still known");
    }

    /// A scanner posts to more paths than there is room for, several times each; meanwhile a botnet
    /// begins at the log-in page.
    #[test]
    fn invented_paths_do_not_crowd_out_the_log_in() {
        let found = |status: u16, pause_s: u64| {
            let mut endpoints = Endpoints::default();
            for number in 0..20_000_u32 {
                let write = 100 + (number % 5_000) as u16;
                let at = AT.plus_micros(u64::from(number) * 1_000);
                let endpoint = endpoints.of(write, client(number), at);
                endpoint.order(client(number), at);
                end(endpoint, number, status);
            }
            // Between two guesses the scanner goes on.
            let begin = AT.plus_secs(pause_s);
            (0..40_u32).find(|&guess| {
                let at = begin.plus_secs(u64::from(guess));
                let endpoint = endpoints.of(7, client(guess), at);
                endpoint.order(client(guess), at);
                let alarm = end(endpoint, guess, 401);
                for junk in 0..3 {
                    let (who, write) = (50_000 + guess * 3 + junk, 6_000 + guess as u16 * 3);
                    let endpoint = endpoints.of(write + junk as u16, client(who), at);
                    end(endpoint, who, status);
                }
                alarm
            })
        };
        assert_eq!(found(404, 20), Some(12), "a path that does not exist is no suspect");
        assert_eq!(found(400, 3_600), Some(12), "and what was tried an hour ago is none any more");
    }

    /// A botnet fails at more paths than there is room for, all the time, and then begins at the
    /// log-in page, where people have logged in before.
    #[test]
    fn failures_that_go_on_at_other_paths_do_not_crowd_out_a_log_in_that_has_worked() {
        for (status, paths) in [(403, 63), (422, 63), (422, 200), (400, 64)] {
            let mut endpoints = Endpoints::default();
            let mut client_number = 0;
            let mut write = |endpoints: &mut Endpoints, path: u16, second: u64, status: u16| {
                client_number += 1;
                let at = AT.plus_secs(second);
                let endpoint = endpoints.of(path, client(client_number), at);
                endpoint.order(client(client_number), at);
                end(endpoint, client_number, status)
            };
            let junk = |round: u64| 100 + (round % paths) as u16;
            write(&mut endpoints, 7, 0, 302);
            for round in 0..4_000 {
                write(&mut endpoints, junk(round), 1 + round, status);
            }
            let found = (0..40_u64).find(|guess| {
                let second = 4_001 + guess * 4;
                (0..3).for_each(|more| {
                    write(&mut endpoints, junk(guess * 3 + more), second, status);
                    // And some that nobody has tried before.
                    write(&mut endpoints, 10_000 + (guess * 3 + more) as u16, second, status);
                });
                write(&mut endpoints, 7, second, 401)
            });
            assert_eq!(found, Some(12), "{paths} paths that answer {status}");
        }
    }

    /// Where every invented path answers 200, the pages that people use have more successes.
    #[test]
    fn invented_paths_that_succeed_once_keep_no_place_from_the_log_in() {
        let mut endpoints = Endpoints::default();
        let write = |endpoints: &mut Endpoints, path: u16, number: u32, status: u16| {
            let at = AT.plus_secs(u64::from(number));
            let endpoint = endpoints.of(path, client(number), at);
            endpoint.order(client(number), at);
            end(endpoint, number, status)
        };
        (0..3).for_each(|number| _ = write(&mut endpoints, 7, number, 302));
        for number in 3..5_000 {
            write(&mut endpoints, 100 + (number % 3_000) as u16, number, 200);
        }
        assert_eq!(endpoints.of(7, client(1), AT.plus_secs(5_000)).succeeded, 3);
        for number in 5_001..5_100 {
            write(&mut endpoints, number as u16, number + 2 * 86_400, 403);
        }
        assert!(endpoints.0.iter().all(|endpoint| endpoint.write != 7), "a silent day forgets it");
        assert_eq!(endpoints.0.len(), ENDPOINTS_MAX);
    }

    #[test]
    fn a_mistake_now_and_then_never_adds_up() {
        let mut endpoint = Endpoint::new(1, client(0), AT);
        let alarms = (0..500_u32).filter(|&day| {
            let at = AT.plus_secs(u64::from(day) * 14_400);
            endpoint.order(client(day), at);
            end(&mut endpoint, day, 401)
        });
        assert_eq!(alarms.count(), 0);
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
