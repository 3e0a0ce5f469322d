//! Lines into a file that never grows beyond its size: `events.jsonl`, `events.jsonl.1`, … up to
//! the number kept.
//!
//! Whole lines are gathered in memory and written in one call, and a file is rotated between such
//! calls, so no line is torn across two files. A write may end in the middle of a line when the
//! disk is full. What was written of that line is cut off again; where even that fails, the next
//! write begins with a new line, so that two lines are never joined into one that says something
//! else. What cannot be written is lost and counted line by line. The file is opened anew for the
//! next write, so a full disk or a removed directory heals by itself. The gate serves on
//! throughout.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use metrics::Counter;

/// One write in a hundred lines or so; small beside the page cache.
const BUFFER_BYTES: usize = 64 << 10;
/// Addresses and what they looked at: the owner's eyes only.
const FILE_MODE: u32 = 0o600;

/// Gathers lines.
pub(super) struct Writer<F = RotatingFile> {
    file: F,
    buffer: Vec<u8>,
    errors: Counter,
    /// Lines that could not be written.
    lost: Counter,
    /// An error is logged once, until a write succeeds again.
    failing: bool,
}

/// Where whole lines go.
pub(super) trait Append {
    /// Appends lines. On an error as many whole lines as were written are kept, and how many bytes
    /// they have is said with it.
    fn append(&mut self, lines: &[u8]) -> Result<(), (usize, io::Error)>;
    /// What an error calls it.
    fn path(&self) -> &Path;
}

impl<F: Append> Writer<F> {
    pub(super) fn new(file: F, errors: Counter, lost: Counter) -> Self {
        let buffer = Vec::with_capacity(BUFFER_BYTES + (16 << 10));
        Self { file, buffer, errors, lost, failing: false }
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
            Err((written, error)) => {
                let lost = self.buffer[written..].iter().filter(|byte| **byte == b'\n').count();
                self.errors.increment(1);
                self.lost.increment(lost as u64);
                if !self.failing {
                    let path = self.file.path().display();
                    tracing::error!(
                        %path, %error, lost,
                        "cannot write the event log; its lines are lost until this is put right"
                    );
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
    /// The file ends in the middle of a line that could not be cut off.
    is_torn: bool,
    bytes_max: u64,
    files_max: u32,
}

impl RotatingFile {
    /// Opens or continues the file at `path`.
    pub(super) fn open(path: &Path, bytes_max: u64, files_max: u32) -> io::Result<Self> {
        let mut file = Self {
            path: path.to_path_buf(),
            file: None,
            bytes: 0,
            is_torn: false,
            bytes_max,
            files_max,
        };
        file.reopen()?;
        Ok(file)
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
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(FILE_MODE)
            .open(&self.path)?;
        self.bytes = file.metadata()?.len();
        // Another process, or this one before it was killed, may have left half a line.
        let mut last = [b'\n'];
        if self.bytes > 0 {
            file.read_exact_at(&mut last, self.bytes - 1)?;
        }
        self.is_torn = last != [b'\n'];
        Ok(self.file.insert(file))
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), (usize, io::Error)> {
        let nothing = |error| (0, error);
        if self.bytes > 0 && self.bytes + lines.len() as u64 > self.bytes_max {
            self.rotate().map_err(nothing)?;
        }
        if self.file.is_none() {
            self.reopen().map_err(nothing)?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        if self.is_torn {
            file.write_all(b"\n").map_err(nothing)?;
            (self.bytes, self.is_torn) = (self.bytes + 1, false);
        }
        let (written, result) = write_what_fits(file, lines);
        let Err(error) = result else {
            self.bytes += lines.len() as u64;
            return Ok(());
        };
        let whole =
            lines[..written].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < written {
            // If this fails, the next file that is opened sees for itself how it ends.
            let _ = file.set_len(self.bytes + whole as u64);
        }
        Err((whole, error))
    }
}

impl Append for RotatingFile {
    fn append(&mut self, lines: &[u8]) -> Result<(), (usize, io::Error)> {
        let result = self.write(lines);
        if result.is_err() {
            self.file = None;
        }
        result
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes as much as can be written, and says how much that was.
fn write_what_fits(file: &mut impl Write, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
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
        let mut writer = Writer::new(file, Counter::noop(), Counter::noop());
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

    /// A disk with so much room, on a real file, that writes a part of what does not fit.
    struct SmallDisk {
        file: RotatingFile,
        room: usize,
    }

    impl Append for SmallDisk {
        fn append(&mut self, lines: &[u8]) -> Result<(), (usize, io::Error)> {
            let fits = lines.len().min(self.room);
            self.room -= fits;
            if fits == lines.len() {
                return self.file.append(lines);
            }
            // The part that a full disk takes.
            self.file.append(&lines[..fits]).unwrap();
            self.file.file = None;
            let whole =
                lines[..fits].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            Err((whole, io::ErrorKind::StorageFull.into()))
        }

        fn path(&self) -> &Path {
            &self.file.path
        }
    }

    #[test]
    fn a_partial_write_never_joins_two_lines_and_lost_lines_are_counted() {
        let folder = folder("partial");
        let path = folder.join("events.jsonl");
        let cell = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let file = RotatingFile::open(&path, 1 << 20, 1).unwrap();
        let lost = Counter::from_arc(std::sync::Arc::clone(&cell));
        let disk = SmallDisk { file, room: 20 };
        let mut writer = Writer::new(disk, Counter::noop(), lost);
        for line in ["first line\n", "second line\n", "third\n"] {
            writer.line(|buffer| buffer.extend_from_slice(line.as_bytes()));
        }
        writer.flush();
        assert_eq!(cell.load(std::sync::atomic::Ordering::Relaxed), 2);
        writer.file.room = 1_000;
        writer.line(|buffer| buffer.extend_from_slice(b"fourth\n"));
        writer.flush();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "first line\nsecond li\nfourth\n", "its torn line stands alone");
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// How many bytes a full disk took is known, and the rest is an error.
    #[test]
    fn a_line_that_was_torn_is_cut_off_again() {
        /// Takes seven bytes and then no more.
        struct Full(Vec<u8>);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let room = 7 - self.0.len();
                if room == 0 {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                let count = bytes.len().min(room).min(3);
                self.0.extend_from_slice(&bytes[..count]);
                Ok(count)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut full = Full(Vec::new());
        let (written, result) = write_what_fits(&mut full, b"one\ntwo\nthree\n");
        assert_eq!((written, result.unwrap_err().kind()), (7, io::ErrorKind::StorageFull));
        assert_eq!(full.0, b"one\ntwo");
    }
}
