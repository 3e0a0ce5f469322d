//! Small shops whose logs are written out here, and what is learnt from them.

use std::collections::{BTreeMap, BTreeSet};

use detector::Timestamp;
use detector::site_profile::{OTHER, step};
use proptest::prelude::*;
use traffic::log::Record;

use super::*;
use crate::label::{Label, Labels};
use crate::site_builder::SiteBuilder;

/// A log in the making: milliseconds, client, target, the page that led there.
#[derive(Default)]
pub(super) struct Log(Vec<(i64, String, String, Option<String>)>);

impl Log {
    pub(super) fn ask(&mut self, at_ms: i64, client: &str, target: &str, referer: Option<&str>) {
        let referer = referer.map(|page| format!("https://shop.example{page}"));
        self.0.push((at_ms, client.to_owned(), target.to_owned(), referer));
    }

    /// A page and, within a second of it, what it loads.
    pub(super) fn view(
        &mut self,
        at_ms: i64,
        client: &str,
        page: &str,
        from: Option<&str>,
        loads: &[String],
    ) {
        self.ask(at_ms, client, page, from);
        for (index, target) in loads.iter().enumerate() {
            self.ask(at_ms + 100 + 20 * index as i64, client, target, Some(page));
        }
    }

    /// Whom the labels do not name is unknown.
    fn site(self, labels: &str) -> Site {
        self.typed_site(labels, |_| None)
    }

    /// The site of a log in which the answer to a target has this content type.
    pub(super) fn typed_site(
        mut self,
        labels: &str,
        content_type: impl Fn(&str) -> Option<&'static str>,
    ) -> Site {
        self.0.sort_by_key(|line| line.0);
        let mut builder = SiteBuilder::default();
        for (at_ms, client, target, referer) in &self.0 {
            let at = Timestamp::from_micros(at_ms * 1_000);
            let (method, user_agent) = ("GET", Some("Mozilla/5.0"));
            let referer = referer.as_deref();
            let noted = builder.note(&Record {
                at,
                client,
                method,
                target,
                status: 200,
                referer,
                user_agent,
                content_type: content_type(target),
                ..Record::default()
            });
            noted.unwrap();
        }
        let labels = Labels::parse("labels.csv", &format!("client,label\n{labels}")).unwrap();
        builder.finish("shop", 1_000, Some(&labels)).unwrap()
    }
}

/// What a request is taken for by a gate with this profile.
pub(super) fn class(profile: &SiteProfile, target: &str) -> Class {
    let (path, query) = split(target);
    profile.place(path, query).class.unwrap_or_else(|| classify(path, None))
}

pub(super) fn profile(site: &Site) -> SiteProfile {
    SiteProfile::open(&learn(site, |_| true).unwrap()).unwrap()
}

/// Ten people look at eight products each, a list before every product; each page loads what
/// `loads` says.
fn people(log: &mut Log, loads: impl Fn(&str, i64) -> Vec<String>) {
    for person in 0..10_i64 {
        for view in 0..8_i64 {
            let (at, client) = (person * 1_000_000 + view * 60_000, format!("person-{person}"));
            let list = format!("/list?page={}", view % 3);
            let product = format!("/product/{}", 60_000 + (person * 7 + view * 13) % 40);
            log.view(at, &client, &list, None, &loads(&list, view));
            log.view(at + 20_000, &client, &product, Some(&list), &loads(&product, view));
        }
    }
}

