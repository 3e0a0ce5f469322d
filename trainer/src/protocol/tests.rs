use std::collections::HashSet;
use std::io::Cursor;

use detector::url::split;
use traffic::LogReader;

use super::*;
use crate::label::Labels;
use crate::site_builder::SiteBuilder;

/// Forty people who each have ten pages of their own and share five, and as many bots that walk
/// through numbers.
fn site() -> Site {
    let (mut log, mut labels) = (String::new(), String::from("client,label\n"));
    for second in 0..15 {
        for person in 0..40 {
            let page = if second < 10 {
                format!("/own/of-{person}/{second}")
            } else {
                format!("/shared/{second}")
            };
            log += &line(person, 100 + second * 47 + person * second % 31, &page);
            log += &line(
                40 + person,
                100 + second * 5,
                &format!("/item?id={}", second + 100 * person),
            );
        }
    }
    for client in 0..80 {
        labels += &format!("10.0.0.{client},{}\n", if client < 40 { "human" } else { "bad" });
    }
    let labels = Labels::parse("labels.csv", &labels).unwrap();
    let mut reader = LogReader::new("site.log", Cursor::new(log)).unwrap();
    let mut builder = SiteBuilder::default();
    while let Some(record) = reader.next().unwrap() {
        builder.note(&record).unwrap();
    }
    builder.finish("site", 1_000_000, Some(&labels)).unwrap()
}

fn line(client: usize, second: usize, page: &str) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(
        "10.0.0.{client} - - [21/Nov/2025:10:{minute:02}:{second:02} +0000] \"GET {page} \
            HTTP/1.1\" 200 99 \"-\" \"-\"\n"
    )
}

#[test]
fn no_client_is_in_both_halves_and_none_is_in_neither() {
    let site = site();
    let with_steps = |part: &Site| {
        let mut clients = HashSet::new();
        part.walk(|step| {
            clients.insert(step.client);
        });
        clients
    };
    let halves = [half(&site, 0), half(&site, 1)];
    let [first, second] = [with_steps(&halves[0]), with_steps(&halves[1])];
    assert!(first.is_disjoint(&second));
    assert_eq!(first.len() + second.len(), site.clients.len());
    assert!(first.len() > 20 && second.len() > 20, "{} and {}", first.len(), second.len());
    for (part, clients) in halves.iter().zip([first, second]) {
        for (index, client) in part.clients.iter().enumerate() {
            let is_here = clients.contains(&(index as u32));
            assert_eq!(client.labelled.label != Label::Unknown, is_here, "{}", client.name);
            assert_eq!(client.key, site.clients[index].key);
        }
    }
}

#[test]
fn the_memory_of_one_half_does_not_know_the_pages_of_the_other() {
    let site = site();
    let memory_of = |which: usize| SiteProfile::open(&half(&site, which).learn().unwrap()).unwrap();
    let profiles = [memory_of(0), memory_of(1)];
    let mut own_pages = [0, 0];
    for target in site.targets.iter() {
        let (path, query) = split(target);
        let visitors = |which: usize| {
            let profile: &SiteProfile = &profiles[which];
            profile.visitors(profile.place(path, query).page)
        };
        if let Some(person) =
            target.strip_prefix("/own/of-").and_then(|rest| rest.split('/').next())
        {
            let whose = half_of(ClientKey::from_text(&format!("10.0.0.{person}")));
            assert_eq!((visitors(whose), visitors(1 - whose)), (1, 0), "{target}");
            own_pages[whose] += 1;
        } else if target.starts_with("/shared/") {
            assert!(visitors(0) > 1 && visitors(1) > 1, "{target}");
        }
    }
    assert!(own_pages.iter().all(|&pages| pages > 100), "{own_pages:?}");
}

#[test]
fn everybody_labelled_is_scored_once_by_a_model_adapted_to_the_other_half() {
    let site = site();
    let options = Options::default();
    let others = [site.clone()];
    let strangers = Strangers::new(&others, &options);
    // Left out is a site that there is not: a model of all.
    let scorer = strangers.fit(others.len(), &carried()).unwrap();
    let base =
        Base::new(model_of("base", &scorer, without_thresholds(Scoring::last_page(5))).unwrap())
            .unwrap();
    let mut clients = Vec::new();
    for which in 0..2 {
        let Adapted { scored, .. } = adapted_on_half(&site, which, &base, &options).unwrap();
        assert!(
            scored.clients.iter().all(|(client, _)| half_of(site.clients[*client].key) != which)
        );
        clients.extend(scored.clients.iter().map(|(client, _)| *client));
    }
    clients.sort_unstable();
    assert_eq!(clients, (0..site.clients.len()).collect::<Vec<_>>());
}

#[test]
fn a_share_caught_at_one_per_cent_hurts_nobody_among_few_people() {
    let found = caught(&[0.0, 1.0, 2.0], &[3.0, 1.5, 5.0, 2.0]).unwrap();
    assert_eq!(found.value, 0.5);
    assert!(found.low < 0.1 && found.high > 0.9, "{found:?}");
    assert_eq!(caught(&[], &[1.0]), None);
}
