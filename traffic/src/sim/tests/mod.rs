//! What holds of the whole simulation.

mod digests;
