//! The cost of the gate: CPU time per proxied request, beside a bare Pingora pass-through built
//! from the same crate with the same options.
//!
//! ```text
//!  this process: load generator ──keep-alive──► child: gate · gate with event log ──keep-alive──► child: origin
//!                                                      forwarding · bare
//!            second core                             first core; its CPU time counts           second core
//! ```
//!
//! A pair is one run of the bare proxy and one of another proxy, back to back. The figure is the
//! median of the pairs' ratios, because absolute times drift with other load on the machine. Many
//! short pairs say more than few long ones, because less drift falls inside a pair. See `README.md`
//! beside this file.

#![allow(clippy::print_stdout)] // printing figures is what a bench is for

#[path = "proxy/child.rs"]
mod child;
#[path = "proxy/crowd.rs"]
mod crowd;
#[path = "proxy/load.rs"]
mod load;
#[path = "proxy/origin.rs"]
mod origin;
#[path = "proxy/proxies.rs"]
mod proxies;
mod support;

use std::net::SocketAddr;
use std::path::Path;

use child::{CORES, Child, EVENT_LOG, ROLE, stay_on};
use crowd::{CLIENTS, Crowd, Load, page_of};
use load::load;
use origin::be_origin;
use proxies::{be_bare, be_gate};
use support::{Effort, Folder, Spread, count, describe_machine};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    match std::env::var(ROLE).as_deref() {
        Ok("origin") => be_origin(),
        Ok("bare") => be_bare(false),
        Ok("forwarding") => be_bare(true),
        Ok("gate") => be_gate(""),
        Ok("gate+log") => be_gate(&format!(
            "[event_log]\npath = {:?}\n",
            std::env::var(EVENT_LOG).unwrap_or_default()
        )),
        _ => measure(Effort::asked_for()),
    }
}

/// Which proxies are measured, each with which load.
const PLANS: [(&str, Load); 6] = [
    ("gate", Load::Shop),
    ("forwarding", Load::Shop),
    ("gate+log", Load::Shop),
    ("gate", Load::Pages { clients: CLIENTS }),
    ("forwarding", Load::Pages { clients: CLIENTS }),
    ("gate", Load::Pages { clients: 1 }),
];

fn measure(effort: Effort) {
    println!("{}", describe_machine());
    stay_on(CORES[1]);
    let folder = Folder::new("proxy");
    let origin = Child::start("origin", None, folder.path());
    let crowd = Crowd::simulated(effort);
    println!("crowd: {}", crowd.describe());
    let requests = effort.pick(200, 2_000, 2_000);
    let pairs = effort.pick(1, 30, 150);
    let mut results: Vec<Vec<Pair>> = PLANS.iter().map(|_| Vec::new()).collect();
    // Fresh processes for every few pairs, because memory layout differs from start to start.
    while results[0].len() < pairs {
        let [bare, forwarding, gate, logging] = ["bare", "forwarding", "gate", "gate+log"]
            .map(|name| Child::start(name, Some(origin.addr), folder.path()));
        for proxy in [&bare, &forwarding, &gate, &logging] {
            proxy.warm_up(effort);
        }
        for _ in 0..pairs.div_ceil(3) {
            for ((name, load), results) in PLANS.iter().zip(&mut results) {
                let other =
                    [&forwarding, &gate, &logging].into_iter().find(|role| role.name == *name);
                let other = other.expect("a plan names one of them");
                let texts = || crowd.texts(*load, requests, results.len() as u64);
                let bare_first = results.len() % 2 == 0;
                let first = if bare_first { &bare } else { other }.cpu_us(texts());
                let second = if bare_first { other } else { &bare }.cpu_us(texts());
                results.push(if bare_first {
                    Pair { bare: first, other: second }
                } else {
                    Pair { bare: second, other: first }
                });
            }
        }
    }
    for ((name, load), pairs) in PLANS.iter().zip(&results) {
        print_pairs(name, &load.name(), pairs);
    }
    newcomers(effort, origin.addr, folder.path());
}

/// Prints the p99 latency when every request comes from a new address, of the bare proxy and the
/// gate in turns.
fn newcomers(effort: Effort, origin: SocketAddr, folder: &Path) {
    let requests = effort.pick(200, 20_000, 50_000);
    let bare = Child::start("bare", Some(origin), folder);
    let gate = Child::start("gate", Some(origin), folder);
    bare.warm_up(effort);
    gate.warm_up(effort);
    let mut next = CLIENTS;
    let mut p99_us = |role: &Child| {
        let from = next;
        next += requests;
        let mut micros =
            load(role.addr, (from..next).map(|client| page_of(client, client % 2_000)));
        micros.sort_unstable();
        f64::from(micros[micros.len() * 99 / 100])
    };
    let pairs: Vec<(f64, f64)> = (0..effort.pick(1, 6, 12))
        .map(|pair| {
            if pair % 2 == 0 {
                let bare = p99_us(&bare);
                (bare, p99_us(&gate))
            } else {
                let gate = p99_us(&gate);
                (p99_us(&bare), gate)
            }
        })
        .collect();
    let ratio = Spread::of(pairs.iter().map(|(bare, gate)| gate / bare));
    println!(
        "gate, every request from somebody new ({} of them): p99 bare {:.0} µs, gate {:.0} µs; \
            ratio {:.2} ({:.2} to {:.2}, \
         {} pairs)",
        count(f64::from(next - CLIENTS) / 2.0),
        Spread::of(pairs.iter().map(|(bare, _)| *bare)).median,
        Spread::of(pairs.iter().map(|(_, gate)| *gate)).median,
        ratio.median,
        ratio.min,
        ratio.max,
        pairs.len(),
    );
}

/// CPU microseconds per request.
struct Pair {
    bare: f64,
    other: f64,
}

fn print_pairs(name: &str, load: &str, pairs: &[Pair]) {
    let mut ratios: Vec<f64> = pairs.iter().map(|pair| pair.other / pair.bare).collect();
    ratios.sort_by(f64::total_cmp);
    // The ranks between which the true median lies, by the binomial distribution.
    let (middle, reach) = ((ratios.len() - 1) as f64 / 2.0, 0.98 * (ratios.len() as f64).sqrt());
    let rank = |rank: f64| ratios[rank.clamp(0.0, (ratios.len() - 1) as f64) as usize];
    let median = |what: fn(&Pair) -> f64| Spread::of(pairs.iter().map(what)).median;
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    println!(
        "{name}, {load}: bare {:.2} µs, {name} {:.2} µs of CPU a request; {:+.1} % (95 %: {:+.1} \
            to {:+.1}, {} pairs)",
        median(|pair| pair.bare),
        median(|pair| pair.other),
        percent(Spread::of(ratios.iter().copied()).median),
        percent(rank((middle - reach).floor())),
        percent(rank((middle + reach).ceil())),
        pairs.len(),
    );
}
