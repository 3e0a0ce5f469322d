//! Programs to be stopped, one kind a file, each with its reasoning; and what they share: a pace, a list to go through.

pub(super) mod brute_forcer;
pub(super) mod cart_poller;
pub(super) mod crawler;
pub(super) mod pace;
pub(super) mod poller;
pub(super) mod round;
pub(super) mod scanner;
pub(super) mod scheduler;
pub(super) mod scraper;
