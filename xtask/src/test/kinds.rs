//! Assigns each test to a kind. A test target of the workspace that has no kind is an error, so no
//! test is ever forgotten. Also cargo's flags for the tests of a kind, and the tests that chaos
//! would decide.

use std::path::PathBuf;

use super::targets::{Target, TargetKind, Workspace};

/// The program of the whole-system tests.
const SYSTEM: (&str, &str) = ("system-tests", "system");

/// The kinds, in the order in which they run: those that fail soonest come first.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "unit",
        about: "tests inside the sources of libraries and programs",
        tests: Tests::Inside,
    },
    Kind {
        name: "interleaving",
        about: "state shared by several threads, in every relevant interleaving",
        tests: Tests::Files(&[("mpcore-loom", ALL)]),
    },
    Kind {
        name: "process",
        about: "real child processes, and the examples",
        tests: Tests::Files(&[("mpcore", ALL), ("system-tests", ALL), ("examples", ALL)]),
    },
    Kind {
        name: "ipc-channel",
        about: "the whole-system tests once more, over the transport that is the default elsewhere",
        tests: Tests::Again {
            files: &[SYSTEM],
            modules: &[
                "commands::calls",
                "commands::cancel",
                "commands::deadlines",
                "commands::waiting_forbidden",
                "data::config",
                "data::errors",
                "ends::controller_death",
                "ends::death",
                "ends::exit_policy",
                "ends::finish",
                "ends::grandchildren",
                "ends::hang",
                "ends::restart",
                "ends::start_again",
                "ends::stop",
                "load::pressure",
                "machine::limits",
                "machine::output",
                "regressions::edges",
                "regressions::lessons",
                "signals::events",
                "signals::handlers",
                "signals::inbox",
                "signals::lifecycle",
                "signals::properties",
            ],
            variable: ("TRANSPORT", "ipc-channel"),
            skipped: &[],
        },
    },
    Kind {
        name: "chaos",
        about: "the tests with races once more, with delays, spurious wake-ups, and other bounds, batches and \
                windows; `cargo xtask soak chaos` has more seeds",
        tests: Tests::Again {
            files: &[SYSTEM],
            modules: &[
                "commands::calls",
                "commands::cancel",
                "commands::deadlines",
                "commands::in_process",
                "commands::keys",
                "commands::nested",
                "commands::waiting_forbidden",
                "data::config",
                "data::encoder",
                "data::errors",
                "data::values",
                "ends::death",
                "ends::exit_policy",
                "ends::finish",
                "ends::handles",
                "ends::grandchildren",
                "ends::hang",
                "ends::process_handle",
                "ends::restart",
                "ends::start_again",
                "ends::stop",
                "ends::stop_reason",
                "signals",
                "testing::faults",
                "testing::script",
            ],
            variable: ("CHAOS_SEED", "1"),
            skipped: DECIDED_BY_CHAOS,
        },
    },
    Kind {
        name: "compile-fail",
        about: "the macros' errors, each compiled",
        tests: Tests::FilesWithCases(&[("mpmacros", "ui"), ("mpqt", "qobject_errors")]),
    },
    Kind {
        name: "macro",
        about: "interfaces in crates of another edition, with strict lints or another name for mpcore",
        tests: Tests::Files(&[("mpmacros-edition2021", ALL), ("mpmacros-renamed", ALL)]),
    },
    Kind {
        name: "qml",
        about: "QML tests, and the examples with a window, offscreen where there is no display",
        tests: Tests::FilesWithQml(&[
            ("mpqt", ALL),
            ("qml-tests", ALL),
            ("examples-qt", ALL),
            ("apart-interface", ALL),
            ("apart-ui", ALL),
        ]),
    },
    Kind { name: "doc", about: "the examples in the documentation", tests: Tests::Docs },
];

/// Tests of the program `system` that chaos would decide: they depend on a number that is drawn, or
/// on which of two things is faster.
pub(crate) const DECIDED_BY_CHAOS: &[&str] = &[
    // Arguments that are not encoded immediately count at most as much as the largest that are.
    "commands::calls::a_queue_is_also_full_by_bytes",
    // Its table depends on which of three calls had arrived with the last packet that was read.
    "testing::faults::every_fault_at_every_moment_matches_the_docs",
    // A call is made while the child is still stopping or finishing.
    "ends::stop::a_running_command_sees_the_stop_and_queued_ones_are_stopped",
    "ends::finish::a_finish_after_a_restart_applies_to_the_next_run",
];

