//! Cancelling, in a process and on a thread: a command that has not begun never begins, one that
//! does not end can be killed for, and `no_cancel` protects a running one. A cancel may come at any
//! moment, also too late.

use std::collections::BTreeSet;
use std::fs;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mpcore::{
    CallError, CallId, ControlBuilder, IgnoredRequest, Inbox, ProcessState, QueueBound, RunFailure,
};
use system_tests::worker::{WorkerControl, WorkerProcess, builder, ready, until_begun};
use system_tests::{BenchControl, DivideError, Journal, LONG, bench, outcome, processes, until};

const CHILD: &str = env!("CARGO_BIN_EXE_worker_child");
const BENCH: &str = env!("CARGO_BIN_EXE_bench_child");

const FOR_EVER: u64 = 600_000;
const GRACE: Duration = Duration::from_millis(200);
/// The grace for a command that heeds its cancel, long enough for a busy machine.
const AMPLE: Duration = Duration::from_secs(5);

/// Where the child runs: in a process or on a thread.
type Place = fn() -> ControlBuilder<WorkerControl>;

fn process() -> ControlBuilder<WorkerControl> {
    builder(CHILD)
}

fn thread() -> ControlBuilder<WorkerControl> {
    WorkerControl::builder().in_process::<WorkerProcess>()
}

fn check(what: fn(Place)) {
    what(process);
    what(thread);
}

/// A reproducible coin toss.
struct Coin(u64);

