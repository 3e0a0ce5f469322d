//! How much memory reading a log may take when nobody said so.

use sysinfo::System;
use trainer::memory_limit::MEMORY_MAX_BYTES;

/// Half of the memory that is available to this process now, in bytes: of the machine's, and of
/// what the control group (a container's limit) leaves. Half, because training needs room besides
/// the traffic. [`MEMORY_MAX_BYTES`] where the system does not tell.
pub fn half_of_what_is_available() -> u64 {
    let mut system = System::new();
    system.refresh_memory();
    let free_in_group = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    match system.available_memory().min(free_in_group) / 2 {
        0 => MEMORY_MAX_BYTES,
        bytes => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_less_than_the_machine_has() {
        let mut system = System::new();
        system.refresh_memory();
        let bytes = half_of_what_is_available();
        assert!(bytes > 0 && bytes < system.total_memory().max(2 * MEMORY_MAX_BYTES));
    }
}
