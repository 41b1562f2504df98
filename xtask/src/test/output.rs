//! Parses the output of the test runners into counts.
//!
//! Both runners have machine-readable output, unstable in both; their last lines have not changed
//! for years, nor has the plain output of Qt's tests. A line that is not recognised counts as
//! nothing, and a kind or a test program that counts nothing fails.

/// The program that runs the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    /// `cargo test`: prints one line `Running …` per test program, and one with its result:
    /// `test result: …`, or `Totals: …` if it runs QML tests.
    Cargo,
    /// `cargo nextest run`: prints one line `Summary …` for all.
    Nextest,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
    /// Ignored, filtered out, or on a list of tests that may fail: not run, or as good as.
    pub(super) skipped: u64,
    /// Passed, but left a process behind that still holds its output. Only nextest detects these.
    pub(super) leaky: u64,
    /// Files compiled by trybuild, all within a few tests.
    pub(super) cases: u64,
    /// Test programs that cargo has started.
    pub(super) programs: u64,
    /// Test programs that have reported a result. A program that exits with success but without a
    /// result is detected only by these two.
    pub(super) results: u64,
    /// QML test programs that have reported that they ran no test.
    pub(super) empty: u64,
    /// What Qt has counted as passed since the last total although it is not a test.
    not_tests: u64,
}

impl Counts {
    /// Adds the counts of the line, if it has any.
    pub(super) fn read(&mut self, runner: Runner, line: &str) {
        let line = without_escapes(line);
        match runner {
            Runner::Cargo if is_cargo_running(&line) => self.programs += 1,
            // Left over from a program that crashed.
            Runner::Cargo if line.starts_with("********* Start testing of ") => self.not_tests = 0,
            Runner::Cargo if is_qml_surrounding(&line) => self.not_tests += 1,
            Runner::Cargo => {
                if let Some(counts) = libtest_result(&line) {
                    self.results += 1;
                    self.add(counts);
                } else if let Some(mut counts) = qml_totals(&line) {
                    counts.passed = counts.passed.saturating_sub(self.not_tests);
                    self.not_tests = 0;
                    self.results += 1;
                    self.empty += u64::from(counts == Counts::default());
                    self.add(counts);
                }
            }
            Runner::Nextest => {
                if let Some(counts) = nextest_summary(&line) {
                    self.add(counts);
                }
            }
        }
        if is_trybuild_case(&line) {
            self.cases += 1;
        }
    }

    fn add(&mut self, counts: Counts) {
        self.passed += counts.passed;
        self.failed += counts.failed;
        self.skipped += counts.skipped;
        self.leaky += counts.leaky;
    }
}

/// `     Running tests/calls.rs (target/debug/deps/calls-4d06a3c8f8a2b1d0)`
fn is_cargo_running(line: &str) -> bool {
    line.strip_prefix("     Running ").is_some_and(|what| what.ends_with(')'))
}

/// `PASS   : laser::Laser::initTestCase()`: Qt also counts the setup and cleanup of each `TestCase`
/// as passed, even if the `TestCase` has no tests.
fn is_qml_surrounding(line: &str) -> bool {
    let Some(passed) = line.strip_prefix("PASS   : ") else { return false };
    ["::initTestCase()", "::cleanupTestCase()"].iter().any(|name| passed.trim_end().ends_with(name))
}

/// `Totals: 3 passed, 0 failed, 0 skipped, 0 blacklisted, 12ms`
fn qml_totals(line: &str) -> Option<Counts> {
    // Not only at the start of the line: see `libtest_result`.
    let (_, totals) = line.split_once("Totals: ")?;
    let mut counts = Counts::default();
    for part in totals.trim_end().split(", ") {
        match numbered(part) {
            Some((count, "passed")) => counts.passed += count,
            Some((count, "failed")) => counts.failed += count,
            Some((count, "skipped" | "blacklisted")) => counts.skipped += count,
            _ if part.strip_suffix("ms").is_some_and(|time| time.parse::<u64>().is_ok()) => {}
            _ => return None,
        }
    }
    Some(counts)
}

/// `test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.1s`
fn libtest_result(line: &str) -> Option<Counts> {
    // Not only at the start of the line: a process of a test may have written half a line before
    // it.
    let (_, result) = line.split_once("test result: ")?;
    let result = result.strip_prefix("ok. ").or_else(|| result.strip_prefix("FAILED. "))?;
    let mut counts = Counts::default();
    for part in result.split("; ") {
        match numbered(part) {
            Some((count, "passed" | "measured")) => counts.passed += count,
            Some((count, "failed")) => counts.failed += count,
            Some((count, "ignored" | "filtered out")) => counts.skipped += count,
            _ if part.starts_with("finished in ") => {}
            _ => return None,
        }
    }
    Some(counts)
}

