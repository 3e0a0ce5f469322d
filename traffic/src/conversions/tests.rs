//! Patterns match what they should, and conversions are found in every kind of log.

use detector::{AgentKey, Class, Timestamp, UrlKey};
use proptest::prelude::*;

use super::*;
use crate::log::{Record, RecordKind, RecordedDecision};

fn outcomes(pattern: &str) -> Conversions {
    let mut outcomes = Conversions::default();
    outcomes.add("buyer", pattern).unwrap();
    outcomes
}

fn fits(pattern: &str, method: &str, target: &str, status: u16) -> bool {
    let outcomes = outcomes(pattern);
    outcomes.reached(outcomes.asked(method, target), status).has(0)
}

#[test]
fn a_pattern_fits_what_it_says_and_nothing_else() {
    let check = |pattern: &str, method: &str, target: &str, status: u16, expect: bool| {
        assert_eq!(
            fits(pattern, method, target, status),
            expect,
            "{pattern:?} and {method} {target} {status}"
        );
    };
    let order = "POST /checkout/complete 2xx";
    check(order, "POST", "/checkout/complete", 200, true);
    check(order, "POST", "/checkout/complete/", 204, true);
    check(order, "POST", "https://shop.example/checkout/complete?token=1#x", 201, true);
    check(order, "POST", "/checkout/%63omplete", 200, true);
    check(order, "GET", "/checkout/complete", 200, false);
    check(order, "POST", "/checkout/complete", 302, false);
    check(order, "POST", "/checkout/complete", 0, false);
    check(order, "POST", "/checkout/complete/again", 200, false);
    check(order, "POST", "/checkout", 200, false);
    check(order, "POST", "/Checkout/complete", 200, false);
    check(order, "POST", "garbage", 200, false);

    check("* /order/:id/paid 302", "PUT", "/order/81/paid", 302, true);
    check("* /order/*/paid 302", "GET", "/order/81/paid", 302, true);
    check("* /order/:id/paid 302", "PUT", "/order//paid", 302, false);
    check("* /order/:id/paid 302", "PUT", "/order/81/2/paid", 302, false);
    check("* /order/:id *", "PUT", "/order/81", 0, true);
    check("* /order/:id *", "PUT", "/order", 200, false);

    check("GET /thanks* 200", "GET", "/thanks", 200, true);
    check("GET /thanks* 200", "GET", "/thanks-a-lot/81", 200, true);
    check("GET /thanks* 200", "GET", "/than", 200, false);
    check("GET /account/* 200", "GET", "/account/orders/1", 200, true);
    check("GET /account/* 200", "GET", "/account/", 200, true);
    check("GET /account/* 200", "GET", "/account", 200, false);
    check("GET /a/:b/* 2xx", "GET", "/a/b/c/d", 200, true);
    check("GET /a/:b/* 2xx", "GET", "/a/b", 200, false);
    check("GET /* *", "GET", "/", 404, true);
    check("GET / *", "GET", "/", 404, true);
    check("GET / *", "GET", "https://shop.example", 404, true);
    check("GET / *", "GET", "/x", 404, false);

    let opencart = "POST /index.php?route=checkout/success 2xx";
    check(opencart, "POST", "/index.php?route=checkout/success", 200, true);
    check(opencart, "POST", "/index.php?lang=en&route=checkout%2Fsuccess", 200, false);
    check(opencart, "POST", "/index.php?lang=en&route=checkout/success", 200, true);
    check(opencart, "POST", "/index.php?route=checkout/cart", 200, false);
    check(opencart, "POST", "/index.php", 200, false);
    check("GET /done?order=* 200", "GET", "/done?order=81", 200, true);
    check("GET /done?order=* 200", "GET", "/done?orders=81", 200, false);
}

#[test]
fn what_cannot_be_used_is_named_with_what_was_expected() {
    let check = |name: &str, pattern: &str, expect: &[&str]| {
        let said = Conversions::default().add(name, pattern).unwrap_err().to_string();
        for expect in expect {
            assert!(said.contains(expect), "{said} says nothing of {expect:?}");
        }
    };
    check("buyer", "", &["`buyer`", "0 words", "METHOD PATH STATUS"]);
    check("buyer", "POST /checkout", &["`buyer`", "2 words", "METHOD PATH STATUS"]);
    check("buyer", "post /checkout 2xx", &["\"post\" is not a method", "in capitals"]);
    check("buyer", "POST checkout 2xx", &["\"checkout\" is not a path", "begins with a slash"]);
    check("buyer", "POST /a*b 2xx", &["`*` within a segment"]);
    check("buyer", "POST /a*b/c* 2xx", &["`*` within a segment"]);
    check("buyer", "POST /a 6xx", &["\"6xx\" is not a status", "such as 2xx"]);
    check("buyer", "POST /a 2000", &["\"2000\" is not a status"]);
    check("buyer", "POST /a 2é", &["is not a status"]);
    check("", "POST /a 2xx", &["not a word"]);
    check("a b", "POST /a 2xx", &["not a word"]);
    let said = Conversions::default().add_flag("POST /a 2xx").unwrap_err().to_string();
    assert!(said.contains("no `=`") && said.contains("NAME=METHOD PATH STATUS"), "{said}");
}

