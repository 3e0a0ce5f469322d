use super::*;

const MINUTE_US: i64 = 60_000_000;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A gate of which only this part is there, minute by minute.
#[derive(Default)]
struct Gate {
    proxies: UndeclaredProxies,
    minute: i64,
    number: u64,
}

impl Gate {
    fn ask(&mut self, peer: IpAddr, client: Option<&str>) -> u32 {
        self.number += 1;
        let path = format!("/p/{}", self.number % 300);
        let via = match client {
            Some(client) => Via::Forwarded(client.as_bytes()),
            None => Via::Direct(path.as_bytes()),
        };
        u32::from(self.proxies.note(peer, via))
    }

    /// Visitors who connect directly: each from an address of its own.
    fn direct(&mut self, requests: u64) -> u32 {
        (0..requests)
            .map(|_| {
                let visitor = format!("198.51.{}.{}", self.number / 7 % 200, self.number % 250);
                self.ask(ip(&visitor), None)
            })
            .sum()
    }

    /// Visitors who come through one of these peers. Returns how many requests pass unjudged.
    fn through(&mut self, peers: &[&str], requests: u64) -> u32 {
        (0..requests)
            .map(|request| {
                let client = format!("192.0.2.{}", self.number / 5 % 250);
                self.ask(ip(peers[request as usize % peers.len()]), Some(&client))
            })
            .sum()
    }

    fn minute_over(&mut self) {
        self.minute += 1;
        self.proxies.tick(Timestamp::from_micros(self.minute * MINUTE_US));
    }

    fn report(&self, trusted: &[&str]) -> Option<Undeclared> {
        self.proxies.report(&trust(trusted))
    }
}

fn trust(networks: &[&str]) -> TrustedProxies {
    TrustedProxies::new(networks.iter().map(|network| network.parse().unwrap()).collect())
}

const CDN: [&str; 3] = ["203.0.113.7", "203.0.113.8", "2001:db8::9"];

#[test]
fn a_private_peer_is_a_proxy_while_nearly_all_its_requests_are_forwarded() {
    let mut gate = Gate::default();
    let nginx = ip("127.0.0.1");
    let mut take = |client, requests| (0..requests).map(|_| gate.ask(nginx, client)).sum::<u32>();
    assert_eq!(take(Some("192.0.2.1"), 30), 30, "from the first request on, also of one visitor");
    assert_eq!(take(None, 7), 7, "its own requests, health checks for instance");
    assert!(take(None, 40) < 15, "but not those of visitors whose header is missing");
    assert_eq!(take(Some("192.0.2.1"), 200), 0, "one in twenty is the most");
    assert!(take(Some("192.0.2.1"), 1_000) > 300, "what it does now counts more");
    assert_eq!(gate.report(&[]).unwrap().proxies, [nginx]);
    assert_eq!(gate.report(&["127.0.0.0/8"]), None);
}

#[test]
fn one_bot_among_others_behind_a_hidden_address_exempts_nobody() {
    let mut gate = Gate::default();
    let docker = ip("172.17.0.1");
    (0..200).for_each(|_| assert_eq!(gate.ask(docker, None), 0));
    for _ in 0..300 {
        (0..4).for_each(|_| assert_eq!(gate.ask(docker, None), 0));
        (0..20).for_each(|_| assert_eq!(gate.ask(docker, Some("192.0.2.9")), 0));
        gate.minute_over();
    }
    assert_eq!(gate.report(&[]), None);
}

#[test]
fn a_public_proxy_is_noticed_in_its_first_second() {
    let mut gate = Gate::default();
    assert_eq!(gate.through(&["203.0.113.7"], 40), 0);
    gate.minute_over();
    assert_eq!(gate.through(&["203.0.113.7"], 40), 40);
    assert_eq!(gate.ask(ip("203.0.113.7"), None), 1, "its own requests as well");
    let warning = gate.report(&[]).unwrap().to_string();
    assert!(warning.ends_with("trusted_proxies = [\"203.0.113.7\"]"), "{warning}");
}

#[test]
fn a_network_of_proxies_is_exempt_whatever_else_comes() {
    let mut gate = Gate::default();
    let mut judged = 0;
    for minute in 0..26 * 60 {
        // Also by night, when few come.
        let requests = if minute / 60 % 24 < 6 { 9 } else { 90 };
        judged += requests - gate.through(&CDN, u64::from(requests));
        gate.direct(u64::from(requests) / 9);
        (0..30).for_each(|_| assert_eq!(gate.ask(ip("10.0.0.9"), None), 0, "a LAN's own visitor"));
        gate.minute_over();
    }
    assert!(judged <= 30, "{judged} requests of the first minutes");
    assert_eq!(gate.report(&[]).unwrap().proxies.len(), 3);
}

