//! The verdict: the problems, the table, and the last line.

use std::fmt;
use std::process::ExitStatus;
use std::time::Duration;

use super::kinds::{Kind, Tests};
use super::output::Counts;

/// The result of one kind.
#[derive(Debug)]
pub(super) struct KindReport {
    name: &'static str,
    has_cases: bool,
    /// Whether the kind chooses modules or names, so that tests are filtered out.
    chooses: bool,
    /// Tests that are left out by name.
    left_out: u64,
    pub(super) counts: Counts,
    /// How long it took, including the build.
    pub(super) took: Duration,
    /// How the runner ended, if there was anything to run.
    pub(super) status: Option<ExitStatus>,
    /// Whether a process was left behind when the runner ended.
    pub(super) left_behind: bool,
    /// The tests skipped on this machine, one line each: the test, what is missing, the command.
    pub(super) not_shown: Vec<String>,
}

/// The results of all kinds. Displayed as the problems, the table, and the line
/// `N passed, M failed`, which reads `0 failed` exactly when nothing is wrong.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) kinds: Vec<KindReport>,
    /// Whether a skipped test is a failure.
    pub(super) no_skips: bool,
}

impl KindReport {
    pub(super) fn new(kind: &Kind) -> Self {
        KindReport {
            name: kind.name,
            has_cases: matches!(kind.tests, Tests::FilesWithCases(_)),
            chooses: !kind.tests.modules().is_empty() || !kind.tests.skipped().is_empty(),
            left_out: kind.tests.skipped().len() as u64,
            counts: Counts::default(),
            took: Duration::ZERO,
            status: None,
            left_behind: false,
            not_shown: Vec::new(),
        }
    }

    /// Tests that were not run, and should have been.
    fn skipped(&self) -> u64 {
        let Counts { skipped, filtered, .. } = self.counts;
        skipped + if self.chooses { 0 } else { filtered }
    }

    /// The problems, each with the number of failures it counts as.
    fn problems(&self) -> Vec<(u64, String)> {
        let Counts { passed, failed, leaky, cases, empty, .. } = self.counts;
        let skipped = self.skipped();
        let ran = passed + failed > 0;
        let mut problems = Vec::new();
        if failed > 0 {
            problems.push((failed, format!("{failed} failed")));
        }
        if skipped > 0 {
            let text = format!("{skipped} skipped: run the test or delete it");
            problems.push((skipped, text));
        }
        if leaky > 0 {
            problems.push((leaky, format!("{leaky} left behind a process that outlives the test")));
        }
        if self.left_behind {
            let text = "a process left behind by a test outlives the run".to_owned();
            problems.push((1, text));
        }
        if ran && self.has_cases && cases == 0 {
            problems.push((1, "ran no case".to_owned()));
        }
        if empty > 0 {
            problems.push((empty, format!("{empty} of the QML test programs ran no test")));
        }
        let silent = self.counts.programs.saturating_sub(self.counts.results);
        if silent > 0 && self.status.is_some_and(|status| status.success()) {
            let text = format!("{silent} of the test programs ended without reporting a result");
            problems.push((silent, text));
        }
        match self.status {
            // A runner that detects leaks fails because of them.
            Some(status) if !status.success() && failed + leaky == 0 => {
                problems.push((1, format!("the runner ended with {status}, see its output")));
            }
            _ if !ran => problems.push((1, "ran no test".to_owned())),
            _ => {}
        }
        problems
    }
}

