//! The workbench: three child processes in one window that stays smooth whatever they do.
//!
//! Run: `cargo xtask demo`, or `cargo run --release -p examples-qt --bin workbench -- --path DIR`.
//!
//! The interfaces and children stand in the package `examples` (`calculator`, `digest_process`,
//! `load_monitor`), the window in `qml/workbench`. Where nobody sits in front of it, `SelfDrive.qml`
//! does what a user would do, and tells what it saw.

use std::process::ExitCode;
use std::time::Duration;
use std::{process, thread};

use examples_qt::Invocation;
use examples_qt::arguments::{Arguments, HELP};

/// What the shell reports for a wrong argument.
const USAGE: u8 = 2;

/// A window that drives itself shows a sign of life every second. `SelfDrive.qml` notices that nothing
/// moves; this is for a window that hangs itself.
const DEADLINE: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    mpqt::init(); // first: in a child it does not return
    let arguments = match Arguments::read(std::env::args_os()) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error}");
            return USAGE.into();
        }
    };
    let drives_itself = arguments.shot.is_some() || !mpqt::has_display();
    if drives_itself {
        mpqt::offscreen();
        thread::spawn(|| {
            loop {
                thread::sleep(Duration::from_secs(1));
                if Invocation::silent_for() > DEADLINE {
                    eprintln!("error: the window has not moved for {} s", DEADLINE.as_secs());
                    process::exit(1);
                }
            }
        });
    }
    Invocation::set(arguments, drives_itself);
    examples_qt::register();
    match mpqt::run_file(concat!(env!("CARGO_MANIFEST_DIR"), "/qml/workbench/Main.qml")) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
