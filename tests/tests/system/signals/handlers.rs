//! Results as named signals, and each way to receive one: handlers, receivers and streams.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use futures_util::StreamExt as _;
use mpcore::{CallError, CallId};
use system_tests::bench::{builder, ready};
use system_tests::{Journal, LONG, block_on, outcome, processes, until};

use super::{CHILD, bench};

// ---- results

#[test]
fn every_call_ends_once_after_its_named_signal_whatever_its_end() {
    let bench = bench();
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().add_two_finished.connect(move |sum: &i32| note.note(format!("sum {sum}")));
    let note = journal.clone();
    bench.signals().exception_raised.connect(move |it| note.note(format!("{:?}", it.kind)));
    let note = journal.clone();
    bench.process().signals().call_ended.connect(move |end| {
        let result = match &end.result {
            Ok(()) => "ended".to_owned(),
            Err(CallError::Exited(_)) => "exited".to_owned(),
            Err(error) => format!("{error:?}"),
        };
        note.note(format!("{} {result}", end.command));
    });
    let _ = bench.add_two(1, 2);
    // A command without a named signal, and one whose signal has no handler.
    let _ = bench.raise_level(3);
    let _ = bench.divide(1, 0);
    let _ = bench.fail();
    let _ = bench.panic_with("on purpose".to_owned());
    let before = ["sum 3", "add_two ended", "raise_level ended", "Raised"];
    journal.until_line("panic_with Panicked");
    assert_eq!(journal.lines()[..4], before);
    // Cancelled by id, in the queue and while it runs.
    let running = bench.work(60_000).id();
    let queued = bench.work(60_000).id();
    bench.process().cancel(queued);
    bench.process().cancel(running);
    bench.process().cancel(CallId::new(running.get() + 100));
    until("both are cancelled", || {
        journal.lines().iter().filter(|line| *line == "work Cancelled").count() == 2
    });
    let _ = bench.exit_with(3);
    let _ = bench.add_two(1, 1);
    journal.until_line("add_two exited");
    let ends = journal.lines().iter().filter(|line| line.starts_with("exit_with")).count();
    assert_eq!(ends, 1);
    assert_eq!(journal.lines().iter().filter(|line| line.starts_with("divide ")).count(), 1);
}

#[test]
fn a_result_arrives_as_its_named_signal_in_its_own_shape() {
    let bench = bench();
    let journal = Journal::new();
    let signals = bench.signals();
    let note = journal.clone();
    signals.add_two_finished.connect(move |sum: &i32| note.note(format!("sum {sum}")));
    let note = journal.clone();
    signals.divide_finished.connect(move |it: &i32| note.note(format!("quotient {it}")));
    let note = journal.clone();
    signals.calibrate_changed.connect(move |a: &f64, b: &f64| note.note(format!("tuple {a} {b}")));
    let note = journal.clone();
    signals.reset_counters_changed.connect(move || note.note("nothing"));
    let note = journal.clone();
    signals.find_found.connect(move |it: &Option<Vec<f64>>| note.note(format!("found {it:?}")));
    bench.add_two(1, 2);
    bench.divide(1, 0);
    bench.divide(9, 3);
    bench.calibrate();
    bench.reset_counters();
    bench.find(0);
    bench.find(2);
    let lines = journal.until_line("found Some");
    let expected =
        ["sum 3", "quotient 3", "tuple 0.5 2", "nothing", "found None", "found Some([0.0, 0.5])"];
    assert_eq!(lines, expected);
}

#[test]
fn a_child_may_emit_the_signal_of_a_command() {
    let bench = bench();
    let sums = bench.signals().add_two_finished.receiver();
    bench.emit_sum(99);
    bench.add_two(1, 1);
    assert_eq!(sums.recv_timeout(LONG), Ok((99,)));
    assert_eq!(sums.recv_timeout(LONG), Ok((2,)));
}

#[test]
fn handlers_are_connected_and_disconnected_at_any_time() {
    let bench = bench();
    let journal = Journal::new();
    let signal = &bench.signals().add_two_finished;
    let note = journal.clone();
    let first = signal.connect(move |sum| note.note(format!("first {sum}")));
    let note = journal.clone();
    signal.connect(move |sum| note.note(format!("second {sum}")));
    bench.add_two(1, 0);
    journal.until_line("second 1");
    assert!(signal.disconnect(first));
    assert!(!signal.disconnect(first));
    bench.add_two(2, 0);
    assert_eq!(journal.until_line("second 2"), ["first 1", "second 1", "second 2"]);
}

#[test]
fn a_handler_connects_disconnects_calls_waits_and_drops() {
    let bench = bench();
    let journal = Journal::new();
    let note = journal.clone();
    let weak = bench.downgrade();
    let own = Arc::new(Mutex::new(None));
    let own_too = Arc::clone(&own);
    let last = Arc::new(Mutex::new(Some(ready(builder(CHILD)))));
    let other_pid = last.lock().unwrap().as_ref().unwrap().process().pid().unwrap();
    let connection = bench.signals().add_two_finished.connect(move |sum| {
        let bench = weak.upgrade().expect("the test holds it");
        let waited = bench.divide(84, 2).wait();
        note.note(format!("outer {sum} {waited:?}"));
        let once = note.clone();
        bench.signals().add_two_finished.connect(move |sum| once.note(format!("inner {sum}")));
        let connection = own_too.lock().unwrap().take().expect("it was connected");
        bench.signals().add_two_finished.disconnect(connection);
        bench.add_two(*sum, 1);
        drop(last.lock().unwrap().take());
    });
    *own.lock().unwrap() = Some(connection);
    bench.add_two(1, 1);
    assert_eq!(journal.until_line("inner"), ["outer 2 Ok(42)", "inner 3"]);
    processes::until_ended(&[other_pid]);
}

