//! mpcore's decoders by name, for libFuzzer.
//!
//! Each file in `targets/` is one of them. `cargo +nightly fuzz run tree` runs one from scratch;
//! `cargo run --example seeds FOLDER` writes valid inputs to start with.
#![forbid(unsafe_code)]

use std::sync::OnceLock;

use mpcore::__fuzz::{TARGETS, Target};

/// Runs the decoder of this name on `data`.
///
/// # Panics
/// If there is no such decoder, or if it panics, which is what the fuzzer looks for.
pub fn run(name: &str, data: &[u8]) {
    static TARGET: OnceLock<&Target> = OnceLock::new();
    let find =
        || TARGETS.iter().find(|target| target.name == name).expect("there is such a target");
    (TARGET.get_or_init(find).run)(data);
}
