//! What logs say of their clients before a model is trained on them: who is the busiest, and are
//! there enough people?
//!
//! Memory: 32 bytes a client for a log's [`ClientCounts`], about 100 for [`PeopleCount`].

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use detector::model::grouped;
use detector::{Class, ClientKey, Request};
use traffic::log::{Record, RecordedChallenge, Warning};
use trainer::calibrate::{Budgets, people_needed};
use trainer::evidence::{Agents, Evidence, Norms};
use trainer::label::Label;

/// A client with more than this share of a log is suspicious, if the log has at least this many
/// requests.
const BUSIEST: (f64, u64) = (0.5, 1_000);
/// Numbers of set bits in the 64-bit hash sets below. At most 3 bits mean very few URLs; at least
/// 10 mean ten user agents or more.
const FEW_TARGETS: u32 = 3;
const MANY_AGENTS: u32 = 10;

/// Counts one log's requests by client.
#[derive(Clone, Debug, Default)]
pub struct ClientCounts {
    clients: HashMap<ClientKey, Member>,
    requests: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Member {
    requests: u64,
    /// Requests with a method that sends data.
    writes: u64,
    /// A bit set by hash for each user agent and for each target.
    agents: u64,
    targets: u64,
}

impl ClientCounts {
    /// Takes in a request and its user agent.
    pub fn note(&mut self, request: &Request<'_>) {
        let bit = |text: &[u8]| {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            1_u64 << (hasher.finish() % 64)
        };
        self.requests += 1;
        let member = self.clients.entry(request.client).or_default();
        member.requests += 1;
        member.writes += u64::from(request.method == "POST");
        member.agents |= request.agent.map_or(0, bit);
        member.targets |= bit(request.target.as_bytes());
    }

    /// Number of distinct clients.
    pub fn clients(&self) -> u64 {
        self.clients.len() as u64
    }

    /// The client with the most requests, and their number.
    pub fn busiest(&self) -> Option<(ClientKey, u64)> {
        let busiest =
            self.clients.iter().max_by_key(|&(client, member)| (member.requests, *client));
        busiest.map(|(client, member)| (*client, member.requests))
    }

    /// A warning if one client has most of the log, with what it probably is.
    pub fn warning(&self) -> Option<Warning> {
        let (client, requests) = self.busiest()?;
        let share = requests as f64 / self.requests as f64;
        if self.requests < BUSIEST.1 || share <= BUSIEST.0 {
            return None;
        }
        let Member { writes, agents, targets, .. } = *self.clients.get(&client)?;
        let (suspicion, fix) = if targets.count_ones() <= FEW_TARGETS && 2 * writes < requests {
            (
                ", for the same few URLs: a load balancer's health check, or a monitor?",
                "Leave its lines out of the log (access_log off), and put its address into \
                    networks of [allow]",
            )
        } else if agents.count_ones() >= MANY_AGENTS {
            (
                ", with many user agents: the address of a proxy or a CDN?",
                "If it is one, log what it says of the client ($http_x_forwarded_for, real_ip) and \
                    set trusted_proxies in kidoban.toml",
            )
        } else {
            (
                ": a robot, or a proxy in front?",
                "See what it asks for with `kidoban replay LOG --client`; leave it out if it is \
                    your own",
            )
        };
        let message = format!(
            "one client ({client}) has {} of the requests{suspicion}",
            traffic::percent(share, 0)
        );
        Some(Warning::new("one_client", message, fix))
    }
}

/// Counts people, as weak rules see them, over all logs of a site.
#[derive(Debug, Default)]
pub struct PeopleCount {
    clients: HashMap<ClientKey, (Evidence, u32)>,
    agents: Agents,
}

impl PeopleCount {
    /// Takes in a request; `class` says whether it is for a page or an asset.
    pub fn note(&mut self, record: &Record<'_>, class: Class) {
        let (evidence, pages) = self.clients.entry(record.client_key()).or_default();
        *pages += u32::from(class == Class::Page);
        evidence.note(record, class, &mut self.agents);
    }

    /// Takes in what came of a challenge.
    pub fn challenged(&mut self, client: ClientKey, challenge: RecordedChallenge) {
        self.clients.entry(client).or_default().0.challenge(challenge);
    }

    /// Number of clients with at least this many pages that weak rules take for people.
    pub fn count(&self, min_pages: u32) -> u64 {
        let norms = Norms::of(self.clients.values().map(|(evidence, _)| evidence));
        let is_person = |(evidence, pages): &&(Evidence, u32)| {
            *pages >= min_pages && evidence.label(&norms).label == Label::Human
        };
        self.clients.values().filter(is_person).count() as u64
    }

