//! What the load generator sends: the requests of a simulated shop's visitors, as bytes on the
//! wire.

use std::net::Ipv4Addr;
use std::sync::Arc;

use detector::url::{classify, split};
use detector::{Class, Timestamp};
use traffic::sim::{Dice, Mix, SimRequest, Site, simulate};

use super::support::{Effort, Zipf, count, scattered};

/// Client addresses.
pub const CLIENTS: u32 = 20_000;

/// The requests that a run sends.
#[derive(Clone, Copy)]
pub enum Load {
    /// Requests of a simulated crowd. How often a client comes follows Zipf's law, as in `observe`.
    Shop,
    /// Pages only, by this many clients who come equally often. Every request is scored, and with
    /// many clients no window is in the CPU cache.
    Pages { clients: u32 },
}

impl Load {
    /// What the printed lines call it.
    pub fn name(self) -> String {
        match self {
            Self::Shop => format!("a shop's requests, {} clients", count(f64::from(CLIENTS))),
            Self::Pages { clients: 1 } => "pages only, one client".to_owned(),
            Self::Pages { clients } => {
                format!("pages only, {} clients alike", count(f64::from(clients)))
            }
        }
    }
}

/// The visits of a simulated crowd, without client addresses.
pub struct Crowd {
    visits: Vec<Vec<SimRequest>>,
}

impl Crowd {
    /// Three hours of a simulated shop, bots included.
    pub fn simulated(effort: Effort) -> Self {
        let site = Arc::new(Site::new(1));
        let mix = Mix::of(effort.pick(30, 600, 600), effort.pick(3, 60, 60));
        let requests =
            simulate(&site, 1, Timestamp::from_secs(1_795_219_200), &mix, 3 * 3_600 * 1_000_000);
        let mut visits = std::collections::BTreeMap::<_, Vec<SimRequest>>::new();
        for request in requests {
            visits.entry(request.client).or_default().push(request);
        }
        Self { visits: visits.into_values().collect() }
    }

    /// Its size in one line.
    pub fn describe(&self) -> String {
        let requests = || self.visits.iter().flatten();
        let pages = requests().filter(|request| class_of(request) == Class::Page).count();
        format!(
            "{} visits, {:.0} % of their requests are pages",
            self.visits.len(),
            pages as f64 / requests().count() as f64 * 100.0
        )
    }

    /// So many requests as bytes on the wire, drawn by `seed`.
    pub fn texts(&self, load: Load, requests: usize, seed: u64) -> Vec<String> {
        let mut dice = Dice::new(11 + seed);
        match load {
            Load::Pages { clients } => {
                let mut page =
                    || page_of(dice.below(clients as usize) as u32, dice.below(2_000) as u32);
                (0..requests).map(|_| page()).collect()
            }
            Load::Shop => {
                let zipf = Zipf::new(CLIENTS as usize);
                let mut request = || {
                    let client = zipf.draw(&mut dice);
                    let visit = &self.visits[client % self.visits.len()];
                    text_of(client as u32, &visit[dice.below(visit.len())])
                };
                (0..requests).map(|_| request()).collect()
            }
        }
    }
}

fn class_of(request: &SimRequest) -> Class {
    classify(split(&request.target).0, None)
}

/// A browser's request for a product page.
pub fn page_of(client: u32, page: u32) -> String {
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    request(client, "GET", &format!("/p/{page}"), "document", agent, Some("/"))
}

fn text_of(client: u32, sim: &SimRequest) -> String {
    let destination = if class_of(sim) == Class::Page { "document" } else { "image" };
    request(client, sim.method, &sim.target, destination, sim.user_agent, sim.referer.as_deref())
}

/// About what a browser sends, as the TLS-terminating proxy in front of the gate passes it on.
fn request(
    client: u32,
    method: &str,
    target: &str,
    destination: &str,
    agent: &str,
    referer: Option<&str>,
) -> String {
    let client = Ipv4Addr::from_bits(0x0b00_0000 + scattered(client));
    let referer =
        referer.map_or_else(String::new, |page| format!("Referer: https://shop.example{page}\r\n"));
    let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
    format!(
        "{method} {target} HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: \
            {client}\r\nX-Forwarded-Proto: https\r\n\
         User-Agent: {agent}\r\nAccept: \
         text/html,application/xhtml+xml,*/*;q=0.8\r\nAccept-Language: en-GB,en;q=0.7\r\n\
         {referer}Sec-Fetch-Dest: {destination}\r\nCookie: session=0123456789abcdef\r\n{length}\r\n"
    )
}
