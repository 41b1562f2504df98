//! The project's own commands: `cargo xtask demo`, `test`, `soak`, `bench`, `package`, `setup`
//! and `help`.
//!
//! Each of them prints the commands it runs, so that you can run them by hand. They need only cargo
//! and Qt, and install Qt where that is possible.

#![forbid(unsafe_code)]

mod bench;
mod command_line;
mod demo;
mod display;
mod error;
mod package;
mod setup;
mod soak;
mod test;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use error::Error;

const HELP: &str = "\
The project's own commands.

cargo xtask demo [-- --path DIR] [--shot FILE.png]
                                      the workbench: a window on children at work
                                      (arguments after `demo` go to the demo; try --help)
cargo xtask demo --console [-- --path DIR]
                                      digest a folder in a child process and watch it; needs no Qt
cargo xtask test [--no-skips] [--runner RUNNER]
                                      run every kind of test, and count them; tests that cannot run on this
                                      machine are listed as skipped, and fail with --no-skips
                                      (RUNNER: cargo, the default, or nextest, 0.9.143 or newer)
cargo xtask soak [TRIAL...] [-- ARGS] the promises under load, at full size: many minutes; writes docs/soak.md
                                      (TRIAL: kills, controllers, events, rounds, flood, interrupt, neighbours,
                                      system_calls, chaos, fuzz;
                                      ARGS: --scale 0.02 --seed NUMBER)
cargo xtask bench call [--quick]      the round trip of a call, beside plain ipc-channel
cargo xtask bench flood [--quick]     millions of property sets and events into a window; needs Qt
cargo xtask package                   build and test the published crates outside of the repository
cargo xtask setup                     make sure that Qt and everything it needs is installed
cargo xtask help                      this text

Commands that need Qt first install missing parts: on Debian and Ubuntu, as root or with a sudo that
needs no password. MPQT_NO_INSTALL=1 forbids that; the command then prints what to install.
";

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let command = args.next();
    let done = match command.as_ref().map(|command| command.to_string_lossy()).as_deref() {
        Some("demo") => demo::run(args.collect()),
        Some("test") => test::run(&args.collect::<Vec<_>>()),
        Some("soak") => soak::run(&args.collect::<Vec<_>>()),
        Some("bench") => bench::run(args.collect()),
        Some("package") if args.len() == 0 => package::run(),
        Some("setup") => setup::run(&args.collect::<Vec<_>>()),
        Some("help" | "--help" | "-h") => help(),
        Some(other) => Err(Error::Usage(format!("there is no command `{other}`"))),
        None => Err(Error::Usage("which command?".to_owned())),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        if let Error::Usage(_) = error {
            eprint!("\n{HELP}");
        }
        error.exit_code()
    })
}

fn help() -> Result<ExitCode, Error> {
    print!("{HELP}");
    Ok(ExitCode::SUCCESS)
}

/// The arguments that go to the program, whether the user put `--` before them or not.
fn passed_on(mut args: Vec<OsString>) -> Vec<OsString> {
    if args.first().is_some_and(|first| first == "--") {
        args.remove(0);
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_passed_on_with_and_without_the_dashes() {
        let cases: &[(&[&str], &[&str])] = &[
            (&[], &[]),
            (&["--"], &[]),
            (&["--path", "a b"], &["--path", "a b"]),
            (&["--", "--path", "a b"], &["--path", "a b"]),
            // Only the first one: a second one belongs to the program.
            (&["--", "--", "x"], &["--", "x"]),
            (&["x", "--", "y"], &["x", "--", "y"]),
        ];
        for (given, expected) in cases {
            assert_eq!(passed_on(given.iter().map(OsString::from).collect()), *expected);
        }
    }
}
