//! Tests of the whole simulation.

mod benchmark;
mod bots;
mod digests;
mod manual;
mod people;
mod robots;
mod visits;
