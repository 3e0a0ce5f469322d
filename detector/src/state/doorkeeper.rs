//! Which clients asked for a place in a full shard lately (Einziger, Friedman, Manes 2017,
//! "TinyLFU", §3.4.2).
//!
//! Two Bloom filters of fixed size. Keys are noted in the newer one. When it holds as many keys as
//! the shard has places, it becomes the older one, and what was the older one is cleared. So a key
//! is remembered until at least that many and at most twice as many other keys have come. Time does
//! not matter: a replay of the same keys forgets the same ones.
//!
//! With 16 bits and 3 probes a key, at most 1 new key in 100 is taken for one that returns. This
//! costs 4 to 8 bytes a place. The keys are hashed with the table's secret, so nobody can choose a
//! key that is taken for another one.

/// Bits for each key, in each filter.
const BITS: usize = 16;
/// The numbers of the hashes that are made of two.
const PROBES: [u64; 3] = [0, 1, 2];

/// The two Bloom filters of one shard.
pub struct Doorkeeper {
    newer: Box<[u64]>,
    older: Box<[u64]>,
    noted: usize,
    places: usize,
}

impl Doorkeeper {
    /// The doorkeeper of a shard with this many places.
    pub fn new(places: usize) -> Self {
        let words = (places * BITS / 64).next_power_of_two();
        let empty = || vec![0; words].into_boxed_slice();
        Self { newer: empty(), older: empty(), noted: 0, places }
    }

    /// Did this hash come lately? Notes that it has come now.
    pub fn knows(&mut self, hash: u64) -> bool {
        // Kirsch & Mitzenmacher 2006: any number of hashes can be made of two.
        let (first, step) = (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32, (hash >> 17) | 1);
        let bits = self.newer.len() as u64 * 64;
        let probes = PROBES.map(|i| first.wrapping_add(i.wrapping_mul(step)) % bits);
        let is_in = |words: &[u64]| {
            probes.iter().all(|bit| words[(bit / 64) as usize] & (1 << (bit % 64)) != 0)
        };
        if is_in(&self.newer) {
            return true;
        }
        let knows = is_in(&self.older);
        if self.noted >= self.places {
            std::mem::swap(&mut self.newer, &mut self.older);
            self.newer.fill(0);
            self.noted = 0;
        }
        for bit in probes {
            self.newer[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        self.noted += 1;
        knows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hash of a number (splitmix64).
    fn hash(number: u64) -> u64 {
        let mut x = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    #[test]
    fn who_returns_soon_is_known_and_strangers_are_not() {
        let mut door = Doorkeeper::new(4_000);
        let mistaken = (0..100_000).filter(|&number| door.knows(hash(number))).count();
        assert!(mistaken < 1_000, "{mistaken} of 100,000 strangers");
        // The last 4,000 are remembered whatever the moment.
        assert!((96_000..100_000).all(|number| door.knows(hash(number))));
    }

    #[test]
    fn who_was_here_long_ago_is_a_stranger() {
        let mut door = Doorkeeper::new(1_000);
        assert!(!door.knows(hash(1)));
        assert!(door.knows(hash(1)));
        for number in 2..3_000 {
            door.knows(hash(number));
        }
        assert!(!door.knows(hash(1)));
    }
}
