//! `fuzz_cases::log_ltsv` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_cases::log_ltsv(data));