#[test]
fn images_without_an_extension_are_assets_and_products_are_pages() {
    let mut log = Log::default();
    people(&mut log, |_, view| {
        (0..6).map(|n| format!("/photo/{}/productModel/large", 60_000 + view + n)).collect()
    });
    let mut site = log.site("");
    let profile = profile(&site);
    assert_eq!(class(&profile, "/photo/60844/productModel/large"), Class::Asset);
    assert_eq!(class(&profile, "/product/60844"), Class::Page);
    assert_eq!(class(&profile, "/list?page=9"), Class::Page);
    assert_eq!(profile.place("/photo/60844/productModel/large", "").template, OTHER);

    assert_eq!(site.clients[0].pages, 8 * (2 + 12), "by the prior everything is a page");
    site.apply_profile(&profile);
    assert_eq!(site.clients[0].pages, 16);
    let mut learnt = 0;
    site.walk(|step| {
        let is_asset = step.event.class == Class::Asset;
        learnt += u32::from(is_asset && step.event.prior() == Class::Page);
    });
    assert!(learnt > 0);
    let nothing = SiteProfileFile { templates: Vec::new(), ..learn(&site, |_| true).unwrap() };
    site.apply_profile(&SiteProfile::open(&nothing).unwrap());
    assert_eq!(site.clients[0].pages, 8 * (2 + 12), "a profile that says nothing leaves the prior");
}

#[test]
fn the_calls_of_an_api_shop_stay_pages() {
    let mut log = Log::default();
    people(&mut log, |_, view| {
        (0..1 + view % 2).map(|n| format!("/api/v1/products?page={n}")).collect()
    });
    // Four clients that call it a hundred times per view have four voices of fourteen.
    for bot in 0..4 {
        let loads: Vec<String> = (0..100).map(|n| format!("/api/v1/products?page={n}")).collect();
        (0..50).for_each(|view| {
            log.view(view * 9_000, &format!("bot-{bot}"), "/list?page=1", None, &loads)
        });
    }
    let profile = profile(&log.site(""));
    assert_eq!(class(&profile, "/api/v1/products?page=2"), Class::Page);
    assert_eq!(class(&profile, "/product/60844"), Class::Page);
}

#[test]
fn prefetched_products_stay_pages() {
    // Every list prefetches ten products at once, and one of them is looked at and loads its
    // pictures.
    let mut log = Log::default();
    people(&mut log, |page, view| match page.starts_with("/list") {
        true => (0..10).map(|n| format!("/product/{}", 60_000 + (view * 13 + n) % 40)).collect(),
        false => (0..3).map(|n| format!("/picture/{view}{n}")).collect(),
    });
    let profile = profile(&log.site(""));
    assert_eq!(class(&profile, "/product/60844"), Class::Page);
    assert_eq!(class(&profile, "/picture/17"), Class::Asset);
}

#[test]
fn few_clients_cannot_make_an_asset_of_a_page() {
    let mut log = Log::default();
    people(&mut log, |_, _| Vec::new());
    for bot in 0..4 {
        for view in 0..100 {
            let client = format!("bot-{bot}");
            let loads: Vec<String> =
                (0..40).map(|n| format!("/product/{}", view * 40 + n)).collect();
            log.view(view * 5_000, &client, "/list?page=1", None, &loads);
        }
    }
    // Nor can those who are known to be bots, however many they are.
    let known: String = (0..4).map(|bot| format!("bot-{bot},bad\n")).collect();
    let unknown_site = Log(log.0.clone()).site("");
    assert_eq!(class(&profile(&log.site(&known)), "/product/60844"), Class::Page);
    assert_eq!(class(&profile(&unknown_site), "/product/60844"), Class::Page);
}

#[test]
fn what_looks_like_an_asset_is_a_page_only_when_people_walk_through_it() {
    let mut log = Log::default();
    for person in 0..10_i64 {
        for view in 0..6 {
            let (at, client) = (person * 1_000_000 + view * 60_000, format!("person-{person}"));
            // A site whose pages end in .ts and lead on to lists, with pictures of their own; and
            // pictures found by a search engine.
            let page = format!("/recipe/{}.ts", (person * 6 + view) % 30);
            log.view(
                at,
                &client,
                &page,
                None,
                &[format!("/photo/{view}.jpg"), "/style.css".to_owned()],
            );
            log.view(at + 150, &client, "/style.css", Some(&page), &["/font.woff2".to_owned()]);
            log.ask(at + 9_000, &client, &format!("/list/{view}"), Some(&page));
            // Cached by a page that is not in the log, it still loads its font, and its menu leads
            // on.
            log.view(at + 40_000, &client, "/late.css", None, &["/font.woff2".to_owned()]);
            log.ask(at + 45_000, &client, "/menu.js", None);
            log.ask(at + 48_000, &client, &format!("/list/{view}"), Some("/menu.js"));
            log.ask(at + 30_000, &client, &format!("/found/{view}.jpg"), None);
        }
    }
    let profile = profile(&log.site(""));
    assert_eq!(class(&profile, "/recipe/77.ts"), Class::Page);
    for target in
        ["/photo/1.jpg", "/found/1.jpg", "/style.css", "/late.css", "/menu.js", "/font.woff2"]
    {
        assert_eq!(class(&profile, target), Class::Asset, "{target}");
    }
}

