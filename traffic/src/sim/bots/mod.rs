//! Bots that should be stopped, one kind a file, each with its reasoning. They share `pace.rs` (how
//! a program waits between requests) and `round.rs` (a list that it goes through).

pub(super) mod botnet_scraper;
pub(super) mod breadth_first;
pub(super) mod brute_forcer;
pub(super) mod cache_buster;
pub(super) mod cart_hoarder;
pub(super) mod cart_poller;
pub(super) mod crawler;
pub(super) mod cron_burster;
pub(super) mod diluted_scraper;
pub(super) mod enumerator;
pub(super) mod mirror;
pub(super) mod pace;
pub(super) mod person_replay;
pub(super) mod picture_scraper;
pub(super) mod poller;
pub(super) mod price_monitor;
pub(super) mod round;
pub(super) mod scanner;
pub(super) mod scheduler;
pub(super) mod scraper;
pub(super) mod search_scraper;
