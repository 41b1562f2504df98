//! `cargo xtask test`: every kind of test, each run by its own command, counted, and none forgotten.
//!
//! `kinds` says what belongs together, `targets` asks cargo what there is, `output` reads what the
//! runners print, `report` judges and prints. Only this file runs anything.

mod kinds;
mod output;
mod report;
mod targets;

use std::ffi::OsString;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use self::kinds::{Flags, KINDS, Plan};
use self::output::{Counts, Runner};
use self::report::{KindReport, Report};
use self::targets::Workspace;
use crate::command_line::{CommandLine, Output};
use crate::display;
use crate::error::Error;
use crate::setup::{self, Machine};

/// Runs all kinds, also when one fails, and prints the table last.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Error> {
    let runner = match chosen_runner(args)? {
        Some(runner) => runner,
        None => best_runner()?,
    };
    // Before anything is installed: it is quick, and may say that nothing can be run as it is.
    let workspace = Workspace::ask_cargo()?;
    let plan = Plan::new(KINDS, &workspace).map_err(Error::Kinds)?;
    setup::make_sure_of_qt()?;
    let variables = display::variables(&Machine);
    if let Some(announcement) = display::announcement(&variables) {
        println!("{announcement}");
    }

    let begun = Instant::now();
    let mut kinds = Vec::new();
    for (kind, flags) in &plan.kinds {
        println!("\n== {}: {}", kind.name, kind.about);
        let mut report = KindReport::new(kind);
        if let Some(flags) = flags {
            let (runner, cargo) = command(runner, flags);
            let mut counts = Counts::default();
            let own = kind.tests.variable();
            let cargo = cargo.variables(&variables).variables(own.as_slice()).show();
            let ended = cargo.stream(&workspace.root, |line| counts.read(runner, line))?;
            report.counts = counts;
            report.status = Some(ended.status);
            report.left_behind = ended.output == Output::Held;
        }
        kinds.push(report);
    }
    let report = Report { kinds };
    print!("\n{report}");
    println!("in {} s, what had to be built included", begun.elapsed().as_secs());
    Ok(if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The command for one kind. Every kind is run on the whole workspace: cargo decides on the features of
/// the dependencies for all packages that are chosen, so another choice would build them once more.
/// The flags only choose among the tests.
fn command(runner: Runner, flags: &Flags) -> (Runner, CommandLine) {
    let nextest = ["nextest", "run", "--no-fail-fast", "--workspace"];
    let cargo = ["test", "--no-fail-fast", "--workspace"];
    match (runner, flags) {
        (_, Flags::Docs) => (Runner::Cargo, CommandLine::cargo(cargo).args(["--doc"])),
        // nextest would keep what QML tests print to itself, and it is counted.
        (_, Flags::TargetsWithQml(flags))
        | (Runner::Cargo, Flags::Targets(flags) | Flags::TargetsWithCases(flags)) => {
            (Runner::Cargo, CommandLine::cargo(cargo).args(flags))
        }
        (Runner::Nextest, Flags::Targets(flags)) => {
            (runner, CommandLine::cargo(nextest).args(flags))
        }
        // The cases are in the output of the one test around them, which nextest keeps to itself
        // unless asked.
        (Runner::Nextest, Flags::TargetsWithCases(flags)) => {
            let cargo = CommandLine::cargo(nextest).args(["--success-output", "immediate"]);
            (runner, cargo.args(flags))
        }
    }
}

fn chosen_runner(args: &[OsString]) -> Result<Option<Runner>, Error> {
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let args: Vec<_> = args.iter().map(AsRef::as_ref).collect();
    match args[..] {
        [] => Ok(None),
        ["--runner", "nextest"] => Ok(Some(Runner::Nextest)),
        ["--runner", "cargo"] => Ok(Some(Runner::Cargo)),
        ["--runner", ..] => Err(Error::Usage("the runner is `nextest` or `cargo`".to_owned())),
        [other, ..] => Err(Error::Usage(format!("`test` does not take `{other}`"))),
    }
}

fn best_runner() -> Result<Runner, Error> {
    // Without nextest this is an error of cargo's that would only frighten.
    let nextest =
        CommandLine::cargo(["nextest", "--version"]).answer(Path::new("."), Stdio::null())?;
    Ok(if nextest.is_some() { Runner::Nextest } else { Runner::Cargo })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_can_be_chosen() {
        let which = "the runner is `nextest` or `cargo`";
        for (args, expected) in [
            (&[][..], Ok(None)),
            (&["--runner", "nextest"], Ok(Some(Runner::Nextest))),
            (&["--runner", "cargo"], Ok(Some(Runner::Cargo))),
            (&["--runner"], Err(which)),
            (&["--runner", "make"], Err(which)),
            (&["unit"], Err("`test` does not take `unit`")),
        ] {
            let args: Vec<_> = args.iter().map(OsString::from).collect();
            let chosen = chosen_runner(&args).map_err(|error| error.to_string());
            assert_eq!(chosen.as_ref().copied().map_err(String::as_str), expected);
        }
    }

    #[test]
    fn docs_and_qml_are_always_run_by_cargo_and_all_tests_to_the_end() {
        let targets = Flags::Targets(vec!["--lib".to_owned()]);
        let cases = Flags::TargetsWithCases(vec!["--test".to_owned(), "ui".to_owned()]);
        let qml = Flags::TargetsWithQml(vec!["--test".to_owned(), "qml".to_owned()]);
        let (cargo, nextest) = (
            "cargo test --no-fail-fast --workspace",
            "cargo nextest run --no-fail-fast --workspace",
        );
        for (runner, flags, reads, program, args) in [
            (Runner::Cargo, &targets, Runner::Cargo, cargo, "--lib"),
            (Runner::Cargo, &cases, Runner::Cargo, cargo, "--test ui"),
            (Runner::Cargo, &qml, Runner::Cargo, cargo, "--test qml"),
            (Runner::Cargo, &Flags::Docs, Runner::Cargo, cargo, "--doc"),
            (Runner::Nextest, &Flags::Docs, Runner::Cargo, cargo, "--doc"),
            (Runner::Nextest, &qml, Runner::Cargo, cargo, "--test qml"),
            (Runner::Nextest, &targets, Runner::Nextest, nextest, "--lib"),
            (
                Runner::Nextest,
                &cases,
                Runner::Nextest,
                nextest,
                "--success-output immediate --test ui",
            ),
        ] {
            let expected = format!("{program} {args}");
            let (runner, cargo) = command(runner, flags);
            assert_eq!((runner, cargo.to_string()), (reads, expected));
        }
    }
}
