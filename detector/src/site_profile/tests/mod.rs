//! The site profile against slow and obvious formulas, and against whatever a file or a request may
//! hold.

use proptest::prelude::*;

use super::*;

mod features;
mod templates;

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
        assets_alone: None,
        pages: Vec::new(),
        visitors: Vec::new(),
        steps: Vec::new(),
    }
}

/// Three products, of which the last is in nobody's table: 6 visits of 4 clients.
fn small() -> (SiteProfileFile, [u32; 3]) {
    let mut file = empty(&["/p/:n", "/c/:x", "/"]);
    let profile = SiteProfile::open(&file).unwrap();
    let ids = ["/p/1", "/p/2", "/p/3"].map(|path| profile.place(path, "").page);
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
    let profile = SiteProfile::open(&file).unwrap();
    let bits = |seen: f64| -((seen + 0.5) / (6.0 + 0.5 * 3.0)).log2();
    // Six visits: three, two, and one to a page that is not kept.
    let mean = (3.0 * bits(3.0) + 2.0 * bits(2.0) + bits(0.0)) / 6.0;
    for (page, seen) in [(ids[0], 3.0), (ids[1], 2.0), (ids[2], 0.0), (77, 0.0)] {
        let expect = bits(seen) - mean;
        assert!(
            (f64::from(profile.novelty(page)) - expect).abs() < 1e-5,
            "{} {expect}",
            profile.novelty(page)
        );
        assert_eq!(f64::from(profile.visitors(page)), seen);
    }
    assert!(
        SiteProfile::open(&empty(&[])).unwrap().novelty(77).is_nan(),
        "nothing remembered is missing, not zero"
    );
}

#[test]
fn surprise_and_mix_are_the_formulas() {
    let profile = SiteProfile::open(&small().0).unwrap();
    // Three templates and "any other": four ways to go.
    let check = |from, to, seen: f64, all: f64| {
        let expect = -((seen + 1.0) / (all + 4.0)).log2();
        assert!((f64::from(profile.surprise(from, to)) - expect).abs() < 1e-5, "{from} to {to}");
    };
    check(0, 1, 7.0, 9.0);
    check(0, 0, 2.0, 9.0);
    check(0, OTHER, 0.0, 9.0);
    check(1, 0, 0.0, 0.0);
    check(200, 201, 0.0, 0.0);
    let expect = |seen: f32| (seen + 0.5) / (6.0 + 8.0);
    assert!(
        (profile.mix()[0] - expect(4.0)).abs() < 1e-6
            && (profile.mix()[1] - expect(0.0)).abs() < 1e-6
    );
    assert!((profile.mix().iter().sum::<f32>() - 1.0).abs() < 1e-5);
}

#[test]
fn a_step_is_known_in_its_direction_only() {
    let (file, ids) = small();
    let profile = SiteProfile::open(&file).unwrap();
    assert!(profile.knows_step(ids[0], ids[1]));
    assert!(!profile.knows_step(ids[1], ids[0]) && !profile.knows_step(ids[0], ids[2]));
}

#[test]
fn one_page_has_one_id_however_it_is_written() {
    let profile = SiteProfile::open(&empty(&[])).unwrap();
    let page = |path, query| profile.place(path, query).page;
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
    let profile = SiteProfile::open(&file).unwrap();
    assert_eq!(profile.visitors(u32::MAX - 1), 65_535);
    let text = serde_json::to_string(&file).unwrap();
    assert!(text.len() < 300_000, "{}", text.len());
    assert_eq!(serde_json::from_str::<SiteProfileFile>(&text).unwrap(), file);
}

proptest! {
    #[test]
    fn place_takes_any_text(path in any::<String>(), query in any::<String>()) {
        let profile = SiteProfile::open(&empty(&["/:x", "/:n/a?b", "/?c=1", "/"])).unwrap();
        prop_assert_ne!(profile.place(&path, &query).page, 0);
    }

    #[test]
    fn a_damaged_file_is_refused_or_answers(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = serde_json::to_vec(&small().0).unwrap();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(file) = serde_json::from_slice::<SiteProfileFile>(&bytes)
            && let Ok(profile) = SiteProfile::open(&file)
        {
            let place = profile.place("/p/1", "a=b");
            prop_assert!(profile.novelty(place.page).is_finite());
            prop_assert!(profile.surprise(0, 1).is_finite());
        }
    }
}
