//! `cargo xtask soak`: tests the promises under load, in release, one trial after another; the
//! figures go to `docs/soak.md`.
//!
//! A trial is a program of the package `system-tests` that prints its figures as rows of a Markdown
//! table, `| what | figure | goal | kept or missed |`, among other output, and exits with a
//! non-zero code if a promise was broken. One trial, [`chaos`], runs the whole-system tests
//! themselves. [`run`] builds the programs, runs the trials, and writes the page, on which each
//! section names its commit, date and machine.

mod chaos;

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::command_line::{CommandLine, Output};
use crate::error::Error;

/// In the order in which they run and appear on the page.
const TRIALS: &[Trial] = &[
    Trial {
        name: "kills",
        about: "The child is killed at random moments among 100 calls in flight, with payloads from 0 to 8 \
                MiB: each call has exactly one outcome, for its caller and by `call_ended`. A witness \
                outside the runtime records when the process was gone.",
        program: Some(SOAK),
    },
    Trial {
        name: "controllers",
        about: "The controller is killed at random moments, with a grace of 300 ms: no child and no \
                grandchild is alive 1.3 s later.",
        program: Some(SOAK),
    },
    Trial {
        name: "events",
        about: "Events, and then an orderly end: all are received, in order, before `finished`.",
        program: Some(SOAK),
    },
    Trial {
        name: "rounds",
        about: "Rounds of spawn, call and stop, and children killed while they start: the resources at the \
                end are those of the beginning.",
        program: Some(SOAK),
    },
    Trial {
        name: "flood",
        about: "A child floods events at full speed while the user interface thread is busy: the memory of \
                both processes is bounded, and in the end everything is delivered.",
        program: Some(SOAK),
    },
    Trial {
        name: "interrupt",
        about: "Ctrl-C in a terminal: the controller decides what to do, and the child lives on.",
        program: Some(SOAK),
    },
    Trial {
        name: "neighbours",
        about: "A fixed life (start, calls, events, a big value, cancel, crash, restart, stop) beside each \
                neighbour that a library cannot choose. Each call has one outcome, in time, and is right \
                if it succeeds; each end is reported as what it was, or as unknown where another part of \
                the process reaps; neither another child nor an innocent process is affected; nothing is \
                left over; and when the neighbour is gone, the same control and a new one work as if \
                nothing had happened.",
        program: Some(SOAK),
    },
    Trial {
        name: "system_calls",
        about: "Every system call of controller or child fails, one per run of a fixed life: once, or from \
                then on until a given moment. Each call has one outcome, in time, and is right if it \
                succeeds; another child is not affected; nothing is left over; and afterwards the same \
                control and a new one work as if nothing had happened.",
        program: Some(SOAK),
    },
    Trial {
        name: "chaos",
        about: "The whole-system tests under many seeds: threads are delayed and woken spuriously, reads \
                and writes are partial, and each process draws its own bounds, windows, batches and packet \
                lengths. To repeat a failure: `CHAOS_SEED=SEED cargo test --workspace --test FAILURE`.",
        program: None,
    },
    Trial {
        name: "fuzz",
        about: "Every decoder of data from the other side, fed with mutated valid inputs and with noise: \
                each returns, quickly, without a panic and without much memory.",
        program: Some("fuzz"),
    },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Trial {
    name: &'static str,
    /// A sentence for the page.
    about: &'static str,
    /// A program of the package `system-tests`; [`SOAK`] contains many trials. `None`: cargo runs
    /// the tests themselves.
    program: Option<&'static str>,
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    trials: Vec<&'static Trial>,
    /// For each program, after its own arguments.
    args: Vec<OsString>,
}

/// The result of a trial.
#[derive(Debug)]
struct Finding {
    trial: &'static Trial,
    rows: Vec<String>,
    seconds: u64,
    ok: bool,
}

/// What was tested, and where.
#[derive(Debug)]
struct Origin {
    commit: String,
    /// Whether the working tree had no changes.
    clean: bool,
    date: String,
    machine: String,
}

/// Runs the trials, all of them if none is named, and continues when one fails.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Error> {
    let plan = Plan::of(args)?;
    let root = workspace_root()?;
    // Before the trials, which take long: the page names the version that is built now.
    let origin = Origin::ask(&root)?;
    let programs = match build(&plan.trials) {
        Some(build) => match build.show().answer(&root, Stdio::inherit())? {
            Some(built) => programs(&String::from_utf8_lossy(&built)),
            None => return Ok(ExitCode::FAILURE),
        },
        None => HashMap::new(),
    };
    let mut findings = Vec::new();
    for trial in &plan.trials {
        println!("\n== {}: {}", trial.name, trial.about);
        let begun = Instant::now();
        let (rows, ok) = match trial.program {
            Some(program) => {
                let line = command(trial, program, &programs, &plan.args)?;
                rows_of(&line.show(), &root)?
            }
            None => {
                let (rows, ok) = chaos::run(&plan.args)?;
                rows.iter().for_each(|row| println!("{row}"));
                (rows, ok)
            }
        };
        findings.push(Finding { trial, rows, seconds: begun.elapsed().as_secs(), ok });
    }
    println!();
    findings.iter().for_each(|finding| println!("{}", finding.verdict()));
    if plan.is_full_size() {
        let path = root.join(PAGE);
        let old = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, page(&old, &findings, &origin))
            .map_err(|source| Error::Write { path, source })?;
        println!("\nwritten to {PAGE}");
    } else {
        println!("\nnot written to {PAGE}, which lists only full-size runs");
    }
    let ok = findings.iter().all(|finding| finding.ok);
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

