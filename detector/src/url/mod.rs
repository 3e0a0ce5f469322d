//! What is "the same page".
//!
//! A request target is [`split()`] into path and query. Both are **normalised** while they are
//! hashed, with a secret key, to a [`UrlKey`] of 4 bytes.
//!
//! Normalised (RFC 3986, 6.2.2) means:
//!
//! - scheme and host are dropped
//! - `%41` becomes `A`, because that character is unreserved; `%2f` becomes `%2F`
//! - a trailing slash does not count
//! - neither do the order of parameters, empty parameters, and those that only track where a
//!   visitor came from
//!
//! The case of a path does count: servers may tell `/A` from `/a`.

mod class;
mod hash;
mod names;
mod normal;
mod shape;
mod split;
#[cfg(test)]
mod tests;

pub use class::{Class, classify};
pub use hash::{UrlHasher, UrlKey};
pub use names::Names;
pub use normal::{is_tracking, normal};
pub use shape::Shape;
pub use split::{depth, split};
