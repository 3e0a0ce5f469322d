//! What a request means in a shop: a log-in, a step to an order, a picture.
//!
//! Paths are read in words, so that `/customer/account/loginPost/` and `/users/sign-in` are log-ins
//! and `/p/order-of-the-phoenix` is none: only the words of short segments count.

/// What a request is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Step {
    /// Anything else.
    #[default]
    Other,
    /// The page or form of a log-in.
    LogIn,
    /// A step on the way to an order.
    Checkout,
    /// What is seen once an order is made.
    Ordered,
    /// A picture, by the words of its path.
    Picture,
}

/// Words at most in a segment that is a step: what has more is a name.
const WORDS_MAX: usize = 3;

const LOG_IN: &[&str] =
    &["login", "loginpost", "logon", "signin", "log-in", "sign-in", "authenticate"];
const CHECKOUT: &[&str] = &["checkout", "order", "orders", "payment", "purchase", "onepage"];
const ORDERED: &[&str] = &[
    "success",
    "complete",
    "completed",
    "confirmation",
    "confirmed",
    "thank",
    "thanks",
    "thankyou",
    "received",
    "finish",
    "place",
    "saveorder",
];
const PICTURES: &[&str] = &[
    "image",
    "images",
    "img",
    "imgs",
    "thumb",
    "thumbs",
    "thumbnail",
    "thumbnails",
    "photo",
    "photos",
    "picture",
    "pictures",
    "icon",
    "icons",
    "avatar",
    "avatars",
];

/// What a target is for.
pub(super) fn step(target: &str) -> Step {
    let path = target.split(['?', '#']).next().unwrap_or("").to_ascii_lowercase();
    let is_word = |words: &[&str]| {
        path.split('/').any(|segment| {
            words.contains(&segment)
                || (segment.split(['-', '_', '.']).count() <= WORDS_MAX
                    && segment.split(['-', '_', '.']).any(|word| words.contains(&word)))
        })
    };
    let is_segment = |words: &[&str]| path.split('/').any(|segment| words.contains(&segment));
    match () {
        () if is_word(LOG_IN) => Step::LogIn,
        () if is_word(CHECKOUT) && is_word(ORDERED) => Step::Ordered,
        () if is_word(CHECKOUT) => Step::Checkout,
        () if is_segment(PICTURES) => Step::Picture,
        () => Step::Other,
    }
}

/// Who is named by a referer: a keyed-free hash of its authority without port and `www.`; 0 for
/// none.
pub(super) fn authority(referer: &str) -> u32 {
    let Some((_, rest)) = referer.split_once("://") else { return 0 };
    host(rest.split(['/', '?', '#']).next().unwrap_or(rest))
}

/// The hash of a host's name, without port and `www.`; 0 if there is none.
pub(super) fn host(name: &str) -> u32 {
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    let name = name.strip_prefix("www.").unwrap_or(name);
    if name.is_empty() {
        return 0;
    }
    // FNV-1a: fast, and nothing is gained by two names that share a hash.
    name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
    }) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_a_shop_are_told_by_words() {
        let check = |target, expect| assert_eq!(step(target), expect, "{target}");
        check("/customer/account/loginPost/", Step::LogIn);
        check("/users/sign-in?next=/", Step::LogIn);
        check("/login.php", Step::LogIn);
        check("/api/auth/login", Step::LogIn);
        check("/checkout/onepage/success/", Step::Ordered);
        check("/order-received/17", Step::Ordered);
        check("/checkout/complete", Step::Ordered);
        check("/checkout/cart", Step::Checkout);
        check("/image/281/brand", Step::Picture);
        check("/media/thumb/1", Step::Picture);
        check("/p/harry-potter-order-of-the-phoenix", Step::Other);
        check("/p/image-frame", Step::Other);
        check("/", Step::Other);
    }

    #[test]
    fn a_host_is_the_same_with_port_and_www() {
        let shop = host("shop.example");
        assert_eq!(authority("https://www.Shop.example:8443/p/1?x=http://other.example/"), shop);
        assert_eq!(host("shop.example:80"), shop);
        assert_ne!(authority("https://search.example/"), shop);
        assert_eq!(authority("android-app"), 0);
        assert_eq!(authority("https:///"), 0);
    }
}
