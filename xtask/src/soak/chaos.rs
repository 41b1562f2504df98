//! The trial `chaos`: the whole-system tests, each time with another seed. Cargo runs it, as it
//! runs tests, instead of a program of its own.

use std::ffi::OsString;
use std::ops::Range;

use super::PACKAGE;
use crate::error::Error;
use crate::test::again::{Run, TestPrograms};
use crate::test::kinds::DECIDED_BY_CHAOS;

/// Number of seeds at full size.
const SEEDS: f64 = 12.0;

/// The test program that chaos does not affect: it reads the sources.
const WITHOUT: &[&str] = &["repository"];

/// Modules that chaos does not affect, or that take long enough without it.
const WITHOUT_MODULES: &[&str] = &[
    // Trials of their own.
    "load::soak::",
    // One process and one thread that decode.
    "testing::fuzz::",
];

/// Returns rows of figures, and whether every test passed under every seed.
pub(super) fn run(args: &[OsString]) -> Result<(Vec<String>, bool), Error> {
    let seeds = seeds(args)?;
    let programs = TestPrograms::of(PACKAGE, WITHOUT)?;
    let skipped = [DECIDED_BY_CHAOS, WITHOUT_MODULES].concat();
    let mut runs = Vec::new();
    for seed in seeds {
        let run = programs.run(&skipped, ("CHAOS_SEED", &seed.to_string()))?;
        println!("chaos: seed {seed}: {} passed, {} failed", run.passed, run.failed);
        runs.push((seed, run));
    }
    let ok = runs.iter().all(|(_, run)| run.failed == 0 && run.whole && run.passed > 0);
    Ok((rows(programs.count(), &runs), ok))
}

/// `--scale` changes their number, `--seed` sets the first one.
fn seeds(args: &[OsString]) -> Result<Range<u64>, Error> {
    let (mut scale, mut first) = (1.0, 1);
    for pair in args.chunks(2) {
        let [option, value] = pair else {
            let option = pair[0].to_string_lossy();
            return Err(Error::Usage(format!("`{option}` needs a value")));
        };
        let (option, value) = (option.to_string_lossy(), value.to_string_lossy());
        let refused = || Error::Usage(format!("`{option} {value}` is invalid"));
        match &*option {
            "--scale" => scale = value.parse().map_err(|_| refused())?,
            "--seed" => first = value.parse().map_err(|_| refused())?,
            _ => return Err(refused()),
        }
    }
    if !(scale > 0.0 && scale <= 100.0) {
        let why = "the scale is a factor: 1 is the full size, 0.02 a fiftieth";
        return Err(Error::Usage(why.to_owned()));
    }
    let count = (SEEDS * scale).round().max(1.0) as u64;
    Ok(first..first.saturating_add(count))
}

/// Returns the rows of figures for these runs.
fn rows(programs: usize, runs: &[(u64, Run)]) -> Vec<String> {
    let mut rows = Vec::new();
    let mut row = |what: &str, value: String, goal: &str, kept: Option<bool>| {
        let verdict = match kept {
            None => "",
            Some(true) => "kept",
            Some(false) => "missed",
        };
        rows.push(format!("| {what} | {value} | {goal} | {verdict} |"));
    };
    let none = |count: u64| Some(count == 0);
    let sum = |each: fn(&Run) -> u64| runs.iter().map(|(_, run)| each(run)).sum::<u64>();
    let seeds = runs.iter().map(|(seed, _)| seed.to_string()).collect::<Vec<_>>().join(", ");
    row("seeds", seeds, "", None);
    row("test programs", programs.to_string(), "", None);
    row("tests left out by name", DECIDED_BY_CHAOS.len().to_string(), "", None);
    row("tests run", sum(|run| run.passed + run.failed).to_string(), "", None);
    let failed = sum(|run| run.failed);
    row("failures", failed.to_string(), "0", none(failed));
    for (seed, run) in runs.iter().filter(|(_, run)| !run.failures.is_empty()) {
        row(&format!("failed with seed {seed}"), run.failures.join(", "), "", None);
    }
    let broken_off = sum(|run| u64::from(!run.whole));
    row("runs without the result of every program", broken_off.to_string(), "0", none(broken_off));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_twelve_seeds_or_as_many_as_are_asked_for() {
        let seeds = |line: &str| {
            let args: Vec<_> = line.split_whitespace().map(OsString::from).collect();
            seeds(&args).map_err(|error| error.to_string())
        };
        assert_eq!(seeds(""), Ok(1..13));
        assert_eq!(seeds("--seed 100"), Ok(100..112));
        assert_eq!(seeds("--scale 2 --seed 5"), Ok(5..29));
        assert_eq!(seeds("--scale 0.02"), Ok(1..2));
        for (line, part) in [
            ("--scale", "needs a value"),
            ("--scale much", "is invalid"),
            ("--scale NaN", "a factor"),
            ("--seeds 3", "is invalid"),
        ] {
            let said = seeds(line).unwrap_err();
            assert!(said.contains(part), "`{line}`: {said}");
        }
    }

    #[test]
    fn what_is_left_out_exists() {
        let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tests");
        for name in WITHOUT {
            let files = [tests.join(name).with_extension("rs"), tests.join(name).join("main.rs")];
            assert!(files.iter().any(|it| it.exists()), "no test program is called {name}");
        }
        for module in WITHOUT_MODULES {
            let file = module.trim_end_matches("::").replace("::", "/");
            let file = tests.join("system").join(file).with_extension("rs");
            assert!(file.exists(), "no module is called {module}");
        }
    }

    #[test]
    fn each_failure_is_reported_with_its_seed() {
        let run = |failures: &[&str], whole| Run {
            passed: 10,
            failed: failures.len() as u64,
            failures: failures.iter().map(|&it| it.to_owned()).collect(),
            whole,
        };
        let runs = [(7, run(&[], true)), (8, run(&["system one", "system two"], false))];
        let left_out = format!("| tests left out by name | {} |  |  |", DECIDED_BY_CHAOS.len());
        let expected = [
            "| seeds | 7, 8 |  |  |",
            "| test programs | 3 |  |  |",
            &left_out,
            "| tests run | 22 |  |  |",
            "| failures | 2 | 0 | missed |",
            "| failed with seed 8 | system one, system two |  |  |",
            "| runs without the result of every program | 1 | 0 | missed |",
        ];
        assert_eq!(rows(3, &runs), expected);
        assert!(rows(3, &runs).iter().all(|row| super::super::is_row(row)));
    }
}
