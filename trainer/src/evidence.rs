//! Weak rules that label clients as people or bots where there is no labels file.
//!
//! They look at what the score never sees (law 10): user agent, referer, assets, attack paths.
//! Clients that they cannot tell are unknown. Each label carries the rule that gave it.

use std::collections::HashMap;

use detector::Class;
use traffic::log::Record;

use crate::label::{Label, Labelled};
use crate::memory_limit::{ALLOCATION_BYTES, map_bytes};

/// What the rules need to know of one client.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pages: u32,
    assets_with_referer: u32,
    assets: u32,
    referers: u32,
    attacks: u32,
    agent: Option<u32>,
    mixed_agents: bool,
    kind: AgentKind,
}

/// What a user agent says it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum AgentKind {
    /// It looks like a browser's. Bots send such names too.
    #[default]
    Browser,
    /// A search or preview crawler, which is welcome once it is verified.
    GoodBot,
    /// It names a bot or an HTTP library, or is empty.
    Declared,
}

/// User agents seen, so that each text is judged once.
#[derive(Debug, Default)]
pub struct Agents {
    known: HashMap<Box<str>, (u32, AgentKind)>,
    text_bytes: u64,
}

/// A client without an asset or a referer is bad from this many pages on. Fewer pages may be a
/// person with a feed reader or a cache.
const PAGES_WITHOUT_ASSETS: u32 = 10;
/// Attack paths that make a client bad. One may be a mistyped link.
const ATTACKS_MIN: u32 = 2;
/// Assets with a referer that make a client human. Fewer may be an accident.
const ASSETS_WITH_REFERER_MIN: u32 = 3;

/// What the rules need to know of one request.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    agent: u32,
    kind: AgentKind,
    has_referer: bool,
    is_attack: bool,
}

impl Trace {
    /// The trace of a request.
    pub fn of(record: &Record<'_>, agents: &mut Agents) -> Self {
        let (agent, kind) = agents.judge(record.user_agent.unwrap_or(""));
        let has_referer = record.referer.is_some_and(|referer| referer.starts_with("http"));
        Self { agent, kind, has_referer, is_attack: is_attack(record.target) }
    }
}

const GOOD_BOTS: &[&str] = &[
    "googlebot",
    "bingbot",
    "msnbot",
    "slurp",
    "duckduckbot",
    "baiduspider",
    "yandexbot",
    "applebot",
    "facebookexternalhit",
    "twitterbot",
    "linkedinbot",
    "slackbot",
    "telegrambot",
    "whatsapp",
    "discordbot",
    "pinterestbot",
    "feedly",
    "feedburner",
];
const DECLARED: &[&str] = &[
    "bot",
    "crawl",
    "spider",
    "scrap",
    "curl/",
    "wget",
    "python",
    "java/",
    "libwww",
    "lwp",
    "okhttp",
    "go-http-client",
    "http-client",
    "httpclient",
    "scrapy",
    "node-fetch",
    "axios",
    "ruby",
    "perl",
    "php/",
    "guzzle",
    "headless",
    "phantomjs",
    "selenium",
    "puppeteer",
    "monitor",
    "nikto",
    "sqlmap",
    "nmap",
    "masscan",
    "zgrab",
    "w3af",
    "acunetix",
    "netsparker",
    "archiver",
    "fetch",
    "feed",
    "rss",
    "wordpress/",
    "postman",
    "insomnia",
    "check_http",
    "+http",
];
/// Paths that only attackers ask for. They are looked for in the lower-cased target.
const ATTACKS: &[&str] = &[
    "/wp-login.php",
    "/xmlrpc.php",
    "/.env",
    "/.git/",
    "/phpmyadmin",
    "/pma/",
    "/wp-config",
    "/etc/passwd",
    "/cgi-bin/",
    "eval-stdin",
    "/vendor/phpunit",
    "/setup.php",
    "/shell",
    "/administrator/",
    "/manager/html",
    "/boaform",
    "/hnap1",
    "/solr/",
    "/actuator",
    "union+select",
    "union%20select",
    "<script",
    "%3cscript",
    "../..",
    "..%2f",
    "/invoker/",
    "/jmx-console",
    "/wls-wsat",
    "/owa/",
    "/autodiscover",
    "/.aws",
    "/.svn",
    "/config.json",
    "/backup",
    ".sql",
];

impl Agents {
    /// Does this user agent name a crawler that shops welcome?
    pub fn is_good_bot(&mut self, agent: &str) -> bool {
        self.judge(agent).1 == AgentKind::GoodBot
    }

