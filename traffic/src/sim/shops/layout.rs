//! The form of a shop's URLs in its log.
//!
//! Visitors and [`Site`] use canonical targets: `/p/1042`, `/c/kettles?page=2`,
//! `/img/p/1042-3.jpg`. A layout translates them into the shop's own URLs, or leaves them out where
//! another server delivers them. Targets that it does not know, such as attack paths and
//! `robots.txt`, stay as they are.

use crate::sim::dice::Dice;
use crate::sim::site::{PageKind, Site, api};

/// The form of page URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urls {
    /// `/p/1042`, `/c/kettles?page=2`
    Plain,
    /// `/kettles/indigo-iron-kettle-1042.html`, `/collections/kettles?page=2`
    Slugs,
    /// `/index.php?route=product/product&product_id=1042`
    Parameters,
    /// One page, and API calls for everything on it: `/api/v1/products/1042`,
    /// `/api/v1/products?category=kettles&page=2`
    Api,
}

/// Which assets are in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assets {
    /// All.
    InLog,
    /// None, because a CDN delivers them.
    OnCdn,
    /// Pictures only, scaled by the shop and named without an extension. A CDN delivers style and
    /// script.
    WithoutExtension,
}

/// What the scripts of a page request by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    /// Nothing, or with [`Urls::Api`] the parts of the page.
    Plain,
    /// Every product in view before a click, the next part of a list while it is scrolled, and
    /// recommendations.
    Eager,
}

/// The origin in the referers of the shop's own pages.
const ORIGIN: &str = "https://shop.example";

/// The layout of one shop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout<'a> {
    pub(super) urls: Urls,
    pub(super) assets: Assets,
    pub(super) scripts: Scripts,
    pub(super) site: &'a Site,
}

impl Layout<'_> {
    /// A canonical target as this shop's log shows it; `None` if the log does not show it.
    pub(super) fn target(&self, target: &str) -> Option<String> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if let Some(picture) =
            path.strip_prefix("/img/p/").and_then(|name| name.strip_suffix(".jpg"))
        {
            return self.picture(target, picture);
        }
        if path.starts_with("/assets/") || path == "/favicon.ico" {
            return (self.assets == Assets::InLog).then(|| target.to_owned());
        }
        Some(match self.urls {
            Urls::Plain => target.to_owned(),
            Urls::Slugs => self.slug(target, path, query),
            Urls::Parameters => parameters(target, path, query),
            Urls::Api => api::named(target),
        })
    }

    /// A referer as this shop's log shows it. Referers of other sites stay as they are.
    pub(super) fn referer(&self, referer: &str) -> String {
        let target = referer.strip_prefix(ORIGIN).filter(|target| target.starts_with('/'));
        let page = match self.urls {
            // The front end has one page only.
            Urls::Api => target.map(|_| "/".to_owned()),
            _ => target.and_then(|target| self.target(target)),
        };
        page.map_or_else(|| referer.to_owned(), |page| format!("{ORIGIN}{page}"))
    }

    /// What scripts request after a page of this kind: each with the seconds after the page, and a
    /// canonical target. A target after an exclamation mark is not canonical and stays as it is.
    pub(super) fn fetched_after(&self, kind: &PageKind, dice: &mut Dice) -> Vec<(f64, String)> {
        match (self.scripts, self.urls) {
            (Scripts::Eager, _) => eager(kind, dice),
            (Scripts::Plain, Urls::Api) => parts(kind, dice),
            (Scripts::Plain, _) => Vec::new(),
        }
    }

    fn picture(&self, target: &str, picture: &str) -> Option<String> {
        match (self.assets, picture.split_once('-')) {
            (Assets::InLog, _) => Some(target.to_owned()),
            (Assets::WithoutExtension, Some((id, "1"))) => {
                Some(format!("/image/{id}/productModel/200x200"))
            }
            (Assets::WithoutExtension, Some((id, number))) => {
                Some(format!("/image/{id}/view{number}/600x600"))
            }
            (Assets::WithoutExtension, None) => Some(target.to_owned()),
            (Assets::OnCdn, _) => None,
        }
    }

    fn slug(&self, target: &str, path: &str, query: &str) -> String {
        if let Some(id) = path.strip_prefix("/p/") {
            let known = id.parse().ok().and_then(|id| self.site.catalogue().product(id));
            return match known {
                Some(product) => {
                    let shelf =
                        self.site.catalogue().categories()[usize::from(product.category)].slug;
                    with(
                        &format!(
                            "/{shelf}/{}-{id}.html",
                            product.name.to_lowercase().replace(' ', "-")
                        ),
                        query,
                    )
                }
                None => with(&format!("/products/{id}.html"), query),
            };
        }
        match path.strip_prefix("/c/") {
            Some(slug) => with(&format!("/collections/{slug}"), query),
            None => target.to_owned(),
        }
    }
}

fn parameters(target: &str, path: &str, query: &str) -> String {
    let route = |route: &str, more: String| {
        let all = [format!("route={route}"), more, query.to_owned()];
        let all: Vec<String> = all.into_iter().filter(|part| !part.is_empty()).collect();
        format!("/index.php?{}", all.join("&"))
    };
    if let Some(id) = path.strip_prefix("/p/") {
        return route("product/product", format!("product_id={id}"));
    }
    if let Some(slug) = path.strip_prefix("/c/") {
        return route("product/category", format!("path={slug}"));
    }
    if let Some(id) = path.strip_prefix("/api/stock/") {
        return route("product/stock", format!("product_id={id}"));
    }
    let known = match path {
        "/search" => "product/search",
        "/api/suggest" => "product/suggest",
        "/cart" => "checkout/cart",
        "/cart/add" => "checkout/cart/add",
        "/checkout" => "checkout/checkout",
        "/checkout/complete" => "checkout/success",
        "/login" => "account/login",
        "/account" => "account/account",
        _ => return target.to_owned(),
    };
    route(known, String::new())
}

