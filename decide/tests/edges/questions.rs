//! Every edge's question is answered as its dialect says.

use std::os::unix::fs::PermissionsExt;

use decide::{Config, Overrides, RunningService};

use crate::http::Client;
use crate::service::{Edge, STRICT, Service};

const NGINX: &str = "/auth_request";
const OTHERS: &str = "/forward_auth";

#[test]
fn a_visitor_is_let_pass_limited_and_blocked_in_both_dialects() {
    for (path, limited) in [(NGINX, 403), (OTHERS, 429)] {
        let service = Service::start(STRICT, "");
        let mut edge = Edge::connect(&service);
        let mut ask = |number: u32| edge.ask(path, "203.0.113.1", &format!("/p/{number}"));
        for number in 0..2 {
            let told = ask(number);
            assert_eq!((told.status, told.header("x-kidoban")), (200, Some("allow")), "{told:?}");
            assert_eq!(told.body, "");
        }
        let told = ask(2);
        assert_eq!((told.status, told.header("x-kidoban")), (limited, Some("limit")), "{told:?}");
        let seconds: u32 = told.header("retry-after").unwrap().parse().unwrap();
        let id = told.header("x-kidoban-decision").unwrap();
        assert!((1..=60).contains(&seconds), "{told:?}");
        assert!(told.body.contains(id) && told.body.contains(&format!(" {seconds} s")), "{told:?}");
        service.ban("203.0.113.1");
        let told = ask(3);
        assert_eq!((told.status, told.header("x-kidoban")), (403, Some("block")), "{told:?}");
        assert_eq!(told.header("retry-after"), None);
        assert!(told.body.contains(told.header("x-kidoban-decision").unwrap()), "{told:?}");
        let told = edge.ask(path, "203.0.113.2", "/p/4");
        assert_eq!(told.status, 200, "another visitor: {told:?}");
    }
}

#[test]
fn whom_the_allow_list_names_passes_and_so_does_everybody_in_shadow() {
    let allow =
        format!("{STRICT}[allow]\nnetworks = [\"203.0.113.0/24\"]\npaths = [\"/hooks/\"]\n");
    let service = Service::start(&allow, "");
    let mut edge = Edge::connect(&service);
    service.ban("203.0.113.1");
    service.ban("198.51.100.1");
    let mut ask = |client: &str, target: &str| edge.ask(NGINX, client, target).status;
    assert_eq!(ask("203.0.113.1", "/p/1"), 200);
    assert_eq!(ask("198.51.100.1", "/hooks/paid"), 200);
    assert_eq!(ask("198.51.100.1", "/p/1"), 403);

    let shadow = Service::start(&STRICT.replace("[policy]", "[client]\n[policy]"), "");
    let path = shadow.folder.path("kidoban.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"enforce\"", "\"shadow\"")).unwrap();
    shadow.running.as_ref().unwrap().reload().unwrap();
    let mut edge = Edge::connect(&shadow);
    for number in 0..9 {
        let told = edge.ask(OTHERS, "203.0.113.1", &format!("/p/{number}"));
        assert_eq!((told.status, told.header("x-kidoban")), (200, Some("allow")));
    }
}

#[test]
fn a_question_that_does_not_say_what_is_asked_about_is_no_permission() {
    let service = Service::start(STRICT, "");
    let mut edge = Edge::connect(&service);
    let told = edge.ask_with(NGINX, "X-Forwarded-For: 203.0.113.1\r\n");
    assert_eq!((told.status, service.questions("unreadable")), (500, 1));
    assert!(told.body.contains("x-forwarded-method"), "{told:?}");
    assert_eq!(edge.ask("/", "203.0.113.1", "/p/1").status, 404);
    assert_eq!(service.questions("decided"), 0);
}

