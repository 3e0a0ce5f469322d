//! Rule `attack_paths`: many different paths that only attack tools ask for, none of which exists.
//!
//! **Formula.** A path counts if a segment of it is in the word list ([`crate::url::Names`]) and
//! the shop answered it with an error. Each is hashed to one of 16 bits. The rule is met from
//! [`BITS_MIN`] bits on: at least 10 different paths, and 15 on average, because paths share bits.
//! All bits are cleared after an hour ([`FORGET_S`]) without such a path.
//!
//! **Reason.** A scanner tries a list of files and folders that some shop leaves open
//! (`/.git/config`, `/wp-login.php`, `/phpmyadmin/`), and nearly all are missing. One such path is
//! a bookmark of an old site; ten are a list. An answer of 200 does not count, whatever the path:
//! where a shop has such a page, people open it.
//!
//! **Bound on people.** None of them asks for two: see `docs/design/policy.md`. The bits set are
//! never more than the different paths, so no number of repetitions adds up.

/// Seconds without an attack path after which the earlier ones no longer count.
pub(super) const FORGET_S: u16 = 3_600;
/// Bits from which on the rule is met.
const BITS_MIN: u32 = 10;

/// The attack paths that were answered with an error: a linear counter (Whang et al. 1990).
#[derive(Clone, Copy, Debug)]
pub(super) struct AttackPaths(u16);

impl AttackPaths {
    /// None yet.
    pub(super) const NONE: Self = Self(0);

    /// Counts the path of this hash, and tells whether the rule is met.
    pub(super) fn note(&mut self, path: u16) -> bool {
        self.0 |= 1 << (path.wrapping_mul(0x9e37) >> 12);
        self.0.count_ones() >= BITS_MIN
    }
}

/// Does this status say that the path is not there, or not for everybody? 444 is what nginx logs
/// when it closes the connection. A 429 is a rate limit and says nothing of the path.
pub(super) const fn is_missing(status: u16) -> bool {
    matches!(status, 400 | 401 | 403 | 404 | 405 | 406 | 410 | 444)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_ten_different_paths_and_no_number_of_repetitions() {
        let mut repeated = AttackPaths::NONE;
        assert!((0..1_000).all(|time| !repeated.note(1_000 + time % 9)));
        let mut paths_needed = Vec::new();
        for scan in 0..200_u16 {
            let mut paths = AttackPaths::NONE;
            let first = scan.wrapping_mul(331);
            let path = |number: u16| number.wrapping_mul(40_503).wrapping_add(first);
            let met = (0..200).position(|number| paths.note(path(number * 7))).unwrap();
            paths_needed.push(met + 1);
        }
        assert!(paths_needed.iter().all(|&needed| needed >= BITS_MIN as usize));
        let mean = paths_needed.iter().sum::<usize>() / paths_needed.len();
        assert!((10..22).contains(&mean), "{mean}");
    }
}
