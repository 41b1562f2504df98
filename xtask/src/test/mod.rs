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

use self::kinds::{Flags, KINDS, Plan};
use self::output::{Counts, Runner};
use self::report::{KindReport, Report};
use self::targets::Workspace;
use crate::cargo::{Cargo, Output};
use crate::error::Error;

/// Runs all kinds, also when one fails, and prints the table last.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Error> {
    let runner = match chosen_runner(args)? {
        Some(runner) => runner,
        None => best_runner()?,
    };
    let workspace = Workspace::ask_cargo()?;
    let plan = Plan::new(KINDS, &workspace).map_err(Error::Kinds)?;

    let mut kinds = Vec::new();
    for (kind, flags) in &plan.kinds {
        println!("\n== {}: {}", kind.name, kind.about);
        let mut report = KindReport::new(kind);
        if let Some(flags) = flags {
            let (runner, cargo) = command(runner, flags);
            let mut counts = Counts::default();
            let ended = cargo.show().stream(&workspace.root, |line| counts.read(runner, line))?;
            report.counts = counts;
            report.status = Some(ended.status);
            report.left_behind = ended.output == Output::Held;
        }
        kinds.push(report);
    }
    let report = Report { kinds, outside: plan.outside };
    print!("\n{report}");
    Ok(if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The command for one kind. Every kind builds the same packages, so that they share what is built;
/// the flags only choose among their tests.
fn command(runner: Runner, flags: &Flags) -> (Runner, Cargo) {
    let nextest = ["nextest", "run", "--no-fail-fast"];
    let cargo = ["test", "--no-fail-fast"];
    match (runner, flags) {
        (_, Flags::Docs) => (Runner::Cargo, Cargo::new(cargo).args(["--doc"])),
        (Runner::Cargo, Flags::Targets(flags) | Flags::TargetsWithCases(flags)) => {
            (runner, Cargo::new(cargo).args(flags))
        }
        (Runner::Nextest, Flags::Targets(flags)) => (runner, Cargo::new(nextest).args(flags)),
        // The cases are in the output of the one test around them, which nextest keeps to itself
        // unless asked.
        (Runner::Nextest, Flags::TargetsWithCases(flags)) => {
            let cargo = Cargo::new(nextest).args(["--success-output", "immediate"]);
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
    let nextest = Cargo::new(["nextest", "--version"]).answer(Path::new("."), Stdio::null())?;
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
    fn doctests_are_always_run_by_cargo_and_all_tests_to_the_end() {
        let targets = Flags::Targets(vec!["--lib".to_owned()]);
        let cases = Flags::TargetsWithCases(vec!["--test".to_owned(), "ui".to_owned()]);
        for (runner, flags, reads, expected) in [
            (Runner::Cargo, &targets, Runner::Cargo, "cargo test --no-fail-fast --lib"),
            (Runner::Cargo, &cases, Runner::Cargo, "cargo test --no-fail-fast --test ui"),
            (Runner::Cargo, &Flags::Docs, Runner::Cargo, "cargo test --no-fail-fast --doc"),
            (Runner::Nextest, &Flags::Docs, Runner::Cargo, "cargo test --no-fail-fast --doc"),
            (Runner::Nextest, &targets, Runner::Nextest, "cargo nextest run --no-fail-fast --lib"),
            (
                Runner::Nextest,
                &cases,
                Runner::Nextest,
                "cargo nextest run --no-fail-fast --success-output immediate --test ui",
            ),
        ] {
            let (runner, cargo) = command(runner, flags);
            assert_eq!((runner, cargo.to_string()), (reads, expected.to_owned()));
        }
    }
}
