//! Bans in the kernel's firewall: a table of our own with a set for each kind of address, whose
//! elements end by themselves.
//!
//! A thousand changes go to one `nft -j -f -`, which applies them whole or not at all. A table of
//! this name that is not ours is left alone. To remove an element that the kernel may have dropped
//! in the meantime, it is added first: adding what is there is no error, removing what is
//! not is one. If anything fails, everything is written anew a second later.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use ipnet::IpNet;
use serde_json::{Value, json};

use super::ledger::{Banned, Changes};

const V4: &str = "kidoban_v4";
const V6: &str = "kidoban_v6";
const CHAIN: &str = "input";
/// A transaction must fit into a socket's buffer, of which a service without `CAP_NET_ADMIN` in the
/// first namespace has 208 KB: 10,000 elements do not.
const AT_ONCE: usize = 1_000;

/// The firewall's table.
#[derive(Debug)]
pub struct Firewall {
    table: String,
    /// The number of the change to go on with; 0 when the table has to be written anew.
    next: u64,
}

impl Firewall {
    /// Looks whether there is an `nft`, and no foreign table of this name.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn open(table: &str) -> io::Result<Self> {
        let arguments = ["-j", "list", "table", "inet", table];
        let listed = Command::new("nft").args(arguments).output()?;
        let said = String::from_utf8_lossy(&listed.stdout);
        if listed.status.success() && !(said.contains(V4) && said.contains(V6)) {
            let problem = format!(
                "there is a table inet {table} that Kidoban did not make. Choose another nft_table."
            );
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, problem));
        }
        Ok(Self { table: table.to_owned(), next: 0 })
    }

    /// The number of the change to go on with.
    pub fn next_change(&self) -> u64 {
        self.next
    }

    /// Has the kernel do what has changed.
    pub fn apply(&mut self, changes: &Changes, now_us: i64) {
        let begin = changes.is_whole.then(|| self.begin());
        let removed: Vec<IpNet> = changes.removed.iter().map(|(_, network)| *network).collect();
        let removed = removed.chunks(AT_ONCE).map(|some| self.replace(some, &[]));
        let added: Vec<(IpNet, i64)> = changes
            .added
            .iter()
            .map(|(_, Banned { network, until_us })| {
                (*network, (until_us - now_us).max(0) / 1_000_000 + 1)
            })
            .collect();
        let added = added.chunks(AT_ONCE).map(|some| {
            let known: Vec<IpNet> = some.iter().map(|(network, _)| *network).collect();
            self.replace(&known, some)
        });
        let mut batches = begin.into_iter().chain(removed).chain(added);
        let done = batches.try_for_each(|commands| nft(&json!({"nftables": commands})));
        match done {
            Ok(()) => self.next = changes.next,
            Err(error) => {
                tracing::error!(%error, "the firewall's table is not up to date");
                self.next = 0;
            }
        }
    }

    /// Removes some and adds others. Older kernels keep the time of an element that is added again,
    /// so one that is to last longer is among both.
    fn replace(&self, some: &[IpNet], with: &[(IpNet, i64)]) -> Vec<Value> {
        let mut commands = self.elements("add", some.iter().map(|net| (*net, 1)));
        commands.extend(self.elements("delete", some.iter().map(|net| (*net, 0))));
        commands.extend(self.elements("add", with.iter().copied()));
        commands
    }

    /// An empty table.
    fn begin(&self) -> Vec<Value> {
        let table = &self.table;
        let set = |name: &str, kind: &str, flags: &[&str]| {
            json!({"add": {"set": {
                "family": "inet", "table": table, "name": name, "type": kind, "flags": flags,
            }}})
        };
        let flush = |kind: &str, name: &str| {
            let of = json!({"family": "inet", "table": table, "name": name});
            json!({"flush": {kind: of}})
        };
        let drop_from = |protocol: &str, set: &str| {
            json!({"add": {"rule": {
                "family": "inet", "table": table, "chain": CHAIN, "expr": [
                    {"match": {
                        "op": "==",
                        "left": {"payload": {"protocol": protocol, "field": "saddr"}},
                        "right": format!("@{set}"),
                    }},
                    {"drop": null},
                ],
            }}})
        };
        vec![
            json!({"add": {"table": {"family": "inet", "name": table}}}),
            set(V4, "ipv4_addr", &["timeout"]),
            set(V6, "ipv6_addr", &["interval", "timeout"]),
            json!({"add": {"chain": {
                "family": "inet", "table": table, "name": CHAIN, "type": "filter",
                "hook": "input", "prio": -10, "policy": "accept",
            }}}),
            flush("set", V4),
            flush("set", V6),
            flush("chain", CHAIN),
            drop_from("ip", V4),
            drop_from("ip6", V6),
        ]
    }

    /// One command for each set that is concerned: thousands of elements at once cost the kernel
    /// less than a few one by one. An element is a network and the seconds that are left.
    fn elements(&self, verb: &str, of: impl Iterator<Item = (IpNet, i64)>) -> Vec<Value> {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (network, timeout_s) in of {
            let (set, value) = match network {
                IpNet::V4(net) => (&mut v4, json!(net.addr().to_string())),
                IpNet::V6(net) => {
                    let (address, length) = (net.addr().to_string(), net.prefix_len());
                    (&mut v6, json!({"prefix": {"addr": address, "len": length}}))
                }
            };
            set.push(match verb {
                "add" => json!({"elem": {"val": value, "timeout": timeout_s}}),
                _ => value,
            });
        }
        let table = &self.table;
        let sets = [(V4, v4), (V6, v6)].into_iter().filter(|(_, elements)| !elements.is_empty());
        let commands = sets.map(|(name, elements)| {
            let of = json!({"family": "inet", "table": table, "name": name, "elem": elements});
            json!({verb: {"element": of}})
        });
        commands.collect()
    }
}

fn nft(commands: &Value) -> io::Result<()> {
    let mut process = Command::new("nft")
        .args(["-j", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = process.stdin.take() {
        input.write_all(commands.to_string().as_bytes())?;
    }
    let output = process.wait_with_output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}
