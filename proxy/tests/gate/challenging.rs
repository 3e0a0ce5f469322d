//! Limited visitors get a page that lets them go on; nobody else does.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::client::Answer;
use super::*;
use detector::{Detector, Settings};
use traffic::log::{LogReader, RecordKind, RecordedChallenge};
use traffic::replay::{Driver, Judged, LogStep};

const PATH: &str = "/.well-known/kidoban/challenge";
const CHALLENGE: &str = "[challenge]\nenabled = true\nwait_s = 1\nproof_bits = 8\n";
const BROWSER: &str = "Host: shop.test\r\nUser-Agent: Mozilla/5.0 Firefox/144.0\r\nAccept: \
    text/html,*/*;q=0.8\r\n";

fn challenging(origin: &Origin, folder: &Folder, rest: &str) -> RunningGate {
    let trust = "[client]\ntrusted_proxies = [\"127.0.0.1\"]\n";
    strict(origin, folder, "enforce", &format!("{LIMIT}{CHALLENGE}{trust}{rest}"))
}

fn from(ip: &str, more: &str) -> String {
    format!("{BROWSER}X-Forwarded-For: {ip}\r\n{more}")
}

fn get(client: &mut Client, target: &str, headers: &str) -> Answer {
    client.ask(&format!("GET {target} HTTP/1.1\r\n{headers}\r\n"))
}

/// Uses the one page that the limit grants, and returns the answer to the next.
fn limited(client: &mut Client, target: &str, headers: &str) -> Answer {
    assert_eq!(get(client, "/p/0", headers).status, 200);
    get(client, target, headers)
}

fn field<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let begin = format!("name=\"{name}\" value=\"");
    let rest = answer.body.split_once(&begin).unwrap_or_else(|| panic!("{answer:?}")).1;
    rest.split_once('"').unwrap().0
}

/// Sends the page's form.
fn send(client: &mut Client, token: &str, target: &str, proof: &str, headers: &str) -> Answer {
    let target = target.replace('%', "%25").replace('&', "%26").replace('/', "%2F");
    post(client, &format!("token={token}&target={target}&proof={proof}"), headers)
}

