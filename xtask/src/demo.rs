//! `cargo xtask demo`: the console demo, in release.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::cargo::Cargo;
use crate::error::Error;
use crate::passed_on;

/// Which folder is the default is the demo's own business, and so is every argument.
pub(crate) fn run(args: Vec<OsString>) -> Result<ExitCode, Error> {
    command(args).show().become_it()
}

fn command(args: Vec<OsString>) -> Cargo {
    Cargo::new(["run", "--release", "-p", "examples", "--bin", "digest", "--"])
        .args(passed_on(args))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_gets_its_arguments() {
        for args in [vec!["--path", "a b"], vec!["--", "--path", "a b"]] {
            assert_eq!(
                command(args.iter().map(OsString::from).collect()).to_string(),
                "cargo run --release -p examples --bin digest -- --path 'a b'"
            );
        }
    }
}
