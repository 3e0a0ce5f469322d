//! The features that a window measures against the site profile.

use super::super::*;
use super::small;

#[test]
fn the_features_are_means_of_what_the_memory_says_of_each_page() {
    use crate::{AllowList, ClientKey, Event, Features, Request, Timestamp, UrlHasher, Window};
    let profile = SiteProfile::open(&small().0).unwrap();
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
            Event::new(&request, &UrlHasher::new(1), &AllowList::default(), Some(&profile))
        })
        .collect();
    let mut window = Window::new(events[0].at);
    for event in &events {
        window.push_at_site(event, 1, Some(&profile));
    }
    let features = Features::measure(&window);

    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let share = |page: u8| f64::from(profile.mix()[usize::from(page)]);
    let steps: Vec<_> = events.windows(2).collect();
    let expect = [
        (
            "novelty",
            mean(events.iter().map(|event| f64::from(profile.novelty(event.page))).collect()),
        ),
        (
            "tail_share",
            mean(
                events.iter().map(|e| f64::from(u8::from(profile.visitors(e.page) <= 1))).collect(),
            ),
        ),
        (
            "known_step",
            mean(
                steps
                    .iter()
                    .filter(|step| step[0].page != step[1].page)
                    .map(|step| f64::from(u8::from(profile.knows_step(step[0].page, step[1].page))))
                    .collect(),
            ),
        ),
        (
            "walk_likelihood",
            mean(
                steps
                    .iter()
                    .map(|step| f64::from(profile.surprise(step[0].template, step[1].template)))
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
    // Without a profile they are missing, not zero.
    let mut window = Window::new(events[0].at);
    for event in &events {
        window.push(event, 1);
    }
    let features = Features::measure(&window);
    assert!(expect.iter().all(|(name, _)| features.value(name).unwrap().is_nan()));
}
