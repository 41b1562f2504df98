//! Which test belongs to which kind. A test target of the workspace that is in no kind is an error,
//! so no test is ever forgotten.

use super::targets::{Target, TargetKind, Workspace};

/// The kinds, in the order they run: what fails soonest comes first.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "unit",
        about: "tests inside the sources of libraries and programs",
        tests: Tests::Inside,
    },
    Kind {
        name: "process",
        about: "real child processes, and the examples",
        tests: Tests::Files(&[("mpcore", ALL), ("system-tests", ALL), ("examples", ALL)]),
    },
    Kind {
        name: "compile-fail",
        about: "the macros' errors, each compiled",
        tests: Tests::FilesWithCases(&[("mpmacros", "ui")]),
    },
    Kind {
        name: "macro",
        about: "interfaces as crates of another edition and with strict lints write them",
        tests: Tests::Files(&[("mpmacros-edition2021", ALL)]),
    },
    Kind { name: "doc", about: "the examples in the documentation", tests: Tests::Docs },
];

/// Members of the workspace that are outside the default ones, and why their tests do not run.
const OUTSIDE: &[(&str, &str)] = &[("mpqt", "will need Qt; it has no tests yet")];

/// Every test file of the package.
const ALL: &str = "*";

/// Tests that are counted together, and must not be none.
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
    /// The same, where each test runs many trybuild cases; there must be some.
    FilesWithCases(&'static [(&'static str, &'static str)]),
    /// Documentation tests of all libraries.
    Docs,
}

/// Cargo's flags that choose the tests of one kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flags {
    Targets(Vec<String>),
    TargetsWithCases(Vec<String>),
    Docs,
}

/// What is to be run.
#[derive(Debug)]
pub(super) struct Plan {
    /// The flags for every kind; none where no target belongs to it.
    pub(super) kinds: Vec<(&'static Kind, Option<Flags>)>,
    /// Packages that are not run, with the reason.
    pub(super) outside: &'static [(&'static str, &'static str)],
}

impl Plan {
    /// Finds a kind for every test target, or says for which there is none.
    pub(super) fn new(kinds: &'static [Kind], workspace: &Workspace) -> Result<Plan, Vec<String>> {
        let mut problems = Vec::new();
        check_outside(workspace, &mut problems);
        let targets: Vec<_> = workspace.targets.iter().filter(|target| target.is_default).collect();
        check_every_target_has_a_kind(kinds, &targets, &mut problems);
        check_names_choose_one_kind(kinds, &targets, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let flags = |kind: &'static Kind| (kind, kind.flags(&targets));
        Ok(Plan { kinds: kinds.iter().map(flags).collect(), outside: OUTSIDE })
    }
}

impl Kind {
    fn has(&self, target: &Target) -> bool {
        match (&self.tests, target.kind) {
            (Tests::Inside, TargetKind::Library | TargetKind::Program)
            | (Tests::Docs, TargetKind::Docs) => true,
            (Tests::Files(files) | Tests::FilesWithCases(files), TargetKind::TestFile) => {
                files.iter().any(|(package, name)| {
                    target.package == *package && [ALL, &target.name].contains(name)
                })
            }
            _ => false,
        }
    }

