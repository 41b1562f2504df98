//! Passing files of `tests/ui/pass`, compiled in edition 2021, and run.

use std::process::Command;

fn runs(program: &str) {
    let status = Command::new(program).status().expect("the program was built with this test");
    assert!(status.success(), "{program}: {status}");
}

#[test]
fn strict_lints() {
    runs(env!("CARGO_BIN_EXE_strict_lints"));
}

#[test]
fn raw_identifiers() {
    runs(env!("CARGO_BIN_EXE_raw_identifiers"));
}

#[test]
fn restriction_lints() {
    runs(env!("CARGO_BIN_EXE_restriction_lints"));
}
