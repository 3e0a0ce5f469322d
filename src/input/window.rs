//! Reads a window of time from logs as two sites: what to learn from, and the newest part to judge
//! on.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Result, bail};
use detector::{ClientKey, Timestamp};
use traffic::log::{Record, Tally};
use traffic::replay::newest_time;
use trainer::{Labels, Site, SiteBuilder};

use super::logs::Logs;
use super::memory;
use crate::jobs::jobs;

/// Three times, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogWindow {
    /// Where learning begins.
    pub from: Timestamp,
    /// Where learning ends and judging begins.
    pub split: Timestamp,
    /// The logs' last line.
    pub until: Timestamp,
}

/// Both parts of a window.
pub struct WindowSites {
    /// From `from` to before `split`.
    pub learnt: Site,
    /// From `split` on, without the clients of the other.
    pub newest: Site,
    /// What was read of each log.
    pub tallies: Vec<Tally>,
}

impl LogWindow {
    /// The window that ends with the logs' last line, `judged` of it to judge on and `learnt`
    /// before that to learn from. Reads all logs once.
    ///
    /// # Errors
    /// Logs that cannot be read, or without a line; a pipe, which can be read only once.
    pub fn of(logs: &Logs, learnt: Duration, judged: Duration) -> Result<Self> {
        if logs.has_pipe() {
            bail!("--promote-to reads its logs twice, which a pipe does not allow: name files");
        }
        let Some(until) = newest_time(jobs(None), logs.open()?)? else {
            bail!("there is no request in these logs: nothing can be learnt from them");
        };
        let before = |at: Timestamp, span: Duration| {
            let span_us = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
            Timestamp::from_micros(at.as_micros().saturating_sub(span_us))
        };
        let split = before(until, judged);
        Ok(Self { from: before(split, learnt), split, until })
    }
}

impl Logs {
    /// Reads the window, labelled by `labels` or by weak rules, each part by itself. `watch` sees
    /// every record, and whether it is in the part to judge on.
    ///
    /// # Errors
    /// As [`Logs::read_site`].
    pub fn read_window(
        &self,
        window: LogWindow,
        labels: Option<&Labels>,
        mut watch: impl FnMut(&Record<'_>, bool),
    ) -> Result<WindowSites> {
        let memory_max = self.memory_max_bytes.unwrap_or_else(memory::half_of_what_is_available);
        let mut builders = [(); 2].map(|()| SiteBuilder::with_memory_max(memory_max / 2));
        let (tallies, resolution_us) = self.read_records(|record| {
            // A line may have been written since the logs' end was looked for.
            if record.at < window.from || record.at > window.until {
                return Ok(());
            }
            let is_newest = record.at >= window.split;
            watch(record, is_newest);
            Ok(builders[usize::from(is_newest)].note(record)?)
        })?;
        let [learnt, newest] = builders;
        let learnt = learnt.finish("site", resolution_us, labels)?;
        let newest = newest.finish("site", resolution_us, labels)?;
        let known: HashSet<ClientKey> = learnt.clients.iter().map(|client| client.key).collect();
        let newest = newest.of_clients(|client| !known.contains(&client));
        Ok(WindowSites { learnt, newest, tallies })
    }
}
