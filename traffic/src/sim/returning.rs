//! People who come back.
//!
//! - the **returning shopper** has several sessions, hours or a day apart;
//! - the **price watcher** looks at the same few products every day, and perhaps at their shelf;
//! - the **refresher** waits for something to come back or a sale to begin, and reloads one page until it does.
//!
//! They ask for the same pages again and again, as pollers do, and are people: at a person's pace, with pauses, with a
//! browser's cache and pictures.

use super::browser::{Browser, Thinking};
use super::dice::Dice;
use super::shopper::Shopper;
use super::visit::{Behave, Tempo, Turn};

/// One person, several sessions.
#[derive(Debug)]
pub(super) struct ReturningShopper {
    tempo: Tempo,
    session: Shopper,
    sessions_left: u32,
    /// Median time between two sessions.
    away_s: f64,
}

/// One person with a wish list.
#[derive(Debug)]
pub(super) struct PriceWatcher {
    browser: Browser,
    thinking: Thinking,
    wishes: Vec<String>,
    visits_left: u32,
    away_s: f64,
}

/// One person who waits.
#[derive(Debug)]
pub(super) struct Refresher {
    browser: Browser,
    target: Option<String>,
    /// Median time between two reloads.
    gap_s: f64,
    sigma: f64,
    reloads_left: u32,
}

const HOUR_S: f64 = 3_600.0;

impl ReturningShopper {
    pub(super) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        Self {
            tempo,
            session: Shopper::new(tempo, dice),
            sessions_left: 1 + dice.below(5) as u32,
            away_s: dice.log_between(0.5 * HOUR_S, 20.0 * HOUR_S),
        }
    }
}

impl Behave for ReturningShopper {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.session.act(turn) {
            return true;
        }
        if self.sessions_left == 0 {
            return false;
        }
        self.sessions_left -= 1;
        turn.pause(self.away_s, 0.7);
        self.session = Shopper::new(self.tempo, turn.dice);
        true
    }
}

impl PriceWatcher {
    pub(super) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        Self {
            browser: Browser::new(dice),
            thinking: Thinking::new(tempo, dice),
            wishes: Vec::new(),
            visits_left: if tempo == Tempo::Day { 2 + dice.below(9) as u32 } else { u32::MAX },
            // Every few hours to once a day.
            away_s: dice.log_between(1.5 * HOUR_S, 24.0 * HOUR_S),
        }
    }
}

impl Behave for PriceWatcher {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.visits_left == 0 {
            return false;
        }
        self.visits_left -= 1;
        if self.wishes.is_empty() {
            let catalogue = turn.site.catalogue();
            let number = 2 + turn.dice.below(5);
            self.wishes = (0..number).map(|_| format!("/p/{}", catalogue.draw(turn.dice))).collect();
            if turn.dice.chance(0.4) {
                let slug = catalogue.categories()[usize::from(catalogue.draw_category(turn.dice))].slug;
                self.wishes.push(format!("/c/{slug}?sort=price"));
            }
        }
        for at in 0..self.wishes.len() {
            // Not always all of them.
            if turn.dice.chance(0.85) {
                self.browser.open(turn, &self.wishes[at]);
                self.thinking.pause(turn);
            }
        }
        turn.pause(self.away_s, 0.3);
        true
    }
}

impl Refresher {
    pub(super) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        Self {
            browser: Browser::new(dice),
            target: None,
            gap_s: dice.log_between(2.0, 40.0),
            sigma: dice.between(0.4, 1.0),
            reloads_left: if tempo == Tempo::Day {
                dice.lognormal(14.0, 0.7).clamp(4.0, 120.0) as u32
            } else {
                u32::MAX
            },
        }
    }
}

impl Behave for Refresher {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.reloads_left == 0 {
            return false;
        }
        self.reloads_left -= 1;
        let target = match &self.target {
            Some(target) => target.clone(),
            None => {
                self.browser.arrive(turn.dice);
                // What everybody waits for.
                let featured = turn.site.featured();
                let id = featured.get(turn.dice.below(featured.len().min(3))).copied().unwrap_or_default();
                self.target.insert(format!("/p/{id}")).clone()
            }
        };
        self.browser.open(turn, &target);
        if turn.dice.chance(0.08) {
            // Pressed twice.
            turn.pause(0.2, 0.4);
            self.browser.open(turn, &target);
        }
        if turn.dice.chance(0.06) {
            // Something else meanwhile.
            turn.pause(4.0, 0.8);
            let id = turn.site.catalogue().draw(turn.dice);
            self.browser.open(turn, &format!("/p/{id}"));
        }
        if turn.dice.chance(0.05) {
            turn.pause(2.0, 0.5);
            let id = target.trim_start_matches("/p/").to_owned();
            self.browser.submit(turn, "/cart/add", format!("id={id}&quantity=1"));
        }
        turn.pause(self.gap_s, self.sigma);
        true
    }
}
