//! How cohorts would have hurt people, and the score from which on a cohort may limit its clients.
//!
//! A person who has asked for few pages is hurt if its cohort scores high. What counts is the
//! highest score that the cohort had at one of the person's pages, as for limiting it is the
//! person's own highest score. A person without a cohort cannot be hurt. Here a cohort is scored at
//! each such page, but live at one in four. So all that the gate finds is counted here.
//!
//! The budget is a tenth of the limit's and comes on top of it, because a client that is limited
//! for its cohort has done nothing itself. The threshold has three bounds. First, at most that
//! tenth of all people lies above; if there are too few people to prove a tenth, nobody does.
//! Second, of the people who met a cohort at most the limit's own share lies above. They are a
//! mobile carrier's or an office's, and a mean over everybody would hide them. Third, it never lies
//! below the limit threshold: a cohort that scores like a person must not be limited.

use std::collections::HashMap;

use detector::cohort::FEW_PAGES;
use detector::model::{Budget, Scorer};
use detector::{
    Class, ClientKey, Cohorts, Event, Features, Mode, Outcome, SiteProfile, Timestamp, Token,
};
use traffic::log::RecordedBan;
use traffic::replay::{Driver, Subject, part_of};

use crate::calibrate::{Budgets, Proof, errors_allowed, people_needed, percent, threshold_above};
use crate::percent::percent_at_most;
use crate::samples::{cores, in_parts};
use crate::site::{OFFLINE_HASH_KEY, Site};
use crate::statistics::upper_bound;

/// The budget of cohorts as a share of the limit's budget, on top of it.
const SHARE: f64 = 0.1;

/// The highest score of a cohort that each client met while it had few pages itself. Only cohorts
/// of at least `min_pages` pages count, and the client's own scorer scores them. `Some(None)` for
/// clients that met none, `None` for clients without a scorer.
pub fn met<'a>(
    site: &Site,
    resolution_us: u32,
    min_pages: u32,
    scorer: impl Fn(usize) -> Option<&'a Scorer>,
) -> Vec<Option<Option<f32>>> {
    // Room for everybody: what an eviction forgets is the gate's affair.
    let cohorts = Cohorts::new(site.clients.len().saturating_mul(8), OFFLINE_HASH_KEY);
    let profile = site.profiles.last().map(AsRef::as_ref);
    let scorers: Vec<Option<&Scorer>> = (0..site.clients.len()).map(scorer).collect();
    // A part holds whole networks, and so whole cohorts.
    let met_in_parts = in_parts(cores(), |parts| {
        let mut clients: HashMap<usize, (u32, Option<f32>)> = HashMap::new();
        let mut driver = Driver::default();
        site.walk_parts(parts, |_, step| {
            let client = step.client as usize;
            let (pages, met) = clients.entry(client).or_default();
            let scorer = scorers[client];
            let mut subject = Meeting {
                cohorts: &cohorts,
                resolution_us,
                profile,
                min_pages,
                scorer,
                pages,
                met,
            };
            driver.step(step, &mut subject);
        });
        clients
    });
    let mut met: Vec<Option<Option<f32>>> =
        scorers.iter().map(|scorer| scorer.map(|_| None)).collect();
    for (client, (_, highest)) in met_in_parts.into_iter().flatten() {
        if let Some(met) = &mut met[client] {
            *met = highest;
        }
    }
    met
}

/// Drives a client's cohort and notes the highest score that it has at the client's pages.
struct Meeting<'a> {
    cohorts: &'a Cohorts,
    resolution_us: u32,
    profile: Option<&'a SiteProfile>,
    min_pages: u32,
    scorer: Option<&'a Scorer>,
    pages: &'a mut u32,
    met: &'a mut Option<f32>,
}

impl Subject for Meeting<'_> {
    fn observe(&mut self, page: &Event, _: Mode) -> Option<Token> {
        if page.class != Class::Page {
            return Token::unjudged(page);
        }
        if *self.pages < FEW_PAGES {
            let (ring, who) = (part_of(page.client), (page.client, page.agent));
            self.cohorts.with(ring, who, page.at, |place, at| {
                let page = Event { at, ..*page };
                let cohort = place.push(&page, self.resolution_us, self.profile);
                if let (Some(cohort), Some(scorer)) = (cohort, self.scorer)
                    && cohort.window().pages() >= self.min_pages
                {
                    let margin = scorer.margin(&Features::measure(cohort.window()));
                    *self.met = Some(self.met.map_or(margin, |best| best.max(margin)));
                }
            });
        }
        *self.pages += 1;
        Token::unjudged(page)
    }

    fn conclude(&mut self, token: Token, at: Timestamp, status: u16) {
        if !(1..=FEW_PAGES).contains(self.pages) {
            return;
        }
        let outcome = token.ended(at, status);
        let (ring, who) = (part_of(outcome.client), (outcome.client, outcome.agent));
        self.cohorts.with(ring, who, at, |place, at| {
            place.conclude(&Outcome { at, ..outcome }, self.resolution_us);
        });
    }

    /// Cohorts are of newcomers, and a site's traffic holds no bans.
    fn change_ban(&mut self, _: ClientKey, _: Timestamp, _: RecordedBan) {}

    /// Nor does it hold a standing that a passed challenge would soften.
    fn pass_challenge(&mut self, _: ClientKey, _: Timestamp, _: Timestamp) {}
}