fn with(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// What a page that consists of API calls requests.
fn parts(kind: &PageKind, dice: &mut Dice) -> Vec<(f64, String)> {
    let mut fetched = Vec::new();
    let mut after = dice.between(0.05, 0.2);
    let mut ask = |target: String, dice: &mut Dice| {
        fetched.push((after, target));
        after += dice.exponential(0.04);
    };
    match kind {
        PageKind::Home => ask("!/api/v1/featured".to_owned(), dice),
        PageKind::Product(id) => {
            ask(format!("!/api/v1/products/{id}/reviews"), dice);
            ask(format!("!/api/v1/recommendations?product={id}"), dice);
        }
        PageKind::Category(_, _, _, listing) | PageKind::Search(_, listing) => {
            // The products in view are prefetched.
            for id in listing.products.iter().take(dice.below(5)) {
                ask(format!("/p/{id}"), dice);
            }
        }
        _ => {}
    }
    fetched
}

/// What eager scripts request: prefetched links, endless scrolling, recommendations.
fn eager(kind: &PageKind, dice: &mut Dice) -> Vec<(f64, String)> {
    let mut fetched = Vec::new();
    let mut after = dice.between(0.05, 0.6);
    match kind {
        PageKind::Product(id) => fetched.push((after, format!("!/p/{id}?related=1"))),
        PageKind::Category(_, _, _, listing) | PageKind::Search(_, listing) => {
            for id in &listing.products {
                fetched.push((after, format!("/p/{id}")));
                after += dice.exponential(0.02);
            }
            for part in 1..=dice.below(5) {
                after += dice.lognormal(3.0, 0.8);
                fetched.push((after, format!("!/?infinity=scrolling&part={part}")));
            }
        }
        _ => {}
    }
    fetched
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_written_as_each_shop_would() {
        let site = Site::new(1);
        let product = site.catalogue().product(1_042).unwrap();
        let slug = product.name.to_lowercase().replace(' ', "-");
        let shelf = site.catalogue().categories()[usize::from(product.category)].slug;
        let check = |urls, target: &str, expect: &str| {
            let layout =
                Layout { urls, assets: Assets::InLog, scripts: Scripts::Plain, site: &site };
            assert_eq!(layout.target(target).as_deref(), Some(expect), "{urls:?}");
        };
        check(Urls::Plain, "/c/kettles?page=2", "/c/kettles?page=2");
        check(Urls::Slugs, "/p/1042", &format!("/{shelf}/{slug}-1042.html"));
        check(Urls::Slugs, "/p/99", "/products/99.html");
        check(Urls::Slugs, "/c/kettles?page=2", "/collections/kettles?page=2");
        check(Urls::Slugs, "/cart", "/cart");
        check(Urls::Parameters, "/p/1042", "/index.php?route=product/product&product_id=1042");
        check(
            Urls::Parameters,
            "/c/kettles?page=2",
            "/index.php?route=product/category&path=kettles&page=2",
        );
        check(Urls::Parameters, "/search?q=tea", "/index.php?route=product/search&q=tea");
        check(Urls::Parameters, "/.env", "/.env");
        check(Urls::Api, "/c/kettles?page=2", "/api/v1/products?category=kettles&page=2");
        check(Urls::Api, "/api/stock/1042?size=m", "/api/v1/products/1042/stock?size=m");
        check(Urls::Api, "/", "/");
    }

    #[test]
    fn assets_are_shown_renamed_or_left_out() {
        let site = Site::new(1);
        let check = |assets, target: &str, expect: Option<&str>| {
            let layout = Layout { urls: Urls::Plain, assets, scripts: Scripts::Plain, site: &site };
            assert_eq!(layout.target(target).as_deref(), expect, "{assets:?}");
        };
        check(Assets::InLog, "/img/p/1042-1.jpg", Some("/img/p/1042-1.jpg"));
        check(
            Assets::WithoutExtension,
            "/img/p/1042-1.jpg",
            Some("/image/1042/productModel/200x200"),
        );
        check(Assets::WithoutExtension, "/img/p/1042-3.jpg", Some("/image/1042/view3/600x600"));
        check(Assets::WithoutExtension, "/assets/app.css", None);
        check(Assets::OnCdn, "/img/p/1042-1.jpg", None);
        check(Assets::OnCdn, "/favicon.ico", None);
    }

    #[test]
    fn referers_are_pages_of_the_same_shop() {
        let site = Site::new(1);
        let check = |urls, referer: &str, expect: &str| {
            let layout =
                Layout { urls, assets: Assets::OnCdn, scripts: Scripts::Plain, site: &site };
            assert_eq!(layout.referer(referer), expect, "{urls:?}");
        };
        check(Urls::Plain, "https://www.google.com/", "https://www.google.com/");
        check(
            Urls::Parameters,
            "https://shop.example/login",
            "https://shop.example/index.php?route=account/login",
        );
        check(Urls::Api, "https://shop.example/p/1042", "https://shop.example/");
    }
}
