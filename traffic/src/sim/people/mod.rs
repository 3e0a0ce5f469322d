//! People, one kind a file, each with its reasoning. `browser.rs` has the browser that they share.

pub(super) mod browser;
pub(super) mod carrier_nat;
pub(super) mod carrier_shopper;
pub(super) mod cdn_shopper;
pub(super) mod flash_sale;
pub(super) mod gallery_shopper;
pub(super) mod impatient_reloader;
pub(super) mod mobile_app;
pub(super) mod office_worker;
pub(super) mod power_shopper;
pub(super) mod price_watcher;
pub(super) mod refresher;
pub(super) mod returning_shopper;
pub(super) mod shopper;
pub(super) mod slow_reader;
pub(super) mod spa_shopper;
pub(super) mod tab_opener;