const PACKAGE: &str = "system-tests";
const SOAK: &str = "soak";
/// The programs that [`SOAK`] starts.
const SOAKED: [&str; 6] =
    ["bench_child", "controller", "fixed_life", "many_rounds", "scanner", "tracer"];
const MESSAGES: &str = "--message-format=json-render-diagnostics";
const PAGE: &str = "docs/soak.md";

const PREAMBLE: &str = "\
# Soak

The promises under load, for many minutes. Written by `cargo xtask soak`; each section names its commit
and date. A missed speed goal is reported as such; a broken promise makes the soak fail.
";

/// Builds only what the trials need: each program is optimised as a whole. `None`: nothing to
/// build.
fn build(trials: &[&Trial]) -> Option<CommandLine> {
    let mut programs: Vec<_> = trials.iter().filter_map(|trial| trial.program).collect();
    if programs.is_empty() {
        return None;
    }
    if programs.contains(&SOAK) {
        programs.extend(SOAKED);
    }
    programs.sort_unstable();
    programs.dedup();
    let programs = programs.into_iter().flat_map(|program| ["--bin", program]);
    Some(CommandLine::cargo(["build", "--release", "-p", PACKAGE, MESSAGES]).args(programs))
}

/// The programs that a build has produced, by name. They are run directly: `cargo run` would
/// rebuild if a source file has changed meanwhile.
fn programs(messages: &str) -> HashMap<String, PathBuf> {
    let program = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let name = message["target"]["name"].as_str()?.to_owned();
        Some((name, message["executable"].as_str()?.into()))
    };
    messages.lines().filter_map(program).collect()
}

/// The figures that a trial's program prints, and whether it succeeded.
fn rows_of(line: &CommandLine, root: &Path) -> Result<(Vec<String>, bool), Error> {
    let mut rows = Vec::new();
    let ended = line.stream(root, |line| {
        if is_row(line) {
            rows.push(line.to_owned());
        }
    })?;
    let ok = ended.status.success() && ended.output == Output::Closed && !rows.is_empty();
    Ok((rows, ok))
}

/// Returns the command of a trial, whose program was built.
fn command(
    trial: &Trial,
    program: &str,
    programs: &HashMap<String, PathBuf>,
    args: &[OsString],
) -> Result<CommandLine, Error> {
    let built = programs.get(program);
    let missing = || Error::Usage(format!("{PACKAGE} has no program `{program}`"));
    let name = Some(if program == SOAK { trial.name } else { "--trial" });
    Ok(CommandLine::new(built.ok_or_else(missing)?).args(name).args(args))
}

fn workspace_root() -> Result<PathBuf, Error> {
    let locate = ["locate-project", "--workspace", "--message-format", "plain"];
    let answer = CommandLine::cargo(locate).answer(Path::new("."), Stdio::inherit())?;
    let manifest = String::from_utf8_lossy(&answer.ok_or(Error::Metadata)?).trim().to_owned();
    Ok(Path::new(&manifest).parent().unwrap_or(Path::new(".")).to_owned())
}

impl Plan {
    fn of(args: &[OsString]) -> Result<Plan, Error> {
        let dashes = args.iter().position(|arg| arg == "--");
        let (names, args) = match dashes {
            Some(dashes) => (&args[..dashes], &args[dashes + 1..]),
            None => (args, &[][..]),
        };
        let mut trials = Vec::new();
        for name in names {
            let known = TRIALS.iter().find(|trial| name == trial.name);
            trials.push(known.ok_or_else(|| unknown(&name.to_string_lossy()))?);
        }
        if trials.is_empty() {
            trials = TRIALS.iter().collect();
        }
        Ok(Plan { trials, args: args.to_owned() })
    }

    /// The seed does not change the size.
    fn is_full_size(&self) -> bool {
        matches!(&self.args[..], []) || (self.args.len() == 2 && self.args[0] == "--seed")
    }
}

