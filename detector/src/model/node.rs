//! A node of a regression tree, as it stands in the model file.

/// A node of a regression tree. A leaf has `feature == LEAF` and its own index in `left` and
/// `right`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// The feature's value goes left when it is at most this.
    pub threshold: f32,
    /// Leaf: what it adds to the margin, in log-odds. Inner node: the mean of what the training
    /// rows below it got.
    pub value: f32,
    /// Feature index; bit 15: a missing value goes left.
    pub feature: u16,
    /// Index of the left child.
    pub left: u16,
    /// Index of the right child.
    pub right: u16,
}

impl Node {
    /// Marks a leaf.
    pub const LEAF: u16 = 0x7fff;
    /// Set in `feature`: a missing value goes left.
    pub const MISSING_LEFT: u16 = 0x8000;

    /// A leaf that adds `value`.
    pub const fn leaf(value: f32) -> Self {
        Self { threshold: 0.0, value, feature: Self::LEAF, left: 0, right: 0 }
    }

    /// Is it a leaf?
    pub const fn is_leaf(&self) -> bool {
        self.feature & !Self::MISSING_LEFT == Self::LEAF
    }
}
