//! Recognises enumeration (`/item/17`, `/item/18`) without knowing the site.

use super::names::Names;

/// A URL taken apart into its form without digits and the sum of its numbers, and what it names.
///
/// `/item/17?page=2` and `/item/18?page=2` have the same form, and their numbers differ by one. A
/// URL without a number has form 0. The hash is not keyed, because whoever makes two forms collide
/// spoils only the count of his own steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Hash of everything but the digits; 0 when there are no digits.
    pub form: u16,
    /// Sum of the runs of digits, modulo 2³².
    pub number: u32,
    /// What the URL names, as far as somebody asked for it ([`Shape::naming`]).
    pub names: Names,
}

impl Shape {
    /// The shape of a target that has been split.
    pub fn of(path: &str, query: &str) -> Self {
        let (mut hash, mut sum, mut run, mut digits) = (0_u32, 0_u32, 0_u32, false);
        for &byte in path.as_bytes().iter().chain(b"?").chain(query.as_bytes()) {
            if byte.is_ascii_digit() {
                digits = true;
                run = run.wrapping_mul(10).wrapping_add(u32::from(byte - b'0'));
            } else {
                sum = sum.wrapping_add(std::mem::take(&mut run));
                hash = (hash.rotate_left(5) ^ u32::from(byte)).wrapping_mul(0x9e37_79b9);
            }
        }
        let form = if digits { ((hash >> 16) as u16).max(1) } else { 0 };
        Self { form, number: sum.wrapping_add(run), names: Names::NONE }
    }

    /// This shape, for a URL that names this.
    #[must_use]
    pub const fn naming(self, names: Names) -> Self {
        Self { names, ..self }
    }
}
