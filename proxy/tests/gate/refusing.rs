//! Who is refused, how, and who never is.

use super::*;

#[test]
fn a_block_is_a_403_that_names_its_decision_and_keeps_the_connection() {
    let (origin, folder) = (Origin::start(), Folder::new("block"));
    let gate = strict(&origin, &folder, "enforce", BLOCK);
    let mut client = Client::connect(gate.addr());
    let answers = [client.get("/p/1"), client.get("/p/2")];
    for answer in &answers {
        assert_eq!(answer.status, 403);
        let id = answer.header("x-kidoban-decision").unwrap();
        assert_eq!(id.len(), 13);
        assert!(answer.body.contains(id), "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("connection"), Some("keep-alive"));
        assert!(!answer.body.contains("0."), "no score: {answer:?}");
    }
    assert_ne!(answers[0].header("x-kidoban-decision"), answers[1].header("x-kidoban-decision"));
}

#[test]
fn a_limit_is_a_429_that_says_when_to_come_back_and_keeps_the_connection() {
    let (origin, folder) = (Origin::start(), Folder::new("limit"));
    let gate = strict(&origin, &folder, "enforce", LIMIT);
    let mut client = Client::connect(gate.addr());
    assert_eq!(client.get("/p/1").status, 200);
    let answer = client.get("/p/2");
    assert_eq!(answer.status, 429);
    let retry_after_s: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&retry_after_s), "{retry_after_s}");
    assert_eq!(client.get("/p/3").status, 429);
    assert_eq!(client.get("/style.css").status, 200, "assets pass a limit");
}

#[test]
fn a_refused_head_has_no_body() {
    let (origin, folder) = (Origin::start(), Folder::new("head"));
    let gate = strict(&origin, &folder, "enforce", BLOCK);
    let mut client = Client::connect(gate.addr());
    client.send("HEAD / HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    assert_eq!(client.head().0, 403);
    assert_eq!(client.get("/").status, 403);
}

#[test]
fn a_small_refused_body_is_read_and_the_connection_stays() {
    let (origin, folder) = (Origin::start(), Folder::new("small"));
    let gate = strict(&origin, &folder, "enforce", BLOCK);
    let mut client = Client::connect(gate.addr());
    let answer =
        client.ask("POST /login HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 7\r\n\r\nuser=me");
    assert_eq!((answer.status, answer.header("connection")), (403, Some("keep-alive")));
    // The body after the answer: the next request must not begin with it.
    let answer = client.ask("POST /login HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 7\r\n\r\n");
    assert_eq!(answer.status, 403);
    client.send("user=me");
    assert_eq!(client.get("/").status, 403);
}

#[test]
fn a_large_refused_body_ends_the_connection_and_the_answer_still_arrives() {
    let (origin, folder) = (Origin::start(), Folder::new("large"));
    let gate = strict(&origin, &folder, "enforce", BLOCK);
    let check = |headers: &str, body: &str| {
        let mut client = Client::connect(gate.addr());
        let answer =
            client.ask(&format!("POST /up HTTP/1.1\r\nHost: shop.test\r\n{headers}\r\n\r\n{body}"));
        assert_eq!((answer.status, answer.header("connection")), (403, Some("close")), "{headers}");
        if body.is_empty() {
            assert!(client.closed());
        }
    };
    check("Content-Length: 10000000", &"x".repeat(100_000));
    check("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n");
    check("Content-Length: 10\r\nExpect: 100-continue", "");
}

#[test]
fn shadow_never_changes_a_response() {
    let (origin, folder) = (Origin::start(), Folder::new("shadow"));
    for policy in [BLOCK, LIMIT] {
        let gate = strict(&origin, &folder, "shadow", policy);
        let mut client = Client::connect(gate.addr());
        let requests = [
            "GET /p/1 HTTP/1.1\r\nHost: shop.test\r\n\r\n",
            "HEAD /p/2 HTTP/1.1\r\nHost: shop.test\r\nConnection: keep-alive\r\n\r\n",
            "POST /login HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 7\r\n\r\nuser=me",
            "GET /p/3 HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: bad bot\r\n\r\n",
        ];
        for request in requests.iter().filter(|request| !request.starts_with("HEAD")) {
            let answer = client.ask(request);
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("x-kidoban-decision"), None);
            assert_eq!(answer.header("retry-after"), None);
            assert!(answer.body.starts_with(request.split("\r\n").next().unwrap()), "{answer:?}");
        }
        let text = metrics(&gate);
        let judged = text.lines().any(|line| {
            line.contains("mode=\"shadow\"") && !line.contains("allow") && !line.ends_with(" 0")
        });
        assert!(judged, "shadow must have judged: {text}");
    }
}

