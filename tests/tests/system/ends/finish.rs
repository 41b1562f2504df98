//! `finish`: the end that first runs the queued commands, its time, what ends it earlier, and what
//! happens after a crash.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mpcore::testing::Script;
use mpcore::{
    Backoff, CallError, CleanupStatus, ControlBuilder, ExceptionKind, ExitReport, JoinError,
    ProcessState, ReadyError, RestartPolicy, StopReason,
};
use rustix::process::Signal;
use system_tests::bench::{builder, ready, until_begun};
use system_tests::phoenix::{PhoenixConfig, PhoenixControl, runs};
use system_tests::transport::transport;
use system_tests::{
    BenchConfig, BenchControl, BenchProcess, Blob, Journal, LONG, outcome, processes, until,
};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");
const PHOENIX: &str = env!("CARGO_BIN_EXE_phoenix_child");

/// Where the child runs: in a process or on a thread.
type Place = fn() -> ControlBuilder<BenchControl>;

fn process() -> ControlBuilder<BenchControl> {
    builder(CHILD)
}

fn thread() -> ControlBuilder<BenchControl> {
    BenchControl::builder().in_process::<BenchProcess>().config(BenchConfig::default())
}

fn check(what: fn(Place)) {
    what(process);
    what(thread);
}

#[track_caller]
fn joined(bench: &BenchControl) -> Arc<ExitReport> {
    assert!(bench.process().join(LONG).is_ok(), "it ends");
    bench.process().exit_report().unwrap()
}

/// Restarts soon, and without a limit.
fn soon() -> RestartPolicy {
    let delay = Duration::from_millis(10);
    RestartPolicy::on_crash().backoff(Backoff::constant(delay)).intensity(10_000, LONG)
}

// ---- which commands run

#[test]
fn queued_commands_run_and_no_others() {
    check(|place| {
        let bench = ready(place());
        let journal = Journal::new();
        journal.follow(bench.process());
        let sums: Vec<_> = (0..200).map(|number| bench.add_two(number, 1)).collect();
        let large = bench.echo(Blob::numbered(3 << 20));
        let working = bench.work(300);
        let last = bench.add_two(20, 22);
        bench.process().finish();
        assert!(bench.process().is_finishing());
        let late = bench.add_two(1, 2);
        assert_eq!(outcome(late), Err(CallError::Finishing));
        for (number, sum) in (1..).zip(sums) {
            assert_eq!(outcome(sum), Ok(number));
        }
        assert!(outcome(large).unwrap().is_numbered(3 << 20));
        assert!(outcome(working).unwrap() > 0);
        assert_eq!(outcome(last), Ok(42));
        let report = joined(&bench);
        assert_eq!(
            (report.state, report.killed, report.cleanup == CleanupStatus::Ran),
            (ProcessState::Finished, false, true)
        );
        assert_eq!(report.reason, Some(StopReason::Finished));
        assert_eq!((report.commands_lost, report.commands_stopped), (0, 1));
        assert!(!bench.process().is_finishing());
        let told = journal.until_line("finished");
        let states: Vec<_> = told.iter().filter(|line| line.starts_with("state")).collect();
        let ended = ["state finishing", "state stopping", "state finished"];
        assert_eq!(states[states.len() - 3..], ended, "{told:?}");
    });
}

#[test]
fn a_child_with_an_empty_queue_stops_immediately() {
    check(|place| {
        let bench = ready(place());
        bench.process().finish();
        let report = joined(&bench);
        assert_eq!(
            (report.state, report.cleanup == CleanupStatus::Ran),
            (ProcessState::Finished, true)
        );
        assert_eq!(report.reason, Some(StopReason::Finished));
    });
}

#[test]
fn a_starting_child_runs_waiting_commands_first() {
    check(|place| {
        let bench = place().spawn().unwrap();
        let sums: Vec<_> = (0..5).map(|number| bench.add_two(number, 1)).collect();
        bench.process().finish();
        assert_eq!(outcome(bench.add_two(1, 2)), Err(CallError::Finishing));
        for (number, sum) in (1..).zip(sums) {
            assert_eq!(outcome(sum), Ok(number));
        }
        assert_eq!(joined(&bench).state, ProcessState::Finished);
        // Without queued commands it need not even get ready.
        bench.process().start().unwrap();
        bench.process().finish();
        assert_eq!(joined(&bench).state, ProcessState::Finished);
    });
}

