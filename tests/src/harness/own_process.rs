//! Tests that measure a whole process: its memory, threads, descriptors and children.
//!
//! `cargo test` runs the tests of a program concurrently in one process, so each of them would measure
//! the others. Here such a test runs alone, in a process that is started for it.

use std::env;
use std::process::Command;

/// Set in the environment of the process that runs one test alone.
const ALONE: &str = "SYSTEM_TESTS_ALONE";

/// Runs the body of the test of this name in a process of its own: this test program again, with
/// only that test.
///
/// # Panics
/// If it fails there, with its output.
#[track_caller]
pub fn in_own_process(test: &str, body: impl FnOnce()) {
    if env::var(ALONE).is_ok_and(|alone| alone == test) {
        body();
        return;
    }
    let mut program = Command::new(env::current_exe().expect("this program has a path"));
    let output = program.args([test, "--exact", "--nocapture"]).env(ALONE, test).output();
    let output = output.expect("this program can be started once more");
    let [out, err] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    // Not at the start of a line, and in other words: this is not the result of this program.
    for line in out.lines().chain(err.lines()) {
        println!("| {}", line.replace("test result:", "result:"));
    }
    assert!(output.status.success(), "`{test}` fails in a process of its own, see above");
    // Otherwise a misspelt name would pass.
    assert!(out.contains("1 passed"), "there is no test `{test}`");
}
