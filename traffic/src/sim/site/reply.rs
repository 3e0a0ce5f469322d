//! What the shop answers to a request.

use crate::sim::catalogue::Sort;

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

/// What a request is for. The demo's server renders it; the simulation only counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageKind {
    /// `/`
    Home,
    /// `/c/<slug>`: index of the category, order, price limit in yen, and the products to show.
    Category(u16, Sort, Option<u32>, Listing),
    /// `/p/<id>`
    Product(u32),
    /// `/search?q=`: the search words, and the products found.
    Search(String, Listing),
    /// `/api/suggest?q=`: requested by a browser while its user types.
    Suggest(String),
    /// `/api/stock/<id>`: requested when a size is chosen, and by stock pollers.
    Stock(u32),
    /// `/cart`
    Cart,
    /// `POST /cart/add`: the product that is put into the cart.
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
    /// `/sitemap.xml`, only in [`Site::full`](super::Site::full)
    SiteMap,
    /// `/feed.xml`: new products; only in [`Site::full`](super::Site::full).
    Feed,
    /// JSON beside a page: reviews, recommendations, notifications; only in
    /// [`Site::full`](super::Site::full).
    Data,
    /// `POST /api/webhooks/payment`: a payment provider reports a payment; only in
    /// [`Site::full`](super::Site::full).
    PaymentNotice,
    /// There is no such page.
    NotFound,
    /// There is such a page, but not for this method.
    WrongMethod,
}

/// The shop's answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Approximate bytes of the body. The pages of the demo's server have their own lengths.
    pub bytes: u32,
    /// What the request is for, and so what to render.
    pub kind: PageKind,
    /// The target of a redirect.
    pub location: Option<&'static str>,
}

impl Reply {
    /// The answer as an API gives it: without markup, and with status 201 or 200 where the page
    /// redirects.
    pub(super) fn into_data(self) -> Self {
        let status = match self.kind {
            PageKind::CartAdd(_) if self.status < 400 => 201,
            PageKind::LoginAccepted => 200,
            _ => self.status,
        };
        Self { status, bytes: 30 + self.bytes / 4, location: None, ..self }
    }

    pub(super) fn new(status: u16, bytes: u32, kind: PageKind) -> Self {
        Self { status, bytes, kind, location: None }
    }
}
