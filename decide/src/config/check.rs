//! From what is written to what is meant: the checks that types cannot make.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gate::ConfigError;
use gate::config::error::from_toml;
use gate::config::{Checker, Place};
use hyper::header::HeaderName;
use toml::Spanned;

use super::raw::{Export, Raw, Section};
use super::{Address, Door, Names, Overrides};
use crate::export::ExportConfig;
use crate::export::ledger::Bounds;

/// Where systemd's `RuntimeDirectory=kidoban` puts it.
const LISTEN: &str = "unix:/run/kidoban/decide.sock";
/// Owner and group: the edge's user is put into the group.
const SOCKET_MODE: u32 = 0o660;
/// An edge on the same machine.
const PEERS: [&str; 2] = ["127.0.0.0/8", "::1/128"];
/// One answers some ten thousand questions a second, and has nobody to steal work from.
const THREADS: u64 = 1;
const THREADS_RANGE: RangeInclusive<u64> = 1..=1024;
/// What nginx allows a shop between two reads; a line comes when the request has ended.
const WAIT_S: u64 = 60;
/// An hour: longer, and what is kept of a busy shop's lost requests fills memory.
const WAIT_S_RANGE: RangeInclusive<u64> = 1..=3600;
/// A path of a unix socket has 108 bytes, its end included (unix(7)); a name for the time until it
/// is ready is nine longer.
const SOCKET_PATH_BYTES_MAX: usize = 98;
/// What a firewall's set holds without effort, and what a list of 1 MB holds.
const BANS_MAX: u64 = 65_536;
const BANS_MAX_RANGE: RangeInclusive<u64> = 1..=1_000_000;
/// Ten a second: an attack from a botnet. More is rather a model or a threshold that is wrong.
const BANS_PER_MINUTE_MAX: u64 = 600;
/// As letters of nft's grammar.
const TABLE_NAME_BYTES_MAX: usize = 32;

/// Checks the service's part of a text.
pub(super) fn check(text: &str, path: &Path, overrides: &Overrides) -> Result<Door, ConfigError> {
    let raw: Raw = toml::from_str(text).map_err(|error| from_toml(path, text, &error))?;
    let section = raw.decide.map(Spanned::into_inner).unwrap_or_default();
    let checker = DecideChecker { common: Checker::new(text, path), path };
    Ok(Door {
        listen: checker.listen(&section, &overrides.listen)?,
        socket_mode: checker.socket_mode(&section.socket_mode)?,
        peers: match &section.peers {
            Some(written) => checker.common.networks(written)?,
            None => PEERS.iter().filter_map(|network| network.parse().ok()).collect(),
        },
        threads: checker.common.within(&section.threads, THREADS, THREADS_RANGE, "threads")?
            as usize,
        names: checker.names(&section)?,
        outcomes: match &section.outcomes.listen {
            Some(written) => Some(checker.written_address(written)?),
            None => None,
        },
        wait: Duration::from_secs(checker.common.within(
            &section.outcomes.wait_s,
            WAIT_S,
            WAIT_S_RANGE,
            "seconds",
        )?),
        export: section.export.as_ref().map(|export| checker.export(export)).transpose()?,
    })
}

struct DecideChecker<'a> {
    common: Checker<'a>,
    path: &'a Path,
}

