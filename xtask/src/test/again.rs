//! Runs the test programs of one package again, with an environment variable set, and names the
//! tests that failed; for the soak.

use std::path::PathBuf;

use super::output::{Counts, Runner};
use super::targets::{TargetKind, Workspace};
use super::{SkippedTests, choosing, many_at_once};
use crate::command_line::{CommandLine, Output};
use crate::error::Error;

/// Test programs of a package.
#[derive(Debug)]
pub(crate) struct TestPrograms {
    root: PathBuf,
    names: Vec<String>,
}

/// The result of one run of them.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// `program module::test` of the tests that reported a failure.
    pub(crate) failures: Vec<String>,
    /// Whether every program reported its result, and cargo and all processes ended as expected.
    pub(crate) whole: bool,
}

impl TestPrograms {
    /// All test programs of the package except some.
    pub(crate) fn of(package: &str, without: &[&str]) -> Result<Self, Error> {
        let workspace = Workspace::ask_cargo()?;
        let names = names(&workspace, package, without);
        Ok(Self { root: workspace.root, names })
    }

    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    /// Runs them without the tests of these names and modules, and continues when one fails.
    pub(crate) fn run(
        &self,
        skipped: &[&str],
        variable: (&'static str, &str),
    ) -> Result<Run, Error> {
        // The whole workspace: see `command` in `super`.
        let cargo = CommandLine::cargo(["test", "--no-fail-fast", "--workspace"]);
        let files = self.names.iter().flat_map(|name| ["--test", name]);
        let list = SkippedTests::new(&self.root)?;
        let cargo = choosing(Runner::Cargo, cargo.args(files), &[], skipped);
        let cargo = many_at_once(cargo.variable(variable.0, variable.1)).show();
        let cargo = cargo.variable("SKIPPED_TESTS", &list.file);
        let (mut counts, mut failures) = (Counts::default(), Failures::default());
        let ended = cargo.stream(&self.root, |line| {
            counts.read(Runner::Cargo, line);
            failures.read(line);
        })?;
        let all_told = counts.programs == counts.results && counts.programs > 0;
        // Cargo fails when a test fails.
        let as_expected = ended.status.success() || counts.failed > 0;
        let whole = all_told && as_expected && ended.output == Output::Closed;
        let not_shown = list.read()?.len() as u64;
        let passed = counts.passed.saturating_sub(not_shown);
        Ok(Run { passed, failed: counts.failed, failures: failures.names, whole })
    }
}

fn names(workspace: &Workspace, package: &str, without: &[&str]) -> Vec<String> {
    let targets = workspace.targets.iter().filter(|target| {
        target.kind == TargetKind::TestFile
            && target.package == package
            && !without.contains(&target.name.as_str())
    });
    targets.map(|target| target.name.clone()).collect()
}

/// The failed tests, read from libtest's output.
#[derive(Debug, Default)]
struct Failures {
    file: String,
    names: Vec<String>,
}

impl Failures {
    fn read(&mut self, line: &str) {
        if let Some(file) = line.trim_start().strip_prefix("Running tests/") {
            let (file, _) = file.split_once(".rs").unwrap_or((file, ""));
            file.trim_end_matches("/main").clone_into(&mut self.file);
        } else if let Some(name) =
            line.strip_prefix("---- ").and_then(|it| it.strip_suffix(" stdout ----"))
        {
            self.names.push(format!("{} {name}", self.file));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::targets::Target;
    use super::*;

    #[test]
    fn the_programs_of_one_package_are_chosen_but_for_some() {
        let target = |package: &str, kind, name: &str| Target {
            package: package.to_owned(),
            name: name.to_owned(),
            kind,
        };
        let targets = vec![
            target("system-tests", TargetKind::TestFile, "calls"),
            target("system-tests", TargetKind::TestFile, "soak"),
            target("system-tests", TargetKind::Program, "bench_child"),
            target("examples", TargetKind::TestFile, "digest"),
            target("system-tests", TargetKind::TestFile, "stop"),
        ];
        let (packages, blacklists) = (Vec::new(), Vec::new());
        let workspace = Workspace { root: ".".into(), packages, blacklists, targets };
        assert_eq!(names(&workspace, "system-tests", &["soak"]), ["calls", "stop"]);
    }

    #[test]
    fn failed_tests_are_named_with_their_program() {
        let mut failures = Failures::default();
        for line in [
            "     Running tests/system/main.rs (target/debug/deps/system-4d06)",
            "test one ... ok",
            "test two ... FAILED",
            "failures:",
            "---- two stdout ----",
            "     Running tests/stop.rs (target/debug/deps/stop-4d06)",
            "---- group::three stdout ----",
        ] {
            failures.read(line);
        }
        assert_eq!(failures.names, ["system two", "stop group::three"]);
    }
}
