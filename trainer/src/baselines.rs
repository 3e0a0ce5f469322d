//! What the field does today, to be better than: fixed rules, from their public definitions.
//!
//! Each is a bucket per client, fed with the same requests the detector sees.

use std::collections::{HashMap, HashSet, VecDeque};

use detector::{Class, Event, Timestamp};

/// A rule that says at which request a client is stopped.
pub trait Baseline {
    /// Name in reports.
    fn name(&self) -> &'static str;
    /// Takes a request of client number `client` in; true when the rule would act on it.
    fn observe(&mut self, client: u32, event: &Event) -> bool;
}

/// All baselines, fresh.
pub fn all() -> Vec<Box<dyn Baseline>> {
    vec![Box::<LimitReq>::default(), Box::<CountPerWindow>::default(), Box::<CrawlNonStatics>::default()]
}

/// nginx `limit_req rate=10r/s burst=20 nodelay`: a leaky bucket over all requests.
#[derive(Default)]
struct LimitReq(HashMap<u32, (Timestamp, f64)>);

impl Baseline for LimitReq {
    fn name(&self) -> &'static str {
        "limit_req_10rs_burst_20"
    }

    fn observe(&mut self, client: u32, event: &Event) -> bool {
        const RATE_PER_S: f64 = 10.0;
        const BURST: f64 = 20.0;
        let (last, excess) = self.0.entry(client).or_insert((event.at, 0.0));
        let seconds = event.at.micros_since(*last) as f64 / 1e6;
        let next = (*excess - RATE_PER_S * seconds).max(0.0) + 1.0;
        *last = event.at.max(*last);
        if next > BURST + 1.0 {
            return true; // refused requests do not fill the bucket
        }
        *excess = next;
        false
    }
}

/// fail2ban's `http-get-dos` recipe: 300 requests in 300 s.
#[derive(Default)]
struct CountPerWindow(HashMap<u32, VecDeque<Timestamp>>);

impl Baseline for CountPerWindow {
    fn name(&self) -> &'static str {
        "count_300_in_300s"
    }

    fn observe(&mut self, client: u32, event: &Event) -> bool {
        const COUNT: usize = 300;
        const WINDOW_US: u64 = 300_000_000;
        let times = self.0.entry(client).or_default();
        times.push_back(event.at);
        while times.front().is_some_and(|&first| event.at.micros_since(first) > WINDOW_US) {
            times.pop_front();
        }
        times.len() >= COUNT
    }
}

/// CrowdSec's `http-crawl-non_statics`: a bucket of 40 distinct paths that are no assets, leaking one each 0.5 s. The
/// original counts file names; here whole paths, which catches more.
#[derive(Default)]
struct CrawlNonStatics(HashMap<u32, (Timestamp, f64, HashSet<u16>)>);

impl Baseline for CrawlNonStatics {
    fn name(&self) -> &'static str {
        "crowdsec_http_crawl_non_statics"
    }

    fn observe(&mut self, client: u32, event: &Event) -> bool {
        const CAPACITY: f64 = 40.0;
        const LEAK_S: f64 = 0.5;
        if event.class != Class::Page {
            return false;
        }
        let (last, level, paths) = self.0.entry(client).or_insert_with(|| (event.at, 0.0, HashSet::new()));
        let leaked = event.at.micros_since(*last) as f64 / 1e6 / LEAK_S;
        *last = event.at.max(*last);
        *level -= leaked;
        if *level <= 0.0 {
            // The bucket is empty and dies; a new one knows no paths.
            (*level, *paths) = (0.0, HashSet::new());
        }
        if paths.insert(event.url.path()) {
            *level += 1.0;
        }
        *level > CAPACITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detector::{ClientKey, UrlKey};

    fn stopped_at(baseline: &mut dyn Baseline, gap_ms: i64, distinct: bool) -> Option<i64> {
        (0..2_000).find(|&i| {
            let path = if distinct { i as u32 } else { 0 };
            baseline.observe(
                0,
                &Event::page(
                    ClientKey::from_text("192.0.2.1"),
                    Timestamp::from_micros(i * gap_ms * 1_000),
                    UrlKey(path << 16),
                ),
            )
        })
    }

    #[test]
    fn each_rule_stops_what_it_is_made_for_and_nothing_slower() {
        assert!(stopped_at(&mut LimitReq::default(), 10, false).is_some_and(|at| (20..30).contains(&at)));
        assert_eq!(stopped_at(&mut LimitReq::default(), 101, false), None);
        assert_eq!(stopped_at(&mut CountPerWindow::default(), 500, false), Some(299));
        assert_eq!(stopped_at(&mut CountPerWindow::default(), 1_100, false), None);
        assert!(stopped_at(&mut CrawlNonStatics::default(), 100, true).is_some_and(|at| (40..60).contains(&at)));
        assert_eq!(stopped_at(&mut CrawlNonStatics::default(), 100, false), None);
        assert_eq!(stopped_at(&mut CrawlNonStatics::default(), 600, true), None);
    }
}
