use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::*;
use crate::event::{Event, Outcome};
use crate::url::UrlKey;
use crate::window::Window;

const DAY: Timestamp = Timestamp::from_secs(1_795_219_200);

fn v4(network: u8, host: u8) -> ClientKey {
    ClientKey::from_ip(IpAddr::V4(Ipv4Addr::new(192, 0, network, host)))
}

fn page(client: ClientKey, agent: u16, at: Timestamp, url: u32) -> Event {
    Event { agent: AgentKey(agent), ..Event::page(client, at, UrlKey(url)) }
}

/// Pushes a page; the cohort's window if it has a say.
fn push(cohorts: &Cohorts, event: &Event) -> Option<Window> {
    cohorts.with(0, (event.client, event.agent), event.at, |place, at| {
        place.push(&Event { at, ..*event }, 1, None).map(|cohort| cohort.window().clone())
    })
}

#[test]
fn three_distinct_clients_of_one_network_and_browser_have_a_say() {
    let cohorts = Cohorts::new(10_000, 7);
    let mut at = DAY;
    let mut come = |client, agent| {
        at = at.plus_secs(1);
        push(&cohorts, &page(client, agent, at, 1)).map(|window| window.pages())
    };
    assert_eq!(come(v4(2, 1), 1), None);
    assert_eq!(come(v4(2, 1), 1), None, "one client however often");
    assert_eq!(come(v4(2, 2), 1), None);
    assert_eq!(come(v4(2, 1), 1), None, "two clients however often");
    assert_eq!(come(v4(2, 3), 2), None, "another browser");
    assert_eq!(come(v4(3, 3), 1), None, "another network");
    assert_eq!(come(v4(2, 3), 1), Some(3), "everything since the second came");
    assert_eq!(come(v4(2, 1), 1), Some(4));
    assert_eq!(cohorts.len(), 3);
}

#[test]
fn an_ipv6_cohort_is_a_48() {
    let cohorts = Cohorts::new(10_000, 7);
    let client = |site: u16, net: u16| {
        ClientKey::from_ip(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, site, net, 0, 0, 0, 1)))
    };
    assert!(push(&cohorts, &page(client(1, 0), 1, DAY, 1)).is_none());
    assert!(push(&cohorts, &page(client(1, 0xffff), 1, DAY, 1)).is_none());
    assert!(push(&cohorts, &page(client(2, 1), 1, DAY, 1)).is_none());
    assert!(push(&cohorts, &page(client(1, 0x8000), 1, DAY, 1)).is_some());
}

#[test]
fn who_came_the_day_before_yesterday_does_not_count() {
    let day = |days: u64| DAY.plus_secs(days * 86_400 + 60);
    let cohorts = Cohorts::new(10_000, 7);
    let come = |host, days| push(&cohorts, &page(v4(2, host), 1, day(days), 1)).is_some();
    assert!(!come(1, 0) && !come(2, 0));
    assert!(come(3, 1), "yesterday's count");
    assert!(!come(4, 3), "alone again");
    assert!(!come(3, 3) && come(5, 4));
    let alone = Cohorts::new(10_000, 7);
    let come = |host, days| push(&alone, &page(v4(2, host), 1, day(days), 1)).is_some();
    assert!(
        !come(1, 0) && !come(2, 2) && !come(3, 2),
        "the first of a place that fell silent is forgotten too"
    );
    assert!(come(4, 2));
}

#[test]
fn nobody_of_a_cohort_acts_in_the_microsecond_of_another() {
    let cohorts = Cohorts::new(10_000, 7);
    let come = |host, at| cohorts.with(0, (v4(2, host), AgentKey(1)), at, |_, at| at);
    assert_eq!(come(1, DAY), DAY);
    assert_eq!(come(1, DAY), DAY, "one's own events have their own order");
    assert_eq!(come(2, DAY), DAY.plus_micros(1));
    assert_eq!(come(1, DAY), DAY.plus_micros(2), "overtaken");
    assert_eq!(come(1, DAY.plus_secs(2)), DAY.plus_secs(2));
    assert_eq!(come(2, DAY), DAY, "a log that jumps back moves nobody");
    assert_eq!(come(3, DAY.plus_secs(3)), DAY.plus_secs(3));
}

/// Everybody's events kept raw, each cohort's window made of them anew for every page.
#[test]
fn windows_are_those_of_a_slow_reference() {
    let mut state = 5_u64;
    let mut dice = move |sides: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % sides
    };
    enum Past {
        Page(Event),
        End(Outcome),
    }
    let cohorts = Cohorts::new(100_000, 7);
    let mut pasts: HashMap<(ClientKey, AgentKey), Vec<Past>> = HashMap::new();
    let (mut at, mut said) = (DAY, 0);
    for url in 0..u32::MAX {
        // Strictly later: what happens at one time has a test of its own.
        at = at.plus_micros(1 + [0, 999, 1_700_000, 30_000_000][dice(4) as usize]);
        let event = page(v4(dice(3) as u8, dice(5) as u8), dice(2) as u16, at, url % 97);
        let past = pasts.entry((event.client.network(), event.agent)).or_default();
        if dice(4) == 0 {
            let outcome = Outcome::of(&event, at, [200, 404, 0][dice(3) as usize]);
            cohorts.with(0, (event.client, event.agent), at, |place, at| {
                assert_eq!(at, outcome.at);
                place.conclude(&outcome, 1);
            });
            past.push(Past::End(outcome));
            continue;
        }
        past.push(Past::Page(event));
        let host = |past: &Past| match past {
            Past::Page(event) => event.client.host(),
            Past::End(outcome) => outcome.client.host(),
        };
        let first = host(&past[0]);
        let begins = past
            .iter()
            .position(|past| matches!(past, Past::Page(page) if page.client.host() != first));
        let mut window = Window::new(at);
        let mut hosts = vec![first];
        for (number, past) in past[begins.unwrap_or(past.len())..].iter().enumerate() {
            match past {
                Past::Page(event) => {
                    if number == 0 {
                        window = Window::new(event.at);
                    }
                    window.push(event, 1);
                    hosts.push(event.client.host());
                }
                Past::End(outcome) => _ = window.conclude(outcome, 1),
            }
        }
        hosts.sort_unstable();
        hosts.dedup();
        let expect = (hosts.len() >= 3).then(|| format!("{window:?}"));
        said += usize::from(expect.is_some());
        assert_eq!(
            push(&cohorts, &event).map(|window| format!("{window:?}")),
            expect,
            "page {url}"
        );
        if past.len() > 200 {
            break; // quadratic: six cohorts of so many events are enough
        }
    }
    assert!(said > 100, "{said}");
}

#[test]
fn places_are_bounded_and_company_outlasts_those_who_are_alone() {
    let cohorts = Cohorts::new(64 * 8 * 10, 7);
    assert_eq!(cohorts.capacity(), 640);
    // Ten places a ring; everything here is in ring 0.
    for host in 1..=3 {
        push(&cohorts, &page(v4(2, host), 1, DAY, 1));
    }
    for spoofed in 0..1_000_000_u32 {
        let client = ClientKey::from_ip(IpAddr::V4(Ipv4Addr::from_bits(spoofed << 8)));
        push(&cohorts, &page(client, 1, DAY.plus_micros(u64::from(spoofed)), 1));
    }
    assert_eq!(cohorts.len(), 10);
    let window = push(&cohorts, &page(v4(2, 4), 1, DAY.plus_secs(60), 1)).unwrap();
    assert_eq!(window.pages(), 3, "the cohort of three was not washed out");
}
