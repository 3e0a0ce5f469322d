//! People who shop: the ordinary case.
//!
//! They arrive on the home page, on a product, on a category or on a search. They go back and forth
//! between lists and products, look at pictures, choose sizes, sort, filter and search, and their
//! browser requests suggestions while they type. Some log in, some mistype their password, some
//! fill a cart and a few pay. They also do what confuses detectors: double clicks, reloads, runs of
//! quick clicks, dead bookmarks.
//!
//! The shares are rounded from published funnels, not fitted: about a tenth of people put something
//! in the cart, a few in a hundred buy. What matters is that each habit occurs often enough to be
//! learnt as human.

use super::browser::{Browser, Front, Thinking};
use crate::sim::dice::Dice;
use crate::sim::site::{Listing, PageKind};
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A person at a computer who browses, compares, \
    searches, perhaps logs in and buys; pictures \
     come from the shop. The ordinary case, with its double clicks and mistyped passwords. \
     Expected: never refused.";

/// One person.
#[derive(Debug)]
pub(in crate::sim) struct Shopper {
    browser: Browser,
    thinking: Thinking,
    clicks_left: u32,
    place: Option<PageKind>,
    /// The target of the page that is open.
    open: String,
    /// The list pages that "back" returns to, the latest at the end.
    lists: Vec<String>,
    has_account: bool,
}

impl Shopper {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        let clicks_left = match tempo {
            // Median 9, mean about 12 clicks; one in a dozen leaves after one page.
            Tempo::Day if dice.chance(0.08) => 1,
            Tempo::Day => dice.lognormal(9.0, 0.75).clamp(1.0, 150.0) as u32,
            Tempo::Live => u32::MAX,
        };
        Self {
            browser: Browser::new(dice),
            thinking: Thinking::new(tempo, dice),
            clicks_left,
            place: None,
            open: String::new(),
            lists: Vec::new(),
            has_account: dice.chance(0.25),
        }
    }

    /// Sets the kind of front end.
    pub(in crate::sim) fn before(mut self, front: Front) -> Self {
        self.browser.show(front);
        self
    }

    fn arrive(&mut self, turn: &mut Turn<'_>) {
        self.browser.arrive(turn.dice);
        match turn.dice.weighted(&[0.35, 0.3, 0.2, 0.14, 0.01]) {
            0 => self.go(turn, "/"),
            1 => self.go_to_some_product(turn),
            2 => self.go_to_some_category(turn),
            3 => self.search(turn),
            _ => {
                // A bookmark of a product that is no longer sold.
                let id = 100 + turn.dice.below(800);
                self.go(turn, &format!("/p/{id}"));
            }
        }
    }

    /// Clicks on a link, sometimes twice.
    fn go(&mut self, turn: &mut Turn<'_>, target: &str) {
        self.open = target.to_owned();
        self.place = Some(self.browser.open(turn, target));
        if turn.dice.chance(0.02) {
            turn.pause(0.14, 0.3);
            self.browser.open(turn, target);
        }
        if matches!(self.place, Some(PageKind::Category(..) | PageKind::Search(..)))
            && self.lists.last() != Some(&self.open)
        {
            self.lists.push(self.open.clone());
        }
    }

    fn go_to_some_product(&mut self, turn: &mut Turn<'_>) {
        let id = turn.site.catalogue().draw(turn.dice);
        self.go(turn, &format!("/p/{id}"));
    }

    fn go_to_some_category(&mut self, turn: &mut Turn<'_>) {
        let catalogue = turn.site.catalogue();
        let slug = catalogue.categories()[usize::from(catalogue.draw_category(turn.dice))].slug;
        self.go(turn, &format!("/c/{slug}"));
    }

    fn search(&mut self, turn: &mut Turn<'_>) {
        let mut words = turn.site.search_word(turn.dice);
        if turn.dice.chance(0.3) {
            words = format!("{words}+{}", turn.site.search_word(turn.dice));
        }
        if turn.dice.chance(0.4) {
            // The script debounces its requests for suggestions, so not every key sends one.
            for end in (2..words.len()).step_by(2 + turn.dice.below(2)).take(5) {
                self.browser.fetch(turn, format!("/api/suggest?q={}", &words[..end]));
                turn.pause(0.35, 0.5);
            }
        }
        self.go(turn, &format!("/search?q={words}"));
    }

    fn on_list(&mut self, turn: &mut Turn<'_>, listing: &Listing) {
        if listing.products.is_empty() {
            return if turn.dice.chance(0.5) {
                self.search(turn)
            } else {
                self.go_to_some_category(turn)
            };
        }
        match turn.dice.weighted(&[0.66, 0.14, 0.1, 0.06, 0.04]) {
            0 => {
                // The top of a list is clicked most.
                let position = (turn.dice.unit().powi(2) * listing.products.len() as f64) as usize;
                self.go(turn, &format!("/p/{}", listing.products[position]));
            }
            1 if listing.number < listing.pages => {
                let target = with_parameter(&self.open, "page", &(listing.number + 1).to_string());
                self.go(turn, &target);
            }
            2 if self.open.starts_with("/c/") => {
                let base = self.open.split('?').next().unwrap_or("/").to_owned();
                let choices = [
                    "sort=price",
                    "sort=new",
                    "under=3000",
                    "under=5000&sort=price",
                    "sort=popular",
                ];
                let choice = turn.dice.pick(&choices);
                self.go(turn, &format!("{base}?{choice}"));
            }
            3 => self.search(turn),
            _ => self.go_to_some_category(turn),
        }
    }

    fn on_product(&mut self, turn: &mut Turn<'_>, id: u32) {
        match turn.dice.weighted(&[0.34, 0.16, 0.2, 0.1, 0.08, 0.05, 0.04, 0.03]) {
            0 => self.back(turn),
            1 => match turn.site.related(id) {
                related if related.is_empty() => self.go(turn, "/"),
                related => {
                    let next = turn.dice.pick(&related);
                    self.go(turn, &format!("/p/{next}"));
                }
            },
            2 => {
                let images = turn.site.catalogue().product(id).map_or(1, |product| product.images);
                for number in 2..=images.min(2 + turn.dice.below(6) as u8) {
                    self.browser.look_at_picture(turn, id, number);
                    turn.pause(0.9, 0.5);
                }
            }
            3 => {
                for size in ["s", "m", "l"].iter().take(1 + turn.dice.below(3)) {
                    self.browser.fetch(turn, format!("/api/stock/{id}?size={size}"));
                    turn.pause(0.8, 0.5);
                }
            }
            4 => {
                let kind = self.browser.submit(turn, "/cart/add", format!("id={id}&quantity=1"));
                self.arrived_at("/cart", kind);
            }
            5 => self.go_to_some_category(turn),
            6 => {
                let open = self.open.clone();
                self.go(turn, &open);
            }
            _ => self.go(turn, "/"),
        }
    }

    /// Goes back to the last list. Half of the time the browser still has it and requests nothing.
    fn back(&mut self, turn: &mut Turn<'_>) {
        let Some(list) = self.lists.pop() else { return self.go_to_some_category(turn) };
        if turn.dice.chance(0.5) {
            return self.go(turn, &list);
        }
        self.place = Some(turn.site.respond("GET", &list, None).kind);
        self.lists.push(list.clone());
        self.open = list;
    }

    fn on_cart(&mut self, turn: &mut Turn<'_>) {
        match turn.dice.weighted(&[0.4, 0.4, 0.2]) {
            0 => self.go(turn, "/checkout"),
            1 => self.back(turn),
            _ => self.go(turn, "/"),
        }
    }

    fn on_checkout(&mut self, turn: &mut Turn<'_>) {
        if turn.dice.chance(0.6) {
            turn.pause(3.0, 0.6);
            let kind = self.browser.submit(
                turn,
                "/checkout/complete",
                "name=customer&pay=on_delivery".to_owned(),
            );
            self.arrived_at("/checkout/complete", kind);
        } else {
            self.go(turn, "/cart");
        }
    }

    fn log_in(&mut self, turn: &mut Turn<'_>) {
        self.has_account = false; // once is enough
        self.go(turn, "/login");
        turn.pause(2.5, 0.5);
        let user = format!("customer{}", turn.dice.below(5_000));
        while turn.dice.chance(0.12) {
            let kind =
                self.browser.submit(turn, "/login", format!("user={user}&password=mistyped"));
            self.arrived_at("/login", kind);
            turn.pause(2.5, 0.5);
        }
        let password = turn.site.password(&user);
        let kind = self.browser.submit(turn, "/login", format!("user={user}&password={password}"));
        self.arrived_at("/account", kind);
    }

    fn arrived_at(&mut self, target: &str, kind: PageKind) {
        self.open = target.to_owned();
        self.place = Some(kind);
    }
}

