//! People with phones of one carrier. Each has an address of its own in one /24, and one of two
//! browsers.
//!
//! A rule that counts the new clients of a network sees hundreds of similar clients at once. They
//! shop like the people who share an address ([`super::carrier_nat`]).

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "250 people in one /24 of a carrier, with two browsers \
    between them. What is \
     added up over a network must not hurt them. Expected: never refused.";