#[test]
fn whom_the_operator_allows_is_never_refused() {
    let (origin, folder) = (Origin::start(), Folder::new("allow"));
    let by_network =
        strict(&origin, &folder, "enforce", &format!("{BLOCK}[allow]\nnetworks = [\"127.0.0.1\"]"));
    assert_eq!(Client::connect(by_network.addr()).get("/p/1").status, 200);
    let by_path = strict(
        &origin,
        &folder,
        "enforce",
        &format!("{BLOCK}[allow]\npaths = [\"/healthz\", \"/hooks/\"]"),
    );
    let mut client = Client::connect(by_path.addr());
    assert_eq!(client.get("/p/1").status, 403);
    assert_eq!(client.get("/healthz").status, 200);
    assert_eq!(client.get("/hooks/payment").status, 200);
    assert_eq!(client.get("/robots.txt").status, 200);
    assert!(metrics(&by_path).contains("reason=\"allow_list\",mode=\"enforce\"} 3\n"));
}

#[test]
fn clients_behind_a_trusted_proxy_are_told_apart_and_strangers_cannot_pose_as_them() {
    let (origin, folder) = (Origin::start(), Folder::new("clients"));
    let ask = |client: &mut Client, forwarded: &str| {
        client
            .ask(&format!(
                "GET /p HTTP/1.1\r\nHost: shop.test\r\nX-Forwarded-For: {forwarded}\r\n\r\n"
            ))
            .status
    };
    let trusting = strict(
        &origin,
        &folder,
        "enforce",
        &format!("{LIMIT}[client]\ntrusted_proxies = [\"127.0.0.1\"]"),
    );
    let mut client = Client::connect(trusting.addr());
    assert_eq!(ask(&mut client, "192.0.2.1"), 200);
    assert_eq!(ask(&mut client, "192.0.2.1"), 429);
    assert_eq!(ask(&mut client, "192.0.2.2"), 200, "another client behind the same proxy");
    assert_eq!(
        ask(&mut client, "192.0.2.9, 192.0.2.1"),
        429,
        "what a client writes to the left is not believed"
    );

    let direct = strict(&origin, &folder, "enforce", LIMIT);
    let mut client = Client::connect(direct.addr());
    // Pages without the header, and more of them than a balancer's health checks have paths, so
    // that it is not taken for a proxy that nobody declared.
    assert_eq!(client.get("/p").status, 200);
    for page in 0..12 {
        assert_eq!(client.get(&format!("/p/{page}")).status, 429);
    }
    assert_eq!(
        ask(&mut client, "192.0.2.2"),
        429,
        "a stranger cannot become a new client with every request"
    );
}

#[test]
fn no_header_and_no_form_of_the_target_talks_its_way_past_a_ban() {
    let (origin, folder) = (Origin::start(), Folder::new("talk"));
    let gate = strict(&origin, &folder, "enforce", BLOCK);
    let mut client = Client::connect(gate.addr());
    for (target, header) in [
        ("/product/17", "Sec-Fetch-Dest: image\r\n"),
        ("/product/17", "Sec-Fetch-Dest: script\r\n"),
        ("http://shop.test?product=17&x=/robots.txt", ""),
        ("http://shop.test?product=17&x=/a.png", ""),
        ("/.well-known/..;/product/17", ""),
    ] {
        let answer =
            client.ask(&format!("GET {target} HTTP/1.1\r\nHost: shop.test\r\n{header}\r\n"));
        assert_eq!(answer.status, 403, "{target} {header}");
    }
}