    /// A warning if there are too few people for the default budgets of `kidoban train`.
    pub fn warning(&self) -> Option<Warning> {
        if self.clients.is_empty() {
            return None;
        }
        let Budgets { limit_alpha, block_alpha, delta } = Budgets::default();
        let people = self.count(detector::policy::MIN_PAGES);
        // Half of them prove the block threshold, and are not trained on.
        let (to_limit, to_block) =
            (people_needed(limit_alpha, delta), 2 * people_needed(block_alpha, delta));
        let missing = |needed: u64| needed.saturating_sub(people);
        if missing(to_block) == 0 {
            return None;
        }
        let limit = match missing(to_limit) {
            0 => String::new(),
            missing => {
                format!(
                    "{} too few to limit at most {} % of people, and ",
                    grouped(missing),
                    100.0 * limit_alpha
                )
            }
        };
        let message = format!(
            "weak rules find {} people with enough pages: {limit}{} too few to prove that at most \
                {} % are blocked",
            grouped(people),
            grouped(missing(to_block)),
            100.0 * block_alpha
        );
        Some(Warning::new(
            "too_few_people",
            message,
            "Give more days, a labels file, or --people-path; until then `kidoban train` limits \
                and never blocks, and --base adapts the shipped model",
        ))
    }
}

#[cfg(test)]
mod tests {
    use detector::Timestamp;

    use super::*;

    fn crowd(
        requests: u32,
        client: impl Fn(u32) -> u32,
        target: impl Fn(u32) -> u32,
        agent: impl Fn(u32) -> u32,
    ) -> ClientCounts {
        let mut crowd = ClientCounts::default();
        for number in 0..requests {
            let (target, agent) =
                (format!("/p/{}", target(number)), format!("agent {}", agent(number)));
            let name = format!("192.0.2.{}", client(number));
            let record = Record {
                client: &name,
                target: &target,
                user_agent: Some(&agent),
                ..Record::default()
            };
            crowd.note(&record.request().unwrap());
        }
        crowd
    }

    #[test]
    fn one_client_with_most_of_a_log_is_told_for_what_it_probably_is() {
        let most = |number: u32| if number.is_multiple_of(5) { number % 100 } else { 200 };
        let check = |crowd: ClientCounts, expect: &str| {
            let warning = crowd.warning().unwrap();
            assert!(warning.message.contains(expect), "{warning:?}");
            assert!(
                warning.message.starts_with("one client (192.0.2.200) has 80 % of the requests"),
                "{warning:?}"
            );
        };
        check(crowd(2_000, most, |_| 1, |_| 1), "health check");
        check(crowd(2_000, most, |number| number, |number| number % 40), "CDN");
        check(crowd(2_000, most, |number| number, |_| 1), "a robot, or a proxy");
        assert_eq!(crowd(2_000, |number| number % 50, |_| 1, |_| 1).warning(), None);
        assert_eq!(crowd(500, most, |_| 1, |_| 1).warning(), None);
        assert_eq!(ClientCounts::default().warning(), None);
    }

    fn people(number: u32) -> PeopleCount {
        let mut people = PeopleCount::default();
        for person in 0..number {
            let client = format!("person-{person}");
            let record = Record {
                client: &client,
                user_agent: Some("Mozilla/5.0 Firefox/144.0"),
                ..Record::default()
            };
            for page in 0..5 {
                let at = Timestamp::from_secs(page);
                people.note(&Record { at, target: "/p/1", ..record }, Class::Page);
                let image = Record {
                    at,
                    target: "/a.png",
                    referer: Some("https://shop.example/p/1"),
                    ..record
                };
                people.note(&image, Class::Asset);
            }
        }
        people
    }

    #[test]
    fn people_missing_are_counted_against_both_budgets() {
        assert_eq!(PeopleCount::default().warning(), None);
        let message = people(37).warning().unwrap().message;
        assert!(
            message.contains("find 37 people")
                && message.contains("262 too few to limit at most 1 %"),
            "{message}"
        );
        assert!(message.contains("5,953 too few to prove that at most 0.1 %"), "{message}");
        let message = people(300).warning().unwrap().message;
        assert!(!message.contains("to limit") && message.contains("5,690 too few"), "{message}");
        assert_eq!(people(5_990).warning(), None);
        assert_eq!(people(10).count(6), 0, "five pages are no six");
    }
}
