//! When a policy restarts the child, how often and when it gives up; what a restart keeps, and that
//! it leaves nothing behind; also for a child on a thread.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use mpcore::{
    Backoff, ControlBuilder, GiveUpReason, ProcessState, ReadyError, RestartPolicy, RunFailure,
};
use rustix::process::Signal;
use system_tests::phoenix::{PhoenixControl, PhoenixProcess};
use system_tests::transport::transport;
use system_tests::{BenchConfig, BenchControl, Blob, LONG, outcome, processes, until};

use super::{CHILD, Logged, builder, exited, follow, kill, late, ready, soon, until_run};

// ---- policies

/// How a run is ended, whether that is a crash, and whether the end was not requested here.
type ProcessEnd = (&'static str, fn(&PhoenixControl), bool, bool);

const ENDS: [ProcessEnd; 9] = [
    ("SIGKILL", kill, true, true),
    ("abort", |phoenix| drop(phoenix.measure_once(String::new(), 9)), true, true),
    ("exit(3)", |phoenix| drop(phoenix.exit_with(3)), true, true),
    ("broken", |phoenix| drop(phoenix.babble()), true, true),
    ("exit(0)", |phoenix| drop(phoenix.exit_with(0)), true, true),
    (
        "SIGTERM",
        |phoenix| processes::signal(phoenix.process().pid().unwrap(), Signal::TERM),
        false,
        true,
    ),
    ("stop", |phoenix| phoenix.process().stop(), false, false),
    ("terminate", |phoenix| phoenix.process().terminate(), false, false),
    ("kill", |phoenix| phoenix.process().kill(), false, false),
];

fn check_policy(policy: RestartPolicy, restarts: impl Fn(bool, bool) -> bool) {
    for (name, end, crash, by_itself) in ENDS {
        let phoenix = ready(builder().restart(late(policy)));
        phoenix.signals().mutter.connect(|_| {});
        end(&phoenix);
        phoenix.process().join(LONG).unwrap();
        let pending = phoenix.process().restart_pending();
        assert_eq!(pending, restarts(crash, by_itself), "{policy:?} {name}");
    }
}

#[test]
fn never_restarts_after_nothing() {
    check_policy(RestartPolicy::never(), |_, _| false);
}

#[test]
fn on_crash_restarts_after_a_crash() {
    check_policy(RestartPolicy::on_crash(), |crash, _| crash);
}

#[test]
fn always_restarts_after_ends_that_were_not_requested() {
    check_policy(RestartPolicy::always(), |_, by_itself| by_itself);
}

#[test]
fn a_restart_keeps_handles_connections_and_mirrors() {
    let phoenix = builder().restart(soon()).build().unwrap();
    let (clone, weak) = (phoenix.clone(), phoenix.downgrade());
    let journal = follow(&phoenix);
    let note = journal.clone();
    phoenix.signals().add_finished.connect(move |sum| note.note(format!("sum {sum}")));
    phoenix.process().start().unwrap();
    journal.until_line("ready");
    let first = phoenix.process().pid().unwrap();
    outcome(phoenix.set_power(2.5)).unwrap();
    assert_eq!(outcome(phoenix.add(1, 2)), Ok(3));
    kill(&phoenix);
    let lines = journal.until_lines("ready", 2);
    let start = ["state starting", "started", "state running", "ready"];
    let end = ["failed", "state crashed", "finished crashed", "restarting 1 in 10ms"];
    assert_eq!(lines, [&start[..], &["sum 3"], &end, &start].concat());

    assert_ne!(phoenix.process().pid().unwrap(), first);
    assert!(processes::is_gone(first));
    assert!(!phoenix.process().restart_pending());
    assert_eq!(phoenix.power().to_bits(), 1.0_f64.to_bits(), "as every run begins");
    assert_eq!(outcome(clone.generation()), Ok(2));
    outcome(weak.upgrade().unwrap().add(2, 3)).unwrap();
    journal.until_line("sum 5");
}

#[test]
fn delays_grow_until_it_gives_up_and_a_manual_start_works() {
    let logged = Logged::new();
    let milliseconds = Duration::from_millis;
    let policy = RestartPolicy::on_crash()
        .backoff(Backoff { first: milliseconds(10), longest: milliseconds(30), factor: 2 })
        .intensity(3, LONG);
    let phoenix = ready(builder().config(logged.config()).restart(policy));
    let journal = follow(&phoenix);
    let ends = phoenix.process().signals().gave_up.receiver();
    logged.spoil_starts("abort");
    kill(&phoenix);
    until("it ends", || !phoenix.process().is_alive());
    // These wait for a run that never comes.
    let waiting: Vec<_> = (0..3).map(|number| phoenix.add(number, 1)).collect();
    let refused = phoenix.process().wait_ready(LONG);
    let Err(ReadyError::Failed(RunFailure::EndedBeforeReady { .. })) = refused else {
        panic!("it waits through all of them: {refused:?}")
    };
    let lines = journal.until_line("gave up");
    let told: Vec<_> = lines.iter().filter(|line| line.starts_with("restarting")).collect();
    assert_eq!(told, ["restarting 1 in 10ms", "restarting 2 in 20ms", "restarting 3 in 30ms"]);
    let last = ["failed", "state failed", "finished failed"];
    let given_up = format!("gave up: it was restarted 3 times within {LONG:?}");
    assert_eq!(lines[lines.len() - 4..], [&last[..], &[&given_up]].concat());
    let end = ends.recv_timeout(LONG).unwrap().0;
    assert_eq!(end.reason, GiveUpReason::TooManyRestarts { restarts: 3, within: LONG });
    assert_eq!(end.report.generation, 4);
    assert!(
        waiting.into_iter().all(|call| exited(&outcome(call), 4)),
        "they end with the last run"
    );
    assert!(exited(&outcome(phoenix.add(1, 2)), 4), "and so does what comes later");
    assert!(!phoenix.process().restart_pending());

    logged.mend_starts();
    phoenix.process().start().unwrap();
    phoenix.process().wait_ready(LONG).unwrap();
    kill(&phoenix);
    journal.until_lines("restarting 1 in 10ms", 2);
    until_run(&phoenix, 6);
}

#[test]
fn a_permanent_failure_is_not_retried() {
    let check = |what: &str, policy: RestartPolicy, program: &str| {
        let phoenix = builder().program(program).restart(policy).build().unwrap();
        let journal = follow(&phoenix);
        let call = phoenix.add(1, 2);
        phoenix.process().start().unwrap();
        journal.until_line("gave up: another start would fail in the same way");
        assert_eq!(phoenix.process().generation(), 1, "{what}");
        assert!(exited(&outcome(call), 1), "{what}");
    };
    check("no such program", RestartPolicy::always(), "/nowhere/phoenix");
    check("no child", RestartPolicy::on_crash(), "true");

    let quiet = mpcore::OutputMode::Null;
    let bench = BenchControl::builder().program(CHILD).stderr(quiet).restart(soon());
    let bench = bench.config(BenchConfig::default()).transport(transport()).build().unwrap();
    let ends = bench.process().signals().gave_up.receiver();
    bench.process().start().unwrap();
    let end = ends.recv_timeout(LONG).unwrap().0;
    assert!(matches!(end.report.failure, Some(RunFailure::Mismatch(_))), "{end}");
    assert_eq!((end.reason, end.report.generation), (GiveUpReason::Hopeless, 1));
}

#[test]
fn commands_wait_through_starts_that_fail() {
    for how in ["error", "abort"] {
        let logged = Logged::new();
        logged.spoil_starts(how);
        let phoenix = builder().config(logged.config()).restart(soon()).build().unwrap();
        let calls: Vec<_> = (0..10).map(|number| phoenix.add(number, number)).collect();
        let large = phoenix.weigh(Blob::numbered(1 << 20), 0);
        phoenix.process().start().unwrap();
        let later = phoenix.measure_once("later".into(), 0);
        until("two starts have failed", || phoenix.process().generation() > 2);
        logged.mend_starts();
        let run = outcome(later).unwrap();
        assert!(run > 2);
        for (number, call) in calls.into_iter().enumerate() {
            assert_eq!(outcome(call), Ok(2 * number as i32));
        }
        assert_eq!(outcome(large), Ok(run));
        assert_eq!(logged.runs(), [format!("load {run}"), format!("later {run}")], "each once");
        let report = phoenix.process().exit_report().unwrap();
        assert_eq!(report.commands_lost, 0, "none was lost");
    }
}

// ---- on a thread

fn on_a_thread(logged: &Logged) -> ControlBuilder<PhoenixControl> {
    PhoenixControl::builder().in_process::<PhoenixProcess>().config(logged.config())
}

#[test]
fn a_failed_start_of_a_child_on_a_thread_is_retried() {
    let logged = Logged::new();
    logged.spoil_starts("error");
    let phoenix = on_a_thread(&logged).restart(soon()).build().unwrap();
    let call = phoenix.generation();
    phoenix.process().start().unwrap();
    until("two starts have failed", || phoenix.process().generation() > 2);
    logged.mend_starts();
    assert!(outcome(call).unwrap() > 2);
    assert!(Path::new(&logged.path("log")).metadata().is_err());
}

#[test]
fn a_child_on_a_thread_is_restarted_by_hand_with_its_properties() {
    let logged = Logged::new();
    let phoenix = ready(on_a_thread(&logged).restart(RestartPolicy::always()).reapply_properties());
    outcome(phoenix.set_power(2.5)).unwrap();
    phoenix.process().restart().unwrap();
    until_run(&phoenix, 2);
    assert_eq!(outcome(phoenix.generation()), Ok(2));
    assert_eq!(phoenix.power().to_bits(), 2.5_f64.to_bits());
    phoenix.process().stop();
    phoenix.process().join(LONG).unwrap();
    assert!(!phoenix.process().restart_pending(), "as requested");
}

// ---- nothing is left behind

#[test]
fn two_hundred_restarts_leave_nothing_behind() {
    use system_tests::controller_program::ControllerProgram;
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_many_restarts"));
    let command = command.arg(CHILD).arg("200").env("TMPDIR", folder.path());
    let mut program = ControllerProgram::start_command(command);
    let before = program.line("before");
    let after = program.line("after");
    println!("before: {before}\nafter:  {after}");
    assert_eq!(before, after);
    assert_eq!(program.line("left"), "no child");
    assert_eq!(program.end(), 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Each wait is the previous one times the factor.
#[test]
fn waits_between_restarts_grow_by_the_factor() {
    let policy = RestartPolicy::on_crash().backoff(Backoff {
        first: Duration::from_millis(3),
        longest: LONG,
        factor: 4,
    });
    let bench = builder().restart(policy).build().unwrap();
    let (told, delays) = mpsc::channel();
    bench.process().signals().restarting.connect(move |it| told.send(it.delay).unwrap());
    bench.process().start().unwrap();
    for expected in [3, 12, 48] {
        bench.process().wait_ready(LONG).unwrap();
        processes::kill(bench.process().pid().unwrap());
        assert_eq!(delays.recv_timeout(LONG), Ok(Duration::from_millis(expected)));
        until("it is back", || bench.process().state() == ProcessState::Running);
    }
}
