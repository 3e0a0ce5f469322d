//! What passes, passes unharmed.

use std::io::Read;
use std::net::TcpListener;

use super::*;

#[test]
fn requests_pass_and_the_connection_stays() {
    let origin = Origin::start();
    let gate = gate(&origin, "");
    let mut client = Client::connect(gate.addr());
    for target in ["/", "/p/1?size=m", "/caf%C3%A9", "/p/é?q=|"] {
        let answer = client.get(target);
        assert_eq!(answer.status, 200);
        assert!(answer.body.starts_with(&format!("GET {target} HTTP/1.1\r\n")), "{answer:?}");
        assert_eq!(answer.header("connection"), Some("keep-alive"));
    }
    let answer =
        client.ask("POST /cart HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 3\r\n\r\na=1");
    assert_eq!(answer.status, 200);
    assert_eq!(client.get("/after").status, 200);
    gate.stop();
}

#[test]
fn the_shop_learns_who_the_client_is_and_is_not_lied_to() {
    let origin = Origin::start();
    let direct = gate(&origin, "");
    let forged = "GET / HTTP/1.1\r\nHost: shop.test\r\nX-Forwarded-For: 198.51.100.1\r\nX-Real-IP: \
        198.51.100.1\r\n\r\n";
    let seen = Client::connect(direct.addr()).ask(forged).body.to_ascii_lowercase();
    assert!(seen.contains("\r\nx-forwarded-for: 127.0.0.1\r\n"), "{seen}");
    assert!(seen.contains("\r\nx-forwarded-proto: http\r\n"), "{seen}");
    assert!(
        seen.contains("\r\nhost: shop.test\r\n") && !seen.contains("x-forwarded-host"),
        "{seen}"
    );
    assert!(!seen.contains("198.51.100.1"), "{seen}");

    let behind = gate(&origin, "[client]\ntrusted_proxies = [\"127.0.0.0/8\"]");
    let seen = Client::connect(behind.addr()).ask(forged).body.to_ascii_lowercase();
    assert!(seen.contains("\r\nx-forwarded-for: 198.51.100.1, 127.0.0.1\r\n"), "{seen}");
}

