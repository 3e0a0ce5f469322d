//! Proxies in front: those that are trusted, those that nobody has declared, and bots that pretend.

use crate::support::{Door, Folder, config};

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
fn a_private_peer_that_speaks_for_others_by_and_by_is_judged_with_its_visitors() {
    let folder = Folder::new();
    let door = door(&folder, "");
    let peer = "172.17.0.1";
    (0..100).for_each(|page| _ = door.visit(peer, &format!("/p/{page}"), &[], 200));
    for page in 0..200 {
        let forwarded = [("x-forwarded-for", "192.0.2.77")];
        assert_eq!(door.visit(peer, &format!("/p/{page}"), &forwarded, 200).0, 403);
        door.visit(peer, &format!("/p/{page}"), &[], 200);
    }
    assert_eq!(door.engine.health().undeclared, None);
}

#[test]
fn a_declared_proxy_is_judged_from_the_reload_on_and_the_warning_ends() {
    let folder = Folder::new();
    let door = door(&folder, "");
    let visit = |visitor: u32| {
        let visitor = format!("192.0.2.{visitor}");
        door.visit("127.0.0.1", "/p/1", &[("x-forwarded-for", &visitor)], 200)
    };
    (0..60).for_each(|visitor| assert_eq!(visit(visitor), (200, "proxy")));
    door.engine.tick();
    assert!(door.engine.health().warnings().next().is_some());
    let model = folder.path("strict.json");
    let next = config(&format!(
        "mode = \"enforce\"\nmodel = {model:?}\n[client]\ntrusted_proxies = [\"127.0.0.1\"]\n\
         [policy]\nmin_pages = 1\nlimit_score = 0.5\nblock_score = 0.9\nblock_after_pages = 1\n"
    ));
    door.engine.reload(next).unwrap();
    assert_eq!(door.engine.health().warnings().next(), None);
    (0..60).for_each(|_| assert_eq!(visit(7).0, 403));
    assert_eq!(door.visit("127.0.0.1", "/healthz", &[], 200), (200, "proxy"));
    door.engine.tick();
    let health = gate::admin::answer(&door.engine, "GET", "/healthz").body;
    assert!(!health.contains("warning"), "{health}");
}

#[test]
fn a_public_proxy_blocks_nobody_although_others_come_directly() {
    let folder = Folder::new();
    let door = door(&folder, "[allow]\nnetworks = [\"198.51.100.200\"]\n");
    let mut judged = 0;
    for request in 0..3_000_u32 {
        let visitor = format!("192.0.2.{}", request % 200);
        let edge = ["203.0.113.7", "203.0.113.8"][request as usize % 2];
        let told = door.visit(edge, "/p/1", &[("x-forwarded-for", &visitor)], 200);
        judged += u32::from(told.1 != "proxy");
        // A scanner, and a monitor that the operator lets pass.
        if request % 10 == 0 {
            door.visit("198.51.100.9", &format!("/.env{request}"), &[], 404);
        }
        door.visit("198.51.100.200", "/", &[], 200);
        door.engine.tick();
    }
    assert!(judged <= 20, "{judged} before the first twenty were seen");
    let undeclared = door.engine.health().undeclared.unwrap();
    assert_eq!(undeclared.proxies.len(), 2, "{undeclared}");
}

#[test]
fn a_trusted_proxy_that_names_nobody_is_warned_of() {
    let folder = Folder::new();
    let door = door(&folder, "[client]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    for _ in 0..60 {
        assert_eq!(door.visit("127.0.0.1", "/p/1", &[], 200), (200, "proxy"));
        door.engine.tick();
    }
    let health = gate::admin::answer(&door.engine, "GET", "/healthz").body;
    assert!(health.contains("\"silent_proxies\":[\"127.0.0.1\"]"), "{health}");
    assert!(health.contains("proxy_set_header X-Forwarded-For"), "{health}");
    let metrics = door.engine.metrics_text();
    assert!(metrics.contains("\nkidoban_silent_proxy_requests_total 60\n"), "{metrics}");
    door.visit("127.0.0.1", "/p/1", &[("x-forwarded-for", "192.0.2.7")], 200);
    assert_eq!(door.engine.health().warnings().next(), None, "sixty health checks, then");
}

#[test]
fn a_client_cannot_pass_for_a_proxy_by_an_unreadable_header() {
    for value in ["unknown", "unix:", "::", "0.0.0.0", "192.0.2.7, _hidden"] {
        let folder = Folder::new();
        let door = door(&folder, "[client]\ntrusted_proxies = [\"127.0.0.1\"]\n");
        for _ in 0..30 {
            let told = door.visit("127.0.0.1", "/p/1", &[("x-forwarded-for", value)], 200);
            assert_eq!(told.0, 403, "{value}");
        }
        assert_eq!(door.visit("127.0.0.1", "/", &[], 200), (200, "proxy"), "its health check");
        let warning = door.engine.health().warnings().next().unwrap();
        assert!(warning.contains("unreadable"), "the whole shop is one client: {warning}");
    }
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
        door.engine.tick();
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
