//! The API of the benchmark's shop, which its app and its single-page front end call, and the
//! targets that only programs request.
//!
//! Most API paths stand for a page: `/api/v1/products/1042` is `/p/1042` as JSON. [`canonical`]
//! translates an API path into the page's, and [`named`] the other way round. The layouts of
//! `shops/` use it too.

use super::query::parameter;
use super::reply::PageKind;

/// The page that an API path stands for; `None` if it stands for none.
pub(super) fn canonical(path: &str, query: &str) -> Option<String> {
    let with =
        |path: &str| if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let path = path.strip_prefix("/api/v1/")?;
    if let Some(product) = path.strip_prefix("products/") {
        return match product.strip_suffix("/stock") {
            Some(id) => Some(with(&format!("/api/stock/{id}"))),
            None => Some(with(&format!("/p/{product}"))),
        };
    }
    Some(match path {
        "home" => "/".to_owned(),
        "products" => match parameter(query, "category") {
            Some(slug) => with(&format!("/c/{slug}")),
            None => with("/search"),
        },
        "suggest" => with("/api/suggest"),
        "cart" => with("/cart"),
        "cart/items" => with("/cart/add"),
        "checkout" => with("/checkout"),
        "orders" => with("/checkout/complete"),
        "session" => with("/login"),
        "account" => with("/account"),
        _ => return None,
    })
}

/// Recognises targets that stand for no page: data beside a product, notifications, the site map,
/// the feed, the webhook of a payment provider.
pub(super) fn apart(path: &str, is_known: impl Fn(&str) -> bool) -> Option<PageKind> {
    match path {
        "/sitemap.xml" => return Some(PageKind::SiteMap),
        "/feed.xml" => return Some(PageKind::Feed),
        "/api/webhooks/payment" => return Some(PageKind::PaymentNotice),
        "/api/v1/featured" | "/api/v1/recommendations" | "/api/v1/notifications" => {
            return Some(PageKind::Data);
        }
        _ => {}
    }
    let id = path.strip_prefix("/api/v1/products/")?.strip_suffix("/reviews")?;
    is_known(id).then_some(PageKind::Data)
}

/// The API target for a page. Targets that the API does not know stay as they are.
pub(in crate::sim) fn named(target: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let with =
        |path: &str| if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    if let Some(id) = path.strip_prefix("/p/") {
        return with(&format!("/api/v1/products/{id}"));
    }
    if let Some(slug) = path.strip_prefix("/c/") {
        let glue = if query.is_empty() { "" } else { "&" };
        return format!("/api/v1/products?category={slug}{glue}{query}");
    }
    if let Some(id) = path.strip_prefix("/api/stock/") {
        return with(&format!("/api/v1/products/{id}/stock"));
    }
    let known = match path {
        "/search" => "/api/v1/products",
        "/api/suggest" => "/api/v1/suggest",
        "/cart" => "/api/v1/cart",
        "/cart/add" => "/api/v1/cart/items",
        "/checkout" => "/api/v1/checkout",
        "/checkout/complete" => "/api/v1/orders",
        "/login" => "/api/v1/session",
        "/account" => "/api/v1/account",
        _ => return target.to_owned(),
    };
    with(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::site::Site;

    #[test]
    fn an_api_call_is_answered_as_the_page_it_stands_for() {
        let site = Site::full(1, 500, 30);
        let pages = [
            "/p/1042",
            "/p/99",
            "/c/kettles?page=2",
            "/search?q=indigo",
            "/cart",
            "/checkout",
            "/account",
        ];
        for page in
            pages.into_iter().chain(["/api/stock/1042?size=m", "/api/suggest?q=te", "/login"])
        {
            let (page_reply, api_reply) =
                (site.respond("GET", page, None), site.respond("GET", &named(page), None));
            assert_eq!(
                (page_reply.kind, page_reply.status),
                (api_reply.kind, api_reply.status),
                "{}",
                named(page)
            );
        }
        for target in ["/api/v1/home", "/sitemap.xml", "/feed.xml", "/api/v1/products/1001/reviews"]
        {
            assert_eq!(site.respond("GET", target, None).status, 200, "{target}");
        }
        let post = |target, form| site.respond("POST", target, Some(form));
        assert_eq!(post("/api/webhooks/payment", "payment=7").kind, PageKind::PaymentNotice);
        assert_eq!(post("/api/v1/session", "user=mei&password=wrong").status, 401);
        let added = post("/api/v1/cart/items", "id=1042&quantity=1");
        assert_eq!(
            (added.status, added.location, added.kind),
            (201, None, PageKind::CartAdd(1_042))
        );
        assert_eq!(post("/api/v1/orders", "").status, 200);
        assert_eq!(site.respond("GET", "/api/v1/warp", None).status, 404);
    }

    #[test]
    fn the_toy_shop_has_none_of_it() {
        let site = Site::new(1);
        for target in ["/api/v1/products/1042", "/sitemap.xml", "/feed.xml", "/api/v1/home"] {
            assert_eq!(site.respond("GET", target, None).status, 404, "{target}");
        }
    }
}