#[test]
fn upgrades_pass_in_both_directions_however_quick_the_shop_is() {
    let origin = Origin::start();
    let gate = gate(&origin, "");
    // Pingora alone loses about one in a hundred against a shop on the same machine.
    for _ in 0..300 {
        let mut client = Client::connect(gate.addr());
        client.send(
            "GET /upgrade HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: \
                websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        );
        assert_eq!(client.head().0, 101);
        for (word, expect) in [("hello", "HELLO"), ("again", "AGAIN")] {
            client.send(word);
            assert_eq!(client.read(5), expect);
        }
    }
}

#[test]
fn a_refused_upgrade_is_an_ordinary_answer() {
    let origin = Origin::start();
    let gate = gate(&origin, "");
    let mut client = Client::connect(gate.addr());
    for _ in 0..3 {
        let request = "GET /plain HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: \
            websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        assert_eq!(client.ask(request).status, 200);
        assert_eq!(client.get("/").status, 200);
    }
}

#[test]
fn an_answer_arrives_while_it_is_being_written() {
    let origin = Origin::start();
    let gate = gate(&origin, "");
    let mut client = Client::connect(gate.addr());
    client.send("GET /slow HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    origin.steps.recv().unwrap();
    assert_eq!(client.head().0, 200);
    assert_eq!(client.read(8), "5\r\nfirst");
    origin.go.send(()).unwrap();
    assert_eq!(client.read(17), "\r\n5\r\nfinal\r\n0\r\n\r\n");
}

#[test]
fn a_request_body_is_forwarded_while_it_is_being_sent() {
    let origin = Origin::start();
    let gate = gate(&origin, "");
    let mut client = Client::connect(gate.addr());
    client.send("POST /upload HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 10\r\n\r\nfirst");
    assert_eq!(origin.steps.recv().unwrap(), "half read");
    client.send("final");
    assert_eq!(client.answer().body, "done");
}

#[test]
fn an_upstream_that_is_down_is_a_502_and_is_counted() {
    let vacant = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gate = RunningGate::start(config(&format!("http://{vacant}"), "")).unwrap();
    assert_eq!(Client::connect(gate.addr()).get("/").status, 502);
    // Counted once the request is over, which is a moment after its answer has arrived.
    let is_counted = |text: &String| text.contains("kidoban_upstream_errors_total 1\n");
    let text = (0..1_000).map(|_| metrics(&gate)).find(is_counted).expect("the error is counted");
    assert!(text.contains("reason=\"no_threshold\",mode=\"shadow\"} 1\n"), "{text}");
}

#[test]
fn a_name_with_several_addresses_is_tried_at_each() {
    // `localhost` is ::1 first on many machines; the shop listens on 127.0.0.1 only.
    let origin = Origin::start();
    let gate = RunningGate::start(config(&format!("http://localhost:{}", origin.addr.port()), ""))
        .unwrap();
    assert_eq!(Client::connect(gate.addr()).get("/").status, 200);
}

#[test]
fn malformed_requests_are_answered_here_and_counted_and_in_shadow_passed_on() {
    let origin = Origin::start();
    let limits = "[proxy.limits]\nbody_bytes_max = 1000\n";
    let shadow = gate(&origin, limits);
    for request in [
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\nHost: shop.test\r\n\r\n", "a".repeat(9000)),
        format!(
            "POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 2000\r\n\r\n{}",
            "x".repeat(2000)
        ),
    ] {
        let answer = Client::connect(shadow.addr()).ask(&request);
        assert_eq!(answer.status, 200, "{}", &request[..request.len().min(80)]);
    }
    let text = metrics(&shadow);
    for kind in ["missing_host", "long_target", "large_body"] {
        let line = format!("kidoban_malformed_total{{kind=\"{kind}\",mode=\"shadow\"}} 1\n");
        assert!(text.contains(&line), "{kind}: {text}");
    }
    let gate = gate(&origin, &format!("mode = \"enforce\"\n{limits}"));
    let check = |request: &str, status| {
        let mut client = Client::connect(gate.addr());
        assert_eq!(client.ask(request).status, status, "{}", &request[..request.len().min(80)]);
        client
    };
    let mut client = check("GET / HTTP/1.1\r\n\r\n", 400);
    assert_eq!(client.get("/").status, 200, "the connection outlives a missing host");
    check(&format!("GET /{} HTTP/1.1\r\nHost: shop.test\r\n\r\n", "a".repeat(9000)), 414);
    check("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1001\r\n\r\n", 413);
    let chunk = "x".repeat(2000);
    check(
        &format!(
            "POST / HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: \
                chunked\r\n\r\n7d0\r\n{chunk}\r\n"
        ),
        413,
    );
    check("GET / HTTP/1.0\r\n\r\n", 200);
    let text = metrics(&gate);
    for (kind, count) in [("missing_host", 1), ("long_target", 1), ("large_body", 2)] {
        assert!(
            text.contains(&format!(
                "kidoban_malformed_total{{kind=\"{kind}\",mode=\"enforce\"}} {count}\n"
            )),
            "{kind}: {text}"
        );
    }
}

/// What the gate says in place of a shop that does not answer is not held against the client.
#[test]
fn an_answer_that_is_not_the_shops_is_no_error_of_the_clients() {
    let folder = Folder::new("own-answers");
    // One shop accepts and says nothing, the other is down.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let vacant = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let chunk = format!("7d0\r\n{}\r\n", "x".repeat(2000));
    let upload = format!(
        "POST /up HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n\
         {chunk}"
    );
    let page = "GET /p/1 HTTP/1.1\r\nHost: shop.test\r\n\r\n".to_owned();
    for (shop, request, status) in
        [(silent.local_addr().unwrap(), &upload, 413), (vacant, &page, 502)]
    {
        let log = folder.0.join(format!("{status}.jsonl"));
        let rest = format!(
            "mode = \"enforce\"\n[event_log]\npath = {log:?}\n\
             [proxy.limits]\nbody_bytes_max = 1000\n"
        );
        let gate = RunningGate::start(config(&format!("http://{shop}"), &rest)).unwrap();
        assert_eq!(Client::connect(gate.addr()).ask(request).status, status);
        gate.stop();
        let log = std::fs::read_to_string(log).unwrap();
        let outcomes: Vec<&str> =
            log.lines().filter(|line| line.contains("\"type\":\"outcome\"")).collect();
        assert_eq!(outcomes.len(), 1, "{log}");
        assert!(outcomes[0].contains("\"status\":0,"), "{status}: {}", outcomes[0]);
    }
}

#[test]
fn a_client_that_wants_to_close_is_let_go() {
    let origin = Origin::start();
    let gate = gate(&origin, "");
    let mut client = Client::connect(gate.addr());
    let answer = client.ask("GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n");
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(client.closed());
}

#[test]
fn http2_in_clear_text_is_spoken_when_asked_for() {
    let origin = Origin::start();
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0";
    let settings_frame = |gate: &RunningGate| {
        let mut client = Client::connect(gate.addr());
        client.send(preface);
        let mut head = [0; 9];
        client.stream.read_exact(&mut head).is_ok() && head[3] == 4
    };
    assert!(settings_frame(&gate(&origin, "h2c = true")));
    assert!(!settings_frame(&gate(&origin, "")));
}

#[test]
fn the_bare_pass_through_passes() {
    let origin = Origin::start();
    let bare = RunningGate::start_bare(&config(&origin.url(), "")).unwrap();
    let mut client = Client::connect(bare.addr());
    assert_eq!(client.get("/").status, 200);
    assert_eq!(client.get("/").status, 200);
    bare.stop();
}
