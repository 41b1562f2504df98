//! The same child in a process and on a thread: one table of checks of everything that a child does
//! (calls, cancels, properties, events, life cycle, stop, restart, kill, failed starts, bounds), run
//! against both; and what is particular to threads: several of them, and their stack.

use std::fs;
use std::time::Duration;

use mpcore::{CallError, CleanupStatus, ControlBuilder, ProcessState, QueueBound, RunFailure};
use system_tests::bench::{TICK_OF_CLEANUP, TICK_OF_CONSTRUCTOR, TICK_OF_INIT, ready, until_begun};
use system_tests::{
    BenchConfig, BenchControl, BenchProcess, Blob, DivideError, InitFault, Journal, LONG, Mood,
    block_on, outcome,
};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");

/// Where the child runs: in a process or on a thread.
type Place = fn() -> ControlBuilder<BenchControl>;

fn process() -> ControlBuilder<BenchControl> {
    system_tests::bench::builder(CHILD)
}

fn thread() -> ControlBuilder<BenchControl> {
    BenchControl::builder().in_process::<BenchProcess>().config(BenchConfig::default())
}

fn check(what: fn(Place)) {
    what(process);
    what(thread);
}

fn joined(bench: &BenchControl) -> ProcessState {
    assert!(bench.process().join(LONG).is_ok(), "it ends");
    bench.process().state()
}

#[test]
fn calls_come_back() {
    check(|place| {
        let bench = ready(place());
        assert_eq!(bench.add_two(1, 2).wait(), Ok(3));
        assert_eq!(block_on(bench.calibrate()), Ok((0.5, 2.0)));
        assert_eq!(outcome(bench.reset_counters()), Ok(()));
        assert_eq!(outcome(bench.divide(1, 0)), Err(CallError::Raised(DivideError::ByZero)));
        assert_eq!(bench.blocking().find(1), Ok(Some(vec![0.0])));
        assert!(outcome(bench.echo(Blob::numbered(5 << 20))).unwrap().is_numbered(5 << 20));
        assert!(matches!(
            outcome(bench.take_mood(Mood::RefusesToArrive)),
            Err(CallError::Decode(_))
        ));
        let Err(CallError::Raised(error)) = outcome(bench.fail()) else { panic!("it fails") };
        assert_eq!(error.causes(), ["invalid digit found in string"]);
    });
}

#[test]
fn a_panic_ends_only_its_command() {
    check(|place| {
        let bench = ready(place());
        let Err(CallError::Panicked(report)) = outcome(bench.panic_with("oh".into())) else {
            panic!("it panics")
        };
        assert_eq!(report.message, "oh");
        assert!(report.location.contains("bench.rs"), "{report:?}");
        assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
    });
}

#[test]
fn commands_are_cancelled_queued_and_running() {
    check(|place| {
        let bench = ready(place());
        let running = bench.work(60_000);
        let queued = bench.raise_level(2);
        until_begun(&bench, 1);
        queued.cancel();
        running.cancel();
        assert_eq!(outcome(running), Err(CallError::Cancelled));
        assert_eq!(outcome(queued), Err(CallError::Cancelled));
        let unwinding = bench.work_on(60_000);
        unwinding.cancel();
        assert_eq!(outcome(unwinding), Err(CallError::Cancelled));
        assert_eq!(outcome(bench.add_two(0, 0)), Ok(0));
        assert_eq!(bench.level(), 0);
    });
}

#[test]
fn properties_are_mirrored_and_written() {
    check(|place| {
        let bench = ready(place());
        let powers = bench.signals().power_set.receiver();
        assert_eq!(powers.recv_timeout(LONG), Ok((1.0,)));
        assert_eq!(outcome(bench.set_power(2.0)), Ok(2.0));
        assert_eq!(powers.recv_timeout(LONG), Ok((2.0,)));
        assert!(matches!(outcome(bench.set_power(9.0)), Err(CallError::Raised(_))));
        assert_eq!(outcome(bench.set_power(2.0)), Ok(2.0));
        assert_eq!(outcome(bench.raise_level(300)), Ok(300));
        assert_eq!((bench.level(), bench.power(), bench.connected()), (300, 2.0, true));
        assert_eq!(powers.try_recv(), None);
    });
}

#[test]
fn events_come_in_order_before_the_result() {
    check(|place| {
        let bench = ready(place());
        let journal = Journal::new();
        let note = journal.clone();
        bench.signals().tick.connect(move |number| note.note(number));
        let note = journal.clone();
        bench.flood(1000).on_done(move |_| note.note("done"));
        let expected = (0..1000).map(|it| it.to_string()).chain(["done".to_owned()]);
        assert_eq!(journal.until_line("done"), expected.collect::<Vec<_>>());
    });
}

