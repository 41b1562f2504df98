//! The controller ends, in whatever way: no child and no grandchild outlives it.

use std::fs;
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;
use system_tests::controller_program::ControllerProgram;
use system_tests::{processes, until};

const CONTROLLER: &str = env!("CARGO_BIN_EXE_controller");
const WRAPPED: &str = env!("CARGO_BIN_EXE_wrapped_main");

/// How the controller ends.
enum End {
    /// By a signal.
    Signal(Signal),
    /// By itself: the name of its ending, and the exit code to expect.
    Itself(&'static str, i32),
}

/// Whether `cleanup` has to have run.
#[derive(PartialEq)]
enum Cleanup {
    Runs,
    /// The command never returns, so it cannot.
    Cannot,
}

fn check(moment: &str, end: &End, cleanup: &Cleanup) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("cleanup");
    let ending = match end {
        End::Signal(_) => "wait",
        End::Itself(ending, _) => ending,
    };
    // A test run in the background of a script ignores SIGINT, and so would whatever it starts.
    let mut command = Command::new("env");
    command.args(["--default-signal", CONTROLLER, moment, ending]).arg(&log);
    let mut controller = ControllerProgram::start_command(&mut command);
    let (child, grandchild) = (controller.number("child"), controller.number("grandchild"));
    controller.line("there");
    let what = format!("{moment}, {ending}");
    let begun = Instant::now();
    match end {
        End::Signal(signal) => {
            assert!(!processes::has_ended(child) && !processes::has_ended(grandchild), "{what}");
            controller.signal(*signal);
            assert_eq!(controller.end(), -signal.as_raw(), "{what}");
        }
        End::Itself(_, code) => assert_eq!(controller.end(), *code, "{what}"),
    }
    until(&format!("{what}: child and grandchild have ended"), || {
        processes::has_ended(child) && processes::has_ended(grandchild)
    });
    println!("controller {what}: child and grandchild gone after {:?}", begun.elapsed());
    let log = fs::read_to_string(&log).unwrap_or_default();
    let expected = if *cleanup == Cleanup::Runs { format!("{child}\n") } else { String::new() };
    assert_eq!(log, expected, "{what}");
}

const KILL: End = End::Signal(Signal::KILL);

#[test]
fn a_controller_killed_while_the_child_is_idle() {
    check("idle", &KILL, &Cleanup::Runs);
}

#[test]
fn a_controller_killed_in_a_call_that_ignores_everything() {
    check("busy", &KILL, &Cleanup::Cannot);
}

#[test]
fn a_controller_killed_in_a_256_mib_result() {
    check("result", &KILL, &Cleanup::Runs);
}

#[test]
fn a_controller_killed_in_a_256_mib_argument() {
    check("argument", &KILL, &Cleanup::Runs);
}

#[test]
fn a_controller_killed_while_the_child_stands_still() {
    check("stopped", &KILL, &Cleanup::Runs);
}

#[test]
fn a_controller_killed_while_the_child_stands_still_in_a_command() {
    check("stopped in a command", &KILL, &Cleanup::Cannot);
}

#[test]
fn a_controller_ended_by_a_signal_that_it_does_not_handle() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        check("idle", &End::Signal(signal), &Cleanup::Runs);
    }
}

#[test]
fn a_controller_that_ends_by_itself_without_a_word() {
    check("idle", &End::Itself("exit", 3), &Cleanup::Runs);
    check("idle", &End::Itself("panic", 101), &Cleanup::Runs);
    check("idle", &End::Itself("abort", -6), &Cleanup::Runs);
    check("idle", &End::Itself("forget", 0), &Cleanup::Runs);
    check("busy", &End::Itself("exit", 3), &Cleanup::Cannot);
}

/// The child was asked to stop before it lost its controller, took that for the reason of its end,
/// and left what it had started to nobody.
#[test]
fn a_controller_that_ends_right_after_a_stop_request() {
    for _ in 0..5 {
        check("idle", &End::Itself("return", 0), &Cleanup::Runs);
        check("idle", &End::Itself("stop and exit", 0), &Cleanup::Runs);
    }
    check("busy", &End::Itself("stop and exit", 0), &Cleanup::Cannot);
}

#[test]
fn shutdown_stops_every_child_and_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("cleanup");
    let mut controller =
        ControllerProgram::start(CONTROLLER, &["idle", "shutdown", &log.to_string_lossy()]);
    let (child, grandchild) = (controller.number("child"), controller.number("grandchild"));
    assert_eq!(controller.line("shut down"), "true finished");
    assert_eq!(controller.end(), 0);
    assert!(processes::has_ended(child) && processes::has_ended(grandchild));
    assert_eq!(fs::read_to_string(&log).unwrap(), format!("{child}\n"));
}

/// The last signals were posted after `main` had been let go.
#[test]
fn a_main_that_returns_joins_its_child_and_delivers_the_last_signals() {
    for round in 0..15 {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("cleanup");
        let busy = if round % 3 == 0 { "busy" } else { "idle" };
        let mut controller = ControllerProgram::start(WRAPPED, &[busy, &log.to_string_lossy()]);
        let child = controller.number("child");
        assert_eq!(controller.end(), 0);
        assert!(processes::is_gone(child), "it was joined");
        let lines = controller.all_lines();
        let said = |what: &str| lines.iter().filter(|line| line.starts_with(what)).count();
        assert_eq!(said("finished"), 1, "{round}: {lines:#?}");
        assert_eq!(said("after_exit finished"), 1, "{round}: {lines:#?}");
        assert_eq!(said("tick"), 3, "constructor, postrun_init and cleanup: {lines:#?}");
        if busy == "busy" {
            assert_eq!(said("work Err(Stopped)") + said("add_two Err(Stopped)"), 2, "{lines:#?}");
        }
        assert_eq!(fs::read_to_string(&log).unwrap(), format!("{child}\n"));
    }
}

/// As a session manager does it: everybody is told at once, the child too.
#[test]
fn a_session_that_is_ended_takes_grandchildren_along() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("cleanup");
    let mut controller =
        ControllerProgram::start(CONTROLLER, &["idle", "wait", &log.to_string_lossy()]);
    let (child, grandchild) = (controller.number("child"), controller.number("grandchild"));
    controller.line("there");
    processes::signal(child, Signal::TERM);
    controller.signal(Signal::TERM);
    controller.end();
    processes::until_ended(&[child, grandchild]);
    assert_eq!(fs::read_to_string(&log).unwrap(), format!("{child}\n"));
}
