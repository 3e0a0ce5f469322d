//! What holds of the whole simulation.

mod benchmark;
mod digests;