#[test]
fn lifecycle_signals_come_in_the_same_order() {
    check(|place| {
        let config = BenchConfig { talks: true, ..BenchConfig::default() };
        let bench = place().config(config).build().unwrap();
        let journal = Journal::new();
        journal.follow(bench.process());
        let note = journal.clone();
        bench.signals().tick.connect(move |number| note.note(format!("tick {number}")));
        bench.process().start().unwrap();
        bench.process().wait_ready(LONG).unwrap();
        bench.process().stop();
        let expected = [
            "state starting".to_owned(),
            "started".to_owned(),
            format!("tick {TICK_OF_CONSTRUCTOR}"),
            format!("tick {TICK_OF_INIT}"),
            "state running".to_owned(),
            "ready".to_owned(),
            "state stopping".to_owned(),
            format!("tick {TICK_OF_CLEANUP}"),
            "state finished".to_owned(),
            "finished finished".to_owned(),
        ];
        assert_eq!(journal.until_line("finished"), expected);
    });
}

#[test]
fn a_stop_ends_running_and_queued_commands_and_cleans_up() {
    check(|place| {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("cleanup");
        let cleanup_log = Some(log.to_string_lossy().into_owned());
        let config = BenchConfig { cleanup_log, ..BenchConfig::default() };
        let bench = ready(place().config(config));
        let (running, queued) = (bench.work(60_000), bench.add_two(1, 2));
        until_begun(&bench, 1);
        bench.process().stop();
        assert_eq!(outcome(running), Err(CallError::Stopped));
        assert_eq!(outcome(queued), Err(CallError::Stopped));
        assert_eq!(joined(&bench), ProcessState::Finished);
        let report = bench.process().exit_report().unwrap();
        assert_eq!((report.cleanup, report.killed), (CleanupStatus::Ran, false));
        assert_eq!(fs::read_to_string(log).unwrap().lines().count(), 1);
        assert!(matches!(outcome(bench.add_two(1, 2)), Err(CallError::Exited(_))));
        assert!(bench.process().is_stale());
    });
}

#[test]
fn a_restart_starts_a_new_run() {
    check(|place| {
        let bench = place().build().unwrap();
        let journal = Journal::new();
        journal.follow(bench.process());
        bench.process().start().unwrap();
        assert_eq!(outcome(bench.set_power(3.0)), Ok(3.0));
        bench.process().restart().unwrap();
        journal.until_lines("ready", 2);
        assert_eq!(outcome(bench.surroundings()).map(|it| it.generation), Ok(2));
        assert_eq!(bench.power(), 1.0);
        bench.process().stop();
        assert_eq!(joined(&bench), ProcessState::Finished);
        bench.process().start().unwrap();
        assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
    });
}

#[test]
fn a_failed_start_reports_why() {
    check(|place| {
        let failing = |fault| {
            let config = BenchConfig { fault: Some(fault), ..BenchConfig::default() };
            let hangs = matches!(fault, InitFault::ConstructorHangs);
            let deadline = if hangs { Duration::from_secs(1) } else { LONG };
            let bench = place().config(config).start_deadline(deadline).spawn().unwrap();
            let Err(CallError::Exited(report)) = outcome(bench.add_two(1, 2)) else {
                panic!("{fault:?}: it was run")
            };
            assert_eq!(report.state, ProcessState::Failed);
            report.failure.clone().unwrap()
        };
        assert!(matches!(failing(InitFault::ConstructorErrs), RunFailure::Constructor(_)));
        assert!(matches!(
            failing(InitFault::ConstructorPanics),
            RunFailure::ConstructorPanicked(_)
        ));
        assert!(matches!(failing(InitFault::PostrunInitErrs), RunFailure::PostrunInit(_)));
        assert!(matches!(
            failing(InitFault::PostrunInitPanics),
            RunFailure::PostrunInitPanicked(_)
        ));
        assert!(matches!(failing(InitFault::ConstructorHangs), RunFailure::StartDeadline { .. }));
        let config = BenchConfig { mood: Mood::RefusesToArrive, ..BenchConfig::default() };
        let bench = place().config(config).spawn().unwrap();
        let Err(CallError::Exited(report)) = outcome(bench.add_two(1, 2)) else { panic!("no") };
        assert!(matches!(report.failure, Some(RunFailure::Config(_))), "{report:?}");
    });
}