/// The threshold for cohorts, from the highest score of a cohort that each calibration person met.
/// Without enough people there is none, and the evidence says how many are missing.
pub fn cohort_budget(
    people: &[Option<f32>],
    limit: &Budget,
    budgets: Budgets,
    proof: Proof,
) -> Budget {
    let Budgets { limit_alpha, delta, .. } = budgets;
    let n = people.len() as u64;
    let refuse =
        |evidence: String| Budget { margin: None, alpha: limit_alpha, delta, n, k: 0, evidence };
    if errors_allowed(n, limit_alpha, delta).is_none() {
        let needed = people_needed(limit_alpha, delta);
        return refuse(format!(
            "needs {} more human clients: {needed} whom no cohort hurts prove {} at {} confidence, \
                there are {n}",
            needed.saturating_sub(n),
            percent(limit_alpha),
            percent(1.0 - delta),
        ));
    }
    let Some(floor) = limit.margin else {
        return refuse("there is no limit threshold for it to lie above".to_owned());
    };
    let met: Vec<f32> = people.iter().copied().flatten().collect();
    let of_all = errors_allowed(n, limit_alpha * SHARE, delta);
    let of_met = errors_allowed(met.len() as u64, limit_alpha, delta);
    let spared = of_all.unwrap_or(0).min(of_met.unwrap_or(0));
    let margin = threshold_above(&met, spared).map_or(floor, |margin| margin.max(floor));
    let k = met.iter().filter(|&&score| score >= margin).count() as u64;
    let alpha = if of_all.is_some() { limit_alpha * SHARE } else { upper_bound(0, n, delta) };
    let how = match proof {
        Proof::Split => "kept apart from training",
        Proof::CrossFitted => "scored by models trained without them (an estimate)",
    };
    let evidence = format!(
        "{k} of {n} people {how}, {} of whom met a cohort of three or more, lie above: at most {} \
            of people besides those whom the \
         limit hurts, with {} confidence; it limits newcomers together and never blocks",
        met.len(),
        percent_at_most(alpha),
        percent(1.0 - delta),
    );
    Budget { margin: Some(margin), alpha, delta, n, k, evidence }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use detector::Window;
    use detector::model::ScorerFile;
    use traffic::log::LogReader;
    use traffic::sim;

    use super::*;
    use crate::site::Step;
    use crate::site_builder::SiteBuilder;

    fn budget(people: &[Option<f32>], limit: Option<f32>) -> Budget {
        let limit = Budget { margin: limit, ..Budget::default() };
        cohort_budget(people, &limit, Budgets::default(), Proof::Split)
    }

    #[test]
    fn too_few_people_give_no_threshold_and_the_number_missing() {
        let refused = budget(&[None; 200], Some(1.0));
        assert_eq!(refused.margin, None);
        assert!(refused.evidence.contains("needs 99 more human clients"), "{}", refused.evidence);
        assert!(budget(&[None; 9_000], None).evidence.contains("no limit threshold"));
    }

    #[test]
    fn it_lies_above_the_limit_and_above_whom_the_budget_does_not_carry() {
        let people = |met: usize| -> Vec<Option<f32>> {
            (0..10_000).map(|i| (i < met).then_some(i as f32 / 100.0)).collect()
        };
        // Nobody met one, or only such as score like people: the limit threshold.
        assert_eq!(budget(&people(0), Some(3.0)).margin, Some(3.0));
        assert_eq!(budget(&people(100), Some(3.0)).margin, Some(3.0));
        // 200 people are too few to lose one of them, whatever all the others do not meet.
        let few = budget(&people(200), Some(1.0));
        assert_eq!((few.margin, few.k), (Some(1.99_f32.next_up()), 0));
        // Of 10,000 people a tenth of 1 % is four, proven.
        let many = budget(&people(10_000), Some(3.0));
        assert_eq!(Some(many.k), errors_allowed(10_000, 0.001, 0.05));
        assert!(many.k == 4 && many.alpha == 0.001, "{many:?}");
        // Too few to prove a tenth: none, and what that proves.
        let some: Vec<Option<f32>> = (0..1_000).map(|i| Some(i as f32)).collect();
        let some = budget(&some, Some(3.0));
        assert!(some.k == 0 && (0.0029..0.0031).contains(&some.alpha), "{some:?}");
    }

    /// A scraper over a /24 and a few people, read from a log; met by a slow walk that keeps every
    /// event.
    #[test]
    fn what_a_client_met_is_the_window_of_its_networks_newcomers() {
        let shop = Arc::new(sim::Site::with_size(1, 200, 4));
        let start = Timestamp::from_secs(1_763_683_200);
        let mut requests = sim::simulate(&shop, 1, start, &sim::Mix::of(60, 24), 6 * 3_600_000_000);
        for (number, request) in requests.iter_mut().enumerate() {
            // Two networks, some dozens of clients each.
            let host = (number / 12) as u8;
            request.client = std::net::Ipv4Addr::new(192, 0, 2 + host % 2, host).into();
        }
        let mut log = Vec::new();
        sim::write_json(&requests, &mut log).unwrap();
        let mut reader = LogReader::new("day.log", &log[..]).unwrap();
        let mut builder = SiteBuilder::default();
        while let Some(record) = reader.next().unwrap() {
            builder.note(&record).unwrap();
        }
        let site = builder.finish("shop", 1_000, None).unwrap();
        let steps = steps(&site);
        let (mean, scale) =
            (vec![0.0; detector::features::COUNT], vec![1.0; detector::features::COUNT]);
        let mut weight = vec![0.0; detector::features::COUNT];
        for (name, value) in [("unique_ratio", 2.0), ("error_share", 3.0), ("rate_60s", 0.05)] {
            weight[detector::features::index_of(name).unwrap()] = value;
        }
        let scorer = ScorerFile::Logistic { bias: 0.3, mean, scale, weight }.check().unwrap();
        let found = met(&site, 1_000, 5, |client| (client % 3 != 1).then_some(&scorer));

        let mut expect: Vec<Option<Option<f32>>> =
            (0..site.clients.len()).map(|client| (client % 3 != 1).then_some(None)).collect();
        let mut pages = vec![0; site.clients.len()];
        let mut cohorts: std::collections::HashMap<_, Vec<(bool, usize, usize)>> =
            std::collections::HashMap::new();
        for (at, step) in steps.iter().enumerate() {
            let client = step.client as usize;
            let past = cohorts.entry((step.event.client.network(), step.event.agent)).or_default();
            if step.event.class == Class::Page {
                if pages[client] < FEW_PAGES {
                    past.push((true, client, at));
                    if let Some(margin) = slow_margin(&steps, past, &scorer)
                        && let Some(met) = &mut expect[client]
                    {
                        *met = Some(met.map_or(margin, |best| best.max(margin)));
                    }
                }
                pages[client] += 1;
            }
            if (1..=FEW_PAGES).contains(&pages[client]) {
                past.push((false, client, at));
            }
        }
        let scored = found.iter().flatten().flatten().count();
        assert!(scored > 20, "{scored}");
        // The same but for a microsecond between two events of the same time.
        for (client, (found, expect)) in found.iter().zip(&expect).enumerate() {
            assert_eq!(found.is_some(), expect.is_some());
            match (found.flatten(), expect.flatten()) {
                (Some(found), Some(expect)) => {
                    assert!((found - expect).abs() < 1e-4, "{client}: {found} {expect}")
                }
                (found, expect) => assert_eq!(found, expect, "{client}"),
            }
        }
    }

    fn steps(site: &Site) -> Vec<Step> {
        let mut steps = Vec::new();
        site.walk(|step| steps.push(*step));
        steps
    }

    /// The margin of everything since a second client came, if three have come by now and there are
    /// five pages.
    fn slow_margin(steps: &[Step], past: &[(bool, usize, usize)], scorer: &Scorer) -> Option<f32> {
        let askers: Vec<usize> =
            past.iter().filter(|(is_page, ..)| *is_page).map(|(_, client, _)| *client).collect();
        let distinct: std::collections::HashSet<usize> = askers.iter().copied().collect();
        let begins =
            past.iter().position(|(is_page, client, _)| *is_page && *client != past[0].1)?;
        let mut window = Window::new(steps[past[begins].2].event.at);
        for &(is_page, _, at) in &past[begins..] {
            let step = &steps[at];
            if is_page {
                window.push(&step.event, 1_000);
            } else if step.is_end() {
                window.conclude(&Outcome::of(&step.event, step.event.at, step.status), 1_000);
            }
        }
        (distinct.len() >= 3 && window.pages() >= 5)
            .then(|| scorer.margin(&Features::measure(&window)))
    }
}
