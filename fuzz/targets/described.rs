#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mpcore_fuzz::run("described", data));
