use super::*;

#[test]
fn a_target_splits_into_path_and_query() {
    let check = |target, expect| assert_eq!(split(target), expect, "{target}");
    check("/p/1?size=m", ("/p/1", "size=m"));
    check("/p/1", ("/p/1", ""));
    check("/p/1#top", ("/p/1", ""));
    check("https://shop.example:443/p/1?a=b?c", ("/p/1", "a=b?c"));
    check("https://shop.example", ("/", ""));
    check("http://shop?p=5&x=/robots.txt", ("/", "p=5&x=/robots.txt"));
    check("http://shop#/a.png", ("/", ""));
    check("/p#x?y", ("/p", ""));
    check("/p?#x", ("/p", ""));
    check("?q#x", ("/", "q"));
    check("/é?ü#ß", ("/é", "ü"));
    check("*", ("*", ""));
    check("", ("", ""));
}

#[test]
fn the_path_half_ignores_the_query_and_the_key_matters() {
    let hasher = UrlHasher::new(7);
    assert_eq!(hasher.key("/p/1?a").path(), hasher.key("/p/1?b").path());
    assert_ne!(hasher.key("/p/1?a"), hasher.key("/p/1?b"));
    assert_eq!(hasher.key("http://shop/p/1"), hasher.key("/p/1"));
    assert_ne!(hasher.key("/p/1"), UrlHasher::new(8).key("/p/1"));
}

#[test]
fn depth_counts_segments() {
    let check = |path, expect| assert_eq!(depth(path), expect, "{path}");
    check("/", 0);
    check("/p/1", 2);
    check("/p//1/", 2);
    check(&"/a".repeat(1000), 255);
}

#[test]
fn assets_are_told_by_extension_or_by_the_browser() {
    let check = |path, dest, expect| assert_eq!(classify(path, dest), expect, "{path} {dest:?}");
    check("/img/a.PNG", None, Class::Asset);
    check("/p/1", None, Class::Page);
    check("/v1.2/items", None, Class::Page);
    check("/.png", None, Class::Page);
    check("/image/60844/productModel/200x200", None, Class::Asset);
    check("/image/60844", None, Class::Page);
    check("/image/../basket/1x1", None, Class::Page);
    check("/img/%2e%2e/1x1", None, Class::Page);
    check("/mattress/90x200", None, Class::Page);
    check("/image/200x200/", None, Class::Asset);
    check("200x200", None, Class::Page);
    check("/", None, Class::Page);
    check("/img.x/a", None, Class::Page);
    check("/a.b.png", None, Class::Asset);
    check("/é.png", None, Class::Asset);
    check("/a.", None, Class::Page);
    check("/product/17", Some("image"), Class::Page);
    check("/chart.svg", Some("document"), Class::Page);
    check("/api/items", Some("empty"), Class::Page);
    check("/p/1.html", Some("image"), Class::Page);
    check("/p/1/", Some("image"), Class::Page);
    check("/app.js", Some("nonsense"), Class::Asset);
}

#[test]
fn the_same_page_has_one_key_however_it_is_written() {
    let hasher = UrlHasher::new(7);
    let same = |a, b| assert_eq!(hasher.key(a), hasher.key(b), "{a} and {b}");
    same("/p/1/", "/p/1");
    same("/%70/1", "/p/1");
    same("/a%2fb", "/a%2Fb");
    same("/p?b=2&a=1", "/p?a=1&b=2");
    same("/p?a=1&&", "/p?a=1");
    same("/p?utm_source=x&a=1&gclid=9", "/p?a=1");
    same("/p?fbclid=1", "/p");
    same("https://shop/", "/");
    let long = format!("/{}", "a%20b".repeat(100));
    let encoded = long.replace('a', "%61");
    same(&encoded, &long);
    let other = |a, b| assert_ne!(hasher.key(a), hasher.key(b), "{a} and {b}");
    other("/A", "/a");
    other("/a%2Fb", "/a/b");
    other("/p?a=1&a=1", "/p?a=1");
    other("/p?a=1&b=2", "/p?a=2&b=1");
    other("/p?gclid_x=1", "/p");
    other("/%zz", "/%7z");
}

#[test]
fn a_shape_forgets_the_digits_and_sums_the_numbers() {
    let shape = |target| {
        let (path, query) = split(target);
        Shape::of(path, query)
    };
    assert_eq!(shape("/item/17").form, shape("/item/18").form);
    assert_eq!(shape("/item/18").number - shape("/item/17").number, 1);
    assert_eq!(shape("/item/5?page=2").number, 7);
    assert_eq!(shape("/c/shoes?page=9").form, shape("/c/shoes?page=10").form);
    assert_ne!(shape("/item/17").form, shape("/basket/17").form);
    assert_eq!(shape("/about"), Shape::default());
    shape(&"/9".repeat(5_000));
}