#[test]
fn a_handler_may_drop_its_childs_last_control() {
    let bench = bench();
    let journal = Journal::new();
    journal.follow(bench.process());
    let pid = bench.process().pid().unwrap();
    let last = Arc::new(Mutex::new(None));
    let dropped = Arc::clone(&last);
    bench.signals().add_two_finished.connect(move |_| drop(dropped.lock().unwrap().take()));
    let mut last = last.lock().unwrap();
    bench.add_two(1, 1);
    *last = Some(bench);
    drop(last);
    journal.until_line("finished finished");
    processes::until_ended(&[pid]);
}

#[test]
fn a_handler_that_panics_is_called_again_and_affects_no_other() {
    // Not started yet, so that every `on_done` is set before its outcome.
    let bench = builder(CHILD).build().unwrap();
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().add_two_finished.connect(move |sum| {
        note.note(format!("before {sum}"));
        panic!("on purpose");
    });
    let note = journal.clone();
    bench.signals().add_two_finished.connect(move |sum| note.note(format!("after {sum}")));
    let note = journal.clone();
    bench.add_two(1, 0).on_done(|_| panic!("on purpose"));
    bench.add_two(2, 0).on_done(move |_| note.note("done 2"));
    bench.process().start().unwrap();
    let lines = journal.until_line("after 2");
    assert_eq!(lines, ["before 1", "after 1", "done 2", "before 2", "after 2"]);
}

#[test]
fn handlers_can_come_and_go_while_signals_flow() {
    let bench = bench();
    let stop = Arc::new(AtomicBool::new(false));
    let (signal, stopped) = (bench.signals().tick.clone(), Arc::clone(&stop));
    let changer = thread::spawn(move || {
        let mut changes = 0;
        while !stopped.load(Ordering::SeqCst) {
            let connection = signal.connect(|_| {});
            signal.disconnect(connection);
            changes += 1;
        }
        changes
    });
    let ticks = bench.signals().tick.receiver();
    bench.flood(5000);
    for number in 0..5000 {
        assert_eq!(ticks.recv_timeout(LONG), Ok((number,)));
    }
    stop.store(true, Ordering::SeqCst);
    assert!(changer.join().unwrap() > 0);
}

#[test]
fn a_receiver_ends_with_its_signal_and_its_control() {
    let bench = bench();
    let ticks = bench.signals().tick.receiver();
    bench.flood(3);
    let (sender, done) = mpsc::channel();
    thread::spawn(move || drop(sender.send(ticks.map(|(number,)| number).collect::<Vec<_>>())));
    outcome(bench.add_two(0, 0)).unwrap();
    bench.process().stop();
    bench.process().join(LONG).unwrap();
    drop(bench);
    assert_eq!(done.recv_timeout(LONG), Ok(vec![0, 1, 2]));
}

#[test]
fn a_dropped_receiver_is_disconnected() {
    let bench = bench();
    drop(bench.signals().tick.receiver());
    bench.flood(3);
    until("it is disconnected", || !bench.signals().tick.is_connected());
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
}

// ---- streams

#[test]
fn a_stream_yields_every_notification_in_order_and_ends() {
    let bench = ready(builder(CHILD));
    let mut ticks = bench.signals().tick.stream();
    let flood = bench.flood(1000);
    let seen = block_on(async {
        let mut seen = Vec::new();
        while seen.len() < 1000
            && let Some((number,)) = ticks.next().await
        {
            seen.push(number);
        }
        seen
    });
    assert_eq!(seen, (0..1000).collect::<Vec<_>>());
    assert_eq!(outcome(flood), Ok(1000));
    bench.process().stop();
    bench.process().join(LONG).unwrap();
    drop(bench);
    assert_eq!(block_on(ticks.next()), None, "the control is gone");
}

#[test]
fn a_dropped_stream_disconnects_from_its_signal() {
    let bench = ready(builder(CHILD));
    let stream = bench.signals().tick.stream();
    assert!(bench.signals().tick.is_connected());
    drop(stream);
    assert!(!bench.signals().tick.is_connected());
}

#[test]
fn a_stream_of_a_property_begins_with_its_value() {
    let bench = ready(builder(CHILD));
    outcome(bench.raise_level(7)).unwrap();
    let mut levels = bench.signals().level_changed.stream();
    assert_eq!(block_on(levels.next()), Some((bench.level(),)));
}

/// A waker is the executor's code: if it panics, the other handlers still run.
#[test]
fn a_stream_whose_waker_panics_stops_no_other_handler() {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("on purpose");
        }
    }
    let bench = ready(builder(CHILD));
    let mut stream = bench.signals().tick.stream();
    let receiver = bench.signals().tick.receiver();
    let waker = std::task::Waker::from(Arc::new(Panics));
    let polled = stream.poll_next_unpin(&mut std::task::Context::from_waker(&waker));
    assert!(polled.is_pending());
    assert_eq!(outcome(bench.flood(2)), Ok(2));
    assert_eq!(receiver.recv_timeout(LONG), Ok((0,)));
    assert_eq!(receiver.recv_timeout(LONG), Ok((1,)));
    assert_eq!(block_on(stream.next()), Some((0,)));
}