#[test]
fn patterns_are_what_a_person_would_write() {
    let mut asked = vec!["/", "/cart", "/checkout?step=1", "/checkout?step=2&utm_source=mail"];
    let slugs: Vec<String> = (0..40).map(|n| format!("/c/name-{n}")).collect();
    let pages: Vec<String> = (0..40).map(|n| format!("/c/name-{n}?page={}", n % 4)).collect();
    let items: Vec<String> = (0..40).map(|n| format!("/item/{n}")).collect();
    let routes: Vec<String> =
        (0..30).map(|n| format!("/index.php?route=product/product&product_id={n}")).collect();
    asked.extend(slugs.iter().chain(&pages).chain(&items).chain(&routes).map(String::as_str));
    asked.extend(["/index.php?route=common/home", "/index.php?route=checkout/cart"]);
    let asked: Vec<AskedTarget<'_>> =
        asked.into_iter().map(|target| AskedTarget::new(target, 3)).collect();
    let learnt: BTreeSet<String> = patterns::learn(&asked).into_iter().collect();
    let expect = [
        "/",
        "/cart",
        "/checkout",
        "/checkout?step",
        "/c/:x",
        "/c/:x?page",
        "/item/:n",
        "/index.php",
        "/index.php?route=product/product",
        "/index.php?product_id&route=product/product",
        "/index.php?route=common/home",
        "/index.php?route=checkout/cart",
    ];
    assert_eq!(learnt, expect.map(str::to_owned).into());
}

/// Few pages, few clients, any order: steps repeat, clients differ, some exceed 48 pages.
fn walks() -> impl Strategy<Value = Vec<(usize, u32)>> {
    prop::collection::vec((0..6_usize, 0..70_u32), 0..400)
}

fn shop(walks: &[(usize, u32)]) -> Site {
    let mut log = Log::default();
    for (index, (client, page)) in walks.iter().enumerate() {
        let target = match page % 3 {
            0 => format!("/item/{page}"),
            1 => format!("/c/word{page}?page={}", page % 4),
            _ => format!("/w{}", page % 5),
        };
        log.ask(index as i64 * 3_000, &format!("client-{client}"), &target, None);
    }
    log.site("client-0,bad\nclient-1,good_bot\nclient-2,human\n")
}

/// What [`slow`] finds: clients by page, steps, and visits.
struct Slow {
    pages: BTreeMap<u32, u32>,
    steps: Vec<(ProfilePlace, ProfilePlace)>,
    visits: Vec<ProfilePlace>,
}

/// The sums of a profile, counted slowly: one client after the other, with lists and not tables.
fn slow(site: &Site, profile: &SiteProfile, takes: impl Fn(usize) -> bool) -> Slow {
    let (mut pages, mut steps, mut visits) = (BTreeMap::new(), Vec::new(), Vec::new());
    for client in (0..site.clients.len()).filter(|&client| takes(client)) {
        if matches!(site.clients[client].labelled.label, Label::Bad | Label::GoodBot) {
            continue;
        }
        let mut way: Vec<ProfilePlace> = Vec::new();
        site.walk(|step| {
            if step.client as usize == client {
                let (path, query) = split(site.targets.get(step.target).unwrap());
                way.push(profile.place(path, query));
            }
        });
        let mut known: Vec<ProfilePlace> = Vec::new();
        for place in &way {
            if !known.contains(place) && known.len() < 48 {
                known.push(*place);
                *pages.entry(place.page).or_insert(0) += 1;
            }
        }
        visits.extend(known);
        steps.extend(way.windows(2).take(48).map(|pair| (pair[0], pair[1])));
    }
    Slow { pages, steps, visits }
}

