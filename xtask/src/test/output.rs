//! What the test runners print, as numbers.
//!
//! Both runners have a machine-readable output, and in both it is unstable; their last lines have
//! been the same for years. A line that is not understood counts nothing, and a kind that counts
//! nothing fails.

/// Who runs the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    /// `cargo test`: one line `test result: …` per test program.
    Cargo,
    /// `cargo nextest run`: one line `Summary …` for all.
    Nextest,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
    /// Ignored, or chosen out by a filter: not run.
    pub(super) skipped: u64,
    /// Passed, but left a process behind that still holds its output. Only nextest sees these.
    pub(super) leaky: u64,
    /// Files compiled by trybuild, all within a few tests.
    pub(super) cases: u64,
}

impl Counts {
    /// Adds what the line says, if it is one that says something.
    pub(super) fn read(&mut self, runner: Runner, line: &str) {
        let line = without_escapes(line);
        let counts = match runner {
            Runner::Cargo => libtest_result(&line),
            Runner::Nextest => nextest_summary(&line),
        };
        if let Some(counts) = counts {
            self.passed += counts.passed;
            self.failed += counts.failed;
            self.skipped += counts.skipped;
            self.leaky += counts.leaky;
        } else if is_trybuild_case(&line) {
            self.cases += 1;
        }
    }
}

/// `test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.1s`
fn libtest_result(line: &str) -> Option<Counts> {
    // Not only at the beginning: a process of a test may have written half a line before it.
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
            // Failed, timed out, could not be executed, and what a later version may add.
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

/// `test tests/ui/fail/one.rs ... ok`: only those, since any other ending fails the test around it.
fn is_trybuild_case(line: &str) -> bool {
    let case = line.trim().strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... ok"));
    case.is_some_and(|case| case.split(" [").next().is_some_and(|path| path.ends_with(".rs")))
}

fn numbered(text: &str) -> Option<(u64, &str)> {
    let (number, what) = text.split_once(' ')?;
    Some((number.parse().ok()?, what))
}

/// The line without the terminal's escape sequences, which are there when the output is coloured.
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
            // A choice of character set, one letter; libtest takes it for "no colour".
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
        let Counts { passed, failed, skipped, leaky, cases } = counts;
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
        // Chosen out is not run.
        check(
            "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 4 filtered out; \
             finished in 0.00s",
            [1, 0, 4, 0, 0],
        );
        // In colour, and behind what a test's process printed without an end of line.
        check(
            "child says hello test result: \u{1b}[32mok\u{1b}(B\u{1b}[m. 2 passed; 0 failed; \
             0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            [2, 0, 0, 0, 0],
        );
        // Talk about results is none.
        check("the test result: ok. All is well", [0; 5]);
        check("test result: unknown. 1 passed; 0 failed", [0; 5]);
    }

    #[test]
    fn nextest_says_it_in_one_line() {
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
