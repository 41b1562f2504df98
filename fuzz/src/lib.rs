//! mpcore's decoders by name, for libFuzzer.
//!
//! Each file in `targets/` is one of them. `cargo +nightly fuzz run tree` runs one from nothing; the valid
//! inputs to begin with are written by `cargo run --example seeds FOLDER`.
#![forbid(unsafe_code)]

use std::sync::OnceLock;

use mpcore::__fuzz::{TARGETS, Target};

/// Feeds the decoder of this name.
///
/// # Panics
/// If there is none, or if it panics: that is what is looked for.
pub fn run(name: &str, data: &[u8]) {
    static TARGET: OnceLock<&Target> = OnceLock::new();
    let find =
        || TARGETS.iter().find(|target| target.name == name).expect("there is such a target");
    (TARGET.get_or_init(find).run)(data);
}
