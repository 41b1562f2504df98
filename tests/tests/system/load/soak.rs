//! The soak at a fiftieth: the same programs and the same trials as `cargo xtask soak`, each in a
//! process of its own, since it counts memory, threads and descriptors.

use std::process::Command;

/// Runs a trial; returns its figures.
#[track_caller]
fn check(trial: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_soak")).args([trial, "--scale", "0.02"]).output();
    let output = output.unwrap();
    let figures = String::from_utf8_lossy(&output.stdout);
    print!("{figures}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{trial}: {}\n{figures}\n{told}", output.status);
    let last = figures.lines().last().unwrap_or_default();
    assert!(last.starts_with(trial) && last.ends_with(": ok"), "{last}");
    assert!(figures.contains("| kept |") || figures.contains("| missed |"), "{figures}");
    figures.into_owned()
}

#[test]
fn children_killed_among_a_hundred_calls_in_flight() {
    check("kills");
}

#[test]
fn controllers_killed_at_every_moment() {
    check("controllers");
}

#[test]
fn events_and_then_an_orderly_end() {
    check("events");
}

#[test]
fn rounds_that_leave_nothing_behind() {
    check("rounds");
}

#[test]
fn floods_at_a_busy_thread() {
    check("flood");
}

#[test]
fn ctrl_c_in_a_terminal() {
    check("interrupt");
}

/// Neighbours that this machine cannot provide are listed as skipped.
#[test]
#[cfg(target_os = "linux")]
fn neighbours_that_a_library_does_not_choose() {
    let figures = check("neighbours");
    for row in figures.lines().filter(|row| row.contains("| skipped: ")) {
        let mut cells = row.split('|').map(str::trim).skip(1);
        let (neighbour, why) = (cells.next().unwrap(), cells.next().unwrap());
        let test = format!("neighbours_that_a_library_does_not_choose, {neighbour}");
        system_tests::skip(&test, why, "cargo xtask soak neighbours");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn system_calls_that_fail_once_or_from_then_on() {
    if let Err(error) = system_tests::soak::system_calls::can_run() {
        let why = format!("seccomp's notifications are refused here: {error}");
        let test = "system_calls_that_fail_once_or_from_then_on";
        return system_tests::skip(test, &why, "cargo xtask soak system_calls");
    }
    check("system_calls");
}

#[test]
fn every_trial_is_known_by_its_name() {
    let trials = system_tests::soak::TRIALS.iter().map(|trial| trial.name);
    let tested = [
        "kills",
        "controllers",
        "events",
        "rounds",
        "flood",
        "interrupt",
        "neighbours",
        "system_calls",
    ];
    assert!(trials.eq(tested), "add a test for the new one, and a line to xtask's table");
    let output = Command::new(env!("CARGO_BIN_EXE_soak")).arg("no such trial").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(tested.iter().all(|trial| told.contains(trial)), "{told}");
}
