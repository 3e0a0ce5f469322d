//! Items come out in order of time, nothing is lost, and errors come in their place.

use std::io::{self, BufReader, Read};

use detector::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::log::{LogError, LogReader};

type Item = (i64, u32, usize);

/// The items in the order in which they are released, and how many came too late.
fn reordered(items: &[Item], horizon_us: u64, held_max: usize) -> (Vec<Item>, u64) {
    let mut reorder = Reorder::new(horizon_us, held_max);
    let mut out = Vec::new();
    for item in items {
        reorder.push(Timestamp::from_micros(item.0), item.1, *item);
        while let Some((at, item)) = reorder.pop() {
            assert_eq!(at.as_micros(), item.0);
            out.push(item);
        }
        assert!(reorder.held() <= held_max);
    }
    out.extend(reorder.drain().map(|(_, item)| item));
    assert_eq!(reorder.held(), 0);
    (out, reorder.late())
}

fn numbered(items: impl IntoIterator<Item = (i64, u32)>) -> Vec<Item> {
    items.into_iter().enumerate().map(|(arrival, (at, tie))| (at, tie, arrival)).collect()
}

#[test]
fn an_item_waits_until_nothing_older_is_to_be_expected() {
    let mut reorder = Reorder::new(10, 100);
    let mut step = |at, expect: &[i64]| {
        reorder.push(Timestamp::from_micros(at), 0, at);
        let ripe: Vec<_> = std::iter::from_fn(|| reorder.pop()).map(|(_, item)| item).collect();
        assert_eq!(ripe, expect);
    };
    step(5, &[]);
    step(0, &[]);
    step(9, &[]);
    step(10, &[0]);
    step(19, &[5, 9]);
    step(3, &[3]);
    assert_eq!(reorder.late(), 1);
    assert_eq!(reorder.drain().map(|(_, item)| item).collect::<Vec<_>>(), [10, 19]);
}

#[test]
fn the_same_microsecond_is_ordered_by_tie_and_then_by_arrival() {
    let items = numbered([(1, 2), (1, 1), (0, 9), (1, 1)]);
    let (out, late) = reordered(&items, 10, 100);
    assert_eq!(out, [(0, 9, 2), (1, 1, 1), (1, 1, 3), (1, 2, 0)]);
    assert_eq!(late, 0);
}

proptest! {
    #[test]
    fn within_the_horizon_reordering_is_sorting(
        items in prop::collection::vec((0_i64..1_000, 0_u32..3), 0..300),
        horizon in 1_000_u64..2_000,
    ) {
        let items = numbered(items);
        let (out, late) = reordered(&items, horizon, items.len());
        let mut sorted = items;
        sorted.sort_unstable();
        prop_assert_eq!(out, sorted);
        prop_assert_eq!(late, 0);
    }

    #[test]
    fn beyond_the_horizon_nothing_is_lost_and_lateness_is_counted(
        items in prop::collection::vec((0_i64..1_000, 0_u32..3), 0..300),
        horizon in 0_u64..500, held_max in 0_usize..50,
    ) {
        let items = numbered(items);
        let (mut out, late) = reordered(&items, horizon, held_max);
        let newest_before = out.iter().scan(i64::MIN, |newest, item| {
            let before = *newest;
            *newest = before.max(item.0);
            Some(before)
        });
        let goes_back = |(item, before): &(&Item, i64)| item.0 < *before;
        let steps_back = out.iter().zip(newest_before).filter(goes_back).count();
        prop_assert_eq!(steps_back as u64, late);
        out.sort_unstable_by_key(|item| item.2);
        prop_assert_eq!(out, items);
    }

    #[test]
    fn merging_sorted_sources_is_a_stable_sort(
        sources in prop::collection::vec(prop::collection::vec(0_i64..50, 0..40), 0..6),
    ) {
        let mut expect = Vec::new();
        let mut iterators = Vec::new();
        for (index, mut source) in sources.into_iter().enumerate() {
            source.sort_unstable();
            expect.extend(source.iter().enumerate().map(|(place, at)| (*at, index, place)));
            iterators.push(source.into_iter().enumerate().map(move |(place, at)| {
                Ok((Timestamp::from_micros(at), (at, index, place)))
            }));
        }
        expect.sort_unstable();
        let merged: Vec<_> = Merged::new(iterators).map(|item| item.unwrap().1).collect();
        prop_assert_eq!(merged, expect);
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("broken"))
    }
}

fn line(second: u32) -> String {
    format!("192.0.2.{second} - - [20/Feb/2016:00:00:{second:02} +0000] \"GET / HTTP/1.1\" 200 1\n")
}

fn ordered(
    name: &str,
    seconds: &[u32],
    is_broken: bool,
) -> impl Iterator<Item = Result<(Timestamp, String), LogError>> {
    let text: String = seconds.iter().copied().map(line).collect();
    let end: Box<dyn Read> = if is_broken { Box::new(Broken) } else { Box::new(io::empty()) };
    let reader = BufReader::new(io::Cursor::new(text).chain(end));
    Ordered::new(LogReader::new(name, reader).unwrap(), |record| {
        (!record.client.ends_with(".13")).then(|| record.client.to_owned())
    })
}

fn told(items: impl Iterator<Item = Result<(Timestamp, String), LogError>>) -> Vec<String> {
    items
        .map(|item| match item {
            Ok((_, client)) => client.trim_start_matches("192.0.2.").to_owned(),
            Err(error) => error.to_string().chars().take_while(|char| *char != ' ').collect(),
        })
        .collect()
}

#[test]
fn a_log_comes_in_order_without_what_the_map_leaves_out() {
    assert_eq!(
        told(ordered("a", &[3, 1, 13, 2, 2, 59, 4], false)),
        ["1", "2", "2", "3", "4", "59"]
    );
}

#[test]
fn without_a_horizon_a_whole_log_is_sorted() {
    let days: String = [20, 19, 21, 18]
        .iter()
        .map(|day| line(7).replace("20/Feb", &format!("{day}/Feb")))
        .collect();
    let late_and_sorted = |reorder| {
        let mut log = Ordered::with_reorder(
            LogReader::new("a", days.as_bytes()).unwrap(),
            |_| Some(()),
            reorder,
        );
        let times: Vec<_> = log.by_ref().map(|item| item.unwrap().0).collect();
        (log.late(), times.is_sorted())
    };
    assert_eq!(late_and_sorted(Reorder::new(u64::MAX, usize::MAX)), (0, true));
    assert_eq!(late_and_sorted(Reorder::default()), (1, false));
}

#[test]
fn an_error_comes_after_what_was_read_before_it() {
    assert_eq!(told(ordered("a", &[3, 1, 2], true)), ["1", "2", "3", "a:4:"]);
}

#[test]
fn logs_merge_by_time_and_go_on_after_an_error() {
    let sources =
        vec![ordered("a", &[1, 4, 6], false), ordered("b", &[2, 3], true), ordered("c", &[], true)];
    assert_eq!(told(Merged::new(sources)), ["c:1:", "1", "2", "3", "b:3:", "4", "6"]);
}
