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

/// Nothing that drives itself takes longer. `SelfDrive.qml` notices much earlier that nothing moves; this
/// is for a window that hangs itself.
const DEADLINE: Duration = Duration::from_secs(60 * 60);

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
    let drives_itself = arguments.shot.is_some() || !has_display();
    if drives_itself {
        mpqt::offscreen();
        thread::spawn(|| {
            thread::sleep(DEADLINE);
            eprintln!("error: the workbench did not end within {} s", DEADLINE.as_secs());
            process::exit(1);
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

/// Elsewhere than on Linux there always is one.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some();
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}
