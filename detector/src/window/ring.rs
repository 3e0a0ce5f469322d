//! Reads a ring buffer in the order in which it was filled.

/// The last `kept` values before position `next` of a ring, oldest first, and how many they are: at
/// most all of the ring. What stands behind them is the default value.
pub(super) fn oldest_first<T: Copy + Default, const N: usize>(
    ring: &[T; N],
    next: usize,
    kept: usize,
) -> ([T; N], usize) {
    let count = kept.min(N);
    let mut ordered = [T::default(); N];
    let oldest = (next + N - count) % N;
    let (tail, head) = (&ring[oldest..], &ring[..oldest]);
    let first = count.min(tail.len());
    ordered[..first].copy_from_slice(&tail[..first]);
    ordered[first..count].copy_from_slice(&head[..count - first]);
    (ordered, count)
}
