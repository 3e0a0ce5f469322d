//! How much memory one site's traffic may take, and what is said when a log needs more.
//!
//! A log of 17 MB can be 5 GB when it is unpacked. Reading it must end with a sentence and not with
//! the machine out of memory. So memory is counted while lines are read, and reading stops before
//! the limit is passed.

use std::fmt;

use detector::model::grouped;

/// The limit where nobody has set one and the system does not tell how much memory is available:
/// 8 GiB hold 110 million requests.
pub const MEMORY_MAX_BYTES: u64 = 8 << 30;

/// What an allocation takes besides its bytes, at most: rounding up, and the allocator's own.
pub(crate) const ALLOCATION_BYTES: u64 = 32;

/// A site's traffic does not fit into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TooMuchTraffic {
    /// Requests that were read before it was too much.
    pub requests: u64,
    /// Bytes of memory that they take, and the least that is needed to go on.
    pub bytes: u64,
    /// The limit in bytes, or `None` where the machine itself had no more memory to give.
    pub bytes_max: Option<u64>,
}

impl fmt::Display for TooMuchTraffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, bytes, bytes_max } = *self;
        let [requests, needed] = [grouped(requests), size(bytes)];
        write!(f, "too much traffic for one site: {requests} requests, with more to come, need ")?;
        match bytes_max {
            Some(max) => write!(f, "{needed} of memory and may take {}", size(max))?,
            None => write!(f, "{needed} of memory, which this machine does not have")?,
        }
        f.write_str(": give fewer days, or only the lines of some of the clients, or ")?;
        f.write_str(match bytes_max {
            Some(_) => "raise the limit with --memory-max",
            None => "use a machine with more memory",
        })
    }
}

/// Bytes in a unit that people read.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 2] = [(1 << 30, "GiB"), (1 << 20, "MiB")];
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| bytes >= *unit).unwrap_or(UNITS[1]);
    format!("{:.1} {name}", bytes as f64 / unit as f64)
}

/// Bytes of a `Vec`, and those that it takes besides when the next element makes it double.
pub(crate) fn vec_bytes<T>(vec: &Vec<T>) -> u64 {
    let growth = if vec.len() == vec.capacity() { 2 * vec.capacity() } else { 0 };
    ((vec.capacity() + growth) * size_of::<T>()) as u64
}

/// Bytes of a map with entries of this type, and those that it takes besides when the next entry
/// makes it double. One place in eight stays empty, and each has a byte of its own.
pub(crate) fn map_bytes<T>(len: usize, capacity: usize) -> u64 {
    let places = (capacity * 8).div_ceil(7).next_power_of_two();
    let growth = if len == capacity { 2 * places } else { 0 };
    ((places + growth) * (size_of::<T>() + 1)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sentence_says_what_is_too_much_and_what_to_do() {
        let error = TooMuchTraffic {
            requests: 112_345_678,
            bytes: 8_589_934_600,
            bytes_max: Some(8 << 30),
        };
        let expect = "too much traffic for one site: 112,345,678 requests, with more to come, need \
                      8.0 GiB of memory and may take 8.0 GiB: give fewer days, or only the lines \
                      of some of the clients, or raise the limit with --memory-max";
        assert_eq!(error.to_string(), expect);
        let error = TooMuchTraffic { requests: 12, bytes: 3 << 19, bytes_max: None }.to_string();
        assert!(
            error.contains("12 requests, with more to come, need 1.5 MiB of memory"),
            "{error}"
        );
        assert!(error.ends_with("or use a machine with more memory"), "{error}");
    }
}