impl Coin {
    fn toss(&mut self) -> u64 {
        // xorshift
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Quick commands, cancelled at random moments: before they are sent, in transit, while they wait
/// in the child, while they run, and after their end.
#[test]
fn a_call_answered_as_cancelled_was_never_executed() {
    const CALLS: u32 = 10_000;
    check(|place| {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let file = log.to_string_lossy().into_owned();
        let worker = ready(place());
        let ends = Journal::new();
        let note = ends.clone();
        worker.process().signals().call_ended.connect(move |end| note.note(end.call));
        let mut coin = Coin(0x5EED);
        let mut calls = Vec::new();
        for number in 0..CALLS {
            calls.push((number, worker.log(file.clone(), number)));
            if coin.toss().is_multiple_of(3) {
                let back = (coin.toss() % 40) as usize;
                calls[calls.len().saturating_sub(back + 1)].1.cancel();
            }
        }
        let first = calls[0].1.id().get();
        let (mut executed, mut cancelled) = (BTreeSet::new(), BTreeSet::new());
        for (number, call) in calls {
            match outcome(call) {
                Ok(()) => executed.insert(number),
                Err(CallError::Cancelled) => cancelled.insert(number),
                Err(error) => panic!("{number}: {error}"),
            };
        }
        let log = fs::read_to_string(log).unwrap();
        let logged: Vec<u32> = log.lines().map(|line| line.parse().unwrap()).collect();
        assert!(logged.is_sorted_by(|a, b| a < b), "in order, and none twice");
        assert_eq!(BTreeSet::from_iter(logged), executed);
        assert!(!cancelled.is_empty() && !executed.is_empty(), "{} cancelled", cancelled.len());
        let told = ends.until_lines("", CALLS as usize);
        let told: BTreeSet<u64> = told.iter().map(|line| line.parse().unwrap()).collect();
        assert_eq!(told, (first..first + u64::from(CALLS)).collect(), "each once");
    });
}

#[test]
fn a_command_that_heeds_its_cancel_affects_no_other() {
    check(|place| {
        let worker = ready(place());
        let (running, queued) = (worker.work(FOR_EVER), worker.work(6000));
        until_begun(&worker, 1);
        running.cancel_or_kill(AMPLE);
        assert_eq!(outcome(running), Err(CallError::Cancelled));
        assert!(
            outcome(queued).is_ok(),
            "it runs longer than the grace, and the child is not killed"
        );
        assert_eq!(worker.process().generation(), 1);
    });
}

#[test]
fn ignoring_a_cancel_kills_the_child_and_others_report_why() {
    check(|place| {
        let worker = ready(place());
        // On a thread, it is given up and ends later.
        let (deaf, queued) = (worker.ignore(3000), worker.work(1));
        let id = deaf.id();
        until_begun(&worker, 1);
        worker.process().cancel_or_kill(id, GRACE);
        assert_eq!(outcome(deaf), Err(CallError::Cancelled), "as requested");
        let Err(CallError::Exited(report)) = outcome(queued) else { panic!("it ended with it") };
        let ignored = IgnoredRequest::Cancel { grace: GRACE };
        let expected = RunFailure::KilledFor { command: "ignore", call: id, ignored };
        assert_eq!(report.failure, Some(expected));
        assert_eq!((report.killed, report.commands_lost), (true, 2));
        assert_eq!(
            report.failure.as_ref().unwrap().to_string(),
            format!(
                "the child was killed because `ignore` (call {id}) had not ended 200ms after it was cancelled"
            )
        );
        let Err(CallError::Exited(later)) = outcome(worker.work(1)) else { panic!("it is gone") };
        assert_eq!(later, report);
    });
}

#[test]
fn cancelling_a_queued_command_does_not_kill() {
    check(|place| {
        let worker = ready(place());
        let (deaf, queued) = (worker.ignore(1500), worker.work(1));
        until_begun(&worker, 1);
        queued.cancel_or_kill(GRACE);
        assert_eq!(outcome(queued), Err(CallError::Cancelled));
        assert_eq!(outcome(deaf), Ok(()));
    });
}

#[test]
fn no_cancel_applies_from_the_start() {
    check(|place| {
        let worker = ready(place());
        let (running, queued) = (worker.hold(800), worker.hold(FOR_EVER));
        until_begun(&worker, 1);
        running.cancel();
        running.cancel_or_kill(GRACE);
        queued.cancel();
        assert_eq!(outcome(queued), Err(CallError::Cancelled), "it has not begun");
        assert!(outcome(running).is_ok(), "neither cancelled nor killed for");
        let stopped = worker.hold(FOR_EVER);
        until_begun(&worker, 2);
        worker.process().stop();
        assert_eq!(outcome(stopped), Err(CallError::Stopped), "a stop reaches it");
    });
}

#[test]
fn before_the_start_and_after_the_end_there_is_nothing_to_kill() {
    check(|place| {
        let worker = place().build().unwrap();
        let early = worker.work(1);
        early.cancel_or_kill(Duration::ZERO);
        assert_eq!(outcome(early), Err(CallError::Cancelled));
        worker.process().start().unwrap();
        let call = worker.work(1);
        let id = call.id();
        assert!(outcome(call).is_ok());
        worker.process().cancel_or_kill(id, Duration::ZERO);
        worker.process().cancel_or_kill(CallId::new(u64::MAX), Duration::ZERO);
        assert!(outcome(worker.work(1)).is_ok());
    });
}

#[test]
fn a_stopping_child_is_killed_but_ends_as_requested() {
    let worker = ready(process().stop_grace(2 * LONG));
    let deaf = worker.ignore(FOR_EVER);
    until_begun(&worker, 1);
    worker.process().stop();
    deaf.cancel_or_kill(GRACE);
    assert_eq!(outcome(deaf), Err(CallError::Cancelled));
    assert!(worker.process().join(LONG).is_ok());
    let report = worker.process().exit_report().unwrap();
    assert_eq!((report.state, &report.failure), (ProcessState::Finished, &None));
}

/// Returns a worker whose inbox is soon full and is not drained, and a function that waits until it
/// has queued a lot on its own side.
fn with_a_full_inbox(inbox: &Inbox) -> (WorkerControl, impl Fn()) {
    let bound = QueueBound { entries: 1000, bytes: 1 << 20 };
    let worker = ready(process().inbox(inbox).inbox_bound(bound));
    worker.signals().tick.connect(|_| {});
    let pid = worker.process().pid().unwrap();
    let before = processes::resident_mib(pid);
    let until_full =
        move || until("it has queued a lot", || processes::resident_mib(pid) > before + 8);
    (worker, until_full)
}

/// Its outcome waits behind signals that a full inbox delays, which is not the command's fault.
#[test]
fn a_flooding_command_is_killed_although_no_thread_drains() {
    let inbox = Inbox::new(|| {});
    let (worker, until_full) = with_a_full_inbox(&inbox);
    let mut flood = worker.flood(u32::MAX);
    until_full();
    flood.cancel_or_kill(GRACE);
    until("it has its outcome", || flood.try_outcome().is_some());
    assert_eq!(flood.try_outcome(), Some(Err(CallError::Cancelled)));
    assert_eq!(worker.process().state(), ProcessState::Crashed);
}

#[test]
fn a_command_whose_outcome_is_delayed_is_not_killed_for() {
    let inbox = Inbox::new(|| {});
    let (worker, until_full) = with_a_full_inbox(&inbox);
    let pid = worker.process().pid();
    let (mut flood, next) = (worker.flood_on(), worker.work(1));
    until_begun(&worker, 1);
    until_full();
    flood.cancel_or_kill(2 * AMPLE);
    until("its outcome comes, although the inbox is not drained", || flood.try_outcome().is_some());
    assert_eq!(flood.try_outcome(), Some(Err(CallError::Cancelled)));
    assert!(outcome(next).is_ok());
    assert_eq!(worker.process().pid(), pid);
}

// ---- which commands a cancel ends, and when it comes too late

fn ready_bench() -> BenchControl {
    bench::ready(bench::builder(BENCH))
}

#[test]
fn a_queued_command_that_is_cancelled_never_starts() {
    let bench = ready_bench();
    let busy = bench.ignore_everything(300);
    let queued = bench.raise_level(5);
    queued.cancel();
    assert_eq!(outcome(queued), Err(CallError::Cancelled));
    assert_eq!(outcome(busy), Ok(()));
    assert_eq!(outcome(bench.add_two(0, 0)), Ok(0));
    assert_eq!(bench.level(), 0);
}

#[test]
fn a_command_cancelled_before_the_start_never_starts() {
    let bench = bench::builder(BENCH).build().unwrap();
    let queued = bench.raise_level(5);
    queued.cancel();
    assert_eq!(outcome(queued), Err(CallError::Cancelled));
    bench.process().start().unwrap();
    assert_eq!(outcome(bench.add_two(0, 0)), Ok(0));
    assert_eq!(bench.level(), 0);
}

#[test]
fn a_running_command_ends_as_cancelled_whatever_its_error() {
    let bench = ready_bench();
    let by_check = bench.work(60_000);
    bench::until_begun(&bench, 1);
    by_check.cancel();
    assert_eq!(outcome(by_check), Err(CallError::Cancelled));

    let by_unwinding = bench.work_on(60_000);
    bench::until_begun(&bench, 2);
    by_unwinding.cancel();
    assert_eq!(outcome(by_unwinding), Err(CallError::Cancelled));

    let another_error = bench.end_with_another_error();
    bench::until_begun(&bench, 3);
    another_error.cancel();
    assert_eq!(outcome(another_error), Err(CallError::Cancelled));

    let result = bench.finish_all_the_same();
    bench::until_begun(&bench, 4);
    result.cancel();
    assert_eq!(outcome(result), Ok(1), "it saw the request and still returned a result");

    let by_worker = bench.let_a_worker_watch();
    bench::until_begun(&bench, 5);
    by_worker.cancel();
    assert_eq!(outcome(by_worker), Err(CallError::Cancelled), "a worker may observe it as well");

    let blind = bench.ignore_and_fail(300);
    bench::until_begun(&bench, 6);
    blind.cancel();
    let raised = Err(CallError::Raised(DivideError::ByZero));
    assert_eq!(outcome(blind), raised, "it never observed the cancel, so the error is its own");

    // The request belongs to the id: it does not affect the next command.
    assert!(outcome(bench.work(5)).is_ok());
}

#[test]
fn a_cancel_after_the_outcome_changes_nothing() {
    let bench = ready_bench();
    let mut call = bench.add_two(1, 2);
    assert_eq!(call.wait_timeout(LONG), Ok(3));
    call.cancel();
    assert_eq!(call.wait(), Ok(3));
    assert_eq!(outcome(bench.add_two(2, 2)), Ok(4));
}

/// Regression: the report of what the child had read of the control lane was assumed sent when it
/// was not, so after about a hundred messages neither cancel nor stop reached a busy child.
#[test]
fn a_running_command_is_cancelled_after_a_thousand_others() {
    let bench = bench::builder(BENCH).build().unwrap();
    let running = bench.work(120_000);
    // Before the start, so that they are sent together and the child holds all of them.
    let queued: Vec<_> = (0..1000).map(|_| bench.reset_counters()).collect();
    bench.process().start().unwrap();
    bench::until_begun(&bench, 1);
    for call in &queued {
        call.cancel();
        // Each as a message of its own.
        thread::sleep(Duration::from_micros(50));
    }
    running.cancel();
    assert_eq!(outcome(running), Err(CallError::Cancelled));
    for call in queued {
        assert_eq!(outcome(call), Err(CallError::Cancelled));
    }
}

#[test]
fn cancel_on_drop_cancels_only_calls_without_an_outcome() {
    let bench = ready_bench();
    let first = bench.work(60_000).cancel_on_drop();
    drop(first);
    // Would otherwise wait for a minute.
    assert_eq!(outcome(bench.add_two(0, 0)), Ok(0));
    let future = std::future::IntoFuture::into_future(bench.work(60_000).cancel_on_drop());
    drop(future);
    assert_eq!(outcome(bench.add_two(1, 0)), Ok(1));
    let kept = bench.work(50).cancel_on_drop();
    assert!(outcome(kept).is_ok());
    let (sender, done) = mpsc::channel();
    bench.work(50).cancel_on_drop().on_done(move |it| sender.send(it.is_ok()).unwrap());
    assert_eq!(done.recv_timeout(LONG), Ok(true), "a call with a waiter is not cancelled");
}

#[test]
fn cancel_all_ends_every_call_that_can_be_cancelled() {
    let bench = ready_bench();
    let running = bench.work(60_000);
    let queued: Vec<_> = (0..20).map(|_| bench.raise_level(9)).collect();
    bench.process().cancel_all();
    assert_eq!(outcome(running), Err(CallError::Cancelled));
    for call in queued {
        assert_eq!(outcome(call), Err(CallError::Cancelled));
    }
    assert_eq!(bench.process().pending_commands(), 0);
    assert_eq!(outcome(bench.add_two(0, 0)), Ok(0));
    assert_eq!(bench.level(), 0);
}