fn unknown(name: &str) -> Error {
    let known = TRIALS.iter().map(|trial| trial.name).collect::<Vec<_>>().join(", ");
    let advice =
        if name.starts_with('-') { "; arguments for the programs follow `--`" } else { "" };
    Error::Usage(format!("there is no trial `{name}`; there is: {known}{advice}"))
}

/// Whether the line is a row of figures: four cells.
fn is_row(line: &str) -> bool {
    line.starts_with("| ") && line.ends_with('|') && line.matches('|').count() == 5
}

impl Finding {
    /// One line such as `kills: ok in 183 s, 1 goal missed`.
    fn verdict(&self) -> String {
        format!("{}: {}", self.trial.name, self.result())
    }

    fn result(&self) -> String {
        let word = if self.ok { "ok" } else { "FAILED" };
        let missed = self.rows.iter().filter(|row| row.ends_with("| missed |")).count();
        let goals = match missed {
            0 => "every goal kept".to_owned(),
            1 => "1 goal missed".to_owned(),
            missed => format!("{missed} goals missed"),
        };
        format!("{word} in {} s, {goals}", self.seconds)
    }

    fn section(&self, origin: &Origin) -> String {
        let Trial { name, about, .. } = self.trial;
        let mut text = format!("## {name}\n\n{about}\n\n{origin}: {}.\n\n", self.result());
        text.push_str("| what | figure | goal | |\n|---|---|---|---|\n");
        for row in &self.rows {
            text.push_str(row);
            text.push('\n');
        }
        text
    }
}

/// The page with the new sections; those of trials that were not run stay unchanged.
fn page(old: &str, findings: &[Finding], origin: &Origin) -> String {
    let mut page = PREAMBLE.to_owned();
    for trial in TRIALS {
        let finding = findings.iter().find(|finding| finding.trial == trial);
        let section = match finding {
            Some(finding) => Some(finding.section(origin)),
            None => old_section(old, trial.name),
        };
        if let Some(section) = section {
            let _ = write!(page, "\n{}\n", section.trim_end());
        }
    }
    page
}

fn old_section(page: &str, name: &str) -> Option<String> {
    let title = format!("## {name}\n");
    // The first section may be at the very beginning.
    let page = format!("\n{page}");
    let mut sections = page.split("\n## ").skip(1).map(|text| format!("## {text}"));
    sections.find(|section| section.starts_with(&title))
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Origin { commit, clean, date, machine } = self;
        let tree = if *clean { "clean tree" } else { "with changes that are not committed" };
        write!(f, "Commit `{commit}`, {tree}, {date}, on {machine}")
    }
}

impl Origin {
    fn ask(root: &Path) -> Result<Origin, Error> {
        let ask = |command: CommandLine| {
            let answer = command.answer(root, Stdio::inherit())?.unwrap_or_default();
            Ok::<_, Error>(String::from_utf8_lossy(&answer).trim().to_owned())
        };
        let commit = ask(CommandLine::new("git").args(["rev-parse", "--short=12", "HEAD"]))?;
        // The page itself may have changed.
        let status = ["status", "--porcelain", "--", ".", ":!docs/soak.md"];
        let changes = ask(CommandLine::new("git").args(status))?;
        let date = ask(CommandLine::new("date").args(["-u", "+%F"]))?;
        let system = ask(CommandLine::new("uname").args(["-sr"]))?;
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let machine = format!("{}, {cores} cores, {system}", processor(&processors));
        Ok(Origin { clean: changes.is_empty() && !commit.is_empty(), commit, date, machine })
    }
}

