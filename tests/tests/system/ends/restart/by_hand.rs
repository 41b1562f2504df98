//! Manual `restart` and `start`: what happens to commands, and that neither waits for anything, not
//! even in a waker that reports the end of a run.

use std::future::IntoFuture as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};

use mpcore::{
    Backoff, CallError, ControlBuilder, ExceptionKind, ExitPolicy, ProcessState, RestartPolicy,
    StopReason, WeakControl,
};
use system_tests::bench::{builder, ready, until_begun};
use system_tests::{
    BenchConfig, BenchControl, BenchProcess, Blob, Journal, LONG, outcome, processes, until,
};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");

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

// ---- restart

/// Regression: it ended as stopped, unless it came some milliseconds later, when the old run had
/// ended.
#[test]
fn a_call_after_a_restart_waits_for_the_next_run() {
    check(|place| {
        let bench = ready(place());
        for generation in 2..20 {
            bench.process().restart().unwrap();
            assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
            assert_eq!(bench.process().generation(), generation);
        }
    });
}

#[test]
fn commands_before_a_restart_are_stopped_and_later_ones_run() {
    check(|place| {
        let bench = ready(place());
        let exceptions = bench.signals().exception_raised.receiver();
        let running = bench.finish_all_the_same();
        let before: Vec<_> = (0..5).map(|_| bench.raise_level(1)).collect();
        until_begun(&bench, 1);
        bench.process().restart().unwrap();
        let large = bench.echo(Blob::numbered(2 << 20));
        let writes: Vec<_> = (0..5).map(|volts| bench.set_power(f64::from(volts))).collect();
        let last = bench.add_two(20, 22);
        assert!(outcome(running).is_ok());
        for call in before {
            assert_eq!(outcome(call), Err(CallError::Stopped));
        }
        assert!(outcome(large).unwrap().is_numbered(2 << 20));
        let writes: Vec<_> = writes.into_iter().map(outcome).collect();
        assert_eq!(writes[4], Ok(4.0));
        assert!(writes[..4].iter().all(|it| matches!(it, Ok(_) | Err(CallError::Superseded))));
        assert_eq!(outcome(last), Ok(42));
        assert_eq!((bench.process().generation(), bench.level()), (2, 0));
        let report = bench.process().exit_report().unwrap();
        assert_eq!((report.generation, &report.reason), (1, &Some(StopReason::Restart)));
        assert_eq!(report.commands_stopped, 5);
        let told = exceptions.recv_timeout(LONG).unwrap().0.kind;
        assert_eq!(told, ExceptionKind::NotRun { commands: 5 });
    });
}

#[test]
fn a_stop_after_a_restart_ends_calls_for_the_next_run() {
    type ProcessEnd = fn(BenchControl) -> mpcore::Process;
    let ends: [ProcessEnd; 3] = [
        |bench| {
            bench.process().stop();
            bench.process().clone()
        },
        |bench| {
            bench.process().kill();
            bench.process().clone()
        },
        // Its last control is dropped.
        |bench| bench.process().clone(),
    ];
    for end in ends {
        let bench = ready(process());
        let journal = Journal::new();
        journal.follow(bench.process());
        let running = bench.finish_all_the_same();
        until_begun(&bench, 1);
        bench.process().restart().unwrap();
        let waiting: Vec<_> = (0..3).map(|_| bench.add_two(1, 2)).collect();
        let process = end(bench);
        for call in waiting {
            assert_eq!(outcome(call), Err(CallError::Stopped));
        }
        let _ = outcome(running);
        journal.until_line("finished");
        let report = process.exit_report().unwrap();
        assert_eq!((report.generation, report.commands_stopped), (1, 3));
        assert!(!process.restart_pending());
    }
}

#[test]
fn calls_that_wait_for_the_next_run_can_be_cancelled() {
    let bench = ready(process());
    let running = bench.finish_all_the_same();
    until_begun(&bench, 1);
    bench.process().restart().unwrap();
    let (cancelled, kept) = (bench.raise_level(1), bench.add_two(1, 2));
    cancelled.cancel();
    assert_eq!(outcome(cancelled), Err(CallError::Cancelled));
    assert!(outcome(running).is_ok());
    assert_eq!((outcome(kept), bench.level()), (Ok(3), 0));
}

/// A child that cannot be killed through its own end: it crashes while it stops for the next run.
#[test]
fn a_crash_while_it_stops_takes_nothing_of_the_next_run() {
    let bench = ready(process());
    let running = bench.ignore_everything(600_000);
    until_begun(&bench, 1);
    bench.process().restart().unwrap();
    let between = bench.add_two(1, 2);
    bench.process().restart().unwrap();
    let next = bench.add_two(1, 2);
    assert_eq!(outcome(between), Err(CallError::Stopped), "the second one stops it too");
    processes::kill(bench.process().pid().unwrap());
    assert!(matches!(outcome(running), Err(CallError::Exited(_))));
    assert_eq!(outcome(next), Ok(3));
    assert_eq!(bench.process().generation(), 2);
}