impl DecideChecker<'_> {
    fn listen(&self, section: &Section, flags: &[String]) -> Result<Vec<Address>, ConfigError> {
        if !flags.is_empty() {
            let parse = |flag: &String| self.address(flag, Place::Flag("--listen"), Path::new(""));
            return flags.iter().map(parse).collect();
        }
        let Some(written) = &section.listen else {
            return Ok(vec![self.address(LISTEN, self.common.place(0..0), Path::new(""))?]);
        };
        written.iter().map(|written| self.written_address(written)).collect()
    }

    fn written_address(&self, written: &Spanned<String>) -> Result<Address, ConfigError> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        self.address(written.get_ref(), self.common.place(written.span()), folder)
    }

    fn address(&self, value: &str, place: Place, folder: &Path) -> Result<Address, ConfigError> {
        let remedy = "Write \"unix:/run/kidoban/decide.sock\", or an IP address and a port, for \
                      example \"127.0.0.1:9146\".";
        if let Some(written) = value.strip_prefix("unix:") {
            let path: PathBuf = folder.join(written);
            let bytes = path.as_os_str().len();
            if written.is_empty() || bytes > SOCKET_PATH_BYTES_MAX {
                let problem = format!(
                    "{value:?} is no path for a unix socket: it has {bytes} bytes, and 1 to \
                     {SOCKET_PATH_BYTES_MAX} are possible"
                );
                return Err(self.common.wrong(place, &problem, remedy));
            }
            return Ok(Address::Unix(path));
        }
        value.parse::<SocketAddr>().map(Address::Ip).map_err(|_| {
            let problem = format!("{value:?} is neither a unix socket nor an address with a port");
            self.common.wrong(place, &problem, remedy)
        })
    }

    fn export(&self, raw: &Export) -> Result<ExportConfig, ConfigError> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let listen = match &raw.listen {
            None => None,
            Some(written) => Some(self.common.address(&raw.listen, None, "", "127.0.0.1:9148")?)
                .filter(|at| at.ip().is_loopback() || raw.api_key.is_some())
                .ok_or_else(|| {
                    let problem = "whoever reaches this address could read whom you have banned";
                    let remedy = "Add api_key, or listen on a loopback address.";
                    self.common.wrong(self.common.place(written.span()), problem, remedy)
                })
                .map(Some)?,
        };
        let bounded = |written, default| {
            self.common.within(written, default, BANS_MAX_RANGE, "bans").map(|bans| bans as usize)
        };
        Ok(ExportConfig {
            listen,
            api_key: raw.api_key.clone(),
            nginx_geo: raw.nginx_geo.as_ref().map(|path| folder.join(path)),
            after_nginx_geo: raw.after_nginx_geo.clone(),
            nft_table: self.table(&raw.nft_table)?,
            bounds: Bounds {
                bans_max: bounded(&raw.bans_max, BANS_MAX)?,
                bans_per_minute_max: bounded(&raw.bans_per_minute_max, BANS_PER_MINUTE_MAX)?,
            },
        })
    }

    fn table(&self, written: &Option<Spanned<String>>) -> Result<Option<String>, ConfigError> {
        let Some(written) = written else { return Ok(None) };
        let name = written.get_ref();
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_name = name.bytes().all(is_letter)
            && name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.len() <= TABLE_NAME_BYTES_MAX;
        if is_name {
            return Ok(Some(name.clone()));
        }
        let problem = format!("{name:?} is no name of a table");
        let remedy = "Write letters and digits, for example \"kidoban\".";
        Err(self.common.wrong(self.common.place(written.span()), &problem, remedy))
    }

    fn socket_mode(&self, written: &Option<Spanned<String>>) -> Result<u32, ConfigError> {
        let Some(written) = written else { return Ok(SOCKET_MODE) };
        let value = written.get_ref();
        let mode = u32::from_str_radix(value, 8).ok().filter(|mode| mode & !0o777 == 0);
        mode.ok_or_else(|| {
            let problem = format!("socket_mode {value:?} is no file mode");
            let remedy = "Write it in octal and quotes, for example \"0660\": owner and group.";
            self.common.wrong(self.common.place(written.span()), &problem, remedy)
        })
    }

    fn names(&self, section: &Section) -> Result<Names, ConfigError> {
        let client = self.name(&section.client_header, "x-forwarded-for")?;
        let method = self.name(&section.method_header, "x-forwarded-method")?;
        let uri = self.name(&section.uri_header, "x-forwarded-uri")?;
        let twice = match (client == method, client == uri || method == uri) {
            (true, _) => &section.method_header,
            (_, true) => &section.uri_header,
            (false, false) => return Ok(Names { client, method, uri }),
        };
        let place = twice.as_ref().or(section.client_header.as_ref()).map_or(0..0, Spanned::span);
        let remedy = "Give client_header, method_header and uri_header different names.";
        Err(self.common.wrong(self.common.place(place), "two headers have one name", remedy))
    }

    fn name(
        &self,
        written: &Option<Spanned<String>>,
        default: &'static str,
    ) -> Result<HeaderName, ConfigError> {
        let Some(written) = written else { return Ok(HeaderName::from_static(default)) };
        HeaderName::from_bytes(written.get_ref().as_bytes()).map_err(|_| {
            let problem = format!("{:?} is no name of a header", written.get_ref());
            let remedy = format!("Write a name, for example {default:?}.");
            self.common.wrong(self.common.place(written.span()), &problem, &remedy)
        })
    }
}
