//! What the lines of the runners' output say: of `cargo test` the programs and their results, of
//! both runners the cases of trybuild.
//!
//! Nothing else is read from text: libtest and trybuild have no stable machine-readable output, and
//! these lines have not changed for years. What has a format of its own is read by `junit`. A line
//! that is not recognised counts as nothing, and a kind or a test program that counts nothing
//! fails. [`Counts`] also holds what `junit` has counted.

/// The program that runs the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    /// `cargo test`: prints one line `Running …` per test program. A program prints its result as
    /// one line `test result: …`, or writes it to a JUnit file if it runs QML tests.
    Cargo,
    /// `cargo nextest run`: writes the results of all programs to one JUnit file.
    Nextest,
}

/// What was counted so far, of one kind or of one part of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
    /// Ignored or skipped: not run, or as good as.
    pub(super) skipped: u64,
    /// Not chosen, by name or module.
    pub(super) filtered: u64,
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
}

impl Counts {
    /// Adds the counts of the line, if it has any.
    pub(super) fn read(&mut self, runner: Runner, line: &str) {
        let line = without_escapes(line);
        match runner {
            Runner::Cargo if is_cargo_running(&line) => self.programs += 1,
            Runner::Cargo => {
                if let Some(counts) = libtest_result(&line) {
                    self.results += 1;
                    self.add(counts);
                }
            }
            // It shows such lines too, within the output of a test that failed.
            Runner::Nextest => {}
        }
        if is_trybuild_case(&line) {
            self.cases += 1;
        }
    }

    /// Adds everything that is counted elsewhere.
    pub(super) fn add(&mut self, other: Counts) {
        let Counts { passed, failed, skipped, filtered, leaky, cases, programs, results, empty } =
            other;
        self.passed += passed;
        self.failed += failed;
        self.skipped += skipped;
        self.filtered += filtered;
        self.leaky += leaky;
        self.cases += cases;
        self.programs += programs;
        self.results += results;
        self.empty += empty;
    }
}

/// `     Running tests/calls.rs (target/debug/deps/calls-4d06a3c8f8a2b1d0)`
fn is_cargo_running(line: &str) -> bool {
    line.strip_prefix("     Running ").is_some_and(|what| what.ends_with(')'))
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
            Some((count, "ignored")) => counts.skipped += count,
            Some((count, "filtered out")) => counts.filtered += count,
            _ if part.starts_with("finished in ") => {}
            _ => return None,
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
        let mut counts = Counts::default();
        let filtered = "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 4 filtered out; \
                        finished in 0.00s";
        counts.read(Runner::Cargo, filtered);
        assert_eq!((counts.passed, counts.skipped, counts.filtered), (1, 0, 4));
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
    fn programs_are_counted_and_those_with_a_result() {
        #[track_caller]
        fn check(output: &str, expected: [u64; 2]) {
            let mut counts = Counts::default();
            output.lines().for_each(|line| counts.read(Runner::Cargo, line));
            assert_eq!([counts.programs, counts.results], expected, "{output}");
        }
        const NONE: &str = "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; \
            0 filtered out; finished in 0.00s\n";
        let running =
            "\u{1b}[1m\u{1b}[32m     Running\u{1b}[0m tests/qml.rs (target/debug/deps/qml-0)\n";
        check("     Running tests/qml.rs (target/debug/deps/qml-0)\nhello\n", [1, 0]);
        check(&format!("{running}{NONE}{running}"), [2, 1]);
        check(
            &format!(
                "     Running tests/calls.rs (target/debug/deps/calls-0)\n\nrunning 0 tests\n\n{NONE}"
            ),
            [1, 1],
        );
        check("Running late (as ever)", [0, 0]);
    }

    #[test]
    fn results_within_the_output_of_nextest_are_not_counted() {
        let output = "     Running tests/calls.rs (target/debug/deps/calls-0)\n\
            \u{20}   test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; \
            8 filtered out; finished in 0.12s\n\
            \u{20}    Summary [   0.004s] 1 test run: 0 passed, 1 failed, 0 skipped";
        check(Runner::Nextest, output, [0; 5]);
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
