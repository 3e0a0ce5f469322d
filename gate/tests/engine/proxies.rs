//! Proxies in front: those that are trusted, those that nobody has declared, and bots that pretend.

use crate::support::{Door, Folder};

fn door(folder: &Folder, rest: &str) -> Door {
    let model = folder.model("strict", 5.0);
    Door::open(&format!(
        "mode = \"enforce\"\nmodel = {model:?}\n{rest}[policy]\nmin_pages = 1\nlimit_score = 0.5\n\
         block_score = 0.9\nblock_after_pages = 1\n"
    ))
}

#[test]
fn one_bot_behind_an_undeclared_proxy_blocks_nobody() {
    let folder = Folder::new();
    let door = door(&folder, "");
    let passed = (200, "proxy");
    for visitor in 0..200 {
        let forwarded = [("x-forwarded-for", "192.0.2.77")];
        assert_eq!(door.visit("127.0.0.1", "/p/1", &forwarded, 200), passed, "{visitor}");
        door.engine.tick();
    }
    assert_eq!(door.visit("127.0.0.1", "/healthz", &[], 200), passed, "its health check as well");
    let health = gate::admin::answer(&door.engine, "GET", "/healthz").body;
    assert!(health.contains("\"undeclared_proxies\":[\"127.0.0.1\"]"), "{health}");
    assert!(health.contains("trusted_proxies = [\\\"127.0.0.1\\\"]"), "{health}");
    let metrics = door.engine.metrics_text();
    assert!(metrics.contains("\nkidoban_undeclared_proxy_requests_total 201\n"), "{metrics}");
    assert_eq!(door.engine.stats().clients, 0, "nothing of it is remembered");
}

#[test]
fn every_header_by_which_proxies_are_known_counts() {
    let headers = ["x-real-ip", "forwarded", "cf-connecting-ip", "true-client-ip", "x-client-ip"];
    for name in headers {
        let folder = Folder::new();
        let door = door(&folder, "");
        for _ in 0..5 {
            let told = door.visit("10.1.2.3", "/p/1", &[(name, "192.0.2.77")], 200);
            assert_eq!(told, (200, "proxy"), "{name}");
        }
    }
}

#[test]
fn a_bot_from_the_internet_gains_nothing_by_the_header() {
    let folder = Folder::new();
    let door = door(&folder, "");
    for shopper in 0..50 {
        door.visit(&format!("198.51.100.{shopper}"), "/p/1", &[], 200);
    }
    for page in 0..5_000 {
        let told = door.visit("203.0.113.9", "/p/1", &[("x-forwarded-for", "192.0.2.77")], 200);
        assert_eq!(told.0, 403, "page {page}");
    }
    assert_eq!(door.engine.health().undeclared, None);
}

#[test]
fn a_trusted_proxys_own_requests_are_not_judged_and_its_visitors_are() {
    let folder = Folder::new();
    let door = door(&folder, "[client]\ntrusted_proxies = [\"10.0.0.0/24\"]\n");
    for _ in 0..50 {
        assert_eq!(door.visit("10.0.0.1", "/", &[], 200), (200, "proxy"), "a health check");
        let through_both = [("x-forwarded-for", "10.0.0.2")];
        assert_eq!(door.visit("10.0.0.1", "/", &through_both, 200), (200, "proxy"));
    }
    let visitor = [("x-forwarded-for", "192.0.2.7")];
    assert_eq!(door.visit("10.0.0.1", "/p/1", &visitor, 200).0, 403);
    assert_eq!(door.visit("10.0.0.1", "/", &[], 200), (200, "proxy"));
}

#[test]
fn a_peer_at_a_unix_socket_is_trusted_like_a_proxy() {
    let folder = Folder::new();
    let door = door(&folder, "");
    let own = door.ask(None, "/", &[]);
    assert_eq!(own.told(200), (200, "proxy"));
    let visitor = door.ask(None, "/p/1", &[("x-forwarded-for", "192.0.2.7")]);
    assert_eq!(visitor.told(200).0, 403);
    assert!(visitor.in_flight.caller.peer_trusted, "so its headers are passed on");
}
