//! An immutable set of 32-bit hashes with look-ups in a bounded number of steps.

/// Hashes in ascending order, with an index of 8 KB by their high 12 bits. A bucket has about four
/// hashes. In a file with chosen values a look-up is still a binary search of at most 14 steps.
#[derive(Clone)]
pub(super) struct Sorted {
    starts: Box<[u16; BUCKETS + 1]>,
    values: Box<[u32]>,
}

const BUCKET_BITS: u32 = 12;
const BUCKETS: usize = 1 << BUCKET_BITS;

impl Sorted {
    /// A set of these ascending values. Only the first 65,535 are taken.
    pub fn new(values: &[u32]) -> Self {
        let values = &values[..values.len().min(usize::from(u16::MAX))];
        let mut starts = Box::new([0; BUCKETS + 1]);
        for (bucket, start) in starts.iter_mut().enumerate() {
            *start = values.partition_point(|&value| bucket_of(value) < bucket) as u16;
        }
        Self { starts, values: values.into() }
    }

    /// The index of a value.
    pub fn find(&self, value: u32) -> Option<usize> {
        let bucket = bucket_of(value);
        let (start, end) = (usize::from(self.starts[bucket]), usize::from(self.starts[bucket + 1]));
        let found = self.values.get(start..end)?.binary_search(&value).ok()?;
        Some(start + found)
    }
}

fn bucket_of(value: u32) -> usize {
    (value >> (u32::BITS - BUCKET_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_there_and_nothing_else() {
        let check = |values: &[u32]| {
            let sorted = Sorted::new(values);
            for near in values
                .iter()
                .flat_map(|&value| [value.wrapping_sub(1), value, value.wrapping_add(1)])
            {
                assert_eq!(
                    sorted.find(near),
                    values.iter().position(|&value| value == near),
                    "{near} in {values:?}"
                );
            }
            assert_eq!(sorted.find(77), values.iter().position(|&value| value == 77));
        };
        check(&[]);
        check(&[1, 2, 3, u32::MAX]);
        check(&(0..20).map(|step| 1 + step * 214_748_364).collect::<Vec<_>>());
        check(&(5..3000).step_by(3).collect::<Vec<_>>());
    }
}
