//! The highest score of each visit of each client.
//!
//! A visit ends with a day of silence, when a gate forgets what a client did. It does not forget
//! that the client had enough pages to be judged, so of a client that comes again each page is
//! scored, the first one included. Which of its visits is the first may be known only when other
//! logs are read. So each visit is scored both ways.

use detector::model::Scorer;
use detector::window::FORGET_US;
use detector::{Class, ClientKey, Event, Features, Mode, Score, SiteProfile, Timestamp, Token};
use traffic::log::RecordedBan;
use traffic::replay::{Driver, Subject};

use crate::samples::{cores, in_parts};
use crate::scoring::Scoring;
use crate::site::Site;
use crate::unjudged::UnjudgedClient;

/// The highest scores of one visit, as margins; `None` where no page of it is scored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VisitScores {
    /// When it began.
    pub first_at: Timestamp,
    /// If it is the client's first visit: from [`Scoring::min_pages`] on.
    pub as_first: Option<f32>,
    /// If the client had as many pages before: from the first page on.
    pub as_later: Option<f32>,
}

/// A client on its way through a log.
struct Visitor<'p> {
    known: Box<UnjudgedClient>,
    profile: Option<&'p SiteProfile>,
    last_at: Timestamp,
    /// What it scored at its page before, either way.
    scored: [Option<Score>; 2],
    visits: Vec<VisitScores>,
}

/// All visits of each client, in order of time.
pub fn visits(
    site: &Site,
    resolution_us: u32,
    scoring: Scoring,
    scorer: &Scorer,
) -> Vec<Vec<VisitScores>> {
    let parts = in_parts(cores(), |parts| {
        let mut clients: std::collections::HashMap<usize, Visitor<'_>> = Default::default();
        let mut driver = Driver::default();
        site.walk_parts(parts, |_, step| {
            let client = step.client as usize;
            let visitor = clients
                .entry(client)
                .or_insert_with(|| Visitor::new(step.event.at, site.profile_for(client)));
            driver.step(step, &mut Visiting { visitor, resolution_us, scoring, scorer });
        });
        clients
    });
    let mut visits = vec![Vec::new(); site.clients.len()];
    for (client, visitor) in parts.into_iter().flatten() {
        visits[client] = visitor.visits;
    }
    visits
}

impl<'p> Visitor<'p> {
    fn new(at: Timestamp, profile: Option<&'p SiteProfile>) -> Self {
        let mut visitor = Self {
            known: Box::new(UnjudgedClient::new(at)),
            profile,
            last_at: at,
            scored: [None; 2],
            visits: Vec::new(),
        };
        visitor.begin(at);
        visitor
    }

    fn begin(&mut self, at: Timestamp) {
        *self.known = UnjudgedClient::new(at);
        self.scored = [None; 2];
        self.visits.push(VisitScores { first_at: at, as_first: None, as_later: None });
    }
}

struct Visiting<'a, 'p> {
    visitor: &'a mut Visitor<'p>,
    resolution_us: u32,
    scoring: Scoring,
    scorer: &'a Scorer,
}

impl Subject for Visiting<'_, '_> {
    fn observe(&mut self, event: &Event, _: Mode) -> Option<Token> {
        let visitor = &mut *self.visitor;
        if event.at.micros_since(visitor.last_at) > FORGET_US {
            visitor.begin(event.at);
        }
        visitor.last_at = visitor.last_at.max(event.at);
        visitor.known.push(event, self.resolution_us, visitor.profile);
        if event.class == Class::Page
            && let Some(visit) = visitor.visits.last_mut()
        {
            let known = &visitor.known;
            let margin = self.scorer.margin(&Features::measure(&known.window));
            let step = known.steps.count();
            let ways = [known.window.pages(), u32::MAX];
            let highest = [&mut visit.as_first, &mut visit.as_later];
            for ((pages, scored), highest) in ways.into_iter().zip(&mut visitor.scored).zip(highest)
            {
                *scored = self.scoring.score_at(pages, step, *scored, || margin);
                if let Some(score) = scored {
                    let best = highest.map_or(score.margin(), |best| best.max(score.margin()));
                    *highest = Some(best);
                }
            }
        }
        Token::unjudged(event)
    }

    fn conclude(&mut self, token: Token, at: Timestamp, status: u16) {
        self.visitor.known.window.conclude(&token.ended(at, status), self.resolution_us);
    }

    /// A window holds no ban.
    fn change_ban(&mut self, _: ClientKey, _: Timestamp, _: RecordedBan) {}

    /// A pass changes no score.
    fn pass_challenge(&mut self, _: ClientKey, _: Timestamp, _: Timestamp) {}
}

#[cfg(test)]
mod tests {
    use detector::features::COUNT;
    use detector::model::ScorerFile;
    use traffic::log::LogReader;

    use super::*;
    use crate::samples::highest;
    use crate::site_builder::SiteBuilder;

    /// Pages of one client at these seconds, each another URL.
    fn site(seconds: &[u64]) -> Site {
        let line = |(number, at): (usize, &u64)| {
            format!(
                "{{\"time\":\"{}\",\"remote_addr\":\"192.0.2.1\",\"request_method\":\"GET\",\
                 \"request_uri\":\"/p/{}\",\"status\":200}}\n",
                1_794_787_200 + at,
                number % 3
            )
        };
        let log: String = seconds.iter().enumerate().map(line).collect();
        let mut reader = LogReader::new("log", log.as_bytes()).unwrap();
        let mut builder = SiteBuilder::default();
        while let Some(record) = reader.next().unwrap() {
            builder.note(&record).unwrap();
        }
        builder.finish("site", 1, None).unwrap()
    }

    #[test]
    fn a_visit_ends_with_a_day_of_silence_and_a_later_one_is_scored_from_its_first_page() {
        let mut weight = vec![0.0; COUNT];
        weight[detector::features::index_of("unique_ratio").unwrap()] = 2.0;
        let (mean, scale) = (vec![0.0; COUNT], vec![1.0; COUNT]);
        let scorer = ScorerFile::Logistic { bias: 0.5, mean, scale, weight }.check().unwrap();
        let scoring = Scoring::last_page(5);
        const DAY: u64 = 86_400;
        let five = [0, 60, 120, 180, 240];
        let two = [DAY + 300, DAY + 360];
        let both = site(&[&five[..], &two].concat());
        let found = visits(&both, 1, scoring, &scorer);
        let [first, later] = found[0][..] else { panic!("{found:?}") };
        assert!(first.as_first.is_some() && first.as_first <= first.as_later);
        assert_eq!(later.as_first, None, "too few pages for a first visit");
        assert!(later.as_later.is_some(), "a gate knows the client, and judges it");
        // As in logs of their own.
        let alone = |seconds: &[u64]| visits(&site(seconds), 1, scoring, &scorer)[0].clone();
        assert_eq!((alone(&five), alone(&two)), (vec![first], vec![later]));
        // One visit is what calibrates and what a gate enforces.
        assert_eq!(highest(&site(&five), 1, scoring, |_| Some(&scorer))[0], first.as_first);
        assert_eq!(alone(&[0, 60, DAY, DAY + 60, DAY + 90]).len(), 1, "less than a day of silence");
    }
}
