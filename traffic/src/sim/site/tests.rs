//! The shop answers as a shop does.

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
