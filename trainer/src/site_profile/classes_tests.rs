//! Pages and assets of front ends of many kinds: what is learnt to be an asset, and what must not
//! be.

use detector::Class;
use proptest::prelude::*;

use super::tests::{Log, class, profile};

/// Ten people look at eight lists each, a minute apart. `each` says what a view asks for besides:
/// milliseconds after it, target.
fn viewers(each: impl Fn(i64, i64) -> Vec<(i64, String)>) -> Log {
    let mut log = Log::default();
    for person in 0..10_i64 {
        for view in 0..8_i64 {
            let (at, client) = (person * 1_000_000 + view * 60_000, format!("person-{person}"));
            let list = format!("/list/{}", (person + view) % 12);
            log.ask(at, &client, &list, None);
            for (after, target) in each(person, view) {
                log.ask(at + after, &client, &target, Some(&list));
            }
        }
    }
    log
}

fn learnt(log: Log, target: &str) -> Class {
    class(&profile(&log.typed_site("", |_| None)), target)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn images_are_assets_however_slowly_they_come(
        first_ms in 100_i64..7_000,
        step_ms in 20_i64..1_100,
        per_view in 5_i64..11,
    ) {
        let log = viewers(|person, view| {
            let number = |n| 100 + (person * 31 + view * 17 + n * 7) % 300;
            let image = |n| format!("/image/{}/brand", number(n));
            (0..per_view).map(|n| (first_ms + n * step_ms, image(n))).collect()
        });
        let profile = profile(&log.typed_site("", |_| None));
        prop_assert_eq!(class(&profile, "/image/281/brand"), Class::Asset);
        prop_assert_eq!(class(&profile, "/list/3"), Class::Page);
    }
}

#[test]
fn pictures_shown_by_other_sites_do_not_hide_what_pages_load() {
    let mut log = viewers(|person, view| {
        (0..7)
            .map(|n| (4_000 + n * 900, format!("/image/{}/thumb", person * 56 + view * 7 + n)))
            .collect()
    });
    for phone in 0..30 {
        for n in 0..5 {
            log.ask(n * 2_000, &format!("phone-{phone}"), &format!("/image/{n}/thumb"), None);
        }
    }
    assert_eq!(learnt(log, "/image/281/thumb"), Class::Asset);
}

#[test]
fn a_directory_for_pictures_needs_fewer_of_them_to_a_view() {
    let log = |directory: &'static str| {
        viewers(move |person, view| {
            let target = |n| format!("/{directory}/{}/x", person * 8 + view + n);
            (0..2).map(|n| (5_000 + n * 3_000, target(n))).collect()
        })
    };
    assert_eq!(learnt(log("photos"), "/photos/7/x"), Class::Asset);
    assert_eq!(learnt(log("products"), "/products/7/x"), Class::Page);
}

#[test]
fn products_opened_in_tabs_stay_pages_where_their_pictures_are_elsewhere() {
    let tabs = |count: i64, step_ms: i64| {
        viewers(move |person, view| {
            let product = |n| format!("/product/{}", (person * 13 + view * 7 + n * 5) % 90);
            (0..count).map(|n| (2_500 + n * step_ms, product(n))).collect()
        })
    };
    for count in 1..4 {
        assert_eq!(learnt(tabs(count, 3_500), "/product/60"), Class::Page, "{count} tabs");
    }
    // Many, one after the other, for as long as somebody looks through a list.
    assert_eq!(learnt(tabs(8, 6_000), "/product/60"), Class::Page);
}

#[test]
fn products_that_lead_on_stay_pages_however_many_are_opened() {
    let mut log = viewers(|_, view| {
        (0..6).map(|n| (2_000 + n * 2_000, format!("/product/{}", view * 6 + n))).collect()
    });
    for person in 0..10 {
        let at = person * 1_000_000 + 30_000;
        log.ask(at, &format!("person-{person}"), "/cart", Some("/product/1"));
    }
    assert_eq!(learnt(log, "/product/7"), Class::Page);
}

#[test]
fn polls_scrolls_and_calls_of_an_api_stay_pages() {
    let every = |ms: i64, count: i64, target: fn(i64, i64) -> String| {
        viewers(move |_, view| (0..count).map(|n| (3_000 + n * ms, target(view, n))).collect())
    };
    let check = |log: Log, target: &str| assert_eq!(learnt(log, target), Class::Page, "{target}");
    check(every(2_100, 8, |_, _| "/stock/now".to_owned()), "/stock/now");
    check(every(2_100, 8, |_, n| format!("/more?page={n}")), "/more?page=4");
    check(every(2_100, 8, |view, n| format!("/api/items/{}", view * 8 + n)), "/api/items/4");
    // Clicks in a front end of one page, for as long as somebody stays.
    check(every(4_000, 13, |view, n| format!("/data/{}", view * 13 + n)), "/data/4");
}

#[test]
fn content_types_decide_where_the_log_has_them() {
    // Nobody names the page that they are on.
    let unled = || {
        let mut log = Log::default();
        for (client, n) in (0..3).flat_map(|client| (0..9).map(move |n| (client, n))) {
            log.ask(n * 700, &format!("person-{client}"), &format!("/file/{n}/x"), None);
        }
        log
    };
    let learnt = |log: Log, content_type: &'static str, target: &str| {
        let site =
            log.typed_site("", |target| (!target.starts_with("/list")).then_some(content_type));
        class(&profile(&site), target)
    };
    assert_eq!(learnt(unled(), "image/webp", "/file/7/x"), Class::Asset);
    assert_eq!(learnt(unled(), "text/html; charset=utf-8", "/file/7/x"), Class::Page);
    assert_eq!(learnt(unled(), "application/json", "/file/7/x"), Class::Page);
    // Pages that are prefetched, and of which the log shows nothing that they load.
    let prefetched = || {
        viewers(|_, view| {
            (0..9).map(|n| (200 + n * 20, format!("/product/{}", view * 9 + n))).collect()
        })
    };
    assert_eq!(learnt(prefetched(), "text/html", "/product/7"), Class::Page);
    assert_eq!(learnt(prefetched(), "image/png", "/product/7"), Class::Asset);
    assert_eq!(learnt(prefetched(), "application/json", "/product/7"), Class::Asset);
}

#[test]
fn a_mixture_of_content_types_decides_nothing() {
    let log =
        viewers(|_, view| vec![(9_000, format!("/x/{view}")), (30_000, format!("/x/{view}1"))]);
    let site = log.typed_site("", |target| {
        Some(if target.ends_with('1') { "image/png" } else { "text/html" })
    });
    assert_eq!(class(&profile(&site), "/x/7"), Class::Page);
}
