//! The logs that a command was given: which files they are, how they are opened, how far they are
//! read.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;
use indicatif::ProgressBar;
use sha2::{Digest, Sha256};
use traffic::log::{LogReader, ReadOptions, Record, Tally, decompress};
use traffic::replay::{Input, LogFiles, Reader};
use trainer::{Labels, Site, SiteBuilder};

use super::copies;
use super::memory;
use super::parked::{OPEN_MAX, ParkedFile};
use crate::progress;

/// Size of each read. A gzip stream then needs only a few system calls a second.
const BUFFER_BYTES: usize = 1 << 18;

/// The logs of one command, with one progress bar and one digest over all of them.
pub struct Logs {
    pub(super) paths: Vec<PathBuf>,
    bar: ProgressBar,
    digest: Arc<Mutex<Sha256>>,
    pub(super) memory_max_bytes: Option<u64>,
    options: ReadOptions,
    /// Whether what is wrong with the logs has been said, or is said otherwise.
    is_told: AtomicBool,
}

impl Logs {
    /// Finds the files that paths and globs name, in the order given.
    ///
    /// # Errors
    /// A pattern that names no file.
    pub fn find(patterns: &[String]) -> Result<Self> {
        let mut paths = Vec::new();
        for pattern in patterns {
            let path = PathBuf::from(pattern);
            if pattern == "-" || path.exists() && !path.is_dir() {
                paths.push(path);
                continue;
            }
            if path.is_dir() {
                bail!(
                    "{pattern}: is a folder; name the files in it, such as '{}'",
                    path.join("*.log").display()
                );
            }
            let found =
                glob::glob(pattern).with_context(|| format!("{pattern}: not a path or glob"))?;
            let before = paths.len();
            paths.extend(found.filter_map(Result::ok).filter(|path| path.is_file()));
            if paths.len() == before {
                bail!(
                    "{pattern}: no such log; give a path, a glob in quotes, or - for standard input"
                );
            }
        }
        let file_bytes = |path: &PathBuf| {
            path.metadata().ok().filter(|file| file.is_file()).map(|file| file.len())
        };
        // `None` if any of them is a pipe, whose length is unknown.
        let bytes = paths.iter().map(file_bytes).sum::<Option<u64>>();
        Ok(Self {
            bar: progress::bytes("Reading", bytes),
            paths,
            digest: Arc::default(),
            memory_max_bytes: None,
            options: ReadOptions::default(),
            is_told: AtomicBool::new(false),
        })
    }

    /// Leaves out logs that are another one again, compressed or under another name: every request
    /// in them would count twice. Says which.
    ///
    /// # Errors
    /// A file that cannot be opened or decompressed.
    pub fn without_copies(mut self) -> Result<Self> {
        let plain = |path: &Path| self.plain(path, &name_for_messages(path), None);
        let copies = copies::find(&self.paths, plain)?;
        self.bar.reset();
        for copy in &copies {
            eprintln!(
                "warning: {}: is {} again, and its requests count once",
                name_for_messages(&self.paths[copy.index]),
                name_for_messages(&self.paths[copy.of])
            );
        }
        let is_copy = |index: usize| copies.iter().any(|copy| copy.index == index);
        let paths = std::mem::take(&mut self.paths).into_iter().enumerate();
        self.paths = paths.filter(|(index, _)| !is_copy(*index)).map(|(_, path)| path).collect();
        Ok(self)
    }

    /// Changes the first word of the progress bar, which is "Reading" by default.
    #[must_use]
    pub fn shown_as(self, what: &'static str) -> Self {
        self.bar.set_message(what);
        self
    }

    /// Sets what is known about the logs.
    #[must_use]
    pub fn reading(self, options: ReadOptions) -> Self {
        Self { options, ..self }
    }

    /// Does not print what is wrong with the logs: the command says it otherwise.
    #[must_use]
    pub fn quiet(self) -> Self {
        Self { is_told: AtomicBool::new(true), ..self }
    }

