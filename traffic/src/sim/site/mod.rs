//! What the toy shop answers.
//!
//! [`Site::respond`] is asked by the simulation and by the demo's real server, so the status in a
//! simulated log is the one that a socket would have seen. It is a pure function of the request: no
//! sessions. The cart and the account answer everybody, because who is logged in changes nothing
//! that a detector may look at.

pub(super) mod api;

use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::catalogue::{Catalogue, PER_PAGE, Sort};
use super::dice::{Dice, mix};

/// A seeded toy shop.
#[derive(Clone, Debug)]
pub struct Site {
    seed: u64,
    catalogue: Arc<Catalogue>,
    /// Whether it has an API, a site map, a feed and a place for payment notices: the benchmark's
    /// has.
    is_full: bool,
}

/// A page of a category or of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The ids on this page, in order.
    pub products: Vec<u32>,
    /// This page's number, from 1.
    pub number: usize,
    /// How many pages there are; at least 1.
    pub pages: usize,
}

/// What a request turned out to be for; the server renders it, the simulation only counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `/`
    Home,
    /// `/c/<slug>`: category index, order, price limit and the products to show.
    Category(u16, Sort, Option<u32>, Listing),
    /// `/p/<id>`
    Product(u32),
    /// `/search?q=`: the words and what they found.
    Search(String, Listing),
    /// `/api/suggest?q=`: what a browser asks while its user types.
    Suggest(String),
    /// `/api/stock/<id>`: asked when a size is chosen, and by stock pollers.
    Stock(u32),
    /// `/cart`
    Cart,
    /// `POST /cart/add`: the product put in.
    CartAdd(u32),
    /// `/checkout`
    Checkout,
    /// `POST /checkout/complete`
    CheckoutComplete,
    /// `/login`
    Login,
    /// `POST /login` with the right password.
    LoginAccepted,
    /// `POST /login` with a wrong one.
    LoginRefused,
    /// `/account`
    Account,
    /// `/img/p/<id>-<n>.jpg`
    Image(u32, u8),
    /// `/assets/app.css`
    Style,
    /// `/assets/app.js`
    Script,
    /// `/favicon.ico`
    Favicon,
    /// `/robots.txt`
    Robots,
    /// `/sitemap.xml`; this and what follows only in [`Site::full`].
    SiteMap,
    /// `/feed.xml`: what is new.
    Feed,
    /// JSON beside a page: reviews, recommendations, notices.
    Data,
    /// `POST /api/webhooks/payment`: a payment provider says how a payment went.
    PaymentNotice,
    /// No such page.
    NotFound,
    /// There is such a page, but not for this method.
    WrongMethod,
}

/// What the shop answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Body bytes, about: the real server's pages have their own lengths.
    pub bytes: u32,
    /// What to render.
    pub kind: Kind,
    /// Where a redirect leads.
    pub location: Option<&'static str>,
}

impl Site {
    /// The usual toy shop: 2,000 products in 24 categories.
    pub fn new(seed: u64) -> Self {
        Self::with_size(seed, 2_000, 24)
    }

    /// A shop of another size; at least one product, and one to 24 categories.
    pub fn with_size(seed: u64, products: usize, categories: usize) -> Self {
        Self {
            seed,
            catalogue: Arc::new(Catalogue::new(seed, products, categories)),
            is_full: false,
        }
    }

    /// A large shop with everything: this many products in 24 categories with so many pictures
    /// each, an API, a site map, a feed, payment notices.
    pub fn full(seed: u64, products: usize, images: u8) -> Self {
        let catalogue = Catalogue::new(seed, products, usize::MAX).with_galleries(images);
        Self { seed, catalogue: Arc::new(catalogue), is_full: true }
    }

    /// Whether it is one of those with everything.
    pub fn has_api(&self) -> bool {
        self.is_full
    }

    /// What it sells.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The host name that referers name; reserved by RFC 2606, so it is nobody's.
    pub const HOST: &'static str = "shop.example";

    /// The password of an account. A customer knows it, a brute forcer has to guess.
    pub fn password(&self, user: &str) -> String {
        let hash = user.bytes().fold(mix(self.seed), |hash, byte| mix(hash ^ u64::from(byte)));
        format!("{hash:012x}")
    }

    /// The most looked at products, as the home page shows them.
    pub fn featured(&self) -> Vec<u32> {
        self.catalogue
            .categories()
            .iter()
            .take(12)
            .filter_map(|category| category.products.first().copied())
            .collect()
    }

    /// Products shown below this one: its neighbours in popularity on the same shelf.
    pub fn related(&self, id: u32) -> Vec<u32> {
        let Some(product) = self.catalogue.product(id) else { return Vec::new() };
        let shelf = &self.catalogue.categories()[usize::from(product.category)].products;
        let at = shelf.iter().position(|other| *other == id).unwrap_or(0);
        (1..=4).map(|step| shelf[(at + step) % shelf.len()]).filter(|other| *other != id).collect()
    }

