//! What a user agent says it is, read word by word.
//!
//! A name such as `Googlebot/2.1` is a word of its own. A phone called `CUBOT_NOTE` only contains
//! the same letters, and it stands in the comment in which a browser describes its device. So names
//! of robots are looked for as whole words, and in such a comment only with a version behind them.

use std::collections::HashMap;

use super::agent_names::{
    APPS, BROWSERS, COMPATIBLE_BROWSERS, GOOD_ROBOTS, LIBRARIES, ROBOT_ENDINGS, ROBOT_WORDS, TOOLS,
    WATCHERS,
};
use crate::memory_limit::{ALLOCATION_BYTES, map_bytes};

/// What a user agent says it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum AgentKind {
    /// It looks like a browser's. Bots send such names too.
    #[default]
    Browser,
    /// A search or preview crawler, a monitor or a feed reader: welcome once it is verified.
    GoodRobot,
    /// It names a robot, a tool or an HTTP library.
    Declared,
    /// A name that is no browser's, or a library of which apps are made. A shop's own app has such
    /// a name, and so may a script.
    App,
    /// It is empty, or the log has none.
    Nameless,
}

/// How many kinds there are.
pub(super) const KINDS: usize = 5;

/// User agents that are remembered at most. Any further one is judged each time, and all of those
/// count as one.
const TEXTS_MAX: usize = 1 << 20;
/// Bytes of their texts at most, about: a log may have lines of a megabyte.
const TEXT_BYTES_MAX: u64 = 64 << 20;

/// User agents seen, so that each text is judged once.
#[derive(Debug, Default)]
pub struct Agents {
    known: HashMap<Box<str>, (u32, AgentKind)>,
    text_bytes: u64,
}

impl Agents {
    /// Does this user agent name a robot that shops welcome?
    pub fn is_good_bot(&mut self, agent: &str) -> bool {
        self.judge(agent).1 == AgentKind::GoodRobot
    }

    /// Bytes of memory, with those that one more user agent may take besides its text.
    pub fn bytes(&self) -> u64 {
        let (len, capacity) = (self.known.len(), self.known.capacity());
        self.text_bytes + map_bytes::<(Box<str>, (u32, AgentKind))>(len, capacity)
    }

    /// A number for this text, and what it says.
    pub(super) fn judge(&mut self, agent: &str) -> (u32, AgentKind) {
        if let Some(&known) = self.known.get(agent) {
            return known;
        }
        let judged = (u32::try_from(self.known.len()).unwrap_or(u32::MAX), kind(agent));
        // Clients that make up a new user agent for every request must not fill the memory.
        if self.known.len() < TEXTS_MAX && self.text_bytes < TEXT_BYTES_MAX {
            self.known.insert(agent.into(), judged);
            self.text_bytes += agent.len() as u64 + ALLOCATION_BYTES;
        }
        judged
    }
}

fn kind(agent: &str) -> AgentKind {
    let lower = agent.trim().to_ascii_lowercase();
    if matches!(&*lower, "" | "-") {
        return AgentKind::Nameless;
    }
    let mut is_watcher = false;
    let mut is_robot =
        lower.contains("+http") || lower.contains("mailto:") || is_compatible_robot(&lower);
    for (word, is_device) in words(&lower) {
        if GOOD_ROBOTS.contains(&word) {
            return AgentKind::GoodRobot;
        }
        if is_device {
            continue;
        }
        is_watcher |= WATCHERS.contains(&word);
        is_robot |= TOOLS.contains(&word) || ROBOT_WORDS.contains(&word) || is_robots_name(word);
    }
    let first = lower.split(['/', ' ', ';', '(']).next().unwrap_or("");
    let is_of = |names: &[&str]| {
        names.iter().any(|name| {
            first.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    };
    match () {
        () if is_watcher => AgentKind::GoodRobot,
        () if is_robot || is_of(LIBRARIES) => AgentKind::Declared,
        () if is_of(APPS) || !is_of(BROWSERS) => AgentKind::App,
        () => AgentKind::Browser,
    }
}

/// Is this `(compatible; NAME …)`, with a name that is no browser's?
fn is_compatible_robot(lower: &str) -> bool {
    let Some((_, comment)) = lower.split_once("(compatible;") else { return false };
    let name = comment.trim_start();
    name.starts_with(|char: char| char.is_ascii_alphabetic())
        && !COMPATIBLE_BROWSERS.iter().any(|browser| name.starts_with(browser))
}

fn is_robots_name(word: &str) -> bool {
    ROBOT_ENDINGS.iter().any(|ending| word.len() > ending.len() && word.ends_with(ending))
}

/// The words of a lower-cased user agent, and whether each only describes a device.
fn words(lower: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut is_device_comment = false;
    let is_part = |char: char| char.is_ascii_alphanumeric();
    let mut start = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = &lower[start..];
            let first = rest.chars().next()?;
            if is_part(first) {
                let word = &rest[..rest.find(|char: char| !is_part(char)).unwrap_or(rest.len())];
                start += word.len();
                let has_version = lower[start..].strip_prefix('/').is_some_and(|version| {
                    version.trim_start_matches('v').starts_with(|char: char| char.is_ascii_digit())
                });
                return Some((word, is_device_comment && !has_version));
            }
            match first {
                '(' => is_device_comment = describes_device(&rest[1..]),
                ')' => is_device_comment = false,
                _ => {}
            }
            start += first.len_utf8();
        }
    })
}

