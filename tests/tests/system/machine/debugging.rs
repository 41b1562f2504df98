//! Children in a debugger, or run under another command.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mpcore::{CallError, Escalation, ExceptionKind, ProcessState, ReadyError, RunFailure};
use system_tests::controller_program::ControllerProgram;
use system_tests::{LONG, bench, outcome, processes, skip, until};

const DEBUGGED: &str = env!("CARGO_BIN_EXE_debugged");
const ODD: &str = env!("CARGO_BIN_EXE_odd_child");
const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");
const TRACER: &str = env!("CARGO_BIN_EXE_tracer");

/// Runs the skipped tests.
const COMMAND: &str = "cargo test -p system-tests --test system debugging";

/// The controller's deadlines are far too short for its child.
fn start(variable: &str, value: &str) -> ControllerProgram {
    ControllerProgram::start_command(Command::new(DEBUGGED).env(variable, value))
}

/// A tracer that lets its process run; detaches on drop.
struct Tracer(Child);

impl Tracer {
    /// `None` if tracing is impossible, which is reported.
    fn of(test: &str, pid: u32) -> Option<Self> {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-q", "-o", "/dev/null", "-p", &pid.to_string()]);
        let started = strace.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(tracer) = started else {
            skip(test, "there is no strace", COMMAND);
            return None;
        };
        let own = tracer.id().to_string();
        until("the tracer has attached", || {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
            line.is_some_and(|line| line.trim() == own)
        });
        Some(Self(tracer))
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_child_waits_for_a_debugger_and_no_deadline_acts() {
    for value in ["probe", "all"] {
        let mut controller = start("MPCORE_DEBUG", value);
        assert_eq!(controller.line("early"), "false");
        assert_eq!(controller.line("state"), "starting", "its start deadline has passed");
        let pid = controller.number("pid");
        let Some(_tracer) = Tracer::of("a_child_waits_for_a_debugger", pid) else { return };
        assert_eq!(controller.line("ready"), "Ok(())");
        assert_eq!(controller.line("work"), "true", "its time is over");
        assert_eq!(controller.line("joined"), "Ok(Some(0))");
        assert_eq!(controller.end(), 0);
        let told = controller.stderr();
        assert!(told.contains("`probe`") && told.contains(&format!("-p {pid}")), "{told}");
    }
}

#[test]
fn a_child_of_another_name_waits_for_no_debugger() {
    let mut command = Command::new(DEBUGGED);
    command.arg("30000").env("MPCORE_DEBUG", "camera");
    let mut controller = ControllerProgram::start_command(&mut command);
    assert_eq!(controller.line("ready"), "Ok(())");
    assert_eq!(controller.line("work"), "false", "its time is over");
    assert_eq!(controller.end(), 0);
}

#[test]
fn a_child_held_by_a_tracer_is_reported_as_traced() {
    let builder = bench::builder(ODD).arg("print and sleep");
    let bench = builder.start_deadline(Duration::from_secs(3)).spawn().unwrap();
    until("there is a process", || bench.process().pid().is_some());
    let pid = bench.process().pid().unwrap();
    let Some(tracer) = Tracer::of("a_child_held_by_a_tracer_is_reported_as_traced", pid) else {
        return;
    };
    match bench.process().wait_ready(LONG) {
        Err(ReadyError::Failed(failure @ RunFailure::HeldByTracer { .. })) => {
            let text = failure.to_string();
            assert!(text.contains(&tracer.0.id().to_string()), "{text}");
            assert!(text.contains("3s") && text.contains("MPCORE_DEBUG"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

/// Stops threads of a process, as a debugger at its prompt does; releases them on drop. `None` if
/// that is not allowed, which is reported.
fn hold(test: &str, pid: u32, how: &str) -> Option<ControllerProgram> {
    let mut tracer = ControllerProgram::start(TRACER, &[&pid.to_string(), how]);
    if !tracer.says("attached") {
        skip(test, "tracing is not allowed here", COMMAND);
        return None;
    }
    Some(tracer)
}

/// Regression: the child was killed as unresponsive while the user inspected it in a debugger.
#[test]
fn a_running_child_that_a_debugger_holds_is_not_unresponsive() {
    let builder = bench::builder(CHILD).ping_interval(Duration::from_millis(50));
    let bench = bench::ready(builder.on_unresponsive(Escalation::Kill));
    let unresponsive = bench.process().signals().unresponsive.receiver();
    let responsive = bench.process().signals().responsive.receiver();
    let call = bench.work(600_000);
    bench::until_begun(&bench, 1);
    let pid = bench.process().pid().unwrap();
    let test = "a_running_child_that_a_debugger_holds_is_not_unresponsive";
    let Some(tracer) = hold(test, pid, "stop-all") else { return };
    let (verdict,) = unresponsive.recv_timeout(LONG).unwrap();
    assert_eq!(verdict.tracer, Some(tracer.pid()));
    let text = verdict.to_string();
    assert!(text.contains(&format!("process {} holds it as its debugger", tracer.pid())), "{text}");
    // Twice as long as an unresponsive child would have.
    std::thread::sleep(Duration::from_millis(50) * 2 * (mpcore::limits::PINGS_MISSED + 2));
    assert_eq!(bench.process().state(), ProcessState::Running);
    assert_eq!(unresponsive.try_recv().map(|(verdict,)| verdict), None, "it is reported once");
    drop(tracer);
    responsive.recv_timeout(LONG).unwrap();
    call.cancel();
    assert!(matches!(outcome(call), Err(CallError::Cancelled)));

    // A child that is unresponsive by itself is still killed.
    let stopped = bench.work(600_000);
    bench::until_begun(&bench, 2);
    processes::freeze(pid);
    let Err(CallError::Exited(report)) = outcome(stopped) else { panic!("it was killed") };
    assert!(matches!(report.failure, Some(RunFailure::Unresponsive { .. })), "{report}");
    let (verdict,) = unresponsive.recv_timeout(LONG).unwrap();
    assert_eq!(verdict.tracer, None);
}

/// Regression: the command's thread was stopped in a debugger, and the child was killed because the
/// command did not end.
#[test]
fn a_command_held_by_a_debugger_is_not_killed_for_its_deadline() {
    let bench = bench::ready(bench::builder(CHILD).on_timeout(Escalation::Kill));
    let told = bench.signals().exception_raised.receiver();
    let call = bench.ignore_everything(600_000);
    bench::until_begun(&bench, 1);
    let pid = bench.process().pid().unwrap();
    let test = "a_command_held_by_a_debugger_is_not_killed_for_its_deadline";
    let Some(tracer) = hold(test, pid, "stop") else { return };
    let call = call.timeout(Duration::from_millis(1));
    let (exception,) = told.recv_timeout(LONG).unwrap();
    assert_eq!(exception.kind, ExceptionKind::TimedOut);
    // Much longer than a command past its deadline would have.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(bench.process().state(), ProcessState::Running);
    drop(tracer);
    assert!(matches!(outcome(call), Err(CallError::TimedOut { .. })));
    let _ = bench.process().join(LONG);
    let report = bench.process().exit_report().unwrap();
    assert!(matches!(report.failure, Some(RunFailure::KilledFor { .. })), "{report}");
}

#[test]
fn children_run_under_another_command() {
    let mut commands = vec!["env MPCORE_TEST_VARIABLE=set"];
    match Command::new("strace").arg("-V").output() {
        Ok(_) => commands.push("strace -f -q -o /dev/null -E MPCORE_TEST_VARIABLE=set"),
        Err(_) => skip("children_run_under_another_command", "there is no strace", COMMAND),
    }
    for command in commands {
        let mut controller = start("MPCORE_RUN_UNDER", command);
        assert_eq!(controller.line("ready"), "Ok(())", "{command}");
        assert_eq!(controller.line("variable"), "Some(Some(\"set\"))", "{command}");
        assert_eq!(controller.line("joined"), "Ok(Some(0))", "{command}");
        assert_eq!(controller.end(), 0);
    }
}
