//! A file that is open only while it is read.
//!
//! A folder of a load balancer's logs is thousands of small files. They are merged by time, so all
//! of them are read at once, and a process may have as few as 256 files open. So where there are
//! many, each is opened for each read. This costs some ten microseconds a read of 256 KiB.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

/// Files that are kept open at once. Fewer than the smallest usual limit, with room for what else
/// is open.
pub const OPEN_MAX: usize = 64;

/// A file that is opened for each read.
#[derive(Debug)]
pub struct ParkedFile {
    path: PathBuf,
    offset: u64,
}

impl ParkedFile {
    /// A file that will be read from its beginning.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn new(path: PathBuf) -> io::Result<Self> {
        File::open(&path)?;
        Ok(Self { path, offset: 0 })
    }
}

impl Read for ParkedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let count = file.read(buffer)?;
        self.offset += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parked_file_is_read_like_an_open_one() {
        let path = std::env::temp_dir().join(format!("kidoban-parked-{}", std::process::id()));
        let bytes: Vec<u8> = (0..100_000_u32).map(|number| (number % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let mut found = Vec::new();
        ParkedFile::new(path.clone()).unwrap().read_to_end(&mut found).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(found == bytes);
        assert!(ParkedFile::new(path).is_err());
    }
}