// ---- start

/// Does this when it is woken, on the thread that reports the end of the run.
struct Act(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Wake for Act {
    fn wake(self: Arc<Self>) {
        if let Some(act) = self.0.lock().unwrap().take() {
            act();
        }
    }
}

type Doing = fn(&BenchControl) -> String;

/// Ends a child whose running command has such a waker; returns the result and the child.
fn woken(builder: ControlBuilder<BenchControl>, doing: Doing) -> (BenchControl, Journal, String) {
    let bench = ready(builder);
    let journal = Journal::new();
    journal.follow(bench.process());
    let (sender, done) = mpsc::channel();
    let weak: WeakControl<BenchControl> = bench.downgrade();
    let act = move || {
        let bench = weak.upgrade().expect("the test holds it");
        sender.send(doing(&bench)).unwrap();
    };
    let waker = Waker::from(Arc::new(Act(Mutex::new(Some(Box::new(act))))));
    let mut future = bench.work(600_000).into_future();
    let polled = Pin::new(&mut future).poll(&mut Context::from_waker(&waker));
    assert!(matches!(polled, Poll::Pending));
    until_begun(&bench, 1);
    processes::kill(bench.process().pid().unwrap());
    let said = done.recv_timeout(LONG).expect("the waker comes back");
    (bench, journal, said)
}

/// Regression: the thread that reports the end of the run waited for itself, and every later
/// `start` for it.
#[test]
fn a_start_in_a_waker_begins_the_next_run() {
    for policy in
        [RestartPolicy::never(), RestartPolicy::on_crash().backoff(Backoff::constant(10 * LONG))]
    {
        let (bench, journal, said) = woken(process().restart(policy), |bench| {
            let begun = bench.process().start();
            let again = bench.process().start();
            let sum = bench.add_two(1, 2);
            let ended = bench.process().wait_ready(std::time::Duration::ZERO);
            sum.on_done(|sum| assert_eq!(sum, Ok(3)));
            format!("{begun:?} {again:?} {ended:?}")
        });
        assert_eq!(said, "Ok(()) Err(AlreadyRunning { state: Starting }) Err(Wait(Timeout(0ns)))");
        bench.process().wait_ready(LONG).unwrap();
        assert_eq!(bench.process().generation(), 2);
        assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
        let told = journal.until_line("state running");
        let finished = told.iter().position(|line| line.starts_with("finished")).unwrap();
        let starting = told.iter().position(|line| line == "state starting").unwrap();
        assert!(finished < starting, "{told:?}");
        // From any other thread too.
        bench.process().stop();
        bench.process().join(LONG).unwrap();
        bench.process().start().unwrap();
        assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
    }
}

#[test]
fn a_stop_after_a_start_in_a_waker_cancels_it() {
    let (bench, _, said) = woken(process(), |bench| {
        let begun = bench.process().start();
        let sum = bench.add_two(1, 2);
        bench.process().stop();
        format!("{begun:?} {:?}", outcome(sum))
    });
    assert_eq!(said, "Ok(()) Err(Stopped)");
    bench.process().join(LONG).unwrap();
    assert_eq!((bench.process().generation(), bench.process().state()), (1, ProcessState::Crashed));
    assert!(!bench.process().restart_pending());
}

#[test]
fn a_join_in_a_waker_does_not_wait_for_its_own_thread() {
    let (bench, journal, said) = woken(process(), |bench| {
        let status = bench.process().join(LONG).unwrap().code();
        let ready = bench.process().wait_ready(LONG).is_err();
        format!("{status:?} {ready}")
    });
    assert_eq!(said, "Some(-9) true");
    journal.until_line("finished");
    bench.process().start().unwrap();
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
}

/// Regression: the next run began although there was no control to call or stop it.
#[test]
fn a_restart_whose_last_control_is_dropped_begins_no_run() {
    for at_exit in [ExitPolicy::Stop, ExitPolicy::Finish(LONG)] {
        let bench = ready(builder(CHILD).at_exit(at_exit).stop_grace(LONG));
        let process = bench.process().clone();
        // It cannot end before its control is gone.
        let pid = process.pid().unwrap();
        processes::freeze(pid);
        process.restart().unwrap();
        drop(bench);
        processes::thaw(pid);
        until("it rests", || process.state().has_ended() && !process.restart_pending());
        assert_eq!(process.generation(), 1, "{at_exit:?}");
    }
}