/// `Summary [   0.1s] 7 tests run: 5 passed (1 slow, 1 leaky), 1 failed, 1 timed out, 1 skipped`
fn nextest_summary(line: &str) -> Option<Counts> {
    let (_, summary) = line.trim_start().strip_prefix("Summary [")?.split_once("] ")?;
    let (_, parts) = summary.split_once(" run: ")?;
    let mut counts = Counts::default();
    let mut detail = false;
    for part in parts.split_inclusive([',', '(', ')']) {
        let (text, end) = part.split_at(part.trim_end_matches([',', '(', ')']).len());
        match numbered(text.trim()) {
            Some((count, "leaky")) if detail => counts.leaky += count,
            // Slow, flaky and the like, already counted before the bracket.
            _ if detail => {}
            Some((count, "passed")) => counts.passed += count,
            Some((count, "skipped")) => counts.skipped += count,
            // Failed, timed out, not executable, and whatever a later version may add.
            Some((count, _)) => counts.failed += count,
            None if text.trim().is_empty() => {}
            None => return None,
        }
        match end {
            "(" => detail = true,
            ")" => detail = false,
            _ => {}
        }
    }
    Some(counts)
}

/// `test tests/ui/fail/one.rs ... ok`: only passed cases, since any other result fails the test
/// around it.
fn is_trybuild_case(line: &str) -> bool {
    let case = line.trim().strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... ok"));
    case.is_some_and(|case| case.split(" [").next().is_some_and(|path| path.ends_with(".rs")))
}

fn numbered(text: &str) -> Option<(u64, &str)> {
    let (number, what) = text.split_once(' ')?;
    Some((number.parse().ok()?, what))
}