    /// Sets how much memory the traffic of these logs may take in [`Logs::read_site`]; `None` for
    /// half of what is available when reading starts.
    #[must_use]
    pub fn within_memory(self, bytes_max: Option<u64>) -> Self {
        Self { memory_max_bytes: bytes_max, ..self }
    }

    /// Names of the files, without folders.
    pub fn names(&self) -> Vec<String> {
        self.paths.iter().map(|path| name_of(path)).collect()
    }

    /// The regular files among them, which can be read again.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter().map(PathBuf::as_path).filter(|path| path.is_file())
    }

    /// Whether any of them is a pipe, which can be read only once.
    pub fn has_pipe(&self) -> bool {
        // Neither standard input nor the name that a shell gives to `<(…)` is a regular file.
        self.paths.iter().any(|path| !path.is_file())
    }

    /// Opens all logs.
    ///
    /// # Errors
    /// The first file that cannot be opened or is no log.
    pub fn open(&self) -> Result<Vec<Reader>> {
        // A second opening reads everything again, so the bar starts again as well.
        self.bar.reset();
        let readers: Vec<Reader> =
            self.paths.iter().map(|path| self.open_one(path, None)).collect::<Result<_>>()?;
        if !self.is_told.swap(true, Ordering::Relaxed) {
            readers.iter().for_each(warn);
        }
        Ok(readers)
    }

    /// Opens all logs for inspection, also those that are too broken to learn from.
    ///
    /// # Errors
    /// As [`Logs::open`].
    pub fn open_leniently(&self) -> Result<Vec<Reader>> {
        let open = |path: &PathBuf| {
            let name = name_for_messages(path);
            Ok(LogReader::leniently(&name, self.plain(path, &name, None)?, &self.options)?.0)
        };
        self.paths.iter().map(open).collect()
    }

    /// Reads all logs as the traffic of one site, labelled by `labels` or by weak rules.
    ///
    /// # Errors
    /// A log that cannot be opened or read, or in which too many lines cannot be parsed; traffic
    /// that takes more memory than allowed.
    pub fn read_site(&self, name: &str, labels: Option<&Labels>) -> Result<(Site, Vec<Tally>)> {
        self.read_site_watched(name, labels, |_| {})
    }

    /// As [`Logs::read_site`], and calls `watch` with every record.
    ///
    /// # Errors
    /// As [`Logs::read_site`].
    pub fn read_site_watched(
        &self,
        name: &str,
        labels: Option<&Labels>,
        mut watch: impl FnMut(&Record<'_>),
    ) -> Result<(Site, Vec<Tally>)> {
        let mut builder = SiteBuilder::with_memory_max(
            self.memory_max_bytes.unwrap_or_else(memory::half_of_what_is_available),
        );
        let (tallies, resolution_us) = self.read_records(|record| {
            watch(record);
            Ok(builder.note(record)?)
        })?;
        let site = builder.finish(name, resolution_us, labels)?;
        if let Some(labels) = labels {
            warn_of_strange_labels(labels, &site);
        }
        Ok((site, tallies))
    }

    /// Calls `take` with every record. Returns what each log held, and the time resolution of all
    /// of them in µs.
    pub(super) fn read_records(
        &self,
        mut take: impl FnMut(&Record<'_>) -> Result<()>,
    ) -> Result<(Vec<Tally>, u32)> {
        let mut tallies = Vec::new();
        for path in &self.paths {
            // One log at a time, so that the digest covers them in the order of their names.
            let mut reader = self.open_one(path, Some(Arc::clone(&self.digest)))?;
            refuse_if_worthless(&reader)?;
            warn(&reader);
            while let Some(record) = reader.next()? {
                take(&record)?;
            }
            refuse_if_unreadable(&reader)?;
            tallies.push(reader.tally().clone());
        }
        self.finish();
        // A rotated file without a line tells nothing about the time resolution of the others.
        let told = tallies.iter().filter(|tally| tally.parsed > 0);
        let resolution_us = told.map(Tally::resolution_us).max().unwrap_or(1);
        Ok((tallies, resolution_us))
    }

    /// Removes the progress bar from the terminal.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// SHA-256, in hex, of the bytes that [`Logs::read_site`] read, before decompression.
    pub fn sha256(&self) -> String {
        let digest = self.digest.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize();
        HEXLOWER.encode(&digest)
    }

    fn open_one(&self, path: &Path, digest: Option<Arc<Mutex<Sha256>>>) -> Result<Reader> {
        let name = name_for_messages(path);
        Ok(LogReader::with_options(&name, self.plain(path, &name, digest)?, &self.options)?)
    }

    fn plain(&self, path: &Path, name: &str, digest: Option<Arc<Mutex<Sha256>>>) -> Result<Input> {
        let raw: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else if self.paths.len() > OPEN_MAX && path.is_file() {
            let file = ParkedFile::new(path.to_path_buf());
            Box::new(file.with_context(|| format!("{name}: cannot be opened"))?)
        } else {
            Box::new(File::open(path).with_context(|| format!("{name}: cannot be opened"))?)
        };
        // A small file needs no large buffer; there may be thousands.
        let file_bytes = path.metadata().ok().filter(|file| file.is_file()).map(|file| file.len());
        let file_bytes = file_bytes.and_then(|bytes| usize::try_from(bytes).ok());
        let buffer_bytes = file_bytes.map_or(BUFFER_BYTES, |bytes| BUFFER_BYTES.min(bytes + 1));
        let watched = Watched { raw, bar: self.bar.clone(), digest };
        Ok(decompress(BufReader::with_capacity(buffer_bytes, watched)))
    }
}

impl LogFiles for Logs {
    type Error = anyhow::Error;

    fn open(&self) -> Result<Vec<Reader>> {
        Self::open(self)
    }

    fn can_be_reopened(&self) -> bool {
        !self.has_pipe()
    }
}

/// A reader that moves the progress bar and, where wanted, feeds the digest.
struct Watched {
    raw: Box<dyn Read + Send>,
    bar: ProgressBar,
    digest: Option<Arc<Mutex<Sha256>>>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.raw.read(buffer)?;
        self.bar.inc(count as u64);
        if let Some(digest) = &self.digest {
            digest.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..count]);
        }
        Ok(count)
    }
}

