//! Welcome robots, one a file, each with its reasoning.

pub(super) mod feed_reader;
pub(super) mod health_checker;
pub(super) mod payment_webhook;
pub(super) mod search_crawler;
