//! `fuzz_cases::log_w3c` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_cases::log_w3c(data));