#[test]
fn names_keep_their_numbers_and_may_have_several_patterns() {
    let mut outcomes = Conversions::default();
    outcomes.add_flag("buyer=POST /checkout/complete 2xx").unwrap();
    outcomes.add_flag("log-in = POST /login 302").unwrap();
    outcomes.add("buyer", "GET /thanks?order=* 200").unwrap();
    assert_eq!(outcomes.names(), ["buyer", "log-in"]);
    let patterns: Vec<String> =
        outcomes.patterns().map(|(name, pattern)| format!("{name}: {pattern}")).collect();
    assert_eq!(patterns[2], "buyer: GET /thanks?order=* 200");
    let reached = outcomes.reached(outcomes.asked("GET", "/thanks?order=1"), 200);
    assert!(reached.has(0) && !reached.has(1) && !reached.has(99) && !reached.is_nothing());
    for number in 0..40 {
        let name = format!("n{number}");
        assert_eq!(outcomes.add(&name, "GET / 200").is_ok(), number < 30, "{name}");
    }
    let mut many = Conversions::default();
    assert!((0..64).all(|_| many.add("buyer", "GET / 200").is_ok()));
    assert!(many.add("buyer", "GET / 200").unwrap_err().problem.contains("64 patterns"));
    assert!(many.reached(many.asked("GET", "/"), 200).has(0));
}

#[test]
fn a_request_and_its_end_are_joined_also_in_two_lines() {
    let outcomes = outcomes("POST /checkout/complete 2xx");
    let mut watch = ConversionWatch::new(&outcomes);
    let at = Timestamp::from_secs;
    let whole = Record {
        client: "192.0.2.7",
        at: at(9),
        method: "POST",
        target: "/checkout/complete",
        ..Record::default()
    };
    assert_eq!(watch.see(&Record { status: 500, ..whole }), None);
    let found = watch.see(&Record { status: 200, ..whole }).unwrap();
    assert_eq!((found.client, found.at), (whole.client_key(), at(9)));

    let decision = RecordedDecision {
        seq: 1,
        key: UrlKey(0),
        class: Class::Page,
        agent: Some(AgentKey::NONE),
        id: "d1",
        mode: "shadow",
        action: "allow",
        reason: "usual",
        score: None,
    };
    let request = Record { kind: RecordKind::Request, decision: Some(decision), ..whole };
    let end = Record {
        kind: RecordKind::Outcome,
        client: "192.0.2.7",
        at: at(11),
        id: Some("d1"),
        status: 200,
        ..Record::default()
    };
    assert_eq!(watch.see(&end), None, "nobody has asked yet");
    assert_eq!(watch.see(&request), None);
    assert_eq!(watch.see(&Record { id: Some("d2"), ..end }), None);
    assert_eq!(watch.see(&end).unwrap().at, at(9), "the time at which it was asked for");
    assert_eq!(watch.see(&end), None, "each ends once");
}

#[test]
fn requests_that_never_end_do_not_fill_the_memory() {
    let outcomes = outcomes("* /* *");
    let mut watch = ConversionWatch::new(&outcomes);
    let ids: Vec<String> = (0..WAITING).map(|id| id.to_string()).collect();
    for id in &ids {
        let record = Record {
            kind: RecordKind::Request,
            id: Some(id),
            target: "/",
            method: "GET",
            ..Record::default()
        };
        watch.see(&record);
    }
    let end = |id: &'static str| Record {
        kind: RecordKind::Outcome,
        id: Some(id),
        status: 200,
        ..Record::default()
    };
    assert_eq!(watch.see(&end("0")), None, "given up");
    assert!(watch.see(&end("69999")).is_some());
}

const WAITING: usize = 70_000;

proptest! {
    /// Any text as a pattern, and any request.
    #[test]
    fn nothing_panics(
        name in ".{0,40}", pattern in ".{0,60}",
        method in ".{0,8}", target in ".{0,60}", status: u16,
    ) {
        let mut outcomes = Conversions::default();
        let _ = outcomes.add(&name, &pattern);
        let _ = outcomes.add_flag(&pattern);
        let _ = outcomes.reached(outcomes.asked(&method, &target), status);
    }

    /// Texts that are nearly patterns, and requests that nearly match.
    #[test]
    fn nothing_panics_near_the_mark(
        pattern in "(GET|\\*|p) ?/?([a%2é:*/?=&]{0,8}) (2xx|[1-6][0-9x]{2}|\\*)",
        target in "/?[a%2é:*/?=&#]{0,10}",
        status: u16,
    ) {
        let mut outcomes = Conversions::default();
        if outcomes.add("x", &pattern).is_ok() {
            let _ = outcomes.reached(outcomes.asked("GET", &target), status);
        }
    }

    /// A path without wildcards matches itself, with or without escapes.
    #[test]
    fn a_path_fits_itself(
        segments in prop::collection::vec("[a-z0-9._~-]{1,8}", 1..6), escaped in any::<u8>(),
    ) {
        let path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        let at = 1 + usize::from(escaped) % segments[0].len();
        let odd = format!("{}%{:02x}{}", &path[..at], path.as_bytes()[at], &path[at + 1..]);
        let (pattern, of_odd, longer) = (format!("GET {path} 200"), format!("GET {odd} \
            200"), format!("{path}/x"));
        prop_assert!(fits(&pattern, "GET", &odd, 200));
        prop_assert!(fits(&of_odd, "GET", &path, 200));
        prop_assert!(!fits(&pattern, "GET", &longer, 200));
    }
}
