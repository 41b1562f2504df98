//! Reports tests that cannot run on this machine, and checks what they need: root, or a program.

use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;

/// The variable with the file in which `cargo xtask test` collects them.
const SKIPPED: &str = "SKIPPED_TESTS";

/// Reports that this test is skipped here: its name, what the machine lacks, and the command that
/// runs it. `cargo xtask test` lists and counts it; `cargo xtask test --no-skips` fails.
///
/// # Panics
/// If the list cannot be written.
pub fn skip(test: &str, lacks: &str, command: &str) {
    let line = format!("{test}: {lacks}; run `{command}`\n");
    print!("SKIPPED: {line}");
    if let Some(list) = env::var_os(SKIPPED) {
        let list = OpenOptions::new().append(true).create(true).open(list);
        // One write each, so that lines of several processes do not mix.
        list.and_then(|mut list| list.write_all(line.as_bytes()))
            .expect("the list of skipped tests");
    }
}

/// Returns the command that runs one test.
fn command(test: &str) -> String {
    format!("cargo test -p system-tests {test}")
}

/// Returns whether the user is root; if not, the test is skipped.
#[must_use]
pub fn is_root(test: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip(test, "only root can do this", &format!("sudo -E {}", command(test)));
    }
    root
}

/// Returns whether this program is installed; if not, the test is skipped.
#[must_use]
pub fn has_program(test: &str, program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let there = env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !there {
        skip(test, &format!("`{program}` is not installed"), &command(test));
    }
    there
}
