//! `cargo xtask demo`: the workbench or the console demo, in release.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::command_line::CommandLine;
use crate::error::Error;
use crate::setup::{self, Machine};
use crate::{display, passed_on};

/// Chooses the console demo, wherever it is: users put it before the `--` and after the arguments.
/// A folder of that name is `./--console`.
const CONSOLE: &str = "--console";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demo {
    Workbench,
    /// Needs no Qt.
    Console,
}

/// The demo itself parses all other arguments and chooses the default folder.
pub(crate) fn run(args: Vec<OsString>) -> Result<ExitCode, Error> {
    let (demo, args) = chosen(args);
    let mut command = command(demo, args);
    if demo == Demo::Workbench {
        setup::make_sure_of_qt()?;
        // Without a display the workbench drives itself.
        command = command.variables(&display::variables(&Machine));
    }
    command.show().become_it()
}

fn chosen(mut args: Vec<OsString>) -> (Demo, Vec<OsString>) {
    let given = args.len();
    args.retain(|arg| arg != CONSOLE);
    let demo = if args.len() == given { Demo::Workbench } else { Demo::Console };
    (demo, passed_on(args))
}

fn command(demo: Demo, args: Vec<OsString>) -> CommandLine {
    let (package, program) = match demo {
        Demo::Workbench => ("examples-qt", "workbench"),
        Demo::Console => ("examples", "digest"),
    };
    CommandLine::cargo(["run", "--release", "-p", package, "--bin", program, "--"]).args(args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(args: &[&str], expected: &str) {
        let (demo, args) = chosen(args.iter().map(OsString::from).collect());
        assert_eq!(command(demo, args).to_string(), expected);
    }

    #[test]
    fn the_workbench_gets_its_arguments() {
        let workbench = "cargo run --release -p examples-qt --bin workbench --";
        check(&[], workbench);
        check(&["--"], workbench);
        let path = format!("{workbench} --path 'a b'");
        check(&["--path", "a b"], &path);
        check(&["--", "--path", "a b"], &path);
        let folder = format!("{workbench} --path ./--console");
        check(&["--", "--path", "./--console"], &folder);
    }

    #[test]
    fn the_console_is_chosen_wherever_its_name_stands() {
        let console = "cargo run --release -p examples --bin digest --";
        check(&["--console"], console);
        check(&["--console", "--"], console);
        check(&["--", "--console"], console);
        let path = format!("{console} --path 'a b'");
        check(&["--console", "--path", "a b"], &path);
        check(&["--console", "--", "--path", "a b"], &path);
        check(&["--", "--console", "--path", "a b"], &path);
        check(&["--path", "a b", "--console"], &path);
        check(&["--", "--path", "a b", "--console"], &path);
    }
}
