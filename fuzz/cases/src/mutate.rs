//! Seeded mutations of a corpus, for where there is no fuzzer.
//!
//! A fuzzer is guided by the code that an input reaches; this is not. It makes many small mistakes
//! in sound inputs, which finds what a fuzzer finds in its first seconds, the same on every
//! machine.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Edits that one mutation is made of, at most.
const EDITS_MAX: usize = 4;
/// An inserted or removed piece is at most so long.
const PIECE_BYTES_MAX: usize = 16;
/// Bytes that formats give a meaning to.
const TELLING: &[u8] = b"\0\n\r\t \"'\\%&=?#/:;,.-+_[]{}()<>*@09afzAFZ\x1b\x7f\x80\xc3\xe2\xff";

/// An endless source of mutations of a corpus, the same for the same seed.
pub struct Mutations<'a> {
    corpus: &'a [Vec<u8>],
    dice: Xoshiro256PlusPlus,
}

impl<'a> Mutations<'a> {
    /// Of these inputs.
    pub fn new(corpus: &'a [Vec<u8>], seed: u64) -> Self {
        Self { corpus, dice: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }

    fn any_input(&mut self) -> &'a [u8] {
        let index = self.dice.gen_range(0..self.corpus.len().max(1));
        self.corpus.get(index).map_or(&[], Vec::as_slice)
    }

    fn edit(&mut self, input: &mut Vec<u8>) {
        let at = self.dice.gen_range(0..=input.len());
        let end = (at + self.dice.gen_range(1..=PIECE_BYTES_MAX)).min(input.len());
        let telling = TELLING[self.dice.gen_range(0..TELLING.len())];
        match self.dice.gen_range(0..8) {
            0 if at < input.len() => input[at] ^= 1 << self.dice.gen_range(0..8),
            1 if at < input.len() => input[at] = telling,
            2 if at < input.len() => input[at] = self.dice.r#gen(),
            3 => drop(input.drain(at..end)),
            4 => {
                let piece = input[at..end].to_vec();
                drop(input.splice(at..at, piece));
            }
            5 => input.truncate(at),
            6 => {
                // The end of another input: two formats or two records in one.
                let other = self.any_input();
                let from = self.dice.gen_range(0..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => input.insert(at, telling),
        }
    }
}

impl Iterator for Mutations<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut input = self.any_input().to_vec();
        for _ in 0..self.dice.gen_range(1..=EDITS_MAX) {
            self.edit(&mut input);
        }
        Some(input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_mutations_and_they_differ_from_the_corpus() {
        let corpus = [b"GET /p/1".to_vec(), b"{}".to_vec(), Vec::new()];
        let take = |seed| Mutations::new(&corpus, seed).take(200).collect::<Vec<_>>();
        assert_eq!(take(1), take(1));
        assert_ne!(take(1), take(2));
        let changed = take(1).iter().filter(|input| !corpus.contains(input)).count();
        assert!(changed > 150, "{changed} of 200 are new");
        assert_eq!(Mutations::new(&[], 1).take(200).count(), 200, "no corpus, no panic");
    }
}