proptest! {
    #[test]
    fn a_memory_holds_what_counting_slowly_finds(walks in walks(), left_out in 0..7_usize) {
        let site = shop(&walks);
        let takes = |client: usize| client != left_out;
        let file = learn(&site, takes).unwrap();
        let profile = SiteProfile::open(&file).unwrap();
        let Slow { pages, steps, visits } = slow(&site, &profile, takes);
        prop_assert_eq!(file.visits as usize, visits.len());
        prop_assert_eq!(file.distinct as usize, pages.len());
        for (&page, &clients) in &pages {
            prop_assert_eq!(profile.visitors(page), clients);
        }
        let (n, v) = (visits.len() as f64, pages.len() as f64);
        let bits = |page: u32| -((f64::from(pages[&page]) + 0.5) / (n + 0.5 * v)).log2();
        let mean = visits.iter().map(|place| bits(place.page)).sum::<f64>() / n;
        for place in &visits {
            let expect = bits(place.page) - mean;
            prop_assert!((f64::from(profile.novelty(place.page)) - expect).abs() < 1e-4);
        }
        for from in &visits {
            for to in &visits {
                // Steps are remembered as 32-bit hashes: one in millions passes for another, and
                // may.
                let hash = step(from.page, to.page);
                let known = steps.iter().any(|(a, b)| step(a.page, b.page) == hash);
                prop_assert_eq!(profile.knows_step(from.page, to.page), known);
            }
        }
        let ways = file.templates.len().min(15) as f64 + 1.0;
        for from in 0..16_u8 {
            let seen = visits.iter().filter(|place| place.template == from).count() as f64;
            let (mix, expect) = (profile.mix()[usize::from(from)], (seen + 0.5) / (n + 8.0));
            prop_assert!((f64::from(mix) - expect).abs() < 1e-5);
            let left = steps.iter().filter(|(a, _)| a.template == from).count() as f64;
            for to in 0..16_u8 {
                let is_it = |(a, b): &&(ProfilePlace, ProfilePlace)| {
                    (a.template, b.template) == (from, to)
                };
                let went = steps.iter().filter(is_it).count() as f64;
                let expect = -((went + 1.0) / (left + ways)).log2();
                prop_assert!((f64::from(profile.surprise(from, to)) - expect).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn a_fold_forgets_its_own_clients_and_nothing_else(walks in walks()) {
        let site = shop(&walks);
        let folds = learn_folds(&site, 3).unwrap();
        let all = learn(&site, |_| true).unwrap();
        prop_assert_eq!(folds.len(), 3);
        for (fold, file) in folds.iter().enumerate() {
            let is_of_others = |client: usize| fold_of(site.clients[client].key, 3) != fold;
            let without = learn(&site, is_of_others).unwrap();
            prop_assert_eq!(file, &without);
            let layout = |file: &SiteProfileFile| {
                (file.key.clone(), file.probe, file.templates.clone())
            };
            prop_assert_eq!(layout(file), layout(&all));
        }
        // Every client is left out once.
        prop_assert_eq!(folds.iter().map(|file| file.visits).sum::<u32>(), 2 * all.visits);
    }

    #[test]
    fn whatever_the_wire_held_can_be_learnt(targets in prop::collection::vec(
        prop_oneof![any::<String>(), "(/([a-c]|1|%2f|%61|:n|::|#| |é)){0,3}(\\?([a-d]=?[a-b1% \
            ]?&?){0,4})?"], 0..120,
    )) {
        let mut log = Log::default();
        for (index, target) in targets.iter().enumerate() {
            let (client, first) = (format!("client-{}", index % 7), targets.first());
            log.ask(index as i64 * 1_000, &client, target, first.map(String::as_str));
        }
        let site = log.site("");
        let file = learn(&site, |_| true).unwrap();
        prop_assert!(SiteProfile::open(&file).is_ok());
        prop_assert_eq!(file, learn(&site, |_| true).unwrap());
    }
}