/// Removes the terminal's escape sequences, which coloured output contains.
fn without_escapes(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char != '\u{1b}' {
            plain.push(char);
            continue;
        }
        match chars.next() {
            // Parameters, up to the letter that ends the sequence.
            Some('[') => _ = chars.find(|char| ('@'..='~').contains(char)),
            // A character set selection, one letter; libtest uses it to reset the colour.
            Some('(') => _ = chars.next(),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `[passed, failed, skipped, leaky, cases]`
    #[track_caller]
    fn check(runner: Runner, output: &str, expected: [u64; 5]) {
        let mut counts = Counts::default();
        output.lines().for_each(|line| counts.read(runner, line));
        let Counts { passed, failed, skipped, leaky, cases, .. } = counts;
        assert_eq!([passed, failed, skipped, leaky, cases], expected, "{output}");
    }

    #[test]
    fn cargo_test_is_summed_over_its_programs() {
        let check = |output, expected| check(Runner::Cargo, output, expected);
        check("", [0; 5]);
        check(
            "     Running unittests src/lib.rs (target/debug/deps/mpcore-0)\n\nrunning 3 tests\n\
             test a ... ok\ntest b ... ignored\ntest c ... FAILED\n\n\
             test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; \
             finished in 0.00s\n\n   Doc-tests mpcore\n\n\
             test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; \
             finished in 1.20s\n\nall doctests ran in 0.26s; merged doctests compilation took 0.25s",
            [13, 1, 1, 0, 0],
        );
        // Filtered-out tests are not run.
        check(
            "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 4 filtered out; \
             finished in 0.00s",
            [1, 0, 4, 0, 0],
        );
        // In colour, and after output of a test's process without a line ending.
        check(
            "child says hello test result: \u{1b}[32mok\u{1b}(B\u{1b}[m. 2 passed; 0 failed; \
             0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            [2, 0, 0, 0, 0],
        );
        // Text that only resembles a result.
        check("the test result: ok. All is well", [0; 5]);
        check("test result: unknown. 1 passed; 0 failed", [0; 5]);
    }

    #[test]
    fn qml_tests_are_counted_without_setup_and_cleanup() {
        let check = |output, expected| check(Runner::Cargo, output, expected);
        check(
            "********* Start testing of laser *********\nConfig: Using QtTest library 6.4.2\n\
             PASS   : laser::Laser::initTestCase()\n\
             PASS   : laser::Laser::test_add(one)\n\
             FAIL!  : laser::Laser::test_bad() Compared values are not the same\n\
             \u{20}  Actual   (): 1\n   Expected (): 2\n\
             SKIP   : laser::Laser::test_skip() why\n\
             XFAIL  : laser::Laser::test_xfail() known\nPASS   : laser::Laser::test_xfail()\n\
             PASS   : laser::Laser::cleanupTestCase()\nPASS   : laser::Two::initTestCase()\n\
             PASS   : laser::Two::test_x()\nPASS   : laser::Two::cleanupTestCase()\n\
             Totals: 7 passed, 1 failed, 1 skipped, 2 blacklisted, 442ms\n\
             ********* Finished testing of laser *********\n\
             PASS   : next::Next::initTestCase()\n\
             PASS   : next::Next::test_initTestCase()\n\
             PASS   : next::Next::cleanupTestCase()\n\
             child says hello Totals: 3 passed, 0 failed, 0 skipped, 0 blacklisted, 1ms\r\n",
            [4, 1, 3, 0, 0],
        );
        // The first one crashes.
        check(
            "********* Start testing of one *********\nPASS   : one::One::initTestCase()\n\
             ********* Start testing of two *********\nPASS   : two::Two::initTestCase()\n\
             Totals: 2 passed, 0 failed, 0 skipped, 0 blacklisted, 1ms",
            [1, 0, 0, 0, 0],
        );
        // Both kinds of program in one run.
        check(
            "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; \
             finished in 0.00s\nTotals: 3 passed, 0 failed, 0 skipped, 0 blacklisted, 12ms",
            [5, 0, 0, 0, 0],
        );
        check("Totals: of all that passed", [0; 5]);
        check("Totals: 3 passed, 1 unheard of", [0; 5]);
    }

    #[test]
    fn programs_are_counted_and_so_are_those_that_ran_nothing() {
        #[track_caller]
        fn check(output: &str, expected: [u64; 3]) {
            let mut counts = Counts::default();
            output.lines().for_each(|line| counts.read(Runner::Cargo, line));
            assert_eq!([counts.programs, counts.results, counts.empty], expected, "{output}");
        }
        const NONE: &str = "PASS   : laser::None::initTestCase()\n\
            PASS   : laser::None::cleanupTestCase()\n\
            Totals: 2 passed, 0 failed, 0 skipped, 0 blacklisted, 1ms\n";
        let running =
            "\u{1b}[1m\u{1b}[32m     Running\u{1b}[0m tests/qml.rs (target/debug/deps/qml-0)\n";
        check("     Running tests/qml.rs (target/debug/deps/qml-0)\nhello\n", [1, 0, 0]);
        check(&format!("{running}{NONE}{running}"), [2, 1, 1]);
        check(&format!("{running}{}", NONE.replace("2 passed", "3 passed")), [1, 1, 0]);
        check(&format!("{running}{}", NONE.replace("0 failed", "1 failed")), [1, 1, 0]);
        check(
            "     Running tests/calls.rs (target/debug/deps/calls-0)\n\nrunning 0 tests\n\n\
             test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; \
             finished in 0.00s",
            [1, 1, 0],
        );
        check("Running late (as ever)", [0, 0, 0]);
    }

    #[test]
    fn nextest_reports_in_one_line() {
        let check = |output, expected| check(Runner::Nextest, output, expected);
        check("", [0; 5]);
        check("     Summary [   0.004s] 1 test run: 1 passed, 0 skipped", [1, 0, 0, 0, 0]);
        check(
            "        PASS [   0.007s] mpcore a\n────────────\n     Summary [   2.118s] 9 tests run: \
             6 passed (1 slow, 1 flaky, 2 leaky), 1 failed, 1 exec failed, 1 timed out, 3 skipped\n\
             \u{20}       FAIL [   0.007s] mpcore b",
            [6, 3, 3, 2, 0],
        );
        check(
            "Summary [   1.0s] 3 tests run: 2 passed, 1 failed (1 due to being leaky), 0 skipped",
            [2, 1, 0, 0, 0],
        );
        // Interrupted.
        check("Summary [   1.0s] 2/5 tests run: 2 passed, 0 skipped", [2, 0, 0, 0, 0]);
        check("Summary [   0.000s] 0 tests run: 0 passed, 0 skipped", [0; 5]);
        check(
            "\u{1b}[32;1m     Summary\u{1b}[0m [   0.004s] \u{1b}[1m2\u{1b}[0m tests run: \
             \u{1b}[1m2\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m \
             \u{1b}[33;1mskipped\u{1b}[0m",
            [2, 0, 0, 0, 0],
        );
        check("Summary [of the matter] is short", [0; 5]);
    }

    #[test]
    fn trybuild_cases_are_counted_beside_the_tests() {
        let output = "\n    test tests/ui/pass/one.rs [should pass] ... ok\n\
                      test tests/ui/fail/two.rs [should fail to compile] ... ok\n\
                      test tests/ui/fail/three.rs ... ok\n\
                      test \u{1b}[0m\u{1b}[1mtests/ui/fail/four.rs\u{1b}[0m ... \u{1b}[0m\u{1b}[32mok\n\
                      test tests/ui/fail/five.rs ... mismatch\n\
                      test ui ... ok\n\
                      test src/lib.rs - Call (line 12) ... ok\n";
        check(Runner::Nextest, output, [0, 0, 0, 0, 4]);
        check(Runner::Cargo, output, [0, 0, 0, 0, 4]);
    }
}
