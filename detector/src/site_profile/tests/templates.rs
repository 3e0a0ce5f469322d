//! Which template a request falls into, against trying every pattern.

use proptest::prelude::*;

use super::super::*;
use super::{empty, template};
use crate::url::normal;

#[test]
fn the_most_specific_template_wins() {
    let patterns = [
        "/item/:x",
        "/item/:n",
        "/item/new",
        "/c/:x",
        "/c/:x?page",
        "/c/:x?page&sort",
        "/c/:x?page&sort=price",
        "/",
        "/a/:x/c",
        "/a/b/d",
        "/index.php?option=com_content&view=article&id",
        "/::n/%2F",
        "/:x",
    ];
    let profile = SiteProfile::open(&empty(&patterns)).unwrap();
    let check = |target: &str, expect: &str| {
        let (path, query) = crate::url::split(target);
        let found = profile.pattern(path, query).map(|index| patterns[index]);
        assert_eq!(found, Some(expect).filter(|text| !text.is_empty()), "{target}");
    };
    check("/item/17", "/item/:n");
    check("/item/%31%37/", "/item/:n");
    check("/item/new", "/item/new");
    check("/item/ne%77?x=1", "/item/new");
    check("/item/17a", "/item/:x");
    check("/c/shoes", "/c/:x");
    check("/c/shoes?q=1&page=2", "/c/:x?page");
    check("/c/shoes?sort=price&page", "/c/:x?page&sort=price");
    check("/c/shoes?sort=name&page=3", "/c/:x?page&sort");
    check("/a/b/c", "/a/:x/c");
    check("/a/b/d", "/a/b/d");
    check("/a/b/e", "");
    check("/", "/");
    check("//", "/");
    check(
        "/index.php?view=article&id=4&option=com_content",
        "/index.php?option=com_content&view=article&id",
    );
    check("/index.php?view=list&id=4&option=com_content", "/:x");
    check("/:n/%2f", "/::n/%2F");
    check("/1/2/3/4/5/6/7/8", "");
}

#[test]
fn templates_are_numbered_by_their_order_and_assets_are_not() {
    let mut file = empty(&[]);
    file.templates = (0..20).map(|n| template(&format!("/t{n}"), None)).collect();
    file.templates[1].class = Some(Class::Asset);
    file.templates[2].class = Some(Class::Page);
    let profile = SiteProfile::open(&file).unwrap();
    let check = |path, number, class| {
        let place = profile.place(path, "");
        assert_eq!((place.template, place.class), (number, class), "{path}");
    };
    check("/t0", 0, None);
    check("/t1", OTHER, Some(Class::Asset));
    check("/t2", 1, Some(Class::Page));
    check("/t15", 14, None);
    check("/t16", OTHER, None);
    check("/elsewhere", OTHER, None);
}

#[test]
fn a_malformed_pattern_is_refused_and_says_why() {
    let check = |pattern: &str, expect: &str| {
        let error = SiteProfile::open(&empty(&[pattern])).unwrap_err().to_string();
        assert!(error.contains(expect), "{pattern:?}: {error}");
    };
    check("", "begin with '/'");
    check("item", "begin with '/'");
    check("/item//x", "empty segment");
    check("/item/", "empty segment");
    check("/item/:y", "neither :n, :x");
    check("/item?", "without a name");
    check("/item?=3", "without a name");
    check("/item?a&a=1", "twice");
    check("/%41", "normal form");
    check("/a?%41", "normal form");
    check("/%2f", "normal form");
    check("/a b", "white space");
    check("/a#b", "white space");
    check(&"/a".repeat(17), "16 segments");
    check(&format!("/{}", "a".repeat(300)), "256 bytes");
    let twice = SiteProfile::open(&empty(&["/a?b&c", "/a?c&b"])).unwrap_err().to_string();
    assert!(twice.contains("twice"), "{twice}");
    let parameters: Vec<String> = (0..65).map(|n| format!("/a?p{n}")).collect();
    let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
    assert!(
        SiteProfile::open(&empty(&parameters)).is_err()
            && SiteProfile::open(&empty(&parameters[..64])).is_ok()
    );
}

/// Patterns and targets that meet: few words, all wildcards, escapes.
fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        "[/a-c0-2:nx%?&=]{0,24}",
        "(/(a|b|1|22|:n|:x|%61|%2f|%)){0,4}(\\?[a-b=1&]{0,8})?",
        any::<String>()
    ]
}

/// As the module says, pattern by pattern.
fn slow_find(patterns: &[Pattern], path: &str, query: &str) -> Option<usize> {
    let norm = |text: &str| String::from_utf8_lossy(&normal(text).collect::<Vec<_>>()).into_owned();
    let path: Vec<String> = segments(path).map(norm).collect();
    let query: Vec<(String, String)> =
        parameters(query).map(|(name, value)| (norm(name), norm(value))).collect();
    let matches = |pattern: &Pattern| {
        pattern.segments.len() == path.len()
            && pattern.segments.iter().zip(&path).all(|(segment, text)| match segment {
                Segment::Literal(literal) => literal == text,
                Segment::Number => text.bytes().all(|byte| byte.is_ascii_digit()),
                Segment::Any => true,
            })
            && pattern.parameters.iter().all(|needed| {
                let fits =
                    |value: &str| needed.value.as_deref().is_none_or(|wanted| wanted == value);
                query.iter().any(|(name, value)| *name == needed.name && fits(value))
            })
    };
    let rank = |&index: &usize| {
        let pattern = &patterns[index];
        let kinds: Vec<_> =
            pattern.segments.iter().map(|s| (*s == Segment::Any, *s == Segment::Number)).collect();
        let values =
            pattern.parameters.iter().filter(|parameter| parameter.value.is_some()).count();
        (kinds, usize::MAX - pattern.parameters.len(), usize::MAX - values, index)
    };
    (0..patterns.len()).filter(|&index| matches(&patterns[index])).min_by_key(rank)
}

proptest! {
    #[test]
    fn the_sets_find_what_trying_every_pattern_finds(
        mut patterns in prop::collection::vec(target(), 0..64),
        targets in prop::collection::vec(target(), 1..20),
    ) {
        let mut seen = std::collections::BTreeSet::new();
        patterns.retain(|text| Pattern::parse(text).is_ok_and(|pattern| seen.insert(pattern)));
        let texts: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let profile = SiteProfile::open(&empty(&texts)).unwrap();
        let patterns: Vec<Pattern> =
            texts.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        for target in &targets {
            let (path, query) = crate::url::split(target);
            let expect = slow_find(&patterns, path, query);
            prop_assert_eq!(profile.pattern(path, query), expect, "{} in {:?}", target, texts);
        }
    }

    #[test]
    fn a_pattern_survives_being_written(text in target()) {
        if let Ok(pattern) = Pattern::parse(&text) {
            prop_assert_eq!(Pattern::parse(&pattern.to_string()), Ok(pattern));
        }
    }
}
