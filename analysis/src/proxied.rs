//! Detects a log that shows a proxy in front of the shop instead of its visitors.
//!
//! Behind a proxy that `trusted_proxies` does not name, and behind one that is named but does not
//! send `X-Forwarded-For`, every request has the proxy's address. An event log shows it directly:
//! the gate passed those requests unjudged. In another log, most requests then come from one or a
//! few private addresses, which visitors from the internet do not have.

use std::collections::HashMap;
use std::net::IpAddr;

use detector::{ClientKey, Reason};
use gate::identity::TrustedProxies;
use gate::undeclared::is_private;
use traffic::log::Record;

/// From this share of requests on, in per cent, a log is a proxy's.
const SHARE: u64 = 90;
/// Addresses counted. The busiest of a log appear among its first thousands.
const ADDRESSES_MAX: usize = 4_096;
/// How many of the busiest addresses are looked at: a pair of balancers, each with a spare.
const PROXIES: usize = 4;
/// A proxy makes at least one in so many requests of a log.
const PROXYS_ONE_IN: u64 = 20;

/// Counts a log's requests.
#[derive(Debug, Default)]
pub struct ProxiedLog {
    requests: u64,
    /// Requests that a gate passed unjudged, because they were a proxy's.
    unjudged: u64,
    /// By address, of those that are private or passed unjudged.
    suspects: HashMap<IpAddr, u64>,
}

impl ProxiedLog {
    /// Takes in a line.
    pub fn note(&mut self, record: &Record<'_>) {
        if !record.kind.is_request() {
            return;
        }
        self.requests += 1;
        let reason = record.decision.map(|decision| decision.reason);
        let is_unjudged = reason == Some(Reason::Proxy.as_str());
        self.unjudged += u64::from(is_unjudged);
        let ip = ClientKey::from_text(record.client).ip();
        if let Some(ip) = ip.filter(|ip| is_unjudged || is_private(*ip))
            && (self.suspects.len() < ADDRESSES_MAX || self.suspects.contains_key(&ip))
        {
            *self.suspects.entry(ip).or_default() += 1;
        }
    }

    /// What is wrong and what to do, given the proxies that the configuration trusts; `None` if
    /// visitors can be told apart.
    pub fn warning(&self, trusted: &TrustedProxies) -> Option<String> {
        let mut busiest: Vec<(u64, IpAddr)> =
            self.suspects.iter().map(|(ip, requests)| (*requests, *ip)).collect();
        busiest.sort_unstable_by(|a, b| b.cmp(a));
        // A proxy carries many: an administrator's own visit is none.
        busiest.retain(|(requests, _)| requests * PROXYS_ONE_IN >= self.requests);
        busiest.truncate(PROXIES);
        let theirs: u64 = busiest.iter().map(|(requests, _)| requests).sum();
        let is_proxied = |part: u64| self.requests > 0 && part * 100 >= self.requests * SHARE;
        if !is_proxied(theirs) && !is_proxied(self.unjudged) {
            return None;
        }
        let mut remedies = Vec::new();
        let addresses = || busiest.iter().map(|(_, ip)| *ip);
        // A proxy at a unix socket has no address, and is always trusted.
        let is_trusted = |ip: IpAddr| ip.is_unspecified() || trusted.contains(ip);
        let undeclared: Vec<String> =
            addresses().filter(|ip| !is_trusted(*ip)).map(|ip| format!("\"{ip}\"")).collect();
        if !undeclared.is_empty() {
            let line = undeclared.join(", ");
            remedies.push(format!("Write in [client]: trusted_proxies = [{line}]"));
        }
        if undeclared.len() < busiest.len() && self.unjudged > 0 {
            remedies.push(
                "A proxy that is trusted already does not send X-Forwarded-For. Have it send the \
                 visitor's address, in nginx with proxy_set_header X-Forwarded-For \
                 $proxy_add_x_forwarded_for"
                    .to_owned(),
            );
        }
        if self.unjudged < self.requests {
            remedies.push(
                "Where another server writes the log, have it log the visitor's address".to_owned(),
            );
        }
        Some(format!(
            "{} of {} requests of this log come from a proxy ({}) and not from visitors, so \
             visitors cannot be told apart. {}",
            theirs.max(self.unjudged),
            self.requests,
            addresses().map(|ip| ip.to_string()).collect::<Vec<_>>().join(", "),
            remedies.join(". ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use detector::{Class, UrlKey};
    use traffic::log::RecordedDecision;

    use super::*;

    fn warning(clients: &[(&str, usize)]) -> Option<String> {
        let mut log = ProxiedLog::default();
        for &(client, requests) in clients {
            (0..requests).for_each(|_| log.note(&Record { client, ..Record::default() }));
        }
        log.warning(&TrustedProxies::default())
    }

    /// What is said of an event log in which all requests of a client passed unjudged.
    fn warning_of_events(client: &str, trusted: &str) -> String {
        let decision = RecordedDecision {
            seq: 1,
            key: UrlKey::default(),
            class: Class::Page,
            agent: None,
            id: "",
            mode: "enforce",
            action: "allow",
            reason: "proxy",
            score: None,
        };
        let mut log = ProxiedLog::default();
        for _ in 0..100 {
            log.note(&Record { client, decision: Some(decision), ..Record::default() });
        }
        log.warning(&TrustedProxies::new(vec![trusted.parse().unwrap()])).unwrap()
    }

    #[test]
    fn a_trusted_proxy_that_names_nobody_is_told_from_one_that_is_not_declared() {
        for (proxy, trusted) in [("127.0.0.1", "127.0.0.0/8"), ("::", "10.0.0.0/8")] {
            let said = warning_of_events(proxy, trusted);
            assert!(said.contains("proxy_set_header X-Forwarded-For"), "{said}");
            assert!(!said.contains("trusted_proxies ="), "{said}");
        }
        for proxy in ["127.0.0.1", "203.0.113.7"] {
            let said = warning_of_events(proxy, "10.0.0.0/8");
            assert!(said.ends_with(&format!("trusted_proxies = [\"{proxy}\"]")), "{said}");
        }
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
        let said = warning(&[("10.0.0.2", 500), ("10.0.0.3", 1), ("192.0.2.1", 20)]).unwrap();
        assert!(said.contains("trusted_proxies = [\"10.0.0.2\"]"), "not an admin's: {said}");
    }
}
