//! Where promoted models are kept: the one in force, the last good ones, the journal, the lock.
//!
//! ```text
//!  models/current.json             the model in force, replaced whole
//!  models/current.good/…           the last good models, named by when their training ended
//!  models/current.journal.jsonl    one line a run: what was judged and decided
//!  models/current.lock             held while a run is at work
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use detector::{Model, Timestamp};
use serde::Serialize;

use crate::output;

/// The files of one promoted model.
pub struct Place {
    /// The model in force.
    pub model: PathBuf,
    good: PathBuf,
    journal: PathBuf,
    lock: PathBuf,
}

impl Place {
    /// # Errors
    /// The model's folder does not exist, or the path is one.
    pub fn of(model: &Path) -> Result<Self> {
        if !output::folder_of(model).is_dir() {
            bail!("{}: its folder does not exist: make it first", model.display());
        }
        if model.is_dir() {
            bail!("{}: is a folder; give a file's name", model.display());
        }
        let beside = |extension: &str| model.with_extension(extension);
        Ok(Self {
            model: model.to_owned(),
            good: beside("good"),
            journal: beside("journal.jsonl"),
            lock: beside("lock"),
        })
    }

    /// Holds the place until the file is dropped, also when the process is killed.
    ///
    /// # Errors
    /// Another run holds it, or it cannot be made.
    pub fn lock(&self) -> Result<File> {
        let name = self.lock.display();
        let file = OpenOptions::new().create(true).append(true).open(&self.lock);
        let file = file.with_context(|| format!("{name}: cannot be made"))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => bail!(
                "{name}: another run is at work on {}: wait for its end, or stop it",
                self.model.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{name}: cannot be locked"))
            }
        }
    }

    /// The model in force; `None` where there is none yet.
    ///
    /// # Errors
    /// A file that cannot be read, or is no model of this version.
    pub fn champion(&self) -> Result<Option<Model>> {
        let name = self.model.display();
        match fs::read(&self.model) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{name}: cannot be read")),
            Ok(bytes) => Model::parse(&bytes).map(Some).with_context(|| {
                format!("{name}: the model in force is refused: repair it, or move it away")
            }),
        }
    }

    /// Puts a model in force, after the one before and it are safe among the good ones, of which
    /// the newest `keep` and those two stay.
    ///
    /// # Errors
    /// What cannot be written; the model in force is then as it was.
    pub fn promote(&self, champion: Option<&Model>, sealed: &[u8], keep: usize) -> Result<()> {
        let folder = self.good.display();
        fs::create_dir_all(&self.good).with_context(|| format!("{folder}: cannot be made"))?;
        if let Some(champion) = champion {
            let path = self.good.join(file_name(champion));
            if !path.exists() {
                let bytes = fs::read(&self.model)
                    .with_context(|| format!("{}: cannot be read", self.model.display()))?;
                output::write(&path, &bytes)?;
            }
        }
        let model = Model::parse(sealed).context("the model just trained is refused")?;
        output::write(&self.good.join(file_name(&model)), sealed)?;
        output::write(&self.model, sealed)?;
        // What is left over harms nobody, so the promotion stands.
        if let Err(error) = self.prune(keep, &file_name(&model)) {
            eprintln!("warning: {folder}: old models cannot be removed: {error}");
        }
        Ok(())
    }

    fn prune(&self, keep: usize, in_force: &str) -> io::Result<()> {
        let mut names: Vec<String> = fs::read_dir(&self.good)?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".json") && name != in_force)
            .collect();
        // They begin with their time.
        names.sort_unstable_by(|a, b| b.cmp(a));
        names.iter().skip(keep).try_for_each(|name| fs::remove_file(self.good.join(name)))
    }

    /// Adds a line to the journal.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note(&self, line: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        let cannot = || format!("{}: cannot be written", self.journal.display());
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.journal)
            .with_context(cannot)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(cannot)
    }
}

/// When the model's training ended, and which it is: sorts by time.
fn file_name(model: &Model) -> String {
    let until = output::time(Timestamp::from_micros(model.card().trained_until_us));
    let digits: String = until.chars().filter(char::is_ascii_digit).collect();
    let digest: String = model.sha256().chars().take(12).collect();
    format!("{digits}-{digest}.json")
}
