//! Ten thousand rounds of spawn, call and stop, and as many of children that are killed while they
//! start: the resources at the end are those of the beginning.
//!
//! The rounds are run by `bin/many_rounds.rs`, a process of its own that counts its resources.

use std::collections::BTreeMap;
use std::process::Command;

use super::report::{Report, count};
use super::{Progress, Settings};
use crate::harness::controller_program::ControllerProgram;

const ROUNDS: usize = 10_000;

/// The allocator keeps some memory; a leak in every round would be more.
const KIB_GOAL: i64 = 4 << 10;
const KIB_FAILED: i64 = 64 << 10;

/// As documented.
const DESCRIPTORS: u32 = 10;

pub(super) fn run(settings: &Settings) -> Report {
    let rounds = settings.scaled(ROUNDS, 50);
    let mut report = Report::new("rounds");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut command = Command::new(settings.program("many_rounds"));
    command.arg(rounds.to_string()).env("TMPDIR", folder.path());
    let mut program = ControllerProgram::start_command(&mut command);
    let before = counts(&program.line("before"));
    let mut progress = Progress::new("rounds", 2 * rounds);
    let mut told = 0;
    let after = loop {
        let line = program.line("");
        if let Some(after) = line.strip_prefix("after") {
            break counts(after);
        }
        told += usize::from(line.starts_with("round"));
        progress.at(told * 50);
    };
    report.figure("rounds of spawn, call and stop", count(rounds));
    report.figure("children killed while they start", count(rounds));
    // The counts must be equal: even a rare leak would add up over the rounds.
    for (what, before) in &before {
        let after = after.get(what).copied().unwrap_or_default();
        let text = format!("{what} before / after");
        report.goal(&text, format!("{before} / {after}"), "the same", after == *before);
        if after != *before {
            report.broken(format!("{what}: {before} before, {after} after {rounds} rounds"));
        }
    }
    // Memory gets a margin, since the allocator keeps some.
    let (before, after) = (program.number("KiB before"), program.number("KiB after"));
    let more = i64::from(after) - i64::from(before);
    let kept = more <= KIB_GOAL;
    let text = "resident KiB after a tenth / after all";
    report.goal(text, format!("{before} / {after}"), "at most 4 MiB more", kept);
    if more > KIB_FAILED {
        report.broken(format!("{more} KiB more after {rounds} rounds"));
    }
    let each = program.number("descriptors per child");
    let kept = (1..=DESCRIPTORS).contains(&each);
    report.goal("descriptors per child in the controller", each, "at most ten", kept);
    if !kept {
        report.broken(format!("{each} descriptors per child in the controller"));
    }
    let code = program.end();
    if code != 0 {
        report.broken(format!("the rounds ended with {code}"));
    }
    let files = std::fs::read_dir(folder.path()).map_or(0, Iterator::count);
    report.goal("temporary files and folders left behind", files, "0", files == 0);
    if files > 0 {
        report.broken(format!("{files} temporary files were left behind"));
    }
    report
}

/// Parses one line of `many_rounds`: the counts by name.
fn counts(line: &str) -> BTreeMap<String, usize> {
    let pairs = line.split_whitespace().filter_map(|pair| pair.split_once('='));
    let count =
        |(name, count): (&str, &str)| (name.replace('_', " "), count.parse().expect("a count"));
    pairs.map(count).collect()
}
