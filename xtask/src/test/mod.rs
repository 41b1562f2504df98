//! `cargo xtask test`: runs every kind of test with its own command and counts the results, so that
//! none is forgotten.
//!
//! `kinds` groups the tests, `targets` asks cargo which tests exist, `junit` reads the files of
//! nextest and of the QML tests, `output` the lines of everything else, `report` judges and prints.
//! Only this file runs tests, and `again`, for the soak. This file also reads the options, and the
//! list of the tests that were skipped.

pub(crate) mod again;
mod junit;
pub(crate) mod kinds;
mod output;
mod report;
mod targets;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use self::junit::{CONFIG, JunitFiles, PROFILE};
use self::kinds::{Flags, KINDS, Plan};
use self::output::{Counts, Runner};
use self::report::{KindReport, Report};
use self::targets::Workspace;
use crate::command_line::{CommandLine, Output};
use crate::display;
use crate::error::Error;
use crate::setup::{self, Machine};

/// Runs all kinds, continues when one fails, and prints the table last.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Error> {
    let Options { runner, no_skips } = Options::read(args)?;
    // Before anything is installed: it is quick, and may report that nothing can run.
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
        let (mut report, begun) = (KindReport::new(kind), Instant::now());
        if let Some(flags) = flags {
            let (runner, cargo) = command(runner, flags, &workspace.root);
            let cargo = choosing(runner, cargo, kind.tests.modules(), kind.tests.skipped());
            let mut counts = Counts::default();
            let own = kind.tests.variable();
            let cargo = cargo.variables(&variables).variables(own.as_slice());
            let cargo = many_at_once(cargo).show();
            let list = SkippedTests::new(&workspace.root)?;
            let junit = JunitFiles::new(runner, &workspace.root)?;
            let cargo = cargo.variable("SKIPPED_TESTS", &list.file);
            let cargo = cargo.variable("MPQT_JUNIT", &junit.folder);
            let ended = cargo.stream(&workspace.root, |line| counts.read(runner, line))?;
            counts.add(junit.read()?);
            report.counts = counts;
            report.not_shown = list.read()?;
            report.status = Some(ended.status);
            report.left_behind = ended.output == Output::Held;
        }
        report.took = begun.elapsed();
        kinds.push(report);
    }
    let report = Report { kinds, no_skips };
    print!("\n{report}");
    println!("in {} s, build time included", begun.elapsed().as_secs());
    Ok(if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sets how many tests of one program run at once, unless the user has. Most of them wait for
/// children and for time to pass, so there are more than processors: on two of them, the
/// whole-system tests take a quarter of the time.
fn many_at_once(cargo: CommandLine) -> CommandLine {
    const THREADS: &str = "RUST_TEST_THREADS";
    if env::var_os(THREADS).is_some() {
        return cargo;
    }
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    // They share the descriptors and the memory of one process.
    cargo.variable(THREADS, (4 * processors).min(16).to_string())
}

/// The command for one kind. Every kind runs on the whole workspace: cargo resolves the features of
/// dependencies for all selected packages, so another selection would rebuild them. The flags only
/// choose among the tests.
fn command(runner: Runner, flags: &Flags, root: &Path) -> (Runner, CommandLine) {
    let cargo = || CommandLine::cargo(["test", "--no-fail-fast", "--workspace"]);
    let nextest = || {
        let nextest = CommandLine::cargo(["nextest", "run", "--no-fail-fast", "--workspace"]);
        let mut config = OsString::from("xtask:");
        config.push(root);
        config.push("/");
        config.push(CONFIG);
        nextest.args(["--profile", PROFILE, "--tool-config-file"]).args([config])
    };
    match (runner, flags) {
        (_, Flags::Docs) => (Runner::Cargo, cargo().args(["--doc"])),
        // For nextest a program that runs QML tests is one test.
        (_, Flags::TargetsWithQml(flags))
        | (Runner::Cargo, Flags::Targets(flags) | Flags::TargetsWithCases(flags)) => {
            (Runner::Cargo, cargo().args(flags))
        }
        (Runner::Nextest, Flags::Targets(flags)) => (runner, nextest().args(flags)),
        // The cases are in the output of the one test around them, which nextest hides unless told
        // otherwise.
        (Runner::Nextest, Flags::TargetsWithCases(flags)) => {
            (runner, nextest().args(["--success-output", "immediate"]).args(flags))
        }
    }
}

/// The same for these modules alone, if there are any, without what has one of these names or is in
/// one of these modules, which end in `::`.
fn choosing(runner: Runner, cargo: CommandLine, modules: &[&str], skipped: &[&str]) -> CommandLine {
    if modules.is_empty() && skipped.is_empty() {
        return cargo;
    }
    match runner {
        // Both are searched in the names of tests; they are long enough to be found there alone.
        Runner::Cargo => {
            let modules = modules.iter().map(|module| format!("{module}::"));
            let skipped = skipped.iter().flat_map(|name| ["--skip", *name]);
            cargo.args(["--"]).args(modules).args(skipped)
        }
        Runner::Nextest => {
            let within = |module: &str| format!("test(/^{module}/)");
            let one_of = |tests: Vec<String>, none: &str| match &*tests {
                [] => none.to_owned(),
                _ => format!("({})", tests.join(" + ")),
            };
            let modules = modules.iter().map(|module| within(&format!("{module}::")));
            let skipped = skipped.iter().map(|name| match name.ends_with("::") {
                true => within(name),
                false => format!("test(={name})"),
            });
            let modules = one_of(modules.collect(), "all()");
            let skipped = one_of(skipped.collect(), "none()");
            cargo.args(["-E".to_owned(), format!("{modules} - {skipped}")])
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Options {
    /// `cargo test` by default, even if nextest is installed: everyone gets the same results, and
    /// interference between tests of one process is detected everywhere.
    runner: Runner,
    /// Whether a skipped test is a failure.
    no_skips: bool,
}

impl Options {
    fn read(args: &[OsString]) -> Result<Options, Error> {
        let mut options = Options { runner: Runner::Cargo, no_skips: false };
        let mut args = args.iter().map(|arg| arg.to_string_lossy());
        while let Some(arg) = args.next() {
            match &*arg {
                "--no-skips" => options.no_skips = true,
                "--runner" => {
                    options.runner = match args.next().as_deref() {
                        Some("nextest") => Runner::Nextest,
                        Some("cargo") => Runner::Cargo,
                        _ => return Err(Error::Usage("the runner is `nextest` or `cargo`".into())),
                    }
                }
                other => return Err(Error::Usage(format!("`test` does not take `{other}`"))),
            }
        }
        Ok(options)
    }
}

/// The file in which tests record why they are skipped here; see `system_tests::skip`.
#[derive(Debug)]
struct SkippedTests {
    file: PathBuf,
}

impl SkippedTests {
    /// Creates an empty file in place of one that an earlier run has left.
    fn new(root: &Path) -> Result<SkippedTests, Error> {
        let list = SkippedTests { file: root.join("target/tests-not-shown") };
        let folder = list.file.parent().unwrap_or(root);
        fs::create_dir_all(folder).map_err(|error| list.error(error))?;
        match fs::remove_file(&list.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(list.error(error)),
            _ => Ok(list),
        }
    }

    /// Returns one line per test.
    fn read(&self) -> Result<Vec<String>, Error> {
        match fs::read_to_string(&self.file) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.error(error)),
        }
    }

    fn error(&self, source: io::Error) -> Error {
        Error::SkippedTests { path: self.file.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_cargo_runs_the_tests_and_skips_are_allowed() {
        let which = "the runner is `nextest` or `cargo`";
        let options = |runner, no_skips| Ok(Options { runner, no_skips });
        for (args, expected) in [
            (&[][..], options(Runner::Cargo, false)),
            (&["--no-skips"], options(Runner::Cargo, true)),
            (&["--runner", "nextest"], options(Runner::Nextest, false)),
            (&["--no-skips", "--runner", "nextest"], options(Runner::Nextest, true)),
            (&["--runner", "cargo"], options(Runner::Cargo, false)),
            (&["--runner"], Err(which)),
            (&["--runner", "make"], Err(which)),
            (&["unit"], Err("`test` does not take `unit`")),
        ] {
            let args: Vec<_> = args.iter().map(OsString::from).collect();
            let chosen = Options::read(&args).map_err(|error| error.to_string());
            assert_eq!(chosen.as_ref().copied().map_err(String::as_str), expected);
        }
    }

    #[test]
    fn skips_are_read_line_by_line_and_cleared_before_the_next_run() {
        let root = std::env::temp_dir().join(format!("xtask-skipped-{}", std::process::id()));
        let list = SkippedTests::new(&root).unwrap();
        assert_eq!(list.read().unwrap(), [""; 0]);
        fs::write(&list.file, "one: no root\ntwo: no pty\n").unwrap();
        assert_eq!(list.read().unwrap(), ["one: no root", "two: no pty"]);
        assert_eq!(SkippedTests::new(&root).unwrap().read().unwrap(), [""; 0]);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn tests_are_chosen_by_module_and_name() {
        let line = |runner, modules: &[&str], skipped: &[&str]| {
            choosing(runner, CommandLine::cargo(["test"]), modules, skipped).to_string()
        };
        let (cargo, nextest) = (Runner::Cargo, Runner::Nextest);
        for (runner, modules, skipped, expected) in [
            (cargo, &[][..], &[][..], "cargo test"),
            (cargo, &[], &["a::b", "c::"], "cargo test -- --skip a::b --skip c::"),
            (cargo, &["a", "b::c"], &["a::d"], "cargo test -- a:: b::c:: --skip a::d"),
            (nextest, &[], &["a::b"], "cargo test -E 'all() - (test(=a::b))'"),
            (nextest, &["a"], &[], "cargo test -E '(test(/^a::/)) - none()'"),
            (
                nextest,
                &["a", "b"],
                &["a::d", "b::c::"],
                "cargo test -E '(test(/^a::/) + test(/^b::/)) - (test(=a::d) + test(/^b::c::/))'",
            ),
        ] {
            assert_eq!(line(runner, modules, skipped), expected);
        }
    }

    #[test]
    fn cargo_always_runs_docs_and_qml_and_all_tests_to_the_end() {
        let targets = Flags::Targets(vec!["--lib".to_owned()]);
        let cases = Flags::TargetsWithCases(vec!["--test".to_owned(), "ui".to_owned()]);
        let qml = Flags::TargetsWithQml(vec!["--test".to_owned(), "qml".to_owned()]);
        let (cargo, nextest) = (
            "cargo test --no-fail-fast --workspace",
            "cargo nextest run --no-fail-fast --workspace --profile counted \
             --tool-config-file xtask:/project/.config/nextest-counted.toml",
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
            let (runner, cargo) = command(runner, flags, Path::new("/project"));
            assert_eq!((runner, cargo.to_string()), (reads, expected));
        }
    }
}
