//! Flags of every command that reads logs: what the reader cannot know from the log alone.

use std::path::Path;

use anyhow::Result;
use clap::Args as Arguments;
use ipnet::IpNet;
use traffic::forwarded::TrustedProxies;
use traffic::log::{LineFormat, ReadOptions};

use crate::judge::overrides_with_shipped_model;

/// How logs are to be read.
#[derive(Clone, Debug, Default, Arguments)]
pub struct ReadArgs {
    /// A proxy's address or network, whose X-Forwarded-For in the log is believed; may be repeated.
    /// Those of the configuration count too
    #[arg(long = "trusted-proxy", value_name = "NET", value_parser = parse_network)]
    pub trusted_proxies: Vec<IpNet>,
    /// How a line is written, as in nginx's log_format ('$remote_addr ...') or Apache's LogFormat
    /// ('%h ...'); the configuration's, or found out, when absent
    #[arg(long, value_name = "FORMAT", value_parser = LineFormat::compile)]
    pub format: Option<LineFormat>,
}

impl ReadArgs {
    /// What these flags and the configuration say.
    ///
    /// # Errors
    /// A configuration that is refused.
    pub fn options(&self, config: Option<&Path>) -> Result<ReadOptions> {
        let mut networks = self.trusted_proxies.clone();
        let mut format = self.format.clone();
        if let Some(path) = config {
            let config = gate::Config::load(Some(path), &overrides_with_shipped_model())?;
            networks.extend(config.trusted_proxies());
            format = format.or_else(|| config.log_format().cloned());
        }
        Ok(ReadOptions { trusted: TrustedProxies::new(networks), format })
    }
}

fn parse_network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse().ok().map(|ip: std::net::IpAddr| IpNet::from(ip));
    text.parse()
        .ok()
        .or_else(address)
        .ok_or_else(|| "expected an address or a network, such as 10.0.0.0/8".to_owned())
}
