//! nginx, with the configuration of docs/deploy/nginx-auth-request.md.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::http::Client;
use crate::nginx_server::{Nginx, Setup, has_ipv6};
use crate::service::{STRICT, Service, free_port};
use crate::skip::skip;

const PROXIED: &str = "[client]\ntrusted_proxies = [\"127.0.0.0/8\"]\n";

#[test]
fn a_limit_becomes_429_with_retry_after_and_a_ban_403_and_neither_reaches_the_shop() {
    let service = Service::start(&format!("{PROXIED}{STRICT}"), "");
    let Some(nginx) = Nginx::start(&service, &Setup::default()) else { return };
    let mut client = nginx.client();
    for page in 0..2 {
        let answer = client.get_as("203.0.113.1", &format!("/p/{page}"));
        assert_eq!((answer.status, answer.text()), (200, "ok"));
        assert_eq!(answer.header("x-kidoban-token"), None, "nobody needs to know");
    }
    let answer = client.get_as("203.0.113.1", "/p/3");
    assert_eq!(answer.status, 429, "{answer:?}");
    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    let id = answer.header("x-kidoban-decision").unwrap().to_owned();
    assert_eq!(
        answer.text(),
        format!("Too many requests. Please try again in {seconds} s. Reference: {id}\n")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    service.ban("203.0.113.1");
    let answer = client.get_as("203.0.113.1", "/p/4");
    let id = answer.header("x-kidoban-decision").unwrap().to_owned();
    assert_eq!(answer.status, 403);
    assert_eq!(answer.text(), format!("Access denied. If this is a mistake, please quote: {id}\n"));
    assert_eq!(answer.header("retry-after"), None);
    assert_eq!(client.get_as("203.0.113.2", "/p/4").status, 200);
    service.wait_for("concluded", 3);
}

#[test]
fn who_is_on_the_allow_list_passes_nginx() {
    let allow = format!("{PROXIED}{STRICT}[allow]\nnetworks = [\"203.0.113.0/24\"]\n");
    let service = Service::start(&allow, "");
    let Some(nginx) = Nginx::start(&service, &Setup::default()) else { return };
    let mut client = nginx.client();
    service.ban("203.0.113.1");
    service.ban("198.51.100.1");
    assert_eq!(client.get_as("203.0.113.1", "/p/1").status, 200);
    assert_eq!(client.get_as("198.51.100.1", "/p/1").status, 403);
    assert_eq!(client.get_as("198.51.100.1", "/robots.txt").status, 200);
}

#[test]
fn while_the_service_is_down_requests_pass_or_are_refused_as_the_page_says() {
    for closed in [false, true] {
        let mut service = Service::start(&format!("{PROXIED}{STRICT}"), "");
        let setup = Setup { is_closed: closed, ..Setup::default() };
        let Some(nginx) = Nginx::start(&service, &setup) else { return };
        service.ban("203.0.113.1");
        assert_eq!(nginx.client().get_as("203.0.113.1", "/p/1").status, 403);
        service.stop();
        for page in 0..10 {
            let answer = nginx.client().get_as("203.0.113.2", &format!("/p/{page}"));
            match closed {
                false => assert_eq!((answer.status, answer.text()), (200, "ok")),
                true => assert_eq!(answer.status, 500, "never the shop's answer"),
            }
        }
    }
}

#[test]
fn a_service_that_hangs_is_asked_three_times_and_then_left_alone_for_a_while() {
    let mut service = Service::start(STRICT, "");
    service.stop();
    let silent = UnixListener::bind(service.socket()).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(service.socket(), open).unwrap();
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in silent.incoming() {
            counted.fetch_add(1, Ordering::Relaxed);
            held.push(stream);
        }
    });
    let Some(nginx) = Nginx::start(&service, &Setup::default()) else { return };
    // One connection, hence one worker: each counts failures for itself.
    let mut client = nginx.client();
    for page in 0..40 {
        assert_eq!(client.get(&format!("/p/{page}")).status, 200);
    }
    let asked = asked.load(Ordering::Relaxed);
    assert!((3..=6).contains(&asked), "asked {asked} times");
}

#[test]
fn an_ipv6_visitor_is_judged_by_its_slash_64() {
    if !has_ipv6() {
        return skip("this machine has no IPv6");
    }
    let service = Service::start(STRICT, "");
    let Some(nginx) = Nginx::start(&service, &Setup::default()) else { return };
    let at =
        |ip: IpAddr| Client::connect(SocketAddr::new(ip, nginx.addr.port())).get("/p/1").status;
    service.ban("::1");
    assert_eq!(at(Ipv6Addr::LOCALHOST.into()), 403);
    assert_eq!(at(Ipv4Addr::LOCALHOST.into()), 200);
}