    /// Bytes of memory, with those that one more user agent may take besides its text.
    pub fn bytes(&self) -> u64 {
        let (len, capacity) = (self.known.len(), self.known.capacity());
        self.text_bytes + map_bytes::<(Box<str>, (u32, AgentKind))>(len, capacity)
    }

    fn judge(&mut self, agent: &str) -> (u32, AgentKind) {
        if let Some(&known) = self.known.get(agent) {
            return known;
        }
        let lower = agent.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let kind = match () {
            () if says(GOOD_BOTS) => AgentKind::GoodBot,
            () if lower.is_empty() || says(DECLARED) => AgentKind::Declared,
            () => AgentKind::Browser,
        };
        let judged = (u32::try_from(self.known.len()).unwrap_or(u32::MAX), kind);
        // Clients that make up a new user agent for every request must not fill the memory.
        if self.known.len() < 1 << 20 {
            self.known.insert(agent.into(), judged);
            self.text_bytes += agent.len() as u64 + ALLOCATION_BYTES;
        }
        judged
    }
}

impl Evidence {
    /// Takes one record in.
    pub fn note(&mut self, record: &Record<'_>, class: Class, agents: &mut Agents) {
        self.take(Trace::of(record, agents), class);
    }

    /// Takes in the trace of a record.
    pub fn take(&mut self, trace: Trace, class: Class) {
        let Trace { agent, kind, has_referer, is_attack } = trace;
        match class {
            Class::Page => self.pages += 1,
            Class::Asset => {
                self.assets += 1;
                self.assets_with_referer += u32::from(has_referer);
            }
        }
        self.referers += u32::from(has_referer);
        self.attacks += u32::from(is_attack);
        self.mixed_agents |= self.agent.is_some_and(|before| before != agent);
        if self.agent.is_none() || kind != AgentKind::Browser {
            self.kind = kind;
        }
        self.agent = Some(agent);
    }

    /// Page requests so far.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// The label that the rules give.
    pub fn label(&self) -> Labelled {
        let (label, why) = match () {
            () if self.attacks >= ATTACKS_MIN => (Label::Bad, "attack paths"),
            () if self.kind == AgentKind::GoodBot => {
                (Label::GoodBot, "search or preview crawler by user agent")
            }
            () if self.kind == AgentKind::Declared => {
                (Label::Bad, "declared robot or HTTP library")
            }
            () if self.mixed_agents => (Label::Unknown, "mixed user agents"),
            () if self.assets_with_referer >= ASSETS_WITH_REFERER_MIN => {
                (Label::Human, "assets with referer")
            }
            () if self.pages >= PAGES_WITHOUT_ASSETS && self.assets == 0 && self.referers == 0 => {
                (Label::Bad, "undeclared: no assets and no referer")
            }
            () => (Label::Unknown, "no evidence either way"),
        };
        Labelled { label, why: why.to_owned() }
    }
}

fn is_attack(target: &str) -> bool {
    let lower = target.to_ascii_lowercase();
    ATTACKS.iter().any(|attack| lower.contains(attack))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label_of(records: &[(&str, Option<&str>, &str)]) -> Labelled {
        let mut agents = Agents::default();
        let mut evidence = Evidence::default();
        for &(target, referer, agent) in records {
            let record = Record { target, referer, user_agent: Some(agent), ..Record::default() };
            evidence.note(&record, detector::url::classify(target, None), &mut agents);
        }
        evidence.label()
    }

    const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0";

    #[test]
    fn each_rule_gives_its_label_and_its_name() {
        let check = |records: &[(&str, Option<&str>, &str)], label, why: &str| {
            let found = label_of(records);
            assert_eq!(found.label, label, "{found:?}");
            assert!(found.why.contains(why), "{found:?}");
        };
        check(&[("/", None, "curl/8.1")], Label::Bad, "declared");
        check(&[("/", None, "")], Label::Bad, "declared");
        check(&[("/", None, "Mozilla/5.0 (compatible; Googlebot/2.1)")], Label::GoodBot, "crawler");
        check(&[("/.env", None, BROWSER), ("/WP-Login.php", None, BROWSER)], Label::Bad, "attack");
        check(&[("/", None, BROWSER)], Label::Unknown, "no evidence");
        check(&[("/", None, BROWSER), ("/", None, "Opera")], Label::Unknown, "mixed");
        check(&[("/p/1", None, BROWSER); 12], Label::Bad, "no assets");
        check(&[("/a.png", Some("https://shop/"), BROWSER); 4], Label::Human, "referer");
    }

    #[test]
    fn every_attack_is_found_wherever_it_stands() {
        for attack in ATTACKS {
            assert!(is_attack(&format!("/x{attack}")), "{attack}");
        }
    }
}
