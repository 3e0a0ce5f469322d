//! Programs that look for vulnerabilities.
//!
//! They try a list of paths that some shops leave open: configuration files, backups,
//! administration pages, well-known exploits. They are fast, and request each path once; nearly all
//! answers are 404. They begin at the home page, as anybody may.

use super::pace::Pace;
use super::round::Round;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "Tries a list of attack paths, each once, nearly all \
    missing here. Expected: detected at least \
     99 times in 100, within a few requests.";

/// One scanner.
#[derive(Debug)]
pub(in crate::sim) struct Scanner {
    pace: Pace,
    round: Round,
}

impl Scanner {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        let (per_second, requests_left) = match tempo {
            Tempo::Day => (
                dice.log_between(0.5, 20.0),
                dice.lognormal(120.0, 0.8).clamp(15.0, 1_000.0) as u32,
            ),
            Tempo::Live => (dice.between(4.0, 12.0), u32::MAX),
        };
        let mut targets: Vec<String> = PATHS.iter().map(|path| (*path).to_owned()).collect();
        for folder in FOLDERS {
            for file in FILES {
                targets.push(format!("/{folder}/{file}"));
            }
        }
        dice.shuffle(&mut targets);
        targets.insert(0, "/".to_owned());
        Self {
            pace: Pace::regular(1.0 / per_second, dice),
            round: Round::new(targets, requests_left),
        }
    }
}

impl Behave for Scanner {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        let asks = self.round.ask(turn);
        if asks {
            self.pace.wait(turn);
        }
        asks
    }
}

const PATHS: &[&str] = &[
    "/.env",
    "/.git/config",
    "/.aws/credentials",
    "/wp-login.php",
    "/xmlrpc.php",
    "/phpinfo.php",
    "/server-status",
    "/actuator/env",
    "/?-d+allow_url_include%3d1",
    "/cgi-bin/.%2e/.%2e/bin/sh",
    "/index.php?s=/index/think/invokefunction",
    "/login?user=admin%27--",
    "/search?q=%3Cscript%3Ealert(1)%3C/script%3E",
    "/p/1%20OR%201=1",
    "/console/",
    "/manager/html",
    "/solr/admin/info/system",
    "/owa/auth/logon.aspx",
    "/HNAP1/",
    "/boaform/admin/formLogin",
];

const FOLDERS: &[&str] = &[
    "admin",
    "backup",
    "old",
    "test",
    "dev",
    "db",
    "phpmyadmin",
    "pma",
    "config",
    "includes",
    "wp-admin",
    "wp-content",
    "vendor",
    "api/v1",
    "shop",
    "store",
    "magento",
    "var",
    "tmp",
    "uploads",
];

const FILES: &[&str] = &[
    "index.php",
    "config.php",
    "config.php.bak",
    ".env",
    "backup.zip",
    "dump.sql",
    "setup.php",
    "install.php",
    "login.php",
    "shell.php",
    "upload.php",
    "debug.log",
    "users.json",
    "web.config",
    "info.php",
    "eval-stdin.php",
];