impl Behave for Shopper {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.clicks_left == 0 {
            return false;
        }
        self.clicks_left -= 1;
        let Some(place) = self.place.take() else {
            self.arrive(turn);
            return true;
        };
        // The person stays on this page unless an action below leads to another.
        self.place = Some(place.clone());
        self.thinking.pause(turn);
        if self.has_account && turn.dice.chance(0.05) {
            self.log_in(turn);
            return true;
        }
        match place {
            PageKind::Category(_, _, _, listing) | PageKind::Search(_, listing) => {
                self.on_list(turn, &listing)
            }
            PageKind::Product(id) => self.on_product(turn, id),
            PageKind::Cart => self.on_cart(turn),
            PageKind::Checkout => self.on_checkout(turn),
            _ => match turn.dice.weighted(&[0.5, 0.25, 0.25]) {
                0 => self.go_to_some_category(turn),
                1 => match turn.site.featured().as_slice() {
                    [] => self.go(turn, "/"),
                    featured => {
                        let id = turn.dice.pick(featured);
                        self.go(turn, &format!("/p/{id}"));
                    }
                },
                _ => self.search(turn),
            },
        }
        true
    }
}

/// A target with one parameter set. Its other parameters stay.
fn with_parameter(target: &str, name: &str, value: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let others =
        query.split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(name));
    let pairs: Vec<&str> = others.collect();
    let glue = if pairs.is_empty() { "" } else { "&" };
    format!("{path}?{}{glue}{name}={value}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_keeps_the_order() {
        assert_eq!(
            with_parameter("/c/bowls?sort=price&page=2", "page", "3"),
            "/c/bowls?sort=price&page=3"
        );
        assert_eq!(with_parameter("/c/bowls", "page", "2"), "/c/bowls?page=2");
    }
}
