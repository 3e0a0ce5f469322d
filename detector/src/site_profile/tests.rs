//! The memory against slow and obvious formulas, and against whatever a file or a request may hold.

use proptest::prelude::*;

use super::*;
use crate::url::normal;

const KEY: u64 = 0x1234_5678_9abc_def0;

fn template(pattern: &str, class: Option<Class>) -> TemplateFile {
    TemplateFile { pattern: pattern.to_owned(), class, share: 0.1 }
}

fn empty(patterns: &[&str]) -> SiteProfileFile {
    SiteProfileFile {
        key: format!("{KEY:016x}"),
        probe: probe(KEY),
        clients: 0,
        visits: 0,
        distinct: 0,
        templates: patterns.iter().map(|pattern| template(pattern, None)).collect(),
        mix: [0; NUMBERS],
        transitions: [[0; NUMBERS]; NUMBERS],
        pages: Vec::new(),
        visitors: Vec::new(),
        steps: Vec::new(),
    }
}

/// Three products, of which the last is in nobody's table: 6 visits of 4 clients.
fn small() -> (SiteProfileFile, [u32; 3]) {
    let mut file = empty(&["/p/:n", "/c/:x", "/"]);
    let memory = SiteProfile::open(&file).unwrap();
    let ids = ["/p/1", "/p/2", "/p/3"].map(|path| memory.place(path, "").page);
    let mut table = [(ids[0], 3), (ids[1], 2)];
    table.sort_unstable();
    file.pages = table.iter().map(|row| row.0).collect();
    file.visitors = table.iter().map(|row| row.1).collect();
    (file.clients, file.visits, file.distinct) = (4, 6, 3);
    file.mix[0] = 4;
    file.mix[2] = 2;
    file.transitions[0][1] = 7;
    file.transitions[0][0] = 2;
    file.steps = vec![step(ids[0], ids[1])];
    (file, ids)
}

#[test]
fn novelty_is_the_formula_and_its_mean_over_the_visits_is_zero() {
    let (file, ids) = small();
    let memory = SiteProfile::open(&file).unwrap();
    let bits = |seen: f64| -((seen + 0.5) / (6.0 + 0.5 * 3.0)).log2();
    // Six visits: three, two, and one to a page that is not kept.
    let mean = (3.0 * bits(3.0) + 2.0 * bits(2.0) + bits(0.0)) / 6.0;
    for (page, seen) in [(ids[0], 3.0), (ids[1], 2.0), (ids[2], 0.0), (77, 0.0)] {
        let expect = bits(seen) - mean;
        assert!(
            (f64::from(memory.novelty(page)) - expect).abs() < 1e-5,
            "{} {expect}",
            memory.novelty(page)
        );
        assert_eq!(f64::from(memory.visitors(page)), seen);
    }
    assert!(
        SiteProfile::open(&empty(&[])).unwrap().novelty(77).is_nan(),
        "nothing remembered is missing, not zero"
    );
}

#[test]
fn surprise_and_mix_are_the_formulas() {
    let memory = SiteProfile::open(&small().0).unwrap();
    // Three templates and "any other": four ways to go.
    let check = |from, to, seen: f64, all: f64| {
        let expect = -((seen + 1.0) / (all + 4.0)).log2();
        assert!((f64::from(memory.surprise(from, to)) - expect).abs() < 1e-5, "{from} to {to}");
    };
    check(0, 1, 7.0, 9.0);
    check(0, 0, 2.0, 9.0);
    check(0, OTHER, 0.0, 9.0);
    check(1, 0, 0.0, 0.0);
    check(200, 201, 0.0, 0.0);
    let expect = |seen: f32| (seen + 0.5) / (6.0 + 8.0);
    assert!(
        (memory.mix()[0] - expect(4.0)).abs() < 1e-6
            && (memory.mix()[1] - expect(0.0)).abs() < 1e-6
    );
    assert!((memory.mix().iter().sum::<f32>() - 1.0).abs() < 1e-5);
}

#[test]
fn a_step_is_known_in_its_direction_only() {
    let (file, ids) = small();
    let memory = SiteProfile::open(&file).unwrap();
    assert!(memory.knows_step(ids[0], ids[1]));
    assert!(!memory.knows_step(ids[1], ids[0]) && !memory.knows_step(ids[0], ids[2]));
}