#[test]
fn who_follows_the_warning_by_halves_gets_it_again_and_blocks_nobody() {
    let mut gate = Gate::default();
    for _ in 0..180 {
        gate.through(&CDN, 90);
        gate.minute_over();
    }
    gate.proxies.forget(&trust(&["203.0.113.7/32"]));
    let mut judged = 0;
    for _ in 0..180 {
        judged += 60 - gate.through(&CDN[1..], 60);
        gate.minute_over();
    }
    assert_eq!(judged, 60, "until the next tick");
    assert_eq!(gate.report(&["203.0.113.7/32"]).unwrap().proxies, [ip(CDN[1]), ip(CDN[2])]);
    let all = ["203.0.113.0/24", "2001:db8::/32"];
    gate.proxies.forget(&trust(&all));
    assert_eq!((gate.report(&all), gate.report(&[])), (None, None), "all are forgotten");
}

#[test]
fn a_bot_cannot_buy_its_way_past_the_gate_of_a_small_shop() {
    for forges_clients in [false, true] {
        let mut gate = Gate::default();
        let mut pass = |hours: i64, bot: u64| {
            let mut unjudged = 0;
            for _ in 0..hours * 60 {
                gate.direct(3);
                unjudged += match forges_clients {
                    true => gate.through(&["203.0.113.9"], bot),
                    false => {
                        (0..bot).map(|_| gate.ask(ip("203.0.113.9"), Some("10.1.1.1"))).sum::<u32>()
                    }
                };
                gate.minute_over();
            }
            unjudged
        };
        assert_eq!(pass(24, 0), 0);
        assert_eq!(pass(36, 120), 0, "for a day and a half");
        let later = pass(12, 120);
        assert_eq!(later > 0, forges_clients, "what remains possible");
    }
}

#[test]
fn a_bot_that_floods_a_gate_that_has_just_started_must_forge_its_clients() {
    let mut gate = Gate::default();
    gate.direct(50);
    for _ in 0..180 {
        gate.direct(3);
        let first = (0..120).map(|_| gate.ask(ip("203.0.113.9"), Some("10.1.1.1"))).sum::<u32>();
        assert_eq!(first, 0);
        gate.minute_over();
    }
}

#[test]
fn a_public_peer_that_comes_newly_is_judged_and_named() {
    let mut gate = Gate::default();
    for _ in 0..24 * 60 {
        gate.direct(30);
        gate.minute_over();
    }
    for _ in 0..60 {
        assert_eq!(gate.through(&CDN, 90), 0);
        gate.minute_over();
    }
    let report = gate.report(&[]).unwrap();
    assert_eq!((report.proxies.len(), report.judged.len()), (0, 3));
    let warning = report.to_string();
    assert!(warning.starts_with("most requests come from ") && warning.contains("a bot"));
    gate.proxies.forget(&trust(&["192.0.2.0/24"]));
    gate.through(&CDN, 20);
    gate.minute_over();
    assert_eq!(gate.through(&CDN, 90), 90, "other trust, and all is seen anew");
}

#[test]
fn a_bot_that_goes_round_declared_proxies_gains_nothing() {
    let mut gate = Gate::default();
    let mut unjudged = 0;
    for minute in 0..30 * 60 {
        // 32 requests of visitors, one in 16 of which is counted.
        (0..2).for_each(|_| gate.proxies.note_declared());
        unjudged += gate.through(&["203.0.113.9"], if minute > 24 * 60 { 60 } else { 1 });
        gate.minute_over();
    }
    assert_eq!(unjudged, 0);
}

#[test]
fn who_declares_one_of_three_proxies_blocks_nobody_behind_the_others() {
    let mut gate = Gate::default();
    let mut judged = 0;
    for _ in 0..30 * 60 {
        gate.proxies.note_declared();
        judged += 32 - gate.through(&CDN[1..], 32);
        gate.minute_over();
    }
    assert_eq!(judged, 32, "the first minute");
}

#[test]
fn a_flood_of_forging_addresses_drops_no_private_proxy() {
    let mut gate = Gate::default();
    gate.through(&["127.0.0.1"], 30);
    for minute in 0..30_u32 {
        for number in 0..1_000_u32 {
            gate.ask(IpAddr::V4((0x0800_0000 + minute * 1_000 + number).into()), Some("x"));
        }
        gate.minute_over();
    }
    assert_eq!(gate.through(&["127.0.0.1"], 30), 30);
}

#[test]
fn private_addresses_are_those_of_no_visitor() {
    let check = |text, expect| assert_eq!(is_private(ip(text)), expect, "{text}");
    for text in ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.0.1"] {
        check(text, true);
    }
    for text in ["100.64.0.1", "::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1"] {
        check(text, true);
    }
    for text in ["192.0.2.1", "172.32.0.1", "100.128.0.1", "2001:db8::1", "::ffff:8.8.8.8"] {
        check(text, false);
    }
}