    fn flags(&self, targets: &[&Target]) -> Option<Flags> {
        let mine: Vec<_> = targets.iter().filter(|target| self.has(target)).collect();
        if mine.is_empty() {
            return None;
        }
        // One `--test` chooses the files of that name in all packages.
        let files = || {
            let mut names: Vec<_> = mine.iter().map(|target| target.name.clone()).collect();
            names.sort_unstable();
            names.dedup();
            names.into_iter().flat_map(|name| ["--test".to_owned(), name]).collect()
        };
        Some(match self.tests {
            Tests::Inside => Flags::Targets(vec!["--lib".to_owned(), "--bins".to_owned()]),
            Tests::Files(_) => Flags::Targets(files()),
            Tests::FilesWithCases(_) => Flags::TargetsWithCases(files()),
            Tests::Docs => Flags::Docs,
        })
    }
}

fn check_outside(workspace: &Workspace, problems: &mut Vec<String>) {
    for target in workspace.targets.iter().filter(|target| !target.is_default) {
        if !OUTSIDE.iter().any(|(package, _)| target.package == *package) {
            problems.push(format!(
                "{target} is outside the default members: put the package into them, or into OUTSIDE"
            ));
        }
    }
}

fn check_every_target_has_a_kind(kinds: &[Kind], targets: &[&Target], problems: &mut Vec<String>) {
    for target in targets {
        if !kinds.iter().any(|kind| kind.has(target)) {
            problems.push(format!("{target} is in no kind: add it to one of KINDS"));
        }
    }
}

/// Cargo chooses test files by name alone, in whatever package they are.
fn check_names_choose_one_kind(kinds: &[Kind], targets: &[&Target], problems: &mut Vec<String>) {
    let files = || targets.iter().filter(|target| target.kind == TargetKind::TestFile);
    for (index, one) in files().enumerate() {
        for other in files().skip(index + 1).filter(|other| other.name == one.name) {
            if kinds.iter().any(|kind| kind.has(one) != kind.has(other)) {
                problems.push(format!("{one} and {other} are of two kinds: rename one of them"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(package: &str, kind: TargetKind, name: &str) -> Target {
        Target { package: package.to_owned(), name: name.to_owned(), kind, is_default: true }
    }

    fn workspace(targets: Vec<Target>) -> Workspace {
        Workspace { root: ".".into(), targets }
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
            target("mpmacros", TargetKind::TestFile, "ui"),
            target("mpmacros-edition2021", TargetKind::TestFile, "callback"),
            target("examples", TargetKind::TestFile, "digest"),
            target("examples", TargetKind::TestFile, "calls"),
            target("xtask", TargetKind::Program, "xtask"),
            Target { is_default: false, ..target("mpqt", TargetKind::Library, "mpqt") },
        ];
        let process = strings(&["--test", "calls", "--test", "digest"]);
        let expected = [
            ("unit", Some(Flags::Targets(strings(&["--lib", "--bins"])))),
            ("process", Some(Flags::Targets(process))),
            ("compile-fail", Some(Flags::TargetsWithCases(strings(&["--test", "ui"])))),
            ("macro", Some(Flags::Targets(strings(&["--test", "callback"])))),
            ("doc", Some(Flags::Docs)),
        ];
        assert_eq!(flags(targets), expected);
    }

    #[test]
    fn a_kind_without_targets_has_no_flags_for_without_any_cargo_would_run_all() {
        let expected = KINDS.iter().map(|kind| (kind.name, None)).collect::<Vec<_>>();
        assert_eq!(flags(Vec::new()), expected);
    }

    #[test]
    fn what_would_be_forgotten_or_counted_twice_is_an_error_that_names_it() {
        let newcomer = target("newcomer", TargetKind::Library, "newcomer");
        let problems = Plan::new(
            KINDS,
            &workspace(vec![
                target("mpmacros", TargetKind::TestFile, "forgotten"),
                target("mpcore", TargetKind::Other, "odd"),
                target("mpmacros", TargetKind::TestFile, "ui"),
                target("examples", TargetKind::TestFile, "ui"),
                Target { is_default: false, ..newcomer },
            ]),
        )
        .unwrap_err();
        let expected = [
            "lib `newcomer` of newcomer is outside the default members: put the package into them, \
             or into OUTSIDE",
            "test `forgotten` of mpmacros is in no kind: add it to one of KINDS",
            "target `odd` of mpcore is in no kind: add it to one of KINDS",
            "test `ui` of mpmacros and test `ui` of examples are of two kinds: rename one of them",
        ];
        assert_eq!(problems, expected);
    }
}