#[test]
fn over_tcp_only_the_configured_peers_are_answered() {
    let headers = "X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /\r\nX-Forwarded-For: 203.0.113.1";
    let ask = |service: &Service| {
        let question = format!("GET {NGINX} HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n");
        Client::connect(service.tcp()).ask(&question).status
    };
    let service = Service::start(STRICT, "");
    assert_eq!((ask(&service), service.questions("decided")), (200, 1));
    let closed = Service::start(STRICT, "peers = [\"192.0.2.0/24\"]");
    assert_eq!((ask(&closed), closed.questions("stranger")), (500, 1));
    assert_eq!(closed.questions("decided"), 0);
    assert_eq!(Edge::connect(&closed).ask(NGINX, "203.0.113.1", "/").status, 200, "by permission");
}

#[test]
fn the_visitor_is_the_first_address_from_the_right_that_is_no_proxy_of_ours() {
    let trusted = format!("[client]\ntrusted_proxies = [\"10.0.0.0/8\", \"fd00::/8\"]\n{STRICT}");
    let service = Service::start(&trusted, "");
    let mut edge = Edge::connect(&service);
    service.ban("203.0.113.1");
    service.ban("2001:db8::1");
    for (forwarded, status) in [
        ("203.0.113.1", 403),
        ("203.0.113.1, 10.0.0.1", 403),
        ("198.51.100.7, 203.0.113.1, fd00::1, 10.0.0.1", 403),
        ("203.0.113.1, 198.51.100.1", 200),
        ("203.0.113.1, 198.51.100.2, 10.0.0.1", 200),
        ("2001:db8::77", 403),
        ("[2001:db8::78]:4711, 10.0.0.1", 403),
        ("2001:db8:0:1::1", 200),
    ] {
        assert_eq!(edge.ask(NGINX, forwarded, "/p/1").status, status, "{forwarded}");
    }
}

#[test]
fn headers_of_other_names_are_read_where_the_configuration_says_so() {
    let names = "client_header = \"X-Real-IP\"\nmethod_header = \"X-Original-Method\"\n\
                 uri_header = \"X-Original-URI\"";
    let mut service = Service::start(STRICT, names);
    service.ban("203.0.113.1");
    let asked = "X-Original-Method: PUT\r\nX-Original-URI: /a%2Fb?c=d\r\nX-Forwarded-Method: \
                 GET\r\nX-Forwarded-Uri: /robots.txt\r\n";
    let mut edge = Edge::connect(&service);
    let mut ask = |rest: &str| edge.ask_with(NGINX, &format!("{asked}{rest}\r\n")).status;
    assert_eq!(ask("X-Real-IP: 203.0.113.1\r\nX-Forwarded-For: 198.51.100.1"), 403);
    assert_eq!(ask("X-Real-IP: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.1"), 200);
    let log = service.stop();
    assert!(log.lines().next().is_some(), "{log}");
    assert!(log.contains("\"method\":\"PUT\",\"url\":\"/a%2Fb?c=d\""), "{log}");
    assert!(!log.contains("/robots.txt"), "{log}");
}

#[test]
fn a_socket_that_a_killed_service_left_is_replaced_and_one_in_use_is_not() {
    let mut service = Service::start(STRICT, "");
    let (path, config) = (service.socket(), service.folder.path("kidoban.toml"));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o666);
    let again = || Config::load(Some(&config), &Overrides::default()).map(RunningService::start);
    let refused = again().unwrap().err().unwrap().to_string();
    assert!(refused.contains("decide.sock") && refused.contains("listens there"), "{refused}");
    assert_eq!(Edge::connect(&service).ask(NGINX, "203.0.113.1", "/").status, 200);
    service.stop();
    assert!(!path.exists() && !service.outcomes().exists(), "it cleans up behind itself");

    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "left behind, as by kill -9");
    let second = again().unwrap().unwrap();
    assert_eq!(Edge::connect(&service).ask(NGINX, "203.0.113.1", "/").status, 200);
    second.stop();
    std::fs::write(&path, "something of somebody's").unwrap();
    let refused = again().unwrap().err().unwrap().to_string();
    assert!(refused.contains("no socket"), "{refused}");
    assert!(path.exists());
}
