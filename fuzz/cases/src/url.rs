//! Request targets: splitting, normal form, hashing, depth, class and shape.

use detector::url::{Class, Shape, UrlHasher, classify, depth, normal, split};

/// A target is cut and not changed; whatever spelling does not count, does not change its key.
pub fn url(data: &[u8]) {
    let target = String::from_utf8_lossy(data);
    let (path, query) = split(&target);
    assert!(path == "/" || target.contains(path), "made up: {path:?}");
    assert!(target.contains(query), "made up: {query:?}");
    assert!(!path.contains(['?', '#']) && !query.contains('#'), "{path:?} {query:?}");

    check_key(&target, path, query);
    check_normal(path);
    check_shape(path, query);

    assert_eq!(
        usize::from(depth(path)),
        path.split('/').filter(|s| !s.is_empty()).count().min(255)
    );
    assert_eq!(depth(&format!("{path}/")), depth(path));
    assert_eq!(classify(path, Some("document")), Class::Page, "a browser navigates there");
    assert_eq!(classify(path, Some("image")), classify(path, None), "a claim makes no asset");
}

fn check_key(target: &str, path: &str, query: &str) {
    let hasher = UrlHasher::new(7);
    let key = hasher.key(target);
    assert_eq!(hasher.key(path).path(), key.path(), "the path's half is the path's");
    let is_one_path = path.starts_with('/');
    if !is_one_path {
        return;
    }
    let same = |other: &str| assert_eq!(hasher.key(other), key, "{target:?} and {other:?}");
    let parameters: Vec<&str> = query.split('&').rev().collect();
    same(&format!("{path}?{query}"));
    same(&format!("{path}?{query}#top"));
    same(&format!("{path}///?{}&utm_source=x&&", parameters.join("&")));
    same(&format!("https://shop.example{path}?{query}"));
    // Within a broken escape more escapes would make it another text.
    if !path.contains('%') {
        let spelt: String = path.chars().map(spelt).collect();
        same(&format!("{spelt}?{query}"));
    }
}

/// A character as an escape, where one that is an escape is the same character.
fn spelt(letter: char) -> String {
    if letter.is_ascii_alphanumeric() || "-._~".contains(letter) {
        format!("%{:02x}", u32::from(letter))
    } else {
        letter.to_string()
    }
}

fn check_normal(text: &str) {
    let once: Vec<u8> = normal(text).collect();
    assert!(once.len() <= text.len());
    let once = String::from_utf8(once).expect("only ASCII is decoded");
    // A percent sign that is no escape may become one when what follows it is decoded.
    let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if text.split('%').skip(1).all(is_escape) {
        assert!(normal(&once).eq(once.bytes()), "{text:?}");
    }
    if !text.contains('%') {
        assert_eq!(once, text);
    }
}

fn check_shape(path: &str, query: &str) {
    let shape = Shape::of(path, query);
    let has_number = path.bytes().chain(query.bytes()).any(|byte| byte.is_ascii_digit());
    assert_eq!(shape.form != 0, has_number);
    if !has_number {
        assert_eq!((shape.form, shape.number), (0, 0));
        return;
    }
    // Another digit, the same shape.
    let [path, query] = [path, query].map(|text| text.replace(|c: char| c.is_ascii_digit(), "3"));
    assert_eq!(Shape::of(&path, &query).form, shape.form);
}
