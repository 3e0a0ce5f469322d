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
pub(super) struct Writer {
    file: RotatingFile,
    buffer: Vec<u8>,
    errors: Counter,
    /// Lines that could not be written.
    lost: Counter,
    /// An error is logged once, until a write succeeds again.
    failing: bool,
}

impl Writer {
    pub(super) fn new(file: RotatingFile, errors: Counter, lost: Counter) -> Self {
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
                    let path = self.file.path.display();
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
    /// The file ends in the middle of a line that could not be cut off.
    is_torn: bool,
    bytes_max: u64,
    files_max: u32,
}

impl RotatingFile {
    /// Opens or continues the file at `path`.
    pub(super) fn open(path: &Path, bytes_max: u64, files_max: u32) -> io::Result<Self> {
        let mut file =
            Self { path: path.to_path_buf(), file: None, is_torn: false, bytes_max, files_max };
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
        let bytes = file.metadata()?.len();
        // Another process, or this one before it was killed, may have left half a line.
        let mut last = [b'\n'];
        if bytes > 0 {
            file.read_exact_at(&mut last, bytes - 1)?;
        }
        self.is_torn = last != [b'\n'];
        Ok(self.file.insert(file))
    }

    /// How long the file is. The file system is asked each time, because somebody else may cut the
    /// file, as logrotate does with `copytruncate`.
    fn bytes(&self) -> io::Result<u64> {
        self.file.as_ref().map_or(Ok(0), |file| Ok(file.metadata()?.len()))
    }

    /// Appends lines. On an error as many whole lines as were written are kept, and how many bytes
    /// they have is said with it.
    fn append(&mut self, lines: &[u8]) -> Result<(), (usize, io::Error)> {
        let result = self.write(lines);
        if result.is_err() {
            self.file = None;
        }
        result
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), (usize, io::Error)> {
        let nothing = |error| (0, error);
        if self.file.is_none() {
            self.reopen().map_err(nothing)?;
        }
        let bytes = self.bytes().map_err(nothing)?;
        if bytes > 0 && bytes + lines.len() as u64 > self.bytes_max {
            self.rotate().map_err(nothing)?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        if self.is_torn {
            file.write_all(b"\n").map_err(nothing)?;
            self.is_torn = false;
        }
        let (written, result) = write_what_fits(file, lines);
        let Err(error) = result else { return Ok(()) };
        let whole =
            lines[..written].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        // If this fails, the next file that is opened sees for itself how it ends.
        let _ = cut_off(file, (written - whole) as u64);
        Err((whole, error))
    }
}

/// Cuts the last bytes of a file off.
fn cut_off(file: &File, bytes: u64) -> io::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    let length = file.metadata()?.len();
    file.set_len(length.saturating_sub(bytes))
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

    #[test]
    fn a_line_that_was_left_torn_is_joined_to_no_other() {
        let folder = folder("torn");
        let path = folder.join("events.jsonl");
        std::fs::write(&path, "first line\nsecond li").unwrap();
        let mut file = RotatingFile::open(&path, 1 << 20, 1).unwrap();
        for line in ["fourth\n", "fifth\n"] {
            file.append(line.as_bytes()).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "first line\nsecond li\nfourth\nfifth\n", "its torn line stands alone");
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// Where a process that writes under a limit finds its log.
    const LIMITED: &str = "KIDOBAN_TEST_LIMITED_LOG";
    /// Of 100 bytes each: more than fit into 1 KiB.
    const LINES: u64 = 30;

    fn hundred_bytes(number: u64) -> String {
        format!("{number:>99}\n")
    }

    /// A file that may not grow beyond 512 bytes or 1 KiB, as the shell counts blocks, takes a part
    /// of a line as a full disk does.
    #[test]
    fn what_a_full_disk_took_of_a_line_is_cut_off_again() {
        if let Some(path) = std::env::var_os(LIMITED) {
            return write_too_much(Path::new(&path));
        }
        let folder = folder("full");
        let path = folder.join("events.jsonl");
        let script = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";
        let this = "record::writer::tests::what_a_full_disk_took_of_a_line_is_cut_off_again";
        let child = std::process::Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", this, "--nocapture"])
            .env(LIMITED, &path)
            .output()
            .unwrap();
        assert!(child.status.success(), "{child:?}");
        assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"), "{child:?}");
        // There is room again.
        RotatingFile::open(&path, 1 << 20, 1).unwrap().append(b"after\n").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.len() as u64 / 100;
        let expect: String = (0..lines).map(hundred_bytes).collect();
        assert_eq!(text, expect + "after\n");
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// The other side of the test above, in a process of its own.
    fn write_too_much(path: &Path) {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicU64, Ordering};
        let lost = Arc::new(AtomicU64::new(0));
        let file = RotatingFile::open(path, 1 << 20, 1).unwrap();
        let mut writer = Writer::new(file, Counter::noop(), Counter::from_arc(Arc::clone(&lost)));
        let mut write = |numbers: std::ops::Range<u64>| {
            numbers.for_each(|number| {
                writer.line(|line| line.extend_from_slice(hundred_bytes(number).as_bytes()));
            });
            writer.flush();
        };
        write(0..4);
        // What logrotate does with `copytruncate`: the file is shorter than what was written to it.
        OpenOptions::new().write(true).open(path).unwrap().set_len(0).unwrap();
        write(0..LINES);
        let kept = std::fs::read(path).unwrap();
        let lines = kept.iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(kept.len() as u64, lines * 100, "no part of a line is left");
        assert!((5..LINES).contains(&lines), "{lines} lines");
        assert_eq!(lost.load(Ordering::Relaxed), LINES - lines, "what did not fit is counted");
    }
}
