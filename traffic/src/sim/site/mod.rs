//! The toy shop: what it sells and what it answers.
//!
//! Both the simulation and the demo's real server call [`Site::respond`], so the status in a
//! simulated log is the one that a real client would get. It is a pure function of the request:
//! there are no sessions. The cart and the account answer everybody, because a detector must not
//! look at who is logged in.

pub(super) mod api;
mod query;
mod reply;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::catalogue::{Catalogue, Sort};
use super::dice::{Dice, mix};
use query::{page_of, parameter};

pub use reply::{Listing, PageKind, Reply};

/// A toy shop, made from a seed.
#[derive(Clone, Debug)]
pub struct Site {
    seed: u64,
    catalogue: Arc<Catalogue>,
    /// Whether it has an API, a site map, a feed and a webhook for payments, as the benchmark's
    /// site has.
    is_full: bool,
}

impl Site {
    /// The usual toy shop: 2,000 products in 24 categories.
    pub fn new(seed: u64) -> Self {
        Self::with_size(seed, 2_000, 24)
    }

    /// A toy shop with this many products (at least one) and categories (1 to 24).
    pub fn with_size(seed: u64, products: usize, categories: usize) -> Self {
        Self {
            seed,
            catalogue: Arc::new(Catalogue::new(seed, products, categories)),
            is_full: false,
        }
    }

    /// A shop with all features: 24 categories, this many products with `images` pictures each, an
    /// API, a site map, a feed, and a webhook for payments.
    pub fn full(seed: u64, products: usize, images: u8) -> Self {
        let catalogue = Catalogue::new(seed, products, usize::MAX).with_galleries(images);
        Self { seed, catalogue: Arc::new(catalogue), is_full: true }
    }

    /// Whether it has an API and all other features of [`Site::full`].
    pub fn has_api(&self) -> bool {
        self.is_full
    }

    /// The products and categories that it sells.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The shop's host name, as referers have it. RFC 2606 reserves it, so it belongs to nobody.
    pub const HOST: &'static str = "shop.example";

    /// The password of an account. Customers know it; brute forcers have to guess it.
    pub fn password(&self, user: &str) -> String {
        let hash = user.bytes().fold(mix(self.seed), |hash, byte| mix(hash ^ u64::from(byte)));
        format!("{hash:012x}")
    }

    /// The most popular product of each of the first twelve categories, as the home page shows
    /// them.
    pub fn featured(&self) -> Vec<u32> {
        self.catalogue
            .categories()
            .iter()
            .take(12)
            .filter_map(|category| category.products.first().copied())
            .collect()
    }

    /// The products shown below this one: the next four of its category by popularity.
    pub fn related(&self, id: u32) -> Vec<u32> {
        let Some(product) = self.catalogue.product(id) else { return Vec::new() };
        let shelf = &self.catalogue.categories()[usize::from(product.category)].products;
        let at = shelf.iter().position(|other| *other == id).unwrap_or(0);
        (1..=4).map(|step| shelf[(at + step) % shelf.len()]).filter(|other| *other != id).collect()
    }

    /// A search word that finds something. Words of popular products are drawn more often.
    pub fn search_word(&self, dice: &mut Dice) -> String {
        let id = self.catalogue.draw(dice);
        let name = self.catalogue.product(id).map_or("", |product| &product.name);
        let words: Vec<&str> = name.split(' ').collect();
        dice.pick(&words).to_lowercase()
    }

    /// The shop's answer to a request. `form` is the body of a POST, URL-encoded.
    pub fn respond(&self, method: &str, target: &str, form: Option<&str>) -> Reply {
        let (path, query) = detector::url::split(target);
        if self.is_full
            && let Some(page) = api::canonical(path, query)
            && api::apart(path, |_| true).is_none()
        {
            return self.answer(method, &page, form).into_data();
        }
        self.answer(method, target, form)
    }

    /// The answer to a request for a page, not for its API name.
    fn answer(&self, method: &str, target: &str, form: Option<&str>) -> Reply {
        let (path, query) = detector::url::split(target);
        match (method, self.route(path, query)) {
            (_, PageKind::NotFound) => Reply::new(404, 400, PageKind::NotFound),
            (
                "GET" | "HEAD",
                PageKind::CartAdd(_) | PageKind::CheckoutComplete | PageKind::PaymentNotice,
            ) => Reply::new(405, 150, PageKind::WrongMethod),
            ("GET" | "HEAD", kind) => {
                Reply { status: 200, bytes: self.bytes(&kind), kind, location: None }
            }
            ("POST", PageKind::Login) => self.login(form.unwrap_or("")),
            ("POST", PageKind::CartAdd(_)) => self.cart_add(form.unwrap_or("")),
            ("POST", PageKind::CheckoutComplete) => {
                Reply::new(200, 2_600, PageKind::CheckoutComplete)
            }
            ("POST", PageKind::PaymentNotice) => Reply::new(200, 2, PageKind::PaymentNotice),
            _ => Reply::new(405, 150, PageKind::WrongMethod),
        }
    }