/// Every test file of the package that no kind lists by name.
const ALL: &str = "*";

/// Tests that are counted together; there must be at least one.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) tests: Tests,
}

#[derive(Debug)]
pub(super) enum Tests {
    /// The unit tests of all libraries and programs.
    Inside,
    /// Files of the folder `tests`: package and name, or [`ALL`].
    Files(&'static [(&'static str, &'static str)]),
    /// Like `Files`, where each test runs many trybuild cases; there must be some.
    FilesWithCases(&'static [(&'static str, &'static str)]),
    /// Like `Files`, where a test file may be a program of its own that runs QML tests.
    FilesWithQml(&'static [(&'static str, &'static str)]),
    /// Modules of files that belong to another kind, run with an environment variable that changes
    /// what they test, without the tests of these names.
    Again {
        files: &'static [(&'static str, &'static str)],
        modules: &'static [&'static str],
        variable: (&'static str, &'static str),
        skipped: &'static [&'static str],
    },
    /// Documentation tests of all libraries.
    Docs,
}

/// Cargo's flags that choose the tests of one kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flags {
    Targets(Vec<String>),
    TargetsWithCases(Vec<String>),
    TargetsWithQml(Vec<String>),
    Docs,
}

/// The plan of a run.
#[derive(Debug)]
pub(super) struct Plan {
    /// The flags for every kind; `None` if no target belongs to it.
    pub(super) kinds: Vec<(&'static Kind, Option<Flags>)>,
}

impl Plan {
    /// Finds a kind for every test target, or reports the targets without one.
    pub(super) fn new(kinds: &'static [Kind], workspace: &Workspace) -> Result<Plan, Vec<String>> {
        let mut problems = Vec::new();
        check_every_package_is_there(kinds, workspace, &mut problems);
        check_no_test_may_fail(&workspace.blacklists, &mut problems);
        check_every_target_has_a_kind(kinds, &workspace.targets, &mut problems);
        check_names_choose_one_kind(kinds, &workspace.targets, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let flags = |kind: &'static Kind| (kind, kind.flags(kinds, &workspace.targets));
        Ok(Plan { kinds: kinds.iter().map(flags).collect() })
    }
}

impl Kind {
    /// The one kind that runs the target.
    fn of<'kinds>(kinds: &'kinds [Kind], target: &Target) -> Option<&'kinds Kind> {
        let by_name = |kind: &&Kind| kind.has_file(target, &target.name);
        kinds.iter().find(by_name).or_else(|| kinds.iter().find(|kind| kind.has_all(target)))
    }

    fn has_all(&self, target: &Target) -> bool {
        match (&self.tests, target.kind) {
            (Tests::Inside, TargetKind::Library | TargetKind::Program)
            | (Tests::Docs, TargetKind::Docs) => true,
            _ => self.has_file(target, ALL),
        }
    }

    fn has_file(&self, target: &Target, name: &str) -> bool {
        !self.is_again() && self.names_file(target, name)
    }

    fn is_again(&self) -> bool {
        matches!(self.tests, Tests::Again { .. })
    }

    fn names_file(&self, target: &Target, name: &str) -> bool {
        target.kind == TargetKind::TestFile
            && self.tests.files().contains(&(target.package.as_str(), name))
    }

    fn flags(&self, kinds: &[Kind], targets: &[Target]) -> Option<Flags> {
        let is_mine = |target: &&Target| match self.is_again() {
            true => self.names_file(target, &target.name),
            false => Kind::of(kinds, target).is_some_and(|kind| kind.name == self.name),
        };
        let mine: Vec<_> = targets.iter().filter(is_mine).collect();
        if mine.is_empty() {
            return None;
        }
        // One `--test` selects the files of that name in all packages.
        let files = || {
            let mut names: Vec<_> = mine.iter().map(|target| target.name.clone()).collect();
            names.sort_unstable();
            names.dedup();
            names.into_iter().flat_map(|name| ["--test".to_owned(), name]).collect()
        };
        Some(match self.tests {
            Tests::Inside => Flags::Targets(vec!["--lib".to_owned(), "--bins".to_owned()]),
            Tests::Files(_) | Tests::Again { .. } => Flags::Targets(files()),
            Tests::FilesWithCases(_) => Flags::TargetsWithCases(files()),
            Tests::FilesWithQml(_) => Flags::TargetsWithQml(files()),
            Tests::Docs => Flags::Docs,
        })
    }
}

