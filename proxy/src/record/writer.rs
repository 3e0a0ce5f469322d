//! Lines into a file that never grows beyond its size: `events.jsonl`, `events.jsonl.1`, … up to
//! the number kept.
//!
//! Whole lines are gathered in memory and written in one call, and a file is rotated between such
//! calls, so no line is torn across two files. What cannot be written is lost and counted; the file
//! is opened anew for the next write, so a full disk or a removed directory heals by itself. The
//! gate serves on throughout.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use metrics::Counter;

/// One write in a hundred lines or so; small beside the page cache.
const BUFFER_BYTES: usize = 64 << 10;
/// Addresses and what they looked at: the owner's eyes only.
const FILE_MODE: u32 = 0o600;

/// Gathers lines.
pub(super) struct Writer {
    file: RotatingFile,
    buffer: Vec<u8>,
    errors: Counter,
    /// An error is logged once, until a write succeeds again.
    failing: bool,
}

impl Writer {
    pub(super) fn new(file: RotatingFile, errors: Counter) -> Self {
        Self { file, buffer: Vec::with_capacity(BUFFER_BYTES + (16 << 10)), errors, failing: false }
    }

    pub(super) fn line(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.buffer);
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush();
        }
    }

    pub(super) fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        match self.file.append(&self.buffer) {
            Ok(()) => self.failing = false,
            Err(error) => {
                self.errors.increment(1);
                if !self.failing {
                    tracing::error!(path = %self.file.path.display(), %error, "cannot write the \
                        event log; its lines are lost until this is put right");
                }
                self.failing = true;
            }
        }
        self.buffer.clear();
    }
}

/// A file that is renamed away when it is full.
pub(super) struct RotatingFile {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
    bytes_max: u64,
    files_max: u32,
}

impl RotatingFile {
    /// Opens or continues the file at `path`.
    pub(super) fn open(path: &Path, bytes_max: u64, files_max: u32) -> io::Result<Self> {
        let mut file =
            Self { path: path.to_path_buf(), file: None, bytes: 0, bytes_max, files_max };
        file.reopen()?;
        Ok(file)
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.bytes > 0 && self.bytes + lines.len() as u64 > self.bytes_max {
            self.rotate()?;
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.reopen()?,
        };
        if let Err(error) = file.write_all(lines) {
            self.file = None;
            return Err(error);
        }
        self.bytes += lines.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        for number in (1..self.files_max).rev() {
            let from = if number == 1 { self.path.clone() } else { self.numbered(number - 1) };
            match std::fs::rename(&from, self.numbered(number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.files_max == 1 {
            match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        // Done, whether or not the new file opens: a rotation tried again would push out a kept
        // file each time.
        self.bytes = 0;
        self.reopen().map(|_| ())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }

    fn reopen(&mut self) -> io::Result<&mut File> {
        let file = OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(&self.path)?;
        self.bytes = file.metadata()?.len();
        Ok(self.file.insert(file))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("kidoban-writer-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn full_files_are_numbered_and_the_oldest_goes() {
        let folder = folder("rotate");
        let path = folder.join("events.jsonl");
        let mut file = RotatingFile::open(&path, 10, 3).unwrap();
        for line in ["first6\n", "second\n", "third6\n", "fourth\n"] {
            file.append(line.as_bytes()).unwrap();
        }
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert_eq!(read("events.jsonl"), "fourth\n");
        assert_eq!(read("events.jsonl.1"), "third6\n");
        assert_eq!(read("events.jsonl.2"), "second\n");
        assert!(!folder.join("events.jsonl.3").exists());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn only_the_owner_may_read_it_and_a_restart_continues_it() {
        let folder = folder("mode");
        let path = folder.join("events.jsonl");
        RotatingFile::open(&path, 100, 1).unwrap().append(b"one\n").unwrap();
        RotatingFile::open(&path, 100, 1).unwrap().append(b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, FILE_MODE);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_written_is_counted_and_heals() {
        let folder = folder("heal");
        let path = folder.join("logs").join("events.jsonl");
        std::fs::create_dir(folder.join("logs")).unwrap();
        let file = RotatingFile::open(&path, 8, 2).unwrap();
        let mut writer = Writer::new(file, Counter::noop());
        let mut write = |line: &str| {
            writer.line(|buffer| buffer.extend_from_slice(line.as_bytes()));
            writer.flush();
            writer.failing
        };
        assert!(!write("before\n"));
        std::fs::remove_dir_all(folder.join("logs")).unwrap();
        assert!(write("lost66\n"), "the rotation into a removed folder must fail");
        std::fs::create_dir(folder.join("logs")).unwrap();
        assert!(!write("after6\n"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "after6\n");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