/// Does this comment of a user agent describe the device on which a browser runs?
fn describes_device(comment: &str) -> bool {
    let comment = comment.split(')').next().unwrap_or(comment).trim_start();
    ["linux", "android", "windows", "macintosh", "iphone", "ipad", "ipod", "x11", "mobile"]
        .iter()
        .any(|system| comment.starts_with(system))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expect: AgentKind, agents: &[&str]) {
        for agent in agents {
            assert_eq!(kind(agent), expect, "{agent}");
        }
    }

    #[test]
    fn long_names_that_never_come_again_do_not_fill_the_memory() {
        let mut agents = Agents::default();
        let long = "x".repeat(1 << 20);
        for number in 0..200 {
            let (_, kind) = agents.judge(&format!("Googlebot/2.1 {number} {long}"));
            assert_eq!(kind, AgentKind::GoodRobot);
        }
        assert!(agents.bytes() < TEXT_BYTES_MAX + (2 << 20), "{}", agents.bytes());
    }

    #[test]
    fn browsers_of_any_device_are_browsers() {
        check(
            AgentKind::Browser,
            &[
                "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
                "Mozilla/5.0 (Linux; Android 9; CUBOT_NOTE_Plus) AppleWebKit/537.36 Chrome/120.0",
                "Mozilla/5.0 (Linux; Android 11; CUBOT X50 Build/RP1A; wv) Chrome/99.0 Mobile",
                "Mozilla/5.0 (Linux; Android 10; Spider P1; Monitor) Chrome/99.0 Mobile",
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) [FBAN/FBIOS;FBAV/440.0]",
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Mobile/15E148 DuckDuckGo/7 Safari/605.1",
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Mobile/15E148 [Pinterest/iOS]",
                "Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.18",
                "Mozilla/4.0 (compatible;)",
                "Mozilla/5.0 (compatible; Konqueror/4.5; Linux)",
                "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; http://toolbar.example)",
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Javan/1.0 Perlman/2 Safari/605.1",
            ],
        );
    }

    #[test]
    fn robots_tools_and_libraries_say_so() {
        check(
            AgentKind::Declared,
            &[
                "curl/8.1",
                "python-requests/2.31",
                "Java/1.8.0_292",
                "Go-http-client/1.1",
                "Apache-HttpClient/4.5 (Java/11)",
                "Mozilla/5.0 (compatible; AnyBot/7.0; +http://any.example/robot/)",
                "Mozilla/5.0 (compatible; MJ12bot/v1.4.8; http://mj12bot.example/)",
                "Mozilla/5.0 (compatible; Surveyor; http://survey.example/)",
                "SomeCrawler",
                "my spider 0.1",
                "Mozilla/5.0 (Linux; Android 9; OtherBot/2.1) Chrome/99",
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0",
                "Scrapy/2.11 (+https://scrapy.org)",
                "sqlmap/1.7",
            ],
        );
    }

    #[test]
    fn welcome_robots_are_crawlers_previews_monitors_and_feed_readers() {
        check(
            AgentKind::GoodRobot,
            &[
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) Chrome/99 Mobile \
                    (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                "Googlebot-Image/1.0",
                "WhatsApp/2.23.20.0 A",
                "facebookexternalhit/1.1",
                "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
                "check_http/v2.3 (monitoring-plugins 2.3)",
                "kube-probe/1.29",
                "ExampleMonitor monitoring/1.0 (+https://monitor.example)",
                "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers)",
                "Tiny Tiny RSS/21.05 (https://tt-rss.org/)",
            ],
        );
    }

    #[test]
    fn what_an_app_may_be_made_of_decides_nothing() {
        check(
            AgentKind::App,
            &[
                "okhttp/4.9.0",
                "Shop/3 CFNetwork/1410.0 Darwin/22.6",
                "Dalvik/2.1.0 (Linux; U; Android 8.1; CUBOT_POWER Build/O11019)",
                "ShopApp/4.2 (iPhone; iOS 17.5)",
            ],
        );
        check(AgentKind::Nameless, &["", "-", " "]);
    }

    #[test]
    fn any_text_is_judged() {
        for text in ["(", ")", "((", "é(ü/1", "/", "日本語 bot", "(linux", "bot"] {
            kind(text);
        }
    }
}