/// The model, from `/proc/cpuinfo`.
fn processor(cpuinfo: &str) -> &str {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(':')).map_or(env::consts::ARCH, |(_, model)| model.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(commit: &str, clean: bool) -> Origin {
        let (date, machine) = ("2026-01-02".to_owned(), "CPU, 2 cores, Linux 6".to_owned());
        Origin { commit: commit.to_owned(), clean, date, machine }
    }

    fn finding(name: &str, rows: &[&str], ok: bool) -> Finding {
        let trial = TRIALS.iter().find(|trial| trial.name == name).unwrap();
        let rows = rows.iter().map(|&row| row.to_owned()).collect();
        Finding { trial, rows, seconds: 12, ok }
    }

    #[test]
    fn trials_are_chosen_by_name_and_share_the_trailing_arguments() {
        let all = TRIALS.iter().map(|trial| trial.name).collect::<Vec<_>>();
        for (args, names, passed_on, full_size) in [
            (&[][..], &all[..], &[][..], true),
            (&["--", "--scale", "0.02"], &all, &["--scale", "0.02"], false),
            (&["kills"], &["kills"], &[], true),
            (&["flood", "kills"], &["flood", "kills"], &[], true),
            (&["kills", "--", "--seed", "7"], &["kills"], &["--seed", "7"], true),
            (
                &["kills", "--", "--seed", "7", "--scale", "2"],
                &["kills"],
                &["--seed", "7", "--scale", "2"],
                false,
            ),
        ] {
            let args: Vec<_> = args.iter().map(OsString::from).collect();
            let plan = Plan::of(&args).unwrap();
            assert_eq!(plan.trials.iter().map(|trial| trial.name).collect::<Vec<_>>(), names);
            assert_eq!(plan.args, passed_on);
            assert_eq!(plan.is_full_size(), full_size, "{args:?}");
        }
        for (args, part) in [
            (&["kill"][..], "no trial `kill`; there is: kills, controllers"),
            (&["--scale", "2"], "follow `--`"),
        ] {
            let args: Vec<_> = args.iter().map(OsString::from).collect();
            let said = Plan::of(&args).unwrap_err().to_string();
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn the_command_of_a_trial_is_the_program_that_was_built() {
        let messages = r#"
            {"reason":"compiler-artifact","target":{"name":"mpcore"},"executable":null}
            {"reason":"compiler-artifact","target":{"name":"soak"},"executable":"/t/release/soak"}
            {"reason":"build-finished","success":true}"#;
        let programs = programs(messages);
        let line = command(&TRIALS[0], SOAK, &programs, &["--seed".into(), "7".into()]).unwrap();
        assert_eq!(line.to_string(), "/t/release/soak kills --seed 7");
        let missing = command(&TRIALS[0], SOAK, &HashMap::new(), &[]).unwrap_err().to_string();
        assert!(missing.contains("no program `soak`"), "{missing}");
    }

    #[test]
    fn the_programs_of_the_trials_are_built() {
        let line = build(&[&TRIALS[0], &TRIALS[1]]).unwrap().to_string();
        let programs = "--bin bench_child --bin controller --bin fixed_life --bin many_rounds --bin scanner \
                        --bin soak --bin tracer";
        assert!(line.ends_with(programs), "{line}");
        let fuzz = Trial { name: "fuzz", about: "", program: Some("fuzz") };
        let line = build(&[&fuzz]).unwrap().to_string();
        assert!(line.ends_with(" --bin fuzz") && line.matches("--bin").count() == 1, "{line}");
        let tests = Trial { name: "chaos", about: "", program: None };
        assert!(build(&[&tests]).is_none(), "cargo builds them when it runs them");
    }

    #[test]
    fn rows_are_distinguished_from_other_lines() {
        for (line, expected) in [
            ("| calls | 100,000 |  |  |", true),
            ("| longest | 1.0 ms | at most 1 s | kept |", true),
            ("kills: 300 of 1000", false),
            ("| a | b |", false),
            ("", false),
        ] {
            assert_eq!(is_row(line), expected, "{line}");
        }
    }

    #[test]
    fn a_verdict_counts_missed_goals() {
        let (kept, missed) = ("| a | 1 | 1 | kept |", "| b | 2 | 1 | missed |");
        for (rows, ok, expected) in [
            (&[kept][..], true, "kills: ok in 12 s, every goal kept"),
            (&[kept, missed], true, "kills: ok in 12 s, 1 goal missed"),
            (&[missed, missed], false, "kills: FAILED in 12 s, 2 goals missed"),
        ] {
            assert_eq!(finding("kills", rows, ok).verdict(), expected);
        }
    }

    #[test]
    fn a_page_keeps_the_sections_of_trials_that_were_not_run() {
        let both = [
            finding("kills", &["| calls | 100 |  |  |"], true),
            finding("flood", &["| events | 7 | all | kept |"], true),
        ];
        let old = page("", &both, &origin("aaa", true));
        assert!(old.starts_with("# Soak\n"), "{old}");
        let said = "Commit `aaa`, clean tree, 2026-01-02, on CPU, 2 cores, Linux 6: ok in 12 s, every goal \
                    kept.\n\n| what | figure | goal | |\n|---|---|---|---|\n| calls | 100 |  |  |\n";
        assert!(old.contains(said), "{old}");

        let again = finding("kills", &["| calls | 200 |  |  |"], false);
        let new = page(&old, &[again], &origin("bbb", false));
        let kills = old_section(&new, "kills").unwrap();
        assert!(kills.contains("`bbb`, with changes that are not committed"), "{new}");
        assert!(
            kills.contains("FAILED") && kills.contains("200") && !kills.contains("| 100"),
            "{new}"
        );
        assert_eq!(old_section(&new, "flood"), old_section(&old, "flood"));
        assert_eq!(new.matches("\n## ").count(), 2);
        assert_eq!(old_section(&new, "rounds"), None);
    }

    #[test]
    fn the_processor_is_named() {
        let cpuinfo = "processor\t: 0\nmodel name\t: A Fast One\nprocessor\t: 1\n";
        assert_eq!(processor(cpuinfo), "A Fast One");
        assert_eq!(processor(""), env::consts::ARCH);
    }
}