impl Tests {
    /// The environment variable of these tests.
    pub(super) fn variable(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Tests::Again { variable, .. } => Some(*variable),
            _ => None,
        }
    }

    /// The modules to which the tests are restricted; none: all tests run.
    pub(super) fn modules(&self) -> &'static [&'static str] {
        match self {
            Tests::Again { modules, .. } => modules,
            _ => &[],
        }
    }

    /// The names of tests that are not run.
    pub(super) fn skipped(&self) -> &'static [&'static str] {
        match self {
            Tests::Again { skipped, .. } => skipped,
            _ => &[],
        }
    }

    /// Package and name, or [`ALL`].
    fn files(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Tests::Files(files)
            | Tests::FilesWithCases(files)
            | Tests::FilesWithQml(files)
            | Tests::Again { files, .. } => files,
            Tests::Inside | Tests::Docs => &[],
        }
    }
}

/// Otherwise tests of a package that was renamed or removed would silently not run.
fn check_every_package_is_there(kinds: &[Kind], workspace: &Workspace, problems: &mut Vec<String>) {
    for kind in kinds {
        for (package, _) in kind.tests.files() {
            if !workspace.packages.iter().any(|known| known == package) {
                let name = kind.name;
                problems.push(format!("{package}, of kind {name}, is not in the workspace"));
            }
        }
    }
}

/// In Qt's JUnit files a test on such a list has passed, however it ended.
fn check_no_test_may_fail(blacklists: &[PathBuf], problems: &mut Vec<String>) {
    for list in blacklists {
        problems.push(format!("{} lists tests that may fail: delete it", list.display()));
    }
}

fn check_every_target_has_a_kind(kinds: &[Kind], targets: &[Target], problems: &mut Vec<String>) {
    for target in targets {
        if Kind::of(kinds, target).is_none() {
            problems.push(format!("{target} is in no kind: add it to one of KINDS"));
        }
    }
}