/// A thread cannot be killed: its commands are given up, and whatever it does later is ignored.
#[test]
fn a_child_that_ignores_everything_is_given_up_after_the_grace() {
    check(|place| {
        let bench = ready(place().stop_grace(Duration::from_millis(200)));
        let deaf = bench.ignore_everything(3000);
        let queued = bench.raise_level(5);
        until_begun(&bench, 1);
        bench.process().stop();
        let Err(CallError::Exited(report)) = outcome(deaf) else { panic!("it is given up") };
        assert_eq!((report.killed, report.cleanup), (true, CleanupStatus::Unknown));
        assert!(outcome(queued).is_err());
        joined(&bench);
        bench.process().start().unwrap();
        assert_eq!(outcome(bench.add_two(1, 2)), Ok(3), "the next run is not disturbed");
        // The thread of the first run ends meanwhile.
        assert!(outcome(bench.work(3500)).is_ok());
        assert_eq!(bench.level(), 0);
        assert_eq!(bench.process().generation(), 2);
    });
}

#[test]
fn a_kill_is_immediate() {
    check(|place| {
        let bench = ready(place());
        let deaf = bench.ignore_everything(2000);
        until_begun(&bench, 1);
        bench.process().kill();
        assert!(matches!(outcome(deaf), Err(CallError::Exited(_))));
        joined(&bench);
        assert!(bench.process().exit_report().unwrap().killed);
    });
}

#[test]
fn the_last_handle_dropped_stops_the_child() {
    check(|place| {
        let bench = ready(place());
        let journal = Journal::new();
        journal.follow(bench.process());
        let call = bench.work(60_000);
        drop(bench);
        assert_eq!(outcome(call), Err(CallError::Stopped));
        journal.until_line("finished finished");
    });
}

#[test]
fn bounds_hold() {
    check(|place| {
        let bench = place()
            .queue_bound(QueueBound { entries: 5, bytes: 1 << 20 })
            .inbox_bound(QueueBound { entries: 4, bytes: 1000 })
            .build()
            .unwrap();
        let calls: Vec<_> = (0..5).map(|number| bench.add_two(number, 0)).collect();
        assert_eq!(outcome(bench.add_two(5, 0)), Err(CallError::QueueFull));
        bench.process().start().unwrap();
        for (number, call) in calls.into_iter().enumerate() {
            assert_eq!(outcome(call), Ok(number as i32));
        }
        let ticks = bench.signals().tick.receiver();
        bench.flood(5000);
        for number in 0..5000 {
            assert_eq!(ticks.recv_timeout(LONG), Ok((number,)));
        }
    });
}

#[test]
fn two_children_on_threads_do_not_interfere() {
    let (one, two) = (ready(thread()), ready(thread()));
    assert_eq!(outcome(one.raise_level(3)), Ok(3));
    assert_eq!(outcome(two.raise_level(4)), Ok(4));
    assert_eq!((one.level(), two.level()), (3, 4));
    one.process().kill();
    joined(&one);
    assert_eq!(outcome(two.add_two(1, 2)), Ok(3));
    assert_eq!(outcome(two.surroundings()).map(|it| it.pid), Ok(std::process::id()));
}

// ---- the stack

/// Recurses deeply.
#[mpcore::process]
trait Digger {
    /// Uses this many KiB of stack.
    fn dig(&mut self, kib: u32) -> u32;
}

#[derive(mpcore::Child)]
#[child(Digger)]
struct DiggerProcess {}

impl Digger for DiggerProcess {
    fn dig(&mut self, kib: u32) -> u32 {
        let block = std::hint::black_box([0_u8; 64 << 10]);
        match kib.checked_sub(64) {
            Some(rest) => {
                self.dig(rest) + u32::from(block[usize::try_from(kib).unwrap_or(0) % 100]) + 1
            }
            None => 0,
        }
    }
}

#[test]
fn a_child_on_a_thread_has_the_stack_of_a_process() {
    let digger = DiggerControl::builder().in_process::<DiggerProcess>().spawn().unwrap();
    // A thread has 2 MiB by default, a process 8 MiB.
    assert_eq!(outcome(digger.dig(33 << 6)), Ok(33));
    let builder = DiggerControl::builder().in_process::<DiggerProcess>();
    let digger = builder.thread_stack(64 << 20).spawn().unwrap();
    assert_eq!(outcome(digger.dig(12 << 10)), Ok(192));
}
