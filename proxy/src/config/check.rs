//! From what is written to what is meant: the checks that types cannot make.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use gate::config::Checker;
use gate::config::error::from_toml;
use gate::{ConfigError, config::Place};
use toml::Spanned;

use super::raw::{self, Raw, Section};
use super::timeouts::Timeouts;
use super::{Door, Overrides};
use crate::upstream::UpstreamUrl;

/// Every interface: a gate stands in front.
const LISTEN: &str = "0.0.0.0:8080";
/// A shop on the same network answers a SYN in milliseconds; five seconds spans one lost SYN and
/// its repeats.
const CONNECT_S: u64 = 5;
/// What nginx uses for `proxy_read_timeout`: shops' slow pages have been built around it.
const READ_S: u64 = 60;
/// Likewise, for `proxy_send_timeout`.
const WRITE_S: u64 = 60;
/// Longer than the pause between two clicks, short enough that leavers free their sockets.
const IDLE_S: u64 = 60;
/// Under the 30 s after which Kubernetes and Docker-like supervisors kill, with room to flush.
const STOP_GRACE_S: u64 = 20;
/// No time-out is longer than an hour: such a value is a slip (milliseconds, mostly).
const TIMEOUT_S: RangeInclusive<u64> = 1..=3600;
/// 100 MiB: above any image a shop owner uploads; bodies stream through, so this costs no memory.
const BODY_BYTES_MAX: u64 = 100 << 20;
const THREADS_RANGE: RangeInclusive<u64> = 1..=1024;

/// Checks the proxy's part of a text, and says what is allowed but probably not meant.
pub(super) fn check(
    text: &str,
    path: &Path,
    overrides: &Overrides,
    gate: &gate::Config,
) -> Result<(Door, Vec<String>), ConfigError> {
    let raw: Raw = toml::from_str(text).map_err(|error| from_toml(path, text, &error))?;
    let checker = ProxyChecker { common: Checker::new(text, path), path };
    let (section, mut warnings) = checker.gather(raw)?;
    let door = checker.door(&section, overrides)?;
    if door.listen.ip().is_loopback() && gate.trusted_proxies().is_empty() {
        warnings.push(format!(
            "listen is {}, which only this machine reaches, and trusted_proxies is empty: behind a \
             proxy such as nginx all visitors would look like one. Write in [client]: \
             trusted_proxies = [\"{}\"]",
            door.listen,
            door.listen.ip()
        ));
    }
    Ok((door, warnings))
}

struct ProxyChecker<'a> {
    common: Checker<'a>,
    path: &'a Path,
}

impl ProxyChecker<'_> {
    /// The section, with the keys that stand outside it, and a warning that names those.
    fn gather(&self, raw: Raw) -> Result<(Section, Vec<String>), ConfigError> {
        let Raw { proxy, listen, upstream, threads, h2c, timeouts, limits } = raw;
        let mut section = proxy.map(Spanned::into_inner).unwrap_or_default();
        let mut outside = Vec::new();
        self.take(&mut section.listen, listen, "listen", &mut outside)?;
        self.take(&mut section.upstream, upstream, "upstream", &mut outside)?;
        self.take(&mut section.threads, threads, "threads", &mut outside)?;
        self.take(&mut section.h2c, h2c, "h2c", &mut outside)?;
        self.take(&mut section.timeouts, timeouts, "timeouts", &mut outside)?;
        self.take(&mut section.limits, limits, "limits", &mut outside)?;
        let warning = format!(
            "{}: {} now belong{} in section [proxy]; a later version will not read {} elsewhere",
            self.path.display(),
            outside.join(", "),
            if outside.len() == 1 { "s" } else { "" },
            if outside.len() == 1 { "it" } else { "them" }
        );
        Ok((section, if outside.is_empty() { Vec::new() } else { vec![warning] }))
    }

    fn take<T>(
        &self,
        inside: &mut Option<Spanned<T>>,
        outside: Option<Spanned<T>>,
        key: &'static str,
        moved: &mut Vec<&'static str>,
    ) -> Result<(), ConfigError> {
        let Some(outside) = outside else { return Ok(()) };
        if inside.is_some() {
            let place = self.common.place(outside.span());
            let problem = format!("`{key}` stands here and in [proxy]");
            return Err(self.common.wrong(place, &problem, "Keep the one in [proxy]."));
        }
        moved.push(key);
        *inside = Some(outside);
        Ok(())
    }

    fn door(&self, section: &Section, overrides: &Overrides) -> Result<Door, ConfigError> {
        let empty = raw::Timeouts::default();
        let timeouts = section.timeouts.as_ref().map_or(&empty, Spanned::get_ref);
        let body_bytes_max =
            section.limits.as_ref().and_then(|limits| limits.get_ref().body_bytes_max);
        let listen = overrides.listen.as_deref();
        Ok(Door {
            listen: self.common.address(&section.listen, listen, "--listen", LISTEN)?,
            upstream: self.upstream(&section.upstream, overrides)?,
            threads: self.threads(&section.threads)?,
            h2c: section.h2c.as_ref().is_some_and(|h2c| *h2c.get_ref()),
            timeouts: self.timeouts(timeouts)?,
            body_bytes_max: Some(body_bytes_max.unwrap_or(BODY_BYTES_MAX)).filter(|max| *max > 0),
        })
    }

    /// A proxy must know where the shop is.
    fn upstream(
        &self,
        written: &Option<Spanned<String>>,
        overrides: &Overrides,
    ) -> Result<UpstreamUrl, ConfigError> {
        let flag_value = overrides.upstream.as_deref();
        if written.is_none() && flag_value.is_none() {
            let place = match self.path.as_os_str().is_empty() {
                true => Place::Flag("--upstream"),
                false => self.common.place(0..0),
            };
            let problem = "no upstream: the gate does not know where the shop is";
            let remedy =
                "Write in [proxy]: upstream = \"http://127.0.0.1:3000\", or pass --upstream URL.";
            return Err(self.common.wrong(place, problem, remedy));
        }
        let (value, place) = self.common.pick(written, flag_value, "--upstream", "");
        UpstreamUrl::parse(value).map_err(|error| {
            let remedy = "Write the shop's address, for example \"http://127.0.0.1:3000\" or \
                          \"https://shop.example\".";
            self.common.wrong(place, &format!("upstream {value:?}: {error}"), remedy)
        })
    }

    fn threads(&self, written: &Option<Spanned<u64>>) -> Result<usize, ConfigError> {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        Ok(self.common.within(written, cores, THREADS_RANGE, "threads")? as usize)
    }

    fn timeouts(&self, raw: &raw::Timeouts) -> Result<Timeouts, ConfigError> {
        let seconds = |written, default| {
            self.common.within(written, default, TIMEOUT_S, "seconds").map(Duration::from_secs)
        };
        Ok(Timeouts {
            connect: seconds(&raw.connect_s, CONNECT_S)?,
            read: seconds(&raw.read_s, READ_S)?,
            write: seconds(&raw.write_s, WRITE_S)?,
            idle: seconds(&raw.idle_s, IDLE_S)?,
            stop_grace: seconds(&raw.stop_grace_s, STOP_GRACE_S)?,
        })
    }
}
