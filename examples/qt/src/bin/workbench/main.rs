//! The workbench: three child processes in one window that stays responsive whatever they do.
//!
//! Run: `cargo xtask demo`, or `cargo run --release -p examples-qt --bin workbench -- --path DIR`.
//!
//! The interfaces and children are in the package `examples` (`calculator`, `digest_process`,
//! `load_monitor`), the window in `qml/workbench`. Where there is no user, `SelfDrive.qml` does
//! what a user would do and reports what it saw.

use std::process::ExitCode;
use std::time::Duration;
use std::{process, thread};

use examples_qt::Invocation;
use examples_qt::arguments::{Arguments, HELP};

/// The exit code that shells use for a wrong argument.
const USAGE: u8 = 2;

/// A window that drives itself calls `beat` every second. `SelfDrive.qml` detects that nothing
/// moves; this deadline detects that the window itself hangs.
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