#[test]
fn a_visitor_cannot_name_another_address_and_a_known_proxy_can() {
    for (trusted, expect) in [("", [403, 403]), (PROXIED, [200, 403])] {
        let service = Service::start(&format!("{trusted}{STRICT}"), "");
        let Some(nginx) = Nginx::start(&service, &Setup::default()) else { return };
        service.ban("127.0.0.1");
        service.ban("203.0.113.1");
        let mut client = nginx.client();
        assert_eq!(client.get_as("198.51.100.1", "/p/1").status, expect[0], "{trusted}");
        assert_eq!(client.get_as("203.0.113.1", "/p/1").status, expect[1], "{trusted}");
        // A stranger's word further left counts for nothing.
        let forged = client.get_as("203.0.113.1, 198.51.100.2", "/p/1").status;
        assert_eq!(forged, expect[0], "{trusted}");
    }
}

#[test]
fn method_and_address_arrive_byte_for_byte() {
    let mut service = Service::start("[policy]\nguard = []\nmin_pages = 100\n", "");
    let Some(nginx) = Nginx::start(&service, &Setup::default()) else { return };
    let mut client = nginx.client();
    let asked = [
        ("GET", "/p/1?a=b&c=%20+%2F"),
        ("POST", "//double//slash/../up/./here?x"),
        ("DELETE", "/caf%C3%A9/%2e%2e/%0a/;jsessionid=1"),
        ("OPTIONS", "/café?q=\u{fc}&\"quoted\"'&<tag>&{x}|\\^`"),
        ("PROPFIND", "/a%2Fb%252F?%3f=?#part"),
        ("GET", "/?"),
    ];
    for (method, target) in asked {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: shop.test\r\nX-Forwarded-Uri: \
             /forged\r\nX-Forwarded-Method: PUT\r\nX-Kidoban-Token: forged\r\nContent-Length: \
             0\r\n\r\n"
        );
        let answer = client.ask(&request);
        assert_eq!(answer.status, 200, "{method} {target}");
    }
    let log = service.stop();
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let requests: Vec<_> = lines
        .filter(|line| line["type"] == "request")
        .map(|line| (line["method"].clone(), line["url"].clone()))
        .collect();
    let expect: Vec<_> =
        asked.iter().map(|(method, target)| ((*method).into(), (*target).into())).collect();
    assert_eq!(requests, expect);
}

#[test]
fn outcomes_come_back_and_what_nginx_answers_in_the_shops_place_is_none() {
    let mut service = Service::start("[policy]\nguard = []\nmin_pages = 100\n", "");
    let nobody = free_port();
    let more = format!("location /dead/ {{ proxy_pass http://127.0.0.1:{nobody}; }}");
    let setup = Setup { locations: &more, ..Setup::default() };
    let Some(nginx) = Nginx::start(&service, &setup) else { return };
    let mut client = nginx.client();
    let statuses: Vec<u16> = ["/p/1", "/gone/1", "/broken/1", "/login", "/dead/1"]
        .map(|target| client.get(target).status)
        .to_vec();
    assert_eq!(statuses, [200, 404, 500, 401, 502]);
    service.wait_for("concluded", 5);
    let log = service.stop();
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut outcomes: Vec<u64> = lines
        .filter(|line| line["type"] == "outcome")
        .map(|line| line["status"].as_u64().unwrap())
        .collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, [0, 200, 401, 404, 500]);
}

#[test]
fn internal_redirects_do_not_judge_a_request_twice() {
    let service = Service::start("[policy]\nguard = []\nmin_pages = 100\n", "");
    let root = service.folder.path("root");
    std::fs::create_dir_all(root.join("shop")).unwrap();
    std::fs::write(root.join("shop/index.html"), "home").unwrap();
    std::fs::write(root.join("missing.html"), "not here").unwrap();
    let more = format!(
        "location /shop/ {{ root {root}; }}\n\
         location /try/ {{ root {root}; try_files $uri /shop/index.html; }}\n\
         location = /missing.html {{ root {root}; }}\n\
         location /files/ {{ root {root}; error_page 404 /missing.html; error_page 403 = \
         @kidoban_refused; }}\n",
        root = root.display()
    );
    let setup = Setup { locations: &more, ..Setup::default() };
    let Some(nginx) = Nginx::start(&service, &setup) else { return };
    let mut client = nginx.client();
    for (number, (target, status, words)) in
        [("/shop/", 200, "home"), ("/try/x", 200, "home"), ("/files/x", 404, "not here")]
            .into_iter()
            .enumerate()
    {
        let answer = client.get(target);
        assert_eq!((answer.status, answer.text()), (status, words), "{target}");
        assert_eq!(service.questions("decided"), number as u64 + 1, "{target}");
    }
    assert!(service.questions("repeated") >= 3, "nginx asks again: that is why it is tested");
    service.wait_for("concluded", 3);
}
