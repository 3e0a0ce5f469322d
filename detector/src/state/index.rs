//! A hash table from keyed hashes to the numbers of places. Open addressing over cells of 4 bytes,
//! of which at most half are in use.
//!
//! ```text
//!  cell    fingerprint of the hash · number of the place + 1, or 0
//! ```
//!
//! The table is made once, as large as it will ever be. Removing an entry closes the gap (Knuth,
//! TAOCP 6.4, algorithm R) and leaves no tombstone, so the table is never rebuilt and no request
//! waits for that. A cell's home can be read from its fingerprint, so closing a gap reads cells
//! only.

/// The hash table, of a fixed capacity.
pub struct Index {
    cells: Box<[u32]>,
}

impl Index {
    /// A table for `capacity` places: at least 1, at most 2¹⁵.
    pub fn new(capacity: usize) -> Self {
        let cells = (capacity * 2).next_power_of_two();
        // A fingerprint must hold the cell's home, which has as many bits as a place's number.
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

    /// Enters a place under this hash.
    pub fn enter(&mut self, hash: u64, place: usize) {
        let fingerprint = self.fingerprint(hash);
        let mut at = self.home(fingerprint);
        while self.cells[at] != 0 {
            at = self.next(at);
        }
        self.cells[at] = (fingerprint << self.bits()) | (place as u32 + 1);
    }

    /// Removes a place that was entered under this hash, and closes the gap.
    pub fn strike(&mut self, hash: u64, place: usize) {
        let mut gap = self.home(self.fingerprint(hash));
        while self.cells[gap] == 0 || self.read(self.cells[gap]).1 != place {
            gap = self.next(gap);
        }
        let mut at = self.next(gap);
        while self.cells[at] != 0 {
            let home = self.home(self.read(self.cells[at]).0);
            // An entry whose home lies at the gap or before it may move into the gap.
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

    /// As many of the upper bits of a hash as fit above a place's number.
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
