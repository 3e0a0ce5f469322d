//! Detects a log that shows a proxy in front of the shop instead of its visitors.
//!
//! Behind a proxy that `trusted_proxies` does not name, every request has the proxy's address. An
//! event log shows it directly: the gate passed those requests unjudged. In another log, most
//! requests then come from one or a few private addresses, which visitors from the internet do not
//! have.

use std::collections::HashMap;
use std::net::IpAddr;

use detector::{ClientKey, Reason};
use gate::undeclared::is_private;
use traffic::log::Record;

/// From this share of requests on, in per cent, a log is a proxy's.
const SHARE: u64 = 90;
/// Private addresses counted. The busiest of a log appear among its first thousands.
const ADDRESSES_MAX: usize = 4_096;
/// How many of the busiest addresses are looked at: a pair of balancers, each with a spare.
const PROXIES: usize = 4;

/// Counts a log's requests.
#[derive(Debug, Default)]
pub struct ProxiedLog {
    requests: u64,
    /// Requests that a gate passed unjudged, because they were a proxy's.
    unjudged: u64,
    private: HashMap<IpAddr, u64>,
}

impl ProxiedLog {
    /// Takes in a line.
    pub fn note(&mut self, record: &Record<'_>) {
        if !record.kind.is_request() {
            return;
        }
        self.requests += 1;
        let reason = record.decision.map(|decision| decision.reason);
        self.unjudged += u64::from(reason == Some(Reason::Proxy.as_str()));
        if let Some(ip) = ClientKey::from_text(record.client).ip().filter(|ip| is_private(*ip))
            && (self.private.len() < ADDRESSES_MAX || self.private.contains_key(&ip))
        {
            *self.private.entry(ip).or_default() += 1;
        }
    }

    /// What is wrong and which line to add to the configuration; `None` if visitors can be told
    /// apart.
    pub fn warning(&self) -> Option<String> {
        let mut busiest: Vec<(u64, IpAddr)> =
            self.private.iter().map(|(ip, requests)| (*requests, *ip)).collect();
        busiest.sort_unstable_by(|a, b| b.cmp(a));
        busiest.truncate(PROXIES);
        let theirs: u64 = busiest.iter().map(|(requests, _)| requests).sum();
        let is_proxied = |part: u64| self.requests > 0 && part * 100 >= self.requests * SHARE;
        if !is_proxied(theirs) && !is_proxied(self.unjudged) {
            return None;
        }
        let line: Vec<String> = busiest.iter().map(|(_, ip)| format!("\"{ip}\"")).collect();
        Some(format!(
            "{} of {} requests of this log come from a proxy ({}) and not from visitors, so \
             visitors \
             cannot be told apart. Write in [client]: trusted_proxies = [{}]; and where another \
             server writes the log, have it log the visitor's address",
            theirs.max(self.unjudged),
            self.requests,
            busiest.iter().map(|(_, ip)| ip.to_string()).collect::<Vec<_>>().join(", "),
            line.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(clients: &[(&str, usize)]) -> Option<String> {
        let mut log = ProxiedLog::default();
        for &(client, requests) in clients {
            (0..requests).for_each(|_| log.note(&Record { client, ..Record::default() }));
        }
        log.warning()
    }

    #[test]
    fn a_log_of_a_proxy_is_told_from_one_of_visitors() {
        assert_eq!(warning(&[]), None);
        assert_eq!(warning(&[("192.0.2.1", 50), ("192.0.2.2", 50), ("127.0.0.1", 20)]), None);
        let said = warning(&[("10.0.0.2", 500), ("10.0.0.3", 480), ("192.0.2.1", 20)]).unwrap();
        assert!(said.starts_with("980 of 1000 requests"), "{said}");
        assert!(said.contains("trusted_proxies = [\"10.0.0.2\", \"10.0.0.3\"]"), "{said}");
        let intranet: Vec<String> = (1..=50).map(|host| format!("10.1.0.{host}")).collect();
        let intranet: Vec<(&str, usize)> = intranet.iter().map(|ip| (ip.as_str(), 20)).collect();
        assert_eq!(warning(&intranet), None, "an office's own shop has such visitors");
    }
}
