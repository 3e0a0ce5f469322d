//! A set of features, in one word.

use super::definition::COUNT;

/// A set of features, by their index in the vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureSet(u64);

const _: () = assert!(COUNT <= u64::BITS as usize);

impl FeatureSet {
    /// Every feature.
    pub const ALL: Self = Self(u64::MAX);
    /// No feature.
    pub const NONE: Self = Self(0);

    /// This set and the feature of this index, which is below [`COUNT`].
    #[must_use]
    pub const fn with(self, index: usize) -> Self {
        Self(self.0 | 1 << (index % u64::BITS as usize))
    }

    /// Is the feature of this index in the set?
    pub const fn has(self, index: usize) -> bool {
        self.0 >> (index % u64::BITS as usize) & 1 != 0
    }

    /// Is any of the first `count` features in the set?
    pub(super) const fn has_any(self, count: usize) -> bool {
        self.0 & ((1 << count) - 1) != 0
    }

    /// The set without the first `count` features, where the next one has index 0.
    pub(super) const fn after(self, count: usize) -> Self {
        Self(self.0 >> count)
    }
}