/// Says what the first lines of a log show to be wrong with it.
fn warn(reader: &Reader) {
    for warning in reader.warnings() {
        eprintln!("warning: {}: {}\n  {}", reader.name(), warning.message, warning.fix);
    }
}

/// Refuses to learn from a log whose clients are a proxy's, or whose time runs backwards.
fn refuse_if_worthless(reader: &Reader) -> Result<()> {
    match reader.warnings().iter().find(|warning| warning.is_worthless()) {
        None => Ok(()),
        Some(warning) => {
            bail!("{}: {}; nothing was learnt. {}", reader.name(), warning.message, warning.fix)
        }
    }
}

fn refuse_if_unreadable(reader: &Reader) -> Result<()> {
    let tally = reader.tally();
    if !tally.is_unreadable() {
        return Ok(());
    }
    let shown: Vec<String> = tally
        .first_refused
        .iter()
        .map(|line| {
            format!(
                "\n  {}:{}: {}\n    {}",
                reader.name(),
                line.line_number,
                line.reason,
                line.excerpt
            )
        })
        .collect();
    bail!(
        "{}: {} of {} lines cannot be read ({}, at most 5 % are passed over); nothing was \
            learnt. Look at it with \
         `kidoban inspect`, and leave the file out or correct its log_format. The first ones:{}",
        reader.name(),
        tally.refused,
        tally.lines,
        traffic::percent(tally.refused as f64 / tally.lines as f64, 1),
        shown.concat()
    );
}

/// Warns if no label is of a client in this log: the labels were probably made for another log.
fn warn_of_strange_labels(labels: &Labels, site: &Site) {
    let is_known = |client: &trainer::site::Client| labels.find(client.key).is_some();
    if !labels.is_empty() && !site.clients.is_empty() && !site.clients.iter().any(is_known) {
        eprintln!(
            "warning: the labels file names {}, and none of them is in this log: do the two belong \
                together?",
            analysis::format::counted(labels.len() as u64, "client")
        );
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| "-".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn name_for_messages(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}
