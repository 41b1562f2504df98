//! Makes every system call of the runtime fail, one per run: once, or from then on until the
//! failures end.
//!
//! A controller and a child run a fixed life (`bin/fixed_life.rs`): start, calls, events, a big
//! value, cancel, crash, restart, stop. Whatever fails, each call has one outcome, in time, and is
//! right if it succeeds; another child is not affected; nothing is left over; and when nothing
//! fails any more, the same control and a new one work as if nothing had happened.
//!
//! `ONE_PLAN="beside clone3 4 11 on"` runs only that plan and prints the output of its life: the
//! place, the call, the first that fails, the error's number, and `once` or `on`.

mod kinds;
mod life;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use intercept::Interception;

use self::kinds::KINDS;
use self::life::{Failing, Life, Place};
use super::report::{Report, count};
use super::{Progress, Settings};

/// Runs at full size.
const RUNS: usize = 2500;

/// Checks whether this machine allows decisions on system calls.
///
/// # Errors
/// The system's error if it does not.
pub fn can_run() -> std::io::Result<()> {
    let (interception, starting) = Interception::start(Command::new("true"), &[])?;
    while !starting.is_finished() {
        interception.next(Duration::from_millis(5))?;
    }
    let started = starting.join().map_err(|_| std::io::Error::other("it panicked"))?;
    started?.wait().map(drop)
}

pub(super) fn run(settings: &Settings) -> Report {
    let runs = settings.scaled(RUNS, 8);
    let mut random = settings.random();
    let mut report = Report::new("system_calls");
    let (program, child) = (settings.program("fixed_life"), settings.program("bench_child"));
    let live = |place, failing| life::run(&program, &child, place, failing);
    let places = [Place::First, Place::Beside];
    let usual = places.map(|place| live(place, None));
    for (life, place) in usual.iter().zip(places) {
        for finding in &life.findings {
            report.broken(format!("{}, where nothing fails: {finding}", place.name()));
        }
    }
    let mut plans = plans(places, &usual);
    let all = plans.len();
    let one = std::env::var("ONE_PLAN").ok();
    match &one {
        Some(one) => plans.retain(|plan| name(plan) == *one),
        // The same ones each time: a random sample belongs in a soak, not in the regular tests.
        None if settings.scale < 0.05 => plans.retain(is_first_of_its_kind),
        None => plans = choose(plans, runs, &mut random),
    }
    let mut progress = Progress::new("system_calls", plans.len());
    let mut failed = BTreeMap::<&str, usize>::new();
    let (mut failures, mut unhit) = (0, 0);
    for (number, (place, failing)) in plans.iter().enumerate() {
        let left = &usual[usize::from(*place == Place::Beside)].left;
        let life = live(*place, Some((*failing, left)));
        failures += life.failed;
        if one.is_some() {
            // Stderr may be closed.
            let _ = writeln!(std::io::stderr(), "{}", life.lines.join("\n"));
        }
        match life.failed {
            // The kernel's timing: one call fewer than usual.
            0 => unhit += 1,
            _ => *failed.entry(failing.kind.name).or_default() += 1,
        }
        let findings = findings(&life, left);
        if let Some((first, more)) = findings.split_first() {
            let more = match more.len() {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            report.broken(format!(
                "{}, {failing} ({}): {first}{more}",
                place.name(),
                name(&(*place, *failing))
            ));
        }
        progress.at(number + 1);
    }
    report.figure("ways to fail: call, number, error, once or from then on", count(all));
    report.figure("runs, each with one of them", count(plans.len()));
    report.figure("runs in which that call did not come", count(unhit));
    report.figure("calls that failed", count(failures));
    report.figure("kinds of calls that failed", count(failed.len()));
    report.goal(
        "runs with an outcome that is missing, wrong or doubled, or with something left over",
        report.count_broken(),
        "0",
        report.is_ok(),
    );
    report
}

/// All failures that can be injected, given how often each kind is called without failures.
fn plans(places: [Place; 2], usual: &[Life; 2]) -> Vec<(Place, Failing)> {
    let mut plans = Vec::new();
    for (place, usual) in places.into_iter().zip(usual) {
        for kind in KINDS {
            let calls = usual.counts.get(kind.name).copied().unwrap_or_default();
            for nth in 1..=calls {
                for errno in kind.errors.iter().copied() {
                    // An endless interruption does not occur, and no retry loop would end.
                    let for_ever = errno != libc::EINTR;
                    for from_then_on in [false, true].into_iter().filter(|it| !it || for_ever) {
                        plans.push((place, Failing { kind, nth, errno, from_then_on }));
                    }
                }
            }
        }
    }
    plans
}

/// Chooses this many, taking each kind in turn: some kinds have a hundred times more plans than
/// others.
fn choose(
    mut plans: Vec<(Place, Failing)>,
    runs: usize,
    random: &mut fastrand::Rng,
) -> Vec<(Place, Failing)> {
    random.shuffle(&mut plans);
    let mut taken = BTreeMap::<&str, usize>::new();
    let in_turn = plans.into_iter().map(|plan| {
        let turn = taken.entry(plan.1.kind.name).or_default();
        *turn += 1;
        (*turn, plan)
    });
    let mut in_turn: Vec<_> = in_turn.collect();
    // A stable sort: those of one turn stay shuffled.
    in_turn.sort_by_key(|(turn, _)| *turn);
    in_turn.into_iter().take(runs).map(|(_, plan)| plan).collect()
}

/// Whether it is the first call of its kind that fails, once, and with the first error.
fn is_first_of_its_kind((_, failing): &(Place, Failing)) -> bool {
    let first = failing.kind.errors.first() == Some(&failing.errno);
    failing.nth == 1 && first && !failing.from_then_on
}

/// Formats a plan for `ONE_PLAN`.
fn name((place, failing): &(Place, Failing)) -> String {
    let Failing { kind, nth, errno, from_then_on } = failing;
    let until = if *from_then_on { "on" } else { "once" };
    format!("{} {} {nth} {errno} {until}", place.name(), kind.name)
}

/// What was wrong in a life, including something left over at its end.
fn findings(life: &Life, usually_left: &str) -> Vec<String> {
    let mut findings = life.findings.clone();
    if findings.is_empty() && life.left != usually_left {
        findings.push(format!("left `{}` in place of `{usually_left}`", life.left));
    }
    findings
}
