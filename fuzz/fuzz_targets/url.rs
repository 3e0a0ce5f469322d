//! `fuzz_cases::url` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_cases::url(data));
