//! The controller ends, in any way and at any moment: no child and no grandchild outlives it,
//! except one with a session of its own, and no file is left. At an orderly end it waits for its
//! child and delivers the last signals.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;
use system_tests::controller_program::ControllerProgram;
use system_tests::{processes, skip, until};

const CONTROLLER: &str = env!("CARGO_BIN_EXE_controller");
const WRAPPED: &str = env!("CARGO_BIN_EXE_wrapped_main");

/// How the controller ends.
enum End {
    /// By a signal.
    Signal(Signal),
    /// By itself: the name of its ending, and the exit code to expect.
    Itself(&'static str, i32),
}

/// Whether `cleanup` must have run.
#[derive(Clone, Copy, PartialEq)]
enum Cleanup {
    Runs,
    /// The command never returns, so `cleanup` cannot run.
    Cannot,
}

/// Ends a controller at a moment, and checks what is left.
fn check(moment: &str, end: &End, cleanup: Cleanup) {
    let (temporary, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = folder.path().join("cleanup");
    let ending = match end {
        End::Signal(_) => "wait",
        End::Itself(ending, _) => ending,
    };
    let mut command = ControllerProgram::command(CONTROLLER);
    command.args([moment, ending]).arg(&log);
    command.env("TMPDIR", temporary.path());
    let mut controller = ControllerProgram::start_command(&mut command);
    let (child, grandchild) = (controller.number("child"), controller.number("grandchild"));
    controller.line("there");
    let what = format!("{moment}, {ending}");
    let begun = Instant::now();
    match end {
        End::Signal(signal) => {
            assert!(!processes::has_ended(child) && !processes::has_ended(grandchild), "{what}");
            check_for_shared_memory(&[controller.pid(), child, grandchild]);
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
    let expected = if cleanup == Cleanup::Runs { format!("{child}\n") } else { String::new() };
    assert_eq!(log, expected, "{what}");
    check_that_nothing_is_left(&what, temporary.path());
}

/// Checks that no process or thread of it is left, whatever has started it, and no temporary file
/// or folder.
fn check_that_nothing_is_left(what: &str, temporary: &Path) {
    let mark = temporary.to_string_lossy();
    until(&format!("{what}: no descendant"), || processes::marked(&mark).is_empty());
    let left: Vec<_> = fs::read_dir(temporary).unwrap().map(|it| it.unwrap().path()).collect();
    assert!(left.is_empty(), "{what}: {left:?}");
}

/// A shared region could be left behind, or truncated by the other side.
fn check_for_shared_memory(pids: &[u32]) {
    const SHARED: [&str; 3] = ["/memfd:", "/dev/shm/", "/SYSV"];
    let is_shared = |name: &str| SHARED.iter().any(|shared| name.contains(shared));
    for pid in pids {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        assert!(!maps.lines().any(is_shared), "{pid} maps shared memory:\n{maps}");
        for entry in fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten() {
            let to = fs::read_link(entry.path()).unwrap_or_default();
            assert!(!is_shared(&to.to_string_lossy()), "{pid} holds {}", to.display());
        }
    }
}

// ---- every end at every moment

const MOMENTS: [(&str, Cleanup); 6] = [
    ("idle", Cleanup::Runs),
    // Also ignores SIGTERM.
    ("busy", Cleanup::Cannot),
    ("result", Cleanup::Runs),
    ("argument", Cleanup::Runs),
    ("stopped", Cleanup::Runs),
    ("stopped in a command", Cleanup::Cannot),
];

fn check_every_moment(end: &End) {
    for (moment, cleanup) in MOMENTS {
        check(moment, end, cleanup);
    }
}

#[test]
fn a_controller_that_returns_at_every_moment() {
    check_every_moment(&End::Itself("return", 0));
}

#[test]
fn a_controller_that_leaks_its_child_at_every_moment() {
    check_every_moment(&End::Itself("forget", 0));
}

#[test]
fn a_controller_that_exits_at_every_moment() {
    check_every_moment(&End::Itself("exit", 3));
}

#[test]
fn a_controller_that_panics_at_every_moment() {
    check_every_moment(&End::Itself("panic", 101));
}

#[test]
fn a_controller_that_aborts_at_every_moment() {
    check_every_moment(&End::Itself("abort", -6));
}

#[test]
fn a_controller_ended_by_sigterm_at_every_moment() {
    check_every_moment(&End::Signal(Signal::TERM));
}

#[test]
fn a_controller_ended_by_sigkill_at_every_moment() {
    check_every_moment(&End::Signal(Signal::KILL));
}

#[test]
fn a_controller_ended_by_another_signal_that_it_does_not_handle() {
    for signal in [Signal::INT, Signal::HUP, Signal::QUIT] {
        check("idle", &End::Signal(signal), Cleanup::Runs);
    }
}

/// As in a container that is entered from outside: the controller's group has no number inside, so
/// the child cannot move to it. Regression: the child treated that as a bug, or killed itself.
#[test]
fn a_controller_group_outside_its_namespace_ends_in_order() {
    let name = "a_controller_group_outside_its_namespace_ends_in_order";
    let Some(mut command) = pid_namespace(name) else { return };
    // The shell is the first process inside, which is a case of its own.
    command.args(["sh", "-c", "\"$0\"; exit $?", env!("CARGO_BIN_EXE_one_call")]);
    let mut controller = ControllerProgram::start_command(&mut command);
    assert_eq!(controller.line("sum"), "3");
    assert_eq!(controller.line("ended"), "exit code 0");
    assert_eq!(controller.end(), 0);
}

/// Regression: the controller had ended before it could kill the child's group, and the child had
/// not, since it could not move to another one.
#[test]
#[cfg(target_os = "linux")]
fn grandchildren_end_where_the_controllers_group_is_outside() {
    let name = "grandchildren_end_where_the_controllers_group_is_outside";
    let Some(mut command) = pid_namespace(name) else { return };
    // The shell is the first process inside, and no test of it.
    let test = std::env::current_exe().unwrap();
    command.args(["sh", "-c", "\"$0\" $1 --exact; exit $?"]).arg(test);
    command.arg("ends::controller_death::a_controller_that_ends_right_after_a_stop_request");
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{}: {told}", output.status);
}

/// A command that starts what its arguments name in a pid namespace, outside of which its process
/// group is; `None` where the system does not allow one.
#[cfg(target_os = "linux")]
fn pid_namespace(test: &str) -> Option<Command> {
    let namespace = |rights: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(rights).args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
        command
    };
    // Root may do it directly, others only where user namespaces are allowed.
    let all_rights: [&[&str]; 2] = [&["--user", "--map-root-user"], &[]];
    let may =
        |rights: &&&[&str]| namespace(rights).arg("true").status().is_ok_and(|it| it.success());
    let rights = all_rights.iter().find(may);
    if rights.is_none() {
        let run = format!("sudo -E cargo test -p system-tests --test system {test}");
        skip(test, "this system does not allow pid namespaces", &run);
    }
    rights.map(|rights| namespace(rights))
}

/// A declared limit: a process with a session of its own no longer counts as a descendant.
#[test]
fn a_grandchild_with_its_own_session_outlives_both() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("cleanup");
    let arguments = ["runaway", "wait", &log.to_string_lossy()];
    let mut controller = ControllerProgram::start(CONTROLLER, &arguments);
    let (child, grandchild) = (controller.number("child"), controller.number("grandchild"));
    let runaway = controller.number("runaway");
    controller.line("there");
    controller.signal(Signal::KILL);
    controller.end();
    processes::until_ended(&[child, grandchild]);
    let lives = !processes::has_ended(runaway);
    if lives {
        processes::kill(runaway);
    }
    assert!(lives, "the limit no longer exists: change the documentation");
}

// ---- in between

/// Regression: the child was asked to stop before it lost its controller, took that for the reason
/// of its end, and left its own processes running.
#[test]
fn a_controller_that_ends_right_after_a_stop_request() {
    for _ in 0..5 {
        check("idle", &End::Itself("return", 0), Cleanup::Runs);
        check("idle", &End::Itself("stop and exit", 0), Cleanup::Runs);
    }
    check("busy", &End::Itself("stop and exit", 0), Cleanup::Cannot);
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
    // The child's own processes were killed before, which takes effect asynchronously.
    processes::until_ended(&[child, grandchild]);
    assert_eq!(fs::read_to_string(&log).unwrap(), format!("{child}\n"));
}

/// Regression: the last signals were posted after `main` had returned.
#[test]
fn returning_from_main_joins_the_child_and_drains_signals() {
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

/// Like a session manager: every process gets the signal, including the child.
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
