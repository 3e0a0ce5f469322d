//! People with telephones of the same carrier: an address each, all of one /24, and one of two
//! browsers.
//!
//! A rule that adds up a network's newcomers sees hundreds of clients that look alike and come
//! together. They shop as those do who share an address ([`super::carrier_nat`]).

/// Shown beside its figures.
pub(in crate::sim) const REASONING: &str = "250 people in one /24 of a carrier, with two browsers \
    between them. What is \
     added up over a network must not hurt them. Expected: never refused.";
