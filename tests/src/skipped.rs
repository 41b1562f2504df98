//! Tests that cannot show on this machine what they are there for.

use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;

/// Names the file that `cargo xtask test` collects them in.
const SKIPPED: &str = "SKIPPED_TESTS";

/// Tells that this test cannot be shown here: its name, what the machine lacks, and the command that shows it.
/// `cargo xtask test` lists and counts it; `cargo xtask test --no-skips` fails.
///
/// # Panics
/// If the list cannot be written.
pub fn skip(test: &str, lacks: &str, command: &str) {
    let line = format!("{test}: {lacks}; run `{command}`\n");
    print!("SKIPPED: {line}");
    if let Some(list) = env::var_os(SKIPPED) {
        let list = OpenOptions::new().append(true).create(true).open(list);
        // One write each: lines of several processes do not mix.
        list.and_then(|mut list| list.write_all(line.as_bytes()))
            .expect("the list of skipped tests");
    }
}
