//! The allow list. It is asked before everything else, always, also across a reload.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::client::ClientKey;

/// Clients and paths that pass: their requests are neither judged nor remembered.
#[derive(Clone, Debug)]
pub struct AllowList {
    networks: Vec<IpNet>,
    paths: Vec<String>,
}

/// Paths on every allow list: crawlers read robots.txt before they can obey it, and certificates
/// are renewed below `/.well-known/`.
const ALWAYS: [&str; 2] = ["/robots.txt", "/.well-known/"];

impl Default for AllowList {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new())
    }
}

impl AllowList {
    /// A list of networks and paths. A path that ends in `/` covers everything below it; any other
    /// covers itself alone.
    pub fn new(networks: Vec<IpNet>, mut paths: Vec<String>) -> Self {
        paths.extend(ALWAYS.map(str::to_owned));
        Self { networks, paths }
    }

    /// Is this client or this path ([`crate::url::split`]) on the list?
    pub fn covers(&self, client: ClientKey, path: &str) -> bool {
        self.covers_path(path) || client.ip().is_some_and(|ip| self.covers_ip(ip))
    }

    fn covers_ip(&self, ip: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&ip))
    }

    fn covers_path(&self, path: &str) -> bool {
        // The shop may take `/.well-known/../p/1` for a path that the operator did not allow.
        let below = |prefix: &str| {
            path.starts_with(prefix) && !path.contains("..") && !path.contains(['%', '\\', ';'])
        };
        self.paths
            .iter()
            .any(|allowed| path == allowed || (allowed.ends_with('/') && below(allowed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::split;

    #[test]
    fn networks_and_paths_pass() {
        let list = AllowList::new(
            vec!["192.0.2.0/24".parse().unwrap()],
            vec!["/healthz".into(), "/hooks/".into()],
        );
        let check = |client, target, expect| {
            assert_eq!(
                list.covers(ClientKey::from_text(client), split(target).0),
                expect,
                "{client} {target}"
            );
        };
        check("192.0.2.9", "/p/1", true);
        check("192.0.3.9", "/p/1", false);
        check("192.0.3.9", "/healthz?x", true);
        check("192.0.3.9", "/healthz/x", false);
        check("192.0.3.9", "/hooks/stripe", true);
        check("192.0.3.9", "/hooks/../p/1", false);
        check("192.0.3.9", "/hooks/%2e%2e/p/1", false);
        check("192.0.3.9", "/hooks/x\\..\\..\\p\\1", false);
        check("192.0.3.9", "http://shop?p=5&x=/robots.txt", false);
        check("192.0.3.9", "/robots.txt", true);
        check("192.0.3.9", "/.well-known/acme-challenge/x", true);
        check("shopper", "/p/1", false);
    }
}
