//! The process of the controller or of a child forks: the copy neither keeps children alive nor
//! acts on them. A daemon that forks before its first start works.

use std::fs;
use std::process::Command;

use rustix::process::Signal;
use system_tests::controller_program::ControllerProgram;
use system_tests::{processes, programs};

const FORKING: &str = env!("CARGO_BIN_EXE_forking");
const BENCH: &str = env!("CARGO_BIN_EXE_bench_child");

/// Kills the controller while its copy lives on and holds the lanes.
fn check_that_the_copy_holds_no_child(program: &str, moment: &str) {
    let mut controller = ControllerProgram::start(FORKING, &["hold", program, moment]);
    let child = controller.number("child");
    // The wrapper is responsible for ending the child's own processes.
    let grandchild = (moment != "alone").then(|| controller.number("grandchild"));
    let copy = controller.number("copy");
    controller.line("there");
    controller.signal(Signal::KILL);
    controller.end();
    processes::until_ended(&[child]);
    processes::until_ended(grandchild.as_slice());
    assert!(!processes::has_ended(copy), "{moment}: it lived on");
    processes::kill(copy);
}

#[test]
fn a_forked_copy_does_not_keep_an_idle_child() {
    check_that_the_copy_holds_no_child("own", "idle");
}

#[test]
fn a_forked_copy_does_not_keep_a_busy_child() {
    check_that_the_copy_holds_no_child("own", "busy");
}

/// Its parent is the wrapper, so neither the parent's pid nor the parent's death is an indication.
#[test]
fn a_forked_copy_does_not_keep_a_child_in_a_wrapper() {
    let folder = tempfile::tempdir().unwrap();
    let wrapper = folder.path().join("wrapper");
    programs::script(&wrapper, &format!("#!/bin/sh\n'{BENCH}' \"$@\"\nexit $?\n"));
    check_that_the_copy_holds_no_child(wrapper.to_str().unwrap(), "alone");
}

#[test]
fn a_forked_copy_does_nothing_to_the_children() {
    let mut controller = ControllerProgram::start(FORKING, &["use"]);
    for (word, expected) in [
        ("spawn", "Err(ForkedCopy)"),
        ("start", "Err(ForkedCopy)"),
        ("restart", "Err(ForkedCopy)"),
        ("call", "Err(ForkedCopy)"),
        ("large", "Err(ForkedCopy)"),
        ("await", "Err(ForkedCopy)"),
        ("join", "Err(Wait(ForkedCopy))"),
        ("ready", "Err(Wait(ForkedCopy))"),
        ("shutdown", "Ok(())"),
        ("state", "running"),
        ("copy", "done"),
        ("original", "Ok(42)"),
        ("same", "true"),
        ("large", "true"),
        ("ended", "Some(None)"),
    ] {
        assert_eq!(controller.line(word), expected, "{word}");
    }
    assert_eq!(controller.end(), 0);
}

#[test]
fn a_daemon_that_forks_before_its_first_start_works() {
    let mut controller = ControllerProgram::start(FORKING, &["daemon"]);
    assert_eq!(controller.line("daemon"), "Ok(42)");
    assert_eq!(controller.line("again"), "true");
    assert_eq!(controller.end(), 0);
}

/// Regression: it ended the lane on which the original waits for its next command: that one was
/// lost, with its child.
#[test]
fn a_copy_that_returns_from_a_command_does_nothing_more() {
    for transport in [None, Some("ipc-channel")] {
        let folder = tempfile::tempdir().unwrap();
        let (log, sign) = (folder.path().join("log"), folder.path().join("sign"));
        let mut command = Command::new(FORKING);
        command.arg("command").arg(&log).env("SIGN", &sign);
        command.env_remove("TRANSPORT").envs(transport.map(|it| ("TRANSPORT", it)));
        let mut controller = ControllerProgram::start_command(&mut command);
        let copy = controller.number("copy");
        assert_ne!(copy, 0, "{transport:?}: the original answers");
        processes::until_ended(&[copy]);
        assert_eq!(controller.line("again"), "Ok(42)", "{transport:?}");
        let child = controller.number("child");
        assert!(!log.exists(), "{transport:?}: the copy has not cleaned up");
        fs::write(&sign, "stop").unwrap();
        assert_eq!(controller.line("joined"), "Ok(Status(ExitStatus { code: 0 }))");
        assert_eq!(controller.line("ended"), "Some(None)", "{transport:?}");
        assert_eq!(fs::read_to_string(&log).unwrap(), format!("{child}\n"), "{transport:?}");
        assert_eq!(controller.end(), 0);
    }
}
