//! The demo: a child process digests a folder. In the middle the child is killed; the demo shows
//! what the controller sees of that, starts the child again, and lets it finish.
//!
//! Run: `cargo xtask demo`, or `cargo run --release -p examples --bin digest -- --path DIR`.
//!
//! The interface and the child are in `src/digest_process`, the digest itself in `src/digest`. This
//! is the controller. Its main thread never waits for the child, only for the next event: `plan`
//! decides what to do about it, `controller` does it, `screen` shows it.

mod arguments;
mod controller;
mod plan;
mod screen;

use std::process::ExitCode;

use arguments::Arguments;
use controller::End;

/// The exit codes that shells use for a wrong argument and for an interrupt.
const USAGE: u8 = 2;
const INTERRUPTED: u8 = 130;

#[mpcore::main]
fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args_os()) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{}", arguments::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error}; see `--help`");
            return USAGE.into();
        }
    };
    match controller::run(&arguments) {
        Ok(End::Done) => ExitCode::SUCCESS,
        Ok(End::Cancelled) => {
            eprintln!("cancelled: there is no digest");
            INTERRUPTED.into()
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