impl Report {
    /// Every problem counts, so that none is hidden by the tests that passed.
    pub(super) fn failed(&self) -> u64 {
        let problems = self.kinds.iter().flat_map(KindReport::problems).map(|(count, _)| count);
        let not_shown = self.kinds.iter().map(|kind| kind.not_shown.len() as u64).sum::<u64>();
        problems.sum::<u64>() + if self.no_skips { not_shown } else { 0 }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<14}{:>8}{:>8}{:>9}{:>9}",
            "kind", "passed", "failed", "skipped", "seconds"
        )?;
        for kind in &self.kinds {
            let KindReport { name, left_out, counts, not_shown, took, .. } = kind;
            let Counts { failed, cases, .. } = counts;
            // The runner has counted skipped tests as passed.
            let passed = counts.passed.saturating_sub(not_shown.len() as u64);
            let skipped = kind.skipped() + not_shown.len() as u64;
            write!(f, "{name:<14}{passed:>8}{failed:>8}{skipped:>9}{:>9}", took.as_secs())?;
            if *cases > 0 {
                write!(f, "   {cases} cases")?;
            }
            if *left_out > 0 {
                write!(f, "   {left_out} left out")?;
            }
            writeln!(f)?;
        }
        for kind in &self.kinds {
            for (_, problem) in kind.problems() {
                writeln!(f, "FAILED: {}: {problem}", kind.name)?;
            }
        }
        let not_shown: Vec<_> = self.kinds.iter().flat_map(|kind| &kind.not_shown).collect();
        for line in &not_shown {
            let word = if self.no_skips { "FAILED, skipped" } else { "SKIPPED" };
            writeln!(f, "{word}: {line}")?;
        }
        let passed: u64 = self.kinds.iter().map(|kind| kind.counts.passed).sum();
        let passed = passed.saturating_sub(not_shown.len() as u64);
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
            chooses: false,
            left_out: 0,
            counts: all,
            took: Duration::from_millis(2600),
            status: status.map(|code| ExitStatus::from_raw(code << 8)),
            left_behind: false,
            not_shown: Vec::new(),
        }
    }

    #[track_caller]
    fn check(kind: KindReport, failed: u64, problems: &[&str]) {
        let said: Vec<_> = kind.problems().into_iter().map(|(_, problem)| problem).collect();
        assert_eq!(said, problems);
        assert_eq!(Report { kinds: vec![kind], no_skips: false }.failed(), failed);
    }

    #[test]
    fn only_a_run_where_all_passed_is_good() {
        check(kind(GOOD, [7, 0, 0, 0, 0]), 0, &[]);
        check(kind(GOOD, [7, 0, 0, 0, 30]), 0, &[]);
        check(kind(BAD, [7, 2, 0, 0, 0]), 2, &["2 failed"]);
        check(kind(GOOD, [0, 0, 0, 0, 0]), 1, &["ran no test"]);
        check(kind(None, [0, 0, 0, 0, 0]), 1, &["ran no test"]);
        let filtered = |chooses, counts| {
            let mut filtered = KindReport { chooses, ..kind(GOOD, counts) };
            filtered.counts.filtered = 2;
            filtered
        };
        let skipped = "2 skipped: run the test or delete it";
        check(filtered(true, [7, 0, 0, 0, 0]), 0, &[]);
        check(filtered(true, [7, 0, 2, 0, 0]), 2, &[skipped]);
        check(filtered(false, [7, 0, 0, 0, 0]), 2, &[skipped]);
        check(kind(GOOD, [7, 0, 2, 0, 0]), 2, &[skipped]);
        check(kind(GOOD, [0, 0, 2, 0, 0]), 3, &[skipped, "ran no test"]);
        let leaky = "1 left behind a process that outlives the test";
        check(kind(GOOD, [7, 0, 0, 1, 0]), 1, &[leaky]);
        check(kind(BAD, [7, 0, 0, 1, 0]), 1, &[leaky]);
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
        check(silent(GOOD, 1), 2, &["2 of the test programs ended without reporting a result"]);
        // A crash, after which the others were not started: the failure is already reported.
        check(silent(BAD, 1), 1, &["1 failed"]);

        let mut without_cases = kind(GOOD, [1, 0, 0, 0, 1]);
        without_cases.counts.cases = 0;
        check(without_cases, 1, &["ran no case"]);
        let mut left_behind = kind(GOOD, [1, 0, 0, 0, 0]);
        left_behind.left_behind = true;
        check(left_behind, 1, &["a process left behind by a test outlives the run"]);
    }

    #[test]
    fn the_last_line_has_the_sums() {
        let kinds = vec![kind(GOOD, [40, 0, 0, 0, 0]), kind(GOOD, [2, 0, 0, 0, 30])];
        let mut report = Report { kinds, no_skips: false };
        let expected = "\
kind            passed  failed  skipped  seconds
kind                40       0        0        2
kind                 2       0        0        2   30 cases

42 passed, 0 failed
";
        assert_eq!(report.to_string(), expected);

        report.kinds.push(kind(BAD, [1, 3, 0, 0, 0]));
        let text = report.to_string();
        assert!(text.contains("\nFAILED: kind: 3 failed\n"), "{text}");
        assert!(text.ends_with("\n43 passed, 3 failed\n"), "{text}");
    }

    #[test]
    fn skips_are_listed_and_fail_only_with_no_skips() {
        let mut some = kind(GOOD, [5, 0, 0, 0, 0]);
        some.not_shown = vec!["stranger: no root; run `sudo x`".to_owned()];
        let mut report = Report { kinds: vec![some], no_skips: false };
        let text = report.to_string();
        assert!(text.contains("kind                 4       0        1        2\n"), "{text}");
        assert!(text.contains("\nSKIPPED: stranger: no root; run `sudo x`\n"), "{text}");
        assert!(text.ends_with("\n4 passed, 0 failed\n"), "{text}");
        report.no_skips = true;
        let text = report.to_string();
        assert!(text.contains("\nFAILED, skipped: stranger: no root"), "{text}");
        assert!(text.ends_with("\n4 passed, 1 failed\n"), "{text}");
    }
}