#[test]
fn one_page_has_one_id_however_it_is_written() {
    let memory = SiteProfile::open(&empty(&[])).unwrap();
    let page = |path, query| memory.place(path, query).page;
    assert_eq!(page("/p/1/", "b=2&a=1"), page("/%70/1", "a=1&utm_source=mail&b=2"));
    let (long, escaped) = (format!("/{}", "a".repeat(150)), format!("/{}%61", "a".repeat(149)));
    assert_eq!(page(&long, ""), page(&escaped, ""));
    assert_ne!(page("/p/1", ""), page("/p/2", ""));
    assert_ne!(page("/p/1", "a=1"), page("/p/1", "a=2"));
    assert_ne!(page("/p/1", ""), page("/p1", ""));
    let other = SiteProfile::open(&SiteProfileFile {
        key: format!("{:016x}", 7),
        probe: probe(7),
        ..empty(&[])
    })
    .unwrap();
    assert_ne!(page("/p/1", ""), other.place("/p/1", "").page);
}

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
    let memory = SiteProfile::open(&empty(&patterns)).unwrap();
    let check = |target: &str, expect: &str| {
        let (path, query) = crate::url::split(target);
        let found = memory.pattern(path, query).map(|index| patterns[index]);
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
    let memory = SiteProfile::open(&file).unwrap();
    let check = |path, number, class| {
        let place = memory.place(path, "");
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

#[test]
fn every_bound_is_checked() {
    let check = |change: fn(&mut SiteProfileFile), expect: &str| {
        let mut file = small().0;
        assert!(SiteProfile::open(&file).is_ok());
        change(&mut file);
        let error = SiteProfile::open(&file).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}, expected {expect}");
    };
    check(|file| file.key = "+123456789abcdef".to_owned(), "hex");
    check(|file| file.probe ^= 1, "hashes URLs otherwise");
    check(|file| file.key = format!("{:016x}", KEY ^ 1), "hashes URLs otherwise");
    check(
        |file| file.templates = (0..65).map(|n| template(&format!("/{n}"), None)).collect(),
        "64",
    );
    check(|file| file.templates[0].share = f32::NAN, "share");
    check(|file| file.pages = (1..=16_385).collect(), "16,384");
    check(|file| file.steps = (1..=16_385).collect(), "16,384");
    check(|file| file.pages.reverse(), "ascending");
    check(|file| file.steps = vec![0], "ascending");
    check(|file| file.visitors.push(1), "length");
    check(|file| file.visitors[0] = 0, "none");
    check(|file| file.visitors[0] = 5, "more than all");
    check(|file| file.visits = 4, "exceed");
    check(|file| file.distinct = 7, "distinct");
    check(|file| file.distinct = 1, "distinct");
    check(|file| file.clients = 7, "clients");
    check(|file| file.mix[3] = u32::MAX, "mix");
}

#[test]
fn a_file_survives_json_and_the_largest_stays_below_300_kb() {
    let mut file = small().0;
    assert_eq!(
        serde_json::from_str::<SiteProfileFile>(&serde_json::to_string(&file).unwrap()).unwrap(),
        file
    );
    file.templates =
        (0..64).map(|n| template(&format!("/{n:0>255}"), Some(Class::Asset))).collect();
    file.transitions = [[u32::MAX; NUMBERS]; NUMBERS];
    file.steps = (0..STEPS_MAX as u32).map(|n| u32::MAX - STEPS_MAX as u32 + n).collect();
    file.pages = file.steps.clone();
    file.visitors = vec![u16::MAX; PAGES_MAX];
    (file.clients, file.visits, file.distinct) =
        (70_000, PAGES_MAX as u32 * 65_535, PAGES_MAX as u32);
    file.mix = [0; NUMBERS];
    file.mix[0] = file.visits;
    let memory = SiteProfile::open(&file).unwrap();
    assert_eq!(memory.visitors(u32::MAX - 1), 65_535);
    let text = serde_json::to_string(&file).unwrap();
    assert!(text.len() < 300_000, "{}", text.len());
    assert_eq!(serde_json::from_str::<SiteProfileFile>(&text).unwrap(), file);
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
    fn place_takes_any_text(path in any::<String>(), query in any::<String>()) {
        let memory = SiteProfile::open(&empty(&["/:x", "/:n/a?b", "/?c=1", "/"])).unwrap();
        prop_assert_ne!(memory.place(&path, &query).page, 0);
    }

    #[test]
    fn the_sets_find_what_trying_every_pattern_finds(
        mut patterns in prop::collection::vec(target(), 0..64), targets in prop::collection::vec(target(), 1..20),
    ) {
        let mut seen = std::collections::BTreeSet::new();
        patterns.retain(|text| Pattern::parse(text).is_ok_and(|pattern| seen.insert(pattern)));
        let texts: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let memory = SiteProfile::open(&empty(&texts)).unwrap();
        let patterns: Vec<Pattern> = texts.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        for target in &targets {
            let (path, query) = crate::url::split(target);
            prop_assert_eq!(memory.pattern(path, query), slow_find(&patterns, path, query), "{} in {:?}", target, texts);
        }
    }

    #[test]
    fn a_pattern_survives_being_written(text in target()) {
        if let Ok(pattern) = Pattern::parse(&text) {
            prop_assert_eq!(Pattern::parse(&pattern.to_string()), Ok(pattern));
        }
    }

    #[test]
    fn a_damaged_file_is_refused_or_answers(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = serde_json::to_vec(&small().0).unwrap();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(file) = serde_json::from_slice::<SiteProfileFile>(&bytes)
            && let Ok(memory) = SiteProfile::open(&file)
        {
            let place = memory.place("/p/1", "a=b");
            prop_assert!(memory.novelty(place.page).is_finite() && memory.surprise(0, 1).is_finite());
        }
    }
}

#[test]
fn the_features_are_means_of_what_the_memory_says_of_each_page() {
    use crate::{AllowList, ClientKey, Event, Features, Request, Timestamp, UrlHasher, Window};
    let memory = SiteProfile::open(&small().0).unwrap();
    let walk = ["/p/1", "/p/2", "/p/2", "/p/1", "/c/tea", "/p/3", "/nowhere", "/p/1", "/p/2"];
    let events: Vec<Event> = walk
        .iter()
        .enumerate()
        .map(|(i, &target)| {
            let (client, at) =
                (ClientKey::from_text("192.0.2.1"), Timestamp::from_secs(i as i64 * 9));
            let request = Request {
                client,
                at,
                method: "GET",
                target,
                fetch_dest: None,
                agent: None,
                recorded: None,
                is_proxys: false,
            };
            Event::new(&request, &UrlHasher::new(1), &AllowList::default(), Some(&memory))
        })
        .collect();
    let mut window = Window::new(events[0].at);
    for event in &events {
        window.push_at_site(event, 1, Some(&memory));
    }
    let features = Features::measure(&window);

    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let share = |page: u8| f64::from(memory.mix()[usize::from(page)]);
    let steps: Vec<_> = events.windows(2).collect();
    let expect = [
        (
            "novelty",
            mean(events.iter().map(|event| f64::from(memory.novelty(event.page))).collect()),
        ),
        (
            "tail_share",
            mean(
                events.iter().map(|e| f64::from(u8::from(memory.visitors(e.page) <= 1))).collect(),
            ),
        ),
        (
            "known_step",
            mean(
                steps
                    .iter()
                    .filter(|step| step[0].page != step[1].page)
                    .map(|step| f64::from(u8::from(memory.knows_step(step[0].page, step[1].page))))
                    .collect(),
            ),
        ),
        (
            "walk_likelihood",
            mean(
                steps
                    .iter()
                    .map(|step| f64::from(memory.surprise(step[0].template, step[1].template)))
                    .collect(),
            ),
        ),
        (
            "template_rarity",
            mean(events.iter().map(|event| -share(event.template).log2()).collect()),
        ),
    ];
    for (name, expect) in expect {
        let value = f64::from(features.value(name).unwrap());
        assert!((value - expect).abs() < 0.01, "{name} is {value}, expected {expect}");
    }
    // Without a memory they are missing, not zero.
    let mut window = Window::new(events[0].at);
    for event in &events {
        window.push(event, 1);
    }
    let features = Features::measure(&window);
    assert!(expect.iter().all(|(name, _)| features.value(name).unwrap().is_nan()));
}
