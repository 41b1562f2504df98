//! The verdict: what went wrong, the table, and the last line.

use std::fmt;
use std::process::ExitStatus;

use super::kinds::{Kind, Tests};
use super::output::Counts;

/// What became of one kind.
#[derive(Debug)]
pub(super) struct KindReport {
    name: &'static str,
    has_cases: bool,
    pub(super) counts: Counts,
    /// How the runner ended, if there was something to run.
    pub(super) status: Option<ExitStatus>,
    /// A process was left behind when the runner had ended.
    pub(super) left_behind: bool,
}

/// What became of all of them. Displayed as the problems, the table, and the line
/// `N passed, M failed`, which says `0 failed` exactly when nothing is wrong.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) kinds: Vec<KindReport>,
}

impl KindReport {
    pub(super) fn new(kind: &Kind) -> Self {
        KindReport {
            name: kind.name,
            has_cases: matches!(kind.tests, Tests::FilesWithCases(_)),
            counts: Counts::default(),
            status: None,
            left_behind: false,
        }
    }

    /// What is wrong, with how many failures it counts.
    fn problems(&self) -> Vec<(u64, String)> {
        let Counts { passed, failed, skipped, leaky, cases, empty, .. } = self.counts;
        let mut problems = Vec::new();
        if failed > 0 {
            problems.push((failed, format!("{failed} failed")));
        }
        if skipped > 0 {
            let text = format!("{skipped} skipped: a test is run, or it is deleted");
            problems.push((skipped, text));
        }
        if leaky > 0 {
            problems.push((leaky, format!("{leaky} left a process behind that outlives the test")));
        }
        if self.left_behind {
            let text = "a process that some test left behind outlives the run".to_owned();
            problems.push((1, text));
        }
        let ran = passed + failed > 0;
        if ran && self.has_cases && cases == 0 {
            problems.push((1, "ran no case".to_owned()));
        }
        if empty > 0 {
            problems.push((empty, format!("{empty} of the QML test programs ran no test")));
        }
        let silent = self.counts.programs.saturating_sub(self.counts.results);
        if silent > 0 && self.status.is_some_and(|status| status.success()) {
            let text = format!("{silent} of the test programs ended without telling a result");
            problems.push((silent, text));
        }
        match self.status {
            Some(status) if !status.success() && failed == 0 => {
                problems.push((1, format!("the runner ended with {status}, see its output")));
            }
            _ if !ran => problems.push((1, "ran no test".to_owned())),
            _ => {}
        }
        problems
    }
}

impl Report {
    /// Everything that is wrong counts, so that nothing can hide behind the tests that passed.
    pub(super) fn failed(&self) -> u64 {
        self.kinds.iter().flat_map(KindReport::problems).map(|(count, _)| count).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<14}{:>8}{:>8}{:>9}", "kind", "passed", "failed", "skipped")?;
        for KindReport { name, counts, .. } in &self.kinds {
            let Counts { passed, failed, skipped, cases, .. } = counts;
            write!(f, "{name:<14}{passed:>8}{failed:>8}{skipped:>9}")?;
            match cases {
                0 => writeln!(f)?,
                cases => writeln!(f, "   {cases} cases")?,
            }
        }
        for kind in &self.kinds {
            for (_, problem) in kind.problems() {
                writeln!(f, "FAILED: {}: {problem}", kind.name)?;
            }
        }
        let passed: u64 = self.kinds.iter().map(|kind| kind.counts.passed).sum();
        writeln!(f, "\n{passed} passed, {} failed", self.failed())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    const GOOD: Option<i32> = Some(0);
    const BAD: Option<i32> = Some(100);

    fn kind(status: Option<i32>, counts: [u64; 5]) -> KindReport {
        let mut all = Counts::default();
        [all.passed, all.failed, all.skipped, all.leaky, all.cases] = counts;
        KindReport {
            name: "kind",
            has_cases: all.cases > 0,
            counts: all,
            status: status.map(|code| ExitStatus::from_raw(code << 8)),
            left_behind: false,
        }
    }

    #[track_caller]
    fn check(kind: KindReport, failed: u64, problems: &[&str]) {
        let said: Vec<_> = kind.problems().into_iter().map(|(_, problem)| problem).collect();
        assert_eq!(said, problems);
        assert_eq!(Report { kinds: vec![kind] }.failed(), failed);
    }

    #[test]
    fn only_a_run_where_all_passed_is_good() {
        check(kind(GOOD, [7, 0, 0, 0, 0]), 0, &[]);
        check(kind(GOOD, [7, 0, 0, 0, 30]), 0, &[]);
        check(kind(BAD, [7, 2, 0, 0, 0]), 2, &["2 failed"]);
        check(kind(GOOD, [0, 0, 0, 0, 0]), 1, &["ran no test"]);
        check(kind(None, [0, 0, 0, 0, 0]), 1, &["ran no test"]);
        let skipped = "2 skipped: a test is run, or it is deleted";
        check(kind(GOOD, [7, 0, 2, 0, 0]), 2, &[skipped]);
        check(kind(GOOD, [0, 0, 2, 0, 0]), 3, &[skipped, "ran no test"]);
        let leaky = "1 left a process behind that outlives the test";
        check(kind(GOOD, [7, 0, 0, 1, 0]), 1, &[leaky]);
        // Did not compile; or all passed and then something broke.
        let ended = "the runner ended with exit status: 100, see its output";
        check(kind(BAD, [0, 0, 0, 0, 0]), 1, &[ended]);
        check(kind(BAD, [7, 0, 0, 0, 0]), 1, &[ended]);

        let mut empty = kind(GOOD, [7, 0, 0, 0, 0]);
        empty.counts.empty = 1;
        check(empty, 1, &["1 of the QML test programs ran no test"]);
        let silent = |status, results| {
            let mut silent = kind(status, [7, 1, 0, 0, 0]);
            silent.counts.failed = u64::from(status == BAD);
            (silent.counts.programs, silent.counts.results) = (3, results);
            silent
        };
        check(silent(GOOD, 3), 0, &[]);
        check(silent(GOOD, 4), 0, &[]);
        check(silent(GOOD, 1), 2, &["2 of the test programs ended without telling a result"]);
        // Crashed, and the others were not started: the failure is told already.
        check(silent(BAD, 1), 1, &["1 failed"]);

        let mut without_cases = kind(GOOD, [1, 0, 0, 0, 1]);
        without_cases.counts.cases = 0;
        check(without_cases, 1, &["ran no case"]);
        let mut left_behind = kind(GOOD, [1, 0, 0, 0, 0]);
        left_behind.left_behind = true;
        check(left_behind, 1, &["a process that some test left behind outlives the run"]);
    }

    #[test]
    fn the_last_line_has_the_sums() {
        let mut report =
            Report { kinds: vec![kind(GOOD, [40, 0, 0, 0, 0]), kind(GOOD, [2, 0, 0, 0, 30])] };
        let expected = "\
kind            passed  failed  skipped
kind                40       0        0
kind                 2       0        0   30 cases

42 passed, 0 failed
";
        assert_eq!(report.to_string(), expected);

        report.kinds.push(kind(BAD, [1, 3, 0, 0, 0]));
        let text = report.to_string();
        assert!(text.contains("\nFAILED: kind: 3 failed\n"), "{text}");
        assert!(text.ends_with("\n43 passed, 3 failed\n"), "{text}");
    }
}