    /// A word that finds something, the popular products' words more often.
    pub fn search_word(&self, dice: &mut Dice) -> String {
        let id = self.catalogue.draw(dice);
        let name = self.catalogue.product(id).map_or("", |product| &product.name);
        let words: Vec<&str> = name.split(' ').collect();
        dice.pick(&words).to_lowercase()
    }

    /// Answers a request. `form` is the body of a POST, URL-encoded.
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

    fn answer(&self, method: &str, target: &str, form: Option<&str>) -> Reply {
        let (path, query) = detector::url::split(target);
        match (method, self.route(path, query)) {
            (_, Kind::NotFound) => Reply::new(404, 400, Kind::NotFound),
            ("GET" | "HEAD", Kind::CartAdd(_) | Kind::CheckoutComplete | Kind::PaymentNotice) => {
                Reply::new(405, 150, Kind::WrongMethod)
            }
            ("GET" | "HEAD", kind) => {
                Reply { status: 200, bytes: self.bytes(&kind), kind, location: None }
            }
            ("POST", Kind::Login) => self.login(form.unwrap_or("")),
            ("POST", Kind::CartAdd(_)) => self.cart_add(form.unwrap_or("")),
            ("POST", Kind::CheckoutComplete) => Reply::new(200, 2_600, Kind::CheckoutComplete),
            ("POST", Kind::PaymentNotice) => Reply::new(200, 2, Kind::PaymentNotice),
            _ => Reply::new(405, 150, Kind::WrongMethod),
        }
    }

    fn route(&self, path: &str, query: &str) -> Kind {
        match path {
            "/" => Kind::Home,
            "/cart" => Kind::Cart,
            "/cart/add" => Kind::CartAdd(0),
            "/checkout" => Kind::Checkout,
            "/checkout/complete" => Kind::CheckoutComplete,
            "/login" => Kind::Login,
            "/account" => Kind::Account,
            "/assets/app.css" => Kind::Style,
            "/assets/app.js" => Kind::Script,
            "/favicon.ico" => Kind::Favicon,
            "/robots.txt" => Kind::Robots,
            "/search" => self.route_search(query),
            "/api/suggest" => Kind::Suggest(parameter(query, "q").unwrap_or_default()),
            _ => self.route_by_prefix(path, query).unwrap_or(Kind::NotFound),
        }
    }

    fn route_by_prefix(&self, path: &str, query: &str) -> Option<Kind> {
        let known = |id: &str| id.parse().ok().filter(|id| self.catalogue.product(*id).is_some());
        if self.is_full
            && let Some(kind) = api::apart(path, |id| known(id).is_some())
        {
            return Some(kind);
        }
        if let Some(id) = path.strip_prefix("/p/") {
            return known(id).map(Kind::Product);
        }
        if let Some(id) = path.strip_prefix("/api/stock/") {
            return known(id).map(Kind::Stock);
        }
        if let Some(name) = path.strip_prefix("/img/p/") {
            let (id, number) = name.strip_suffix(".jpg")?.split_once('-')?;
            let number: u8 = number.parse().ok()?;
            let product = self.catalogue.product(id.parse().ok()?)?;
            return (1..=product.images)
                .contains(&number)
                .then_some(Kind::Image(product.id, number));
        }
        let category = self.catalogue.category(path.strip_prefix("/c/")?)?;
        let sort =
            parameter(query, "sort").and_then(|name| Sort::from_name(&name)).unwrap_or_default();
        let under_yen = parameter(query, "under").and_then(|yen| yen.parse().ok());
        let listing = page_of(&self.catalogue.shelf(category, sort, under_yen), query)?;
        Some(Kind::Category(category, sort, under_yen, listing))
    }

    fn route_search(&self, query: &str) -> Kind {
        let words = parameter(query, "q").unwrap_or_default();
        match page_of(&self.catalogue.search(&words), query) {
            Some(listing) => Kind::Search(words, listing),
            None => Kind::NotFound,
        }
    }

    fn login(&self, form: &str) -> Reply {
        let user = parameter(form, "user").unwrap_or_default();
        let right =
            parameter(form, "password").is_some_and(|password| password == self.password(&user));
        if !right {
            return Reply::new(401, 1_900, Kind::LoginRefused);
        }
        Reply { location: Some("/account"), ..Reply::new(303, 0, Kind::LoginAccepted) }
    }

    fn cart_add(&self, form: &str) -> Reply {
        let id = parameter(form, "id").and_then(|id| id.parse().ok());
        match id.filter(|id| self.catalogue.product(*id).is_some()) {
            Some(id) => Reply { location: Some("/cart"), ..Reply::new(303, 0, Kind::CartAdd(id)) },
            None => Reply::new(404, 400, Kind::NotFound),
        }
    }