#[test]
fn a_child_that_was_not_started_has_nothing_to_finish() {
    check(|place| {
        let bench = place().build().unwrap();
        let waits = bench.add_two(1, 2);
        bench.process().finish();
        bench.process().finish_within(Duration::ZERO);
        assert!(!bench.process().is_finishing());
        assert_eq!(bench.process().join(LONG), Err(JoinError::NotStarted));
        assert_eq!(bench.process().wait_ready(LONG), Err(ReadyError::NotStarted));
        bench.process().start().unwrap();
        assert_eq!(outcome(waits), Ok(3));
        assert_eq!(outcome(bench.add_two(1, 2)), Ok(3), "it goes on");
        // Nor does a child that has ended.
        bench.process().stop();
        joined(&bench);
        bench.process().finish();
        assert!(!bench.process().is_finishing());
        bench.process().start().unwrap();
        assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
    });
}

#[test]
fn commands_that_handlers_submit_meanwhile_are_refused() {
    let bench = ready(process());
    let (sender, heard) = std::sync::mpsc::channel();
    let weak = bench.downgrade();
    bench.work(50).on_done(move |_| {
        let next = weak.upgrade().map(|bench| outcome(bench.add_two(1, 2)));
        sender.send(next).unwrap();
    });
    let last = bench.work(600_000);
    bench.process().finish();
    assert_eq!(heard.recv_timeout(LONG).unwrap(), Some(Err(CallError::Finishing)));
    last.cancel();
    assert_eq!(joined(&bench).commands_stopped, 1);
}

#[test]
fn the_last_command_may_end_in_any_way() {
    type Last = fn(&BenchControl);
    let ways: [Last; 5] = [
        |bench| drop(bench.panic_with("oh".into())),
        |bench| drop(bench.divide(1, 0)),
        |bench| drop(bench.work(600_000).timeout(Duration::from_millis(20))),
        |bench| bench.work(600_000).cancel(),
        // Cannot be encoded, which the encoder thread detects.
        |bench| {
            let weight = Blob::numbered(1 << 20);
            drop(bench.take_heavy_mood(weight, system_tests::Mood::RefusesToLeave));
        },
    ];
    for place in [process as Place, thread] {
        for (number, last) in ways.iter().enumerate() {
            let bench = ready(place());
            bench.work(30);
            last(&bench);
            bench.process().finish();
            let report = joined(&bench);
            assert_eq!((number, report.state), (number, ProcessState::Finished));
            assert_eq!(report.reason, Some(StopReason::Finished), "{number}");
        }
    }
}

#[test]
fn cancelling_the_remaining_commands_ends_it() {
    check(|place| {
        let bench = ready(place());
        let calls: Vec<_> = (0..20).map(|_| bench.work(600_000)).collect();
        until_begun(&bench, 1);
        bench.process().finish();
        bench.process().cancel_all();
        for call in calls {
            assert_eq!(outcome(call), Err(CallError::Cancelled));
        }
        assert_eq!(joined(&bench).reason, Some(StopReason::Finished));
        // Commands of a child that is not ready yet, which never receives them.
        let bench = place().spawn().unwrap();
        let call = bench.work(600_000);
        bench.process().finish();
        call.cancel();
        assert_eq!(outcome(call), Err(CallError::Cancelled));
        assert_eq!(joined(&bench).state, ProcessState::Finished);
    });
}

#[test]
fn a_scripted_child_finishes_too() {
    let script = Script::new().ready().expect("add_two").reply(3).expect("divide").reply(7);
    let bench = BenchControl::builder().script(&script).spawn().unwrap();
    let (sum, quotient) = (bench.add_two(1, 2), bench.divide(21, 3));
    bench.process().finish();
    assert_eq!((outcome(sum), outcome(quotient)), (Ok(3), Ok(7)));
    assert_eq!(joined(&bench).state, ProcessState::Finished);
    script.verdict().unwrap();
}

// ---- its time, and what ends it earlier

#[test]
fn commands_not_done_in_time_are_stopped() {
    check(|place| {
        let bench = ready(place());
        let exceptions = bench.signals().exception_raised.receiver();
        let running = bench.work(600_000);
        let queued: Vec<_> = (0..3).map(|_| bench.raise_level(2)).collect();
        until_begun(&bench, 1);
        bench.process().finish_within(Duration::from_millis(100));
        // A longer time postpones nothing.
        bench.process().finish_within(100 * LONG);
        bench.process().finish();
        assert_eq!(outcome(running), Err(CallError::Stopped));
        for call in queued {
            assert_eq!(outcome(call), Err(CallError::Stopped));
        }
        let report = joined(&bench);
        assert_eq!(report.reason, Some(StopReason::FinishTimeOver));
        assert_eq!((report.commands_stopped, report.cleanup == CleanupStatus::Ran), (3, true));
        let told = exceptions.recv_timeout(LONG).unwrap().0;
        assert_eq!(told.kind, ExceptionKind::NotRun { commands: 3 });
        assert!(told.message.contains("the time to finish has passed"), "{told}");
        assert!(exceptions.try_recv().is_none(), "once");
        assert_eq!(bench.level(), 0);
    });
}

