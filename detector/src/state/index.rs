//! Finds places by a keyed hash: open addressing over cells of 4 bytes, at most half of them in
//! use.
//!
//! ```text
//!  cell    fingerprint of the hash · number of the place + 1, or 0
//! ```
//!
//! It is made once, as large as it will ever be, and removing closes the gap (Knuth, TAOCP 6.4,
//! algorithm R): it leaves no tombstones, so nothing is ever hashed again and no request waits for
//! it. A cell's home can be read from its fingerprint, so closing a gap looks at nothing but cells.

/// Of up to as many places as it was made for.
pub struct Index {
    cells: Box<[u32]>,
}

impl Index {
    /// For `capacity` ≥ 1 places, at most 2¹⁵.
    pub fn new(capacity: usize) -> Self {
        let cells = (capacity * 2).next_power_of_two();
        // A fingerprint holds its home: as many bits again as a place's number.
        assert!(cells <= 1 << 16, "{capacity} places are too many for a shard");
        Self { cells: vec![0; cells].into_boxed_slice() }
    }

    /// The place entered with this hash for which `is_it` says yes.
    pub fn find(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let fingerprint = self.fingerprint(hash);
        let mut at = self.home(fingerprint);
        // Half of the cells are empty, so every search ends.
        while self.cells[at] != 0 {
            let (print, place) = self.read(self.cells[at]);
            if print == fingerprint && is_it(place) {
                return Some(place);
            }
            at = self.next(at);
        }
        None
    }

    /// Enters a place.
    pub fn enter(&mut self, hash: u64, place: usize) {
        let fingerprint = self.fingerprint(hash);
        let mut at = self.home(fingerprint);
        while self.cells[at] != 0 {
            at = self.next(at);
        }
        self.cells[at] = (fingerprint << self.bits()) | (place as u32 + 1);
    }

    /// Strikes a place that was entered with this hash, and closes the gap.
    pub fn strike(&mut self, hash: u64, place: usize) {
        let mut gap = self.home(self.fingerprint(hash));
        while self.cells[gap] == 0 || self.read(self.cells[gap]).1 != place {
            gap = self.next(gap);
        }
        let mut at = self.next(gap);
        while self.cells[at] != 0 {
            let home = self.home(self.read(self.cells[at]).0);
            // Whose home lies at the gap or before it may move there.
            if self.distance(home, at) >= self.distance(gap, at) {
                self.cells[gap] = self.cells[at];
                gap = at;
            }
            at = self.next(at);
        }
        self.cells[gap] = 0;
    }

    /// Cells in use.
    #[cfg(test)]
    pub fn used(&self) -> usize {
        self.cells.iter().filter(|&&cell| cell != 0).count()
    }

    fn bits(&self) -> u32 {
        self.cells.len().trailing_zeros()
    }

    /// The upper half of a hash, as much as fits above a place's number.
    fn fingerprint(&self, hash: u64) -> u32 {
        (hash >> 32) as u32 >> self.bits()
    }

    /// Fingerprint and place of a cell in use.
    fn read(&self, cell: u32) -> (u32, usize) {
        (cell >> self.bits(), (cell as usize & (self.cells.len() - 1)) - 1)
    }

    fn home(&self, fingerprint: u32) -> usize {
        fingerprint as usize & (self.cells.len() - 1)
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.cells.len() - 1)
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.cells.len() - 1)
    }
}