    /// About how long the body is, from what is on it.
    fn bytes(&self, kind: &Kind) -> u32 {
        let spread = |salt: u64, range: u64| (mix(self.seed ^ salt) % range) as u32;
        match kind {
            Kind::Home => 9_400,
            Kind::Category(_, _, _, listing) | Kind::Search(_, listing) => {
                2_200 + 260 * listing.products.len() as u32
            }
            Kind::Product(id) => 3_600 + spread(u64::from(*id), 2_400),
            Kind::Image(id, number) => {
                6_000 + spread(u64::from(*id) << 8 | u64::from(*number), 60_000)
            }
            Kind::Style => 2_100,
            Kind::Script => 900,
            Kind::Favicon => 318,
            Kind::Robots => 24,
            Kind::Suggest(words) => 40 + 9 * words.len() as u32,
            Kind::Stock(_) => 31,
            // 60 bytes an entry, and a feed of twenty.
            Kind::SiteMap => 60 * self.catalogue.products().len() as u32,
            Kind::Feed => 6_800,
            Kind::Data => 540,
            _ => 2_300,
        }
    }
}

impl Reply {
    /// The same as an API says it: no markup around it, and created instead of moved on.
    fn into_data(self) -> Self {
        let status = match self.kind {
            Kind::CartAdd(_) if self.status < 400 => 201,
            Kind::LoginAccepted => 200,
            _ => self.status,
        };
        Self { status, bytes: 30 + self.bytes / 4, location: None, ..self }
    }

    fn new(status: u16, bytes: u32, kind: Kind) -> Self {
        Self { status, bytes, kind, location: None }
    }
}

/// The page of `ids` that the query asks for; `None` beyond the last.
fn page_of(ids: &[u32], query: &str) -> Option<Listing> {
    let number = match parameter(query, "page") {
        Some(number) => number.parse().ok()?,
        None => 1,
    };
    let pages = ids.len().div_ceil(PER_PAGE).max(1);
    if !(1..=pages).contains(&number) {
        return None;
    }
    let products = ids.iter().skip((number - 1) * PER_PAGE).take(PER_PAGE).copied().collect();
    Some(Listing { products, number, pages })
}

/// One parameter of a query or of a URL-encoded form, decoded.
fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then(|| decode(value))
    })
}

/// Percent-decoding with `+` as a space; what cannot be decoded stays as it is.
fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shop_answers_as_a_shop_does() {
        let site = Site::new(1);
        let password = format!("user=mei&password={}", site.password("mei"));
        let check = |method, target: &str, form: Option<&str>, status| {
            assert_eq!(site.respond(method, target, form).status, status, "{method} {target}");
        };
        check("GET", "/", None, 200);
        check("HEAD", "/p/1001", None, 200);
        check("GET", "/p/1001?from=mail", None, 200);
        check("GET", "/p/999999", None, 404);
        check("GET", "/p/", None, 404);
        check("GET", "/c/kettles", None, 200);
        check("GET", "/c/kettles?page=1&sort=price&under=3000", None, 200);
        check("GET", "/c/kettles?page=99", None, 404);
        check("GET", "/c/zeppelins", None, 404);
        check("GET", "/search?q=indigo+linen", None, 200);
        check("GET", "/search?q=", None, 200);
        check("GET", "/img/p/1001-1.jpg", None, 200);
        check("GET", "/img/p/1001-9.jpg", None, 404);
        check("GET", "/cart/add", None, 405);
        check("POST", "/cart/add", Some("id=1001"), 303);
        check("POST", "/cart/add", Some("id=1"), 404);
        check("POST", "/login", Some(&password), 303);
        check("POST", "/login", Some("user=mei&password=hunter2"), 401);
        check("POST", "/login", None, 401);
        check("POST", "/checkout/complete", None, 200);
        check("DELETE", "/cart", None, 405);
        check("GET", "/.env", None, 404);
    }

    #[test]
    fn every_link_of_a_page_leads_somewhere() {
        let site = Site::with_size(3, 200, 6);
        for product in site.catalogue().products() {
            for id in site.related(product.id) {
                assert_eq!(site.respond("GET", &format!("/p/{id}"), None).status, 200);
            }
            let last = format!("/img/p/{}-{}.jpg", product.id, product.images);
            assert_eq!(site.respond("GET", &last, None).status, 200);
        }
        assert!(!site.featured().is_empty());
    }

    #[test]
    fn escapes_are_decoded_and_nonsense_is_left_alone() {
        let check = |text, expect| assert_eq!(decode(text), expect);
        check("a+b%20c", "a b c");
        check("100%", "100%");
        check("%zz%2", "%zz%2");
        check("%E6%9C%A8", "木");
    }
}