#[test]
fn a_later_finish_can_shorten_the_time() {
    let bench = ready(process());
    let running = bench.work(600_000);
    bench.process().finish_within(100 * LONG);
    bench.process().finish_within(Duration::from_millis(50));
    assert_eq!(outcome(running), Err(CallError::Stopped));
    assert_eq!(joined(&bench).reason, Some(StopReason::FinishTimeOver));
}

/// Regression: the time of an end that came for another reason stopped the next run.
#[test]
fn the_time_of_an_earlier_finish_does_not_end_a_later_run() {
    let bench = ready(process());
    let stopped = bench.work(600_000);
    bench.process().finish_within(Duration::from_millis(300));
    bench.process().restart().unwrap();
    assert_eq!(outcome(stopped), Err(CallError::Stopped));
    let working = bench.work(1000);
    bench.process().finish();
    assert!(outcome(working).unwrap() > 0, "the time was another one's");
    assert_eq!(joined(&bench).reason, Some(StopReason::Finished));
}

#[test]
fn stop_terminate_and_kill_end_it_immediately() {
    type ProcessEnd = fn(&BenchControl);
    let ends: [(ProcessEnd, bool); 4] = [
        (|bench| bench.process().stop(), true),
        (|bench| bench.process().stop_with("no sample"), true),
        (|bench| bench.process().terminate(), true),
        (|bench| bench.process().kill(), false),
    ];
    for (end, cleans_up) in ends {
        let bench = ready(process());
        let (running, queued) = (bench.work(600_000), bench.add_two(1, 2));
        until_begun(&bench, 1);
        bench.process().finish();
        end(&bench);
        assert!(!bench.process().is_finishing());
        assert!(outcome(running).is_err() && outcome(queued).is_err());
        let report = joined(&bench);
        assert_eq!(
            (report.state, report.cleanup == CleanupStatus::Ran),
            (ProcessState::Finished, cleans_up)
        );
    }
}

#[test]
fn an_external_sigterm_ends_it_immediately() {
    let bench = ready(process().restart(RestartPolicy::always()));
    let (running, queued) = (bench.work(600_000), bench.add_two(1, 2));
    until_begun(&bench, 1);
    bench.process().finish();
    processes::signal(bench.process().pid().unwrap(), Signal::TERM);
    assert_eq!(outcome(running), Err(CallError::Stopped));
    assert_eq!(outcome(queued), Err(CallError::Stopped));
    let report = joined(&bench);
    assert_eq!((report.reason.as_ref(), report.commands_stopped), (Some(&StopReason::Signal), 1));
    assert!(!bench.process().restart_pending(), "nothing is left to do");
    assert!(!bench.process().is_finishing());
}

#[test]
fn a_restart_ends_it_and_the_next_run_is_an_ordinary_one() {
    check(|place| {
        let bench = ready(place());
        let running = bench.work(600_000);
        until_begun(&bench, 1);
        bench.process().finish();
        bench.process().restart().unwrap();
        assert_eq!(outcome(running), Err(CallError::Stopped));
        assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
        assert_eq!(bench.process().generation(), 2);
        assert!(!bench.process().is_finishing());
    });
}

#[test]
fn a_finish_after_a_restart_applies_to_the_next_run() {
    check(|place| {
        let bench = ready(place());
        let running = bench.finish_all_the_same();
        until_begun(&bench, 1);
        bench.process().restart().unwrap();
        let next = bench.add_two(1, 2);
        bench.process().finish();
        assert_eq!(outcome(bench.add_two(1, 2)), Err(CallError::Finishing));
        assert!(outcome(running).is_ok());
        assert_eq!(outcome(next), Ok(3));
        until("the second run has ended", || {
            !bench.process().is_finishing() && !bench.process().is_alive()
        });
        assert_eq!(
            (bench.process().generation(), bench.process().state()),
            (2, ProcessState::Finished)
        );
        // Without queued commands there is no next run.
        bench.process().start().unwrap();
        let running = bench.finish_all_the_same();
        until_begun(&bench, 1);
        bench.process().restart().unwrap();
        bench.process().finish();
        assert!(!bench.process().restart_pending());
        assert!(outcome(running).is_ok());
        assert_eq!(joined(&bench).generation, 3);
    });
}

#[test]
fn dropping_the_last_control_does_not_cut_it_short() {
    check(|place| {
        let bench = ready(place());
        let journal = Journal::new();
        journal.follow(bench.process());
        let process = bench.process().clone();
        let (working, sum) = (bench.work(300), bench.add_two(1, 2));
        process.finish();
        drop(bench);
        assert!(outcome(working).unwrap() > 0);
        assert_eq!(outcome(sum), Ok(3));
        journal.until_line("finished");
        assert_eq!(process.exit_report().unwrap().reason, Some(StopReason::Finished));
    });
}

