//! The time of the latest record, from which `--since 2h` counts back.

use detector::Timestamp;

use super::error::ReplayError;
use super::logs::Reader;
use super::parallel_reader::read_parallel;

/// Reads logs to their end on `jobs` threads and returns the latest time of any record. It is
/// `None` where no log has a record.
///
/// # Errors
/// The first log that cannot be read.
pub fn newest_time(jobs: usize, readers: Vec<Reader>) -> Result<Option<Timestamp>, ReplayError> {
    read_parallel(
        jobs,
        readers,
        |_| (),
        |logs| {
            let mut newest = None;
            for item in logs.into_iter().flatten() {
                let (at, ..) = item?;
                newest = newest.max(Some(at));
            }
            Ok(newest)
        },
    )
}
