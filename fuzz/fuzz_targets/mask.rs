#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| auth_sdk_fuzz::mask(bytes));
