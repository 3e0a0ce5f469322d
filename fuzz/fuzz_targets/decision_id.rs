//! `fuzz_cases::decision_id` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_cases::decision_id(data));