/// Cargo selects test files by name alone, in every package.
fn check_names_choose_one_kind(kinds: &[Kind], targets: &[Target], problems: &mut Vec<String>) {
    let files = || targets.iter().filter(|target| target.kind == TargetKind::TestFile);
    for (index, one) in files().enumerate() {
        for other in files().skip(index + 1).filter(|other| other.name == one.name) {
            let name = |target| Kind::of(kinds, target).map(|kind| kind.name);
            if name(one) != name(other) {
                problems.push(format!("{one} and {other} are of two kinds: rename one of them"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn target(package: &str, kind: TargetKind, name: &str) -> Target {
        Target { package: package.to_owned(), name: name.to_owned(), kind }
    }

    fn workspace(targets: Vec<Target>) -> Workspace {
        let packages = KINDS.iter().flat_map(|kind| kind.tests.files());
        let packages = packages.map(|(package, _)| (*package).to_owned()).collect();
        Workspace { root: ".".into(), packages, blacklists: Vec::new(), targets }
    }

    fn flags(targets: Vec<Target>) -> Vec<(&'static str, Option<Flags>)> {
        let plan = Plan::new(KINDS, &workspace(targets)).unwrap();
        plan.kinds.into_iter().map(|(kind, flags)| (kind.name, flags)).collect()
    }

    fn strings(strings: &[&str]) -> Vec<String> {
        strings.iter().map(|&string| string.to_owned()).collect()
    }

    #[test]
    fn every_kind_chooses_its_targets() {
        let targets = vec![
            target("mpcore", TargetKind::Library, "mpcore"),
            target("mpcore", TargetKind::Docs, "mpcore"),
            target("mpcore", TargetKind::TestFile, "calls"),
            target("mpcore-loom", TargetKind::TestFile, "models"),
            target("mpmacros", TargetKind::TestFile, "ui"),
            target("mpmacros-edition2021", TargetKind::TestFile, "callback"),
            target("examples", TargetKind::TestFile, "digest"),
            target("examples", TargetKind::TestFile, "calls"),
            target("xtask", TargetKind::Program, "xtask"),
            target("mpqt", TargetKind::Library, "mpqt"),
            target("mpqt", TargetKind::Docs, "mpqt"),
            target("mpqt", TargetKind::TestFile, "qobject_errors"),
            target("mpqt", TargetKind::TestFile, "waker"),
            target("qml-tests", TargetKind::TestFile, "qml"),
            target("examples-qt", TargetKind::TestFile, "windows"),
        ];
        let process = strings(&["--test", "calls", "--test", "digest"]);
        let cases = strings(&["--test", "qobject_errors", "--test", "ui"]);
        let qml = strings(&["--test", "qml", "--test", "waker", "--test", "windows"]);
        let expected = [
            ("unit", Some(Flags::Targets(strings(&["--lib", "--bins"])))),
            ("interleaving", Some(Flags::Targets(strings(&["--test", "models"])))),
            ("process", Some(Flags::Targets(process))),
            ("ipc-channel", None),
            ("chaos", None),
            ("compile-fail", Some(Flags::TargetsWithCases(cases))),
            ("macro", Some(Flags::Targets(strings(&["--test", "callback"])))),
            ("qml", Some(Flags::TargetsWithQml(qml))),
            ("doc", Some(Flags::Docs)),
        ];
        assert_eq!(flags(targets), expected);
    }

    #[test]
    fn a_file_may_be_run_again_and_belongs_to_one_kind_all_the_same() {
        let flags = flags(vec![target("system-tests", TargetKind::TestFile, "system")]);
        let system = Some(Flags::Targets(strings(&["--test", "system"])));
        let of = |name: &str| flags.iter().find(|(kind, _)| *kind == name).map(|(_, it)| it);
        assert_eq!((of("process"), of("ipc-channel")), (Some(&system), Some(&system)));
        let again = KINDS.iter().find(|kind| kind.name == "ipc-channel");
        let variable = again.and_then(|kind| kind.tests.variable());
        assert_eq!(variable, Some(("TRANSPORT", "ipc-channel")));
    }

    /// Otherwise the tests of a renamed module would silently not run again.
    #[test]
    fn modules_and_tests_that_are_named_exist() {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tests/system");
        let source = |module: &str| {
            let path = tests.join(module.replace("::", "/"));
            let [alone, room] = [path.with_extension("rs"), path.join("mod.rs")];
            let file = if alone.exists() { alone } else { room };
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{module}: {error}"))
        };
        for module in KINDS.iter().flat_map(|kind| kind.tests.modules()) {
            let source = source(module);
            assert!(source.contains("#[test]") || source.contains("\nmod "), "{module}");
        }
        for name in KINDS.iter().flat_map(|kind| kind.tests.skipped()) {
            let (module, test) = name.rsplit_once("::").unwrap();
            assert!(source(module).contains(&format!("fn {test}()")), "{name}");
        }
    }

    #[test]
    fn a_kind_without_targets_is_not_run() {
        let expected = KINDS.iter().map(|kind| (kind.name, None)).collect::<Vec<_>>();
        assert_eq!(flags(Vec::new()), expected);
    }

    #[test]
    fn what_would_not_be_run_and_counted_is_named_in_an_error() {
        let mut workspace = workspace(vec![
            target("mpmacros", TargetKind::TestFile, "forgotten"),
            target("newcomer", TargetKind::TestFile, "forgotten"),
            target("mpcore", TargetKind::Other, "odd"),
            target("mpmacros", TargetKind::TestFile, "ui"),
            target("examples", TargetKind::TestFile, "ui"),
            target("examples-qt", TargetKind::TestFile, "ui"),
        ]);
        workspace.packages.retain(|package| package != "qml-tests");
        workspace.blacklists.push("examples/BLACKLIST".into());
        let problems = Plan::new(KINDS, &workspace).unwrap_err();
        let expected = [
            "qml-tests, of kind qml, is not in the workspace",
            "examples/BLACKLIST lists tests that may fail: delete it",
            "test `forgotten` of mpmacros is in no kind: add it to one of KINDS",
            "test `forgotten` of newcomer is in no kind: add it to one of KINDS",
            "target `odd` of mpcore is in no kind: add it to one of KINDS",
            "test `ui` of mpmacros and test `ui` of examples are of two kinds: rename one of them",
            "test `ui` of mpmacros and test `ui` of examples-qt are of two kinds: rename one of them",
            "test `ui` of examples and test `ui` of examples-qt are of two kinds: rename one of them",
        ];
        assert_eq!(problems, expected);
    }
}