// ---- crashes

/// A log of the executed commands, and a way to make starts fail.
struct Logged {
    folder: tempfile::TempDir,
}

impl Logged {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn phoenix(&self) -> PhoenixControl {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let config = PhoenixConfig {
            log: text(&self.path("log")),
            bad_start: Some(text(&self.path("bad_start"))),
            grows_timid: false,
        };
        let quiet = mpcore::OutputMode::Null;
        let builder = PhoenixControl::builder().program(PHOENIX).stdout(quiet).stderr(quiet);
        builder.config(config).transport(transport()).restart(soon()).build().unwrap()
    }
}

fn until_over(phoenix: &PhoenixControl) -> Arc<ExitReport> {
    let process = phoenix.process();
    until("it is over", || {
        !process.is_alive() && !process.restart_pending() && process.exit_report().is_some()
    });
    process.exit_report().unwrap()
}

#[test]
fn after_a_crash_the_next_run_does_the_rest_and_finishes() {
    let logged = Logged::new();
    let phoenix = logged.phoenix();
    phoenix.process().start().unwrap();
    phoenix.process().wait_ready(LONG).unwrap();
    let bad = phoenix.measure("bad".into(), 1);
    let once = phoenix.measure_once("once".into(), 0);
    let good = phoenix.measure("good".into(), 0);
    phoenix.process().finish();
    assert_eq!((outcome(bad), outcome(good)), (Ok(2), Ok(2)));
    assert!(matches!(outcome(once), Err(CallError::Exited(_))), "it is not run again");
    let report = until_over(&phoenix);
    assert_eq!((report.generation, report.state), (2, ProcessState::Finished));
    assert_eq!(report.reason, Some(StopReason::Finished));
    assert_eq!(runs(&logged.path("log")), ["bad 1", "bad 2", "good 2"]);
    assert_eq!(outcome(phoenix.add(1, 2)), Err(CallError::Exited(report)));
}

#[test]
fn between_two_runs_a_child_that_finishes_refuses_commands() {
    let logged = Logged::new();
    let phoenix = logged.phoenix();
    std::fs::write(logged.path("bad_start"), "error").unwrap();
    phoenix.process().start().unwrap();
    let sum = phoenix.add(1, 2);
    phoenix.process().finish();
    until("some starts have failed", || phoenix.process().generation() > 2);
    assert!(phoenix.process().is_finishing());
    assert_eq!(outcome(phoenix.add(1, 2)), Err(CallError::Finishing));
    std::fs::remove_file(logged.path("bad_start")).unwrap();
    assert_eq!(outcome(sum), Ok(3));
    assert_eq!(until_over(&phoenix).state, ProcessState::Finished);
}

#[test]
fn a_crash_with_an_empty_queue_ends_it() {
    let logged = Logged::new();
    let phoenix = logged.phoenix();
    let restarting = phoenix.process().signals().restarting.receiver();
    phoenix.process().start().unwrap();
    let once = phoenix.measure_once("once".into(), 9);
    phoenix.process().finish();
    assert!(matches!(outcome(once), Err(CallError::Exited(_))));
    phoenix.process().join(LONG).unwrap();
    assert!(!phoenix.process().restart_pending() && !phoenix.process().is_finishing());
    assert_eq!(
        (phoenix.process().generation(), phoenix.process().state()),
        (1, ProcessState::Crashed)
    );
    // Started by hand, it is an ordinary child again.
    phoenix.process().start().unwrap();
    assert_eq!(outcome(phoenix.generation()), Ok(2));
    assert!(restarting.try_recv().is_none());
}

#[test]
fn a_stop_between_two_runs_ends_the_remaining_commands() {
    let logged = Logged::new();
    let phoenix = logged.phoenix();
    let exceptions = phoenix.signals().exception_raised.receiver();
    std::fs::write(logged.path("bad_start"), "error").unwrap();
    phoenix.process().start().unwrap();
    let sums = [phoenix.add(1, 2), phoenix.add(3, 4)];
    phoenix.process().finish_within(Duration::from_millis(200));
    for sum in sums {
        assert_eq!(outcome(sum), Err(CallError::Stopped));
    }
    until_over(&phoenix);
    assert!(!phoenix.process().is_finishing());
    let mut told = std::iter::from_fn(|| exceptions.recv_timeout(LONG).ok().map(|it| it.0.kind));
    let not_run = told.find(|kind| matches!(kind, ExceptionKind::NotRun { .. }));
    assert_eq!(not_run, Some(ExceptionKind::NotRun { commands: 2 }));
}