    fn route(&self, path: &str, query: &str) -> PageKind {
        match path {
            "/" => PageKind::Home,
            "/cart" => PageKind::Cart,
            "/cart/add" => PageKind::CartAdd(0),
            "/checkout" => PageKind::Checkout,
            "/checkout/complete" => PageKind::CheckoutComplete,
            "/login" => PageKind::Login,
            "/account" => PageKind::Account,
            "/assets/app.css" => PageKind::Style,
            "/assets/app.js" => PageKind::Script,
            "/favicon.ico" => PageKind::Favicon,
            "/robots.txt" => PageKind::Robots,
            "/search" => self.route_search(query),
            "/api/suggest" => PageKind::Suggest(parameter(query, "q").unwrap_or_default()),
            _ => self.route_by_prefix(path, query).unwrap_or(PageKind::NotFound),
        }
    }

    fn route_by_prefix(&self, path: &str, query: &str) -> Option<PageKind> {
        let known = |id: &str| id.parse().ok().filter(|id| self.catalogue.product(*id).is_some());
        if self.is_full
            && let Some(kind) = api::apart(path, |id| known(id).is_some())
        {
            return Some(kind);
        }
        if let Some(id) = path.strip_prefix("/p/") {
            return known(id).map(PageKind::Product);
        }
        if let Some(id) = path.strip_prefix("/api/stock/") {
            return known(id).map(PageKind::Stock);
        }
        if let Some(name) = path.strip_prefix("/img/p/") {
            let (id, number) = name.strip_suffix(".jpg")?.split_once('-')?;
            let number: u8 = number.parse().ok()?;
            let product = self.catalogue.product(id.parse().ok()?)?;
            return (1..=product.images)
                .contains(&number)
                .then_some(PageKind::Image(product.id, number));
        }
        let category = self.catalogue.category(path.strip_prefix("/c/")?)?;
        let sort =
            parameter(query, "sort").and_then(|name| Sort::from_name(&name)).unwrap_or_default();
        let under_yen = parameter(query, "under").and_then(|yen| yen.parse().ok());
        let listing = page_of(&self.catalogue.shelf(category, sort, under_yen), query)?;
        Some(PageKind::Category(category, sort, under_yen, listing))
    }

    fn route_search(&self, query: &str) -> PageKind {
        let words = parameter(query, "q").unwrap_or_default();
        match page_of(&self.catalogue.search(&words), query) {
            Some(listing) => PageKind::Search(words, listing),
            None => PageKind::NotFound,
        }
    }

    fn login(&self, form: &str) -> Reply {
        let user = parameter(form, "user").unwrap_or_default();
        let right =
            parameter(form, "password").is_some_and(|password| password == self.password(&user));
        if !right {
            return Reply::new(401, 1_900, PageKind::LoginRefused);
        }
        Reply { location: Some("/account"), ..Reply::new(303, 0, PageKind::LoginAccepted) }
    }

    fn cart_add(&self, form: &str) -> Reply {
        let id = parameter(form, "id").and_then(|id| id.parse().ok());
        match id.filter(|id| self.catalogue.product(*id).is_some()) {
            Some(id) => {
                Reply { location: Some("/cart"), ..Reply::new(303, 0, PageKind::CartAdd(id)) }
            }
            None => Reply::new(404, 400, PageKind::NotFound),
        }
    }

    /// The approximate length of the body, from what is on the page.
    fn bytes(&self, kind: &PageKind) -> u32 {
        let spread = |salt: u64, range: u64| (mix(self.seed ^ salt) % range) as u32;
        match kind {
            PageKind::Home => 9_400,
            PageKind::Category(_, _, _, listing) | PageKind::Search(_, listing) => {
                2_200 + 260 * listing.products.len() as u32
            }
            PageKind::Product(id) => 3_600 + spread(u64::from(*id), 2_400),
            PageKind::Image(id, number) => {
                6_000 + spread(u64::from(*id) << 8 | u64::from(*number), 60_000)
            }
            PageKind::Style => 2_100,
            PageKind::Script => 900,
            PageKind::Favicon => 318,
            PageKind::Robots => 24,
            PageKind::Suggest(words) => 40 + 9 * words.len() as u32,
            PageKind::Stock(_) => 31,
            // A site map has 60 bytes an entry; a feed has twenty entries.
            PageKind::SiteMap => 60 * self.catalogue.products().len() as u32,
            PageKind::Feed => 6_800,
            PageKind::Data => 540,
            _ => 2_300,
        }
    }
}