fn post(client: &mut Client, body: &str, headers: &str) -> Answer {
    client.ask(&format!(
        "POST {PATH} HTTP/1.1\r\n{headers}Content-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// What the page's script does.
fn solve(token: &str) -> String {
    let is_found = |counter: &u64| Sha256::digest(format!("{token}.{counter}"))[0] == 0;
    (0..).find(is_found).unwrap().to_string()
}

fn counted(gate: &RunningGate, result: &str) -> u64 {
    let name = format!("kidoban_challenges_total{{result=\"{result}\"}} ");
    let text = metrics(gate);
    text.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
}

#[test]
fn a_limited_browser_gets_a_page_that_stands_alone() {
    let (origin, folder) = (Origin::start(), Folder::new("challenge-page"));
    let gate = challenging(&origin, &folder, "");
    let client = &mut Client::connect(gate.addr());
    let answer = limited(client, "/p/1?a=1&b=2", &from("192.0.2.1", ""));
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-language"), Some("en"));
    assert_eq!(answer.header("x-robots-tag"), Some("noindex"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.header("vary").unwrap().contains("Accept-Language"));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'nonce-"), "{policy}");
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(field(&answer, "target"), "/p/1?a=1&amp;b=2");
    let japanese = from("192.0.2.1", "Accept-Language: ja-JP,ja;q=0.9,en;q=0.8\r\n");
    let answer = get(client, "/p/2", &japanese);
    assert_eq!(answer.header("content-language"), Some("ja"));
    assert!(answer.body.contains("<html lang=\"ja\">") && answer.body.contains("1秒"));
    client.send(&format!("HEAD /p/3 HTTP/1.1\r\n{japanese}\r\n"));
    assert_eq!(client.head().0, 429);
    assert_eq!((counted(&gate, "issued"), counted(&gate, "passed")), (3, 0));
}

#[test]
fn apps_scripts_and_whoever_is_not_limited_get_what_they_always_got() {
    let (origin, folder) = (Origin::start(), Folder::new("challenge-apps"));
    let gate = challenging(&origin, &folder, "[allow]\nnetworks = [\"192.0.2.99\"]\n");
    let client = &mut Client::connect(gate.addr());
    limited(client, "/p/1", &from("192.0.2.1", ""));
    let base = "Host: shop.test\r\nUser-Agent: Mozilla/5.0 Firefox/144.0\r\nX-Forwarded-For: \
                192.0.2.1\r\n";
    for other in [
        "Accept: application/json\r\n",
        "Accept: */*\r\n",
        "",
        "Accept: text/html\r\nX-Requested-With: XMLHttpRequest\r\n",
        "Accept: text/html\r\nSec-Fetch-Mode: cors\r\n",
    ] {
        let answer = get(client, "/p/2", &format!("{base}{other}"));
        assert_eq!(answer.status, 429);
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{other}");
    }
    let body = "Content-Length: 0\r\n";
    let answer = client.ask(&format!("POST /p/3 HTTP/1.1\r\n{}{body}\r\n", from("192.0.2.1", "")));
    assert!(answer.status == 429 && answer.body.starts_with("Too many requests"), "{answer:?}");
    assert_eq!(get(client, "/style.css", &from("192.0.2.1", "")).status, 200);
    for number in 0..5 {
        let allowed = get(client, &format!("/p/{number}"), &from("192.0.2.99", ""));
        assert_eq!(allowed.status, 200);
    }
    assert_eq!(counted(&gate, "issued"), 1);
}

#[test]
fn shadow_and_a_gate_without_the_key_challenge_nobody() {
    let (origin, folder) = (Origin::start(), Folder::new("challenge-off"));
    let shadow = strict(&origin, &folder, "shadow", &format!("{LIMIT}{CHALLENGE}"));
    let client = &mut Client::connect(shadow.addr());
    assert_eq!(limited(client, "/p/1", BROWSER).status, 200);
    let answer = post(client, "token=x&target=/", BROWSER);
    assert_eq!((answer.status, answer.header("location")), (200, None), "the shop's own path");
    let off = strict(&origin, &folder, "enforce", LIMIT);
    let client = &mut Client::connect(off.addr());
    let answer = limited(client, "/p/1", BROWSER);
    assert!(answer.status == 429 && answer.body.starts_with("Too many"), "{answer:?}");
    assert_eq!(
        post(client, "token=x&target=/", BROWSER).status,
        200,
        "never refused, and the shop's"
    );
    let banning = format!("{BLOCK}{CHALLENGE}");
    let blocked = strict(&origin, &folder, "enforce", &banning);
    assert_eq!(get(&mut Client::connect(blocked.addr()), "/p/1", BROWSER).status, 403);
    assert_eq!(counted(&blocked, "issued"), 0);
}

#[test]
fn without_javascript_the_form_passes_after_the_wait_and_not_before() {
    let (origin, folder) = (Origin::start(), Folder::new("challenge-form"));
    let gate = challenging(&origin, &folder, "");
    let client = &mut Client::connect(gate.addr());
    let headers = &from("192.0.2.1", "");
    let page = limited(client, "/p/1?a=1&b=%20", headers);
    let token = field(&page, "token").to_owned();
    let begin = Instant::now();
    let early = send(client, &token, "/p/1?a=1&b=%20", "", headers);
    assert_eq!((early.status, early.header("retry-after")), (429, Some("1")));
    assert_eq!(field(&early, "token"), token, "the rest of the same wait");
    let passed = loop {
        let answer = send(client, &token, "/p/1?a=1&b=%20", "", headers);
        if answer.status != 429 || begin.elapsed() > Duration::from_secs(20) {
            break answer;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(begin.elapsed() >= Duration::from_millis(900));
    assert_eq!((passed.status, passed.header("location")), (303, Some("/p/1?a=1&b=%20")));
    assert_eq!(get(client, "/p/1?a=1&b=%20", headers).status, 200, "the bucket is full again");
    assert!(counted(&gate, "early") >= 1 && counted(&gate, "failed") == 0);
    assert_eq!(counted(&gate, "passed"), 1);
}

#[test]
fn a_proof_passes_at_once_and_a_second_one_earns_nothing() {
    let (origin, folder) = (Origin::start(), Folder::new("challenge-proof"));
    let path = folder.0.join("events.jsonl");
    let gate = challenging(&origin, &folder, &format!("[event_log]\npath = {path:?}\n"));
    let judge = gate.engine().judge();
    let client = &mut Client::connect(gate.addr());
    let headers = &from("192.0.2.1", "");
    let page = limited(client, "/p/1", headers);
    let token = field(&page, "token").to_owned();
    let proof = solve(&token);
    let another = get(client, "/p/2", headers);
    let another = field(&another, "token").to_owned();
    for _ in 0..2 {
        assert_eq!(send(client, &token, "/p/1", &proof, headers).status, 303);
    }
    assert_eq!(get(client, "/p/1", headers).status, 200);
    let plain = get(client, "/p/2", headers);
    assert!(
        plain.status == 429 && plain.body.starts_with("Too many"),
        "not asked again: {plain:?}"
    );
    for (token, target, proof) in [(&token, "/p/1", &proof), (&another, "/p/2", &solve(&another))] {
        assert_eq!(send(client, token, target, proof, headers).status, 303);
        assert_eq!(get(client, "/p/2", headers).status, 429, "a second pass refills no bucket");
    }
    // Another client's requests in between.
    limited(client, "/p/1", &from("192.0.2.2", ""));
    assert_eq!(counted(&gate, "passed"), 1);
    gate.stop();

    let text = std::fs::read_to_string(&path).unwrap();
    let mut reader = LogReader::new("events.jsonl", std::io::Cursor::new(text.as_bytes())).unwrap();
    let detector = Detector::new(Settings { capacity: 1000, hash_key: 1 }, judge);
    let (mut requests, mut passes) = (0, 0);
    let mut driver = Driver::default();
    while let Some(record) = reader.next().unwrap() {
        let mut judged = Judged::new(&detector, |_, verdict| {
            let recorded = record.decision.unwrap();
            assert_eq!(
                (verdict.action.as_str(), verdict.reason.as_str(), verdict.retry_after_s > 0),
                (recorded.action, recorded.reason, recorded.action == "limit"),
                "request {requests}"
            );
            assert_eq!((verdict.at, verdict.seq), (record.at, recorded.seq));
            requests += 1;
        });
        driver.step(&LogStep::of(&record, &detector), &mut judged);
        let is_pass = matches!(record.challenge, Some(RecordedChallenge::Passed(_)));
        passes += usize::from(record.kind == RecordKind::Challenge && is_pass);
    }
    assert_eq!((requests, passes), (9, 1), "{text}");
}

#[test]
fn what_is_forged_foreign_or_malformed_fails_and_gets_a_page_without_a_script() {
    let (origin, folder) = (Origin::start(), Folder::new("challenge-forged"));
    let gate = challenging(&origin, &folder, "");
    let client = &mut Client::connect(gate.addr());
    let headers = &from("192.0.2.1", "");
    let page = limited(client, "/p/1", headers);
    let token = field(&page, "token").to_owned();
    let proof = &solve(&token);
    let fails = |client: &mut Client, body: &str, headers: &str| {
        let answer = post(client, body, headers);
        assert_eq!((answer.status, answer.header("location")), (429, None), "{body}");
        assert!(!answer.body.contains("<script"), "{body}");
    };
    let good = format!("token={token}&target=/p/1&proof={proof}");
    fails(client, &good, &from("192.0.2.2", ""));
    fails(client, &good, &headers.replace("Firefox", "Chrome"));
    for (target, proof) in [
        ("/p/2", proof.as_str()),
        ("//evil.example/", proof),
        ("/%5Cevil.example/", proof),
        ("https://evil.example/", proof),
        ("/p/1%0d%0aSet-Cookie:a=b", proof),
        ("/p/1", "x"),
        ("/p/1", "-1"),
        ("/p/1", "99999999999999999999999"),
    ] {
        fails(client, &format!("token={token}&target={target}&proof={proof}"), headers);
    }
    let large = format!("{good}&more={}", "x".repeat(20_000));
    for body in ["", "token", "token=%ff&target=/", "\u{0}&&==", "token=-&target=/", &large] {
        fails(client, body, headers);
    }
    assert_eq!((counted(&gate, "failed"), counted(&gate, "passed")), (16, 0));
    // None of it spent the token.
    assert_eq!(post(client, &good, headers).status, 303);
    let reloaded = get(client, PATH, headers);
    assert_eq!((reloaded.status, reloaded.header("location")), (303, Some("/")));
}

#[test]
fn gates_with_one_secret_take_each_other_s_tokens_and_others_do_not() {
    let (origin, folder) = (Origin::start(), Folder::new("challenge-secret"));
    let secret = folder.0.join("secret");
    std::fs::write(&secret, "0123456789abcdef0123456789abcdef\n").unwrap();
    let shared = format!("secret_file = {secret:?}\n");
    let gates = [shared.as_str(), shared.as_str(), ""].map(|line| {
        let policy = format!("{LIMIT}{CHALLENGE}{line}");
        strict(&origin, &folder, "enforce", &policy)
    });
    let page = limited(&mut Client::connect(gates[0].addr()), "/p/1", BROWSER);
    let token = field(&page, "token").to_owned();
    let proof = solve(&token);
    let statuses = gates.map(|gate| {
        let client = &mut Client::connect(gate.addr());
        get(client, "/p/1", BROWSER);
        send(client, &token, "/p/1", &proof, BROWSER).status
    });
    assert_eq!(statuses, [303, 303, 429]);
}
