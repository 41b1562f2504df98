//! Named signals, properties, events, lifecycle signals, and the inbox they pass through.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use mpcore::{CallError, CallId, CleanupStatus, ExceptionKind, Inbox, ProcessState, RunFailure};
use system_tests::bench::{TICK_OF_CLEANUP, TICK_OF_CONSTRUCTOR, TICK_OF_INIT, builder, ready};
use system_tests::{
    BenchConfig, BenchControl, BenchProcess, InitFault, Journal, LONG, block_on, outcome,
    processes, until,
};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");

fn bench() -> BenchControl {
    ready(builder(CHILD))
}

/// An inbox of this thread, and the receiver of its wake-ups.
fn own_inbox() -> (Inbox, mpsc::Receiver<()>) {
    let (sender, woken) = mpsc::channel();
    (Inbox::new(move || sender.send(()).unwrap_or_default()), woken)
}

fn count_up(count: &AtomicU32) {
    count.fetch_add(1, Ordering::SeqCst);
}

/// A ready bench with this inbox, drained of the signals of the start.
fn settled(inbox: &Inbox) -> BenchControl {
    let bench = builder(CHILD).inbox(inbox).build().unwrap();
    let ready = bench.process().signals().ready.receiver();
    bench.process().start().unwrap();
    until("it is ready", || {
        inbox.drain(LONG);
        ready.try_recv().is_some()
    });
    bench
}

/// A hand-written event loop: drains when woken, until `done`.
fn run_loop(inbox: &Inbox, woken: &mpsc::Receiver<()>, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !done() {
        let left = deadline.saturating_duration_since(Instant::now());
        woken.recv_timeout(left).expect("the inbox wakes its thread when something waits");
        inbox.drain(Duration::from_millis(2));
    }
}

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

// ---- exceptions

#[test]
fn an_exception_names_its_process_kind_and_cause() {
    let bench = ready(builder(CHILD).name("bench right"));
    let pid = bench.process().pid();
    let exceptions = bench.signals().exception_raised.receiver();
    let raised = bench.divide(1, 0);
    let exception = exceptions.recv_timeout(LONG).unwrap().0;
    assert_eq!((exception.process.as_str(), exception.pid), ("bench right", pid));
    assert_eq!((exception.command, exception.call), (Some("divide"), Some(raised.id())));
    assert_eq!(
        (exception.kind, exception.message.as_str()),
        (ExceptionKind::Raised, "division by zero")
    );
    assert_eq!(exception.to_string(), "bench right.divide: division by zero");

    let panicked = bench.panic_with("the lens is gone".into());
    let exception = exceptions.recv_timeout(LONG).unwrap().0;
    assert_eq!((exception.command, exception.call), (Some("panic_with"), Some(panicked.id())));
    assert_eq!(exception.kind, ExceptionKind::Panicked);
    assert!(exception.message.contains("the lens is gone"), "{exception:?}");
    assert!(exception.message.contains("bench.rs"), "{exception:?}");

    // An end on request is not a failure.
    let cancelled = bench.work(60_000);
    cancelled.cancel();
    assert_eq!(outcome(cancelled), Err(CallError::Cancelled));
    // Stopped until both are submitted: a call after the crash would be refused.
    let lost = processes::while_frozen(pid.unwrap(), || {
        bench.exit_with(3);
        bench.add_two(1, 1)
    });
    let exception = exceptions.recv_timeout(LONG).unwrap().0;
    assert_eq!((exception.command, exception.call, exception.pid), (None, None, pid));
    assert_eq!(exception.kind, ExceptionKind::Crashed { commands_lost: 2 });
    assert!(exception.message.contains("exit code 3"), "{exception:?}");
    assert!(matches!(outcome(lost), Err(CallError::Exited(_))));
    assert!(exceptions.try_recv().is_none(), "once, not once per command");
}

/// Regression: the pid was looked up when the handler ran, when there was none any more.
#[test]
fn an_exception_names_its_process_even_after_its_end() {
    let (inbox, woken) = own_inbox();
    let bench = ready(builder(CHILD).inbox(&inbox));
    let pid = bench.process().pid();
    let seen = Arc::new(Mutex::new(None));
    let told = Arc::clone(&seen);
    bench.signals().exception_raised.connect(move |it| *told.lock().unwrap() = Some(it.pid));
    assert!(outcome(bench.divide(1, 0)).is_err());
    bench.process().stop();
    bench.process().join(LONG).unwrap();
    run_loop(&inbox, &woken, || seen.lock().unwrap().is_some());
    assert_eq!(*seen.lock().unwrap(), Some(pid));
}

// ---- properties

#[test]
fn a_property_has_its_initial_value_before_there_is_a_child() {
    let bench = builder(CHILD).build().unwrap();
    assert_eq!((bench.power(), bench.connected(), bench.level()), (1.0, false, 0));
    let powers = bench.signals().power_set.receiver();
    assert_eq!(powers.recv_timeout(LONG), Ok((1.0,)), "a new handler gets the current value");
    assert!(!bench.process().is_stale());
}

#[test]
fn a_new_handler_gets_the_current_value_once_then_every_change() {
    let bench = bench();
    assert_eq!(outcome(bench.set_power(2.0)), Ok(2.0));
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().power_set.connect(move |it| note.note(format!("power {it}")));
    journal.until_line("power 2");
    for power in [2.0, 3.0, 3.0, 2.0] {
        assert_eq!(outcome(bench.set_power(power)), Ok(power));
        journal.until_line(&format!("power {power}"));
    }
    let note = journal.clone();
    bench.add_two(0, 0).on_done(move |_| note.note("end"));
    let lines = journal.until_line("end");
    assert_eq!(lines, ["power 2", "power 3", "power 2", "end"], "signalled when it has changed");
}

#[test]
fn a_write_is_accepted_changed_or_refused_by_the_child() {
    let bench = bench();
    assert_eq!(outcome(bench.set_power(4.5)), Ok(4.5));
    assert_eq!(bench.power(), 4.5);
    assert_eq!(outcome(bench.set_power(-3.0)), Ok(0.0), "the child stores what it returns");
    assert_eq!(bench.power(), 0.0);
    let exceptions = bench.signals().exception_raised.receiver();
    let Err(CallError::Raised(refused)) = outcome(bench.set_power(9.0)) else { panic!("refused") };
    assert_eq!(refused.reason(), "more than 5 V");
    assert_eq!(bench.power(), 0.0);
    let exception = exceptions.recv_timeout(LONG).unwrap().0;
    assert_eq!(exception.message, "refused: more than 5 V");
}

#[test]
fn the_mirror_is_never_older_than_the_signal_or_the_result() {
    let bench = bench();
    let older = Arc::new(AtomicU32::new(0));
    let heard = Arc::new(AtomicU32::new(0));
    let (weak, count, last) = (bench.downgrade(), Arc::clone(&older), Arc::clone(&heard));
    bench.signals().level_changed.connect(move |level| {
        let mirror = weak.upgrade().map_or(u32::MAX, |bench| bench.level());
        count.fetch_add(u32::from(mirror < *level), Ordering::SeqCst);
        last.store(*level, Ordering::SeqCst);
    });
    for _ in 0..20 {
        heard.store(0, Ordering::SeqCst);
        assert_eq!(outcome(bench.raise_level(200)), Ok(200));
        assert_eq!(bench.level(), 200, "set before the result, seen before it");
        // The next round begins below: a late signal of this one would be above its newer mirror.
        until("the round has been delivered", || heard.load(Ordering::SeqCst) == 200);
    }
    assert_eq!(older.load(Ordering::SeqCst), 0);
}

#[test]
fn a_property_set_before_a_result_is_delivered_before_it() {
    let bench = bench();
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().connected_changed.connect(move |on| note.note(format!("connected {on}")));
    journal.until_line("connected true");
    for round in 0..20 {
        // One after another, so that no two changes are coalesced.
        let note = journal.clone();
        let on = round % 2 == 1;
        bench.plug(on).on_done(move |_| note.note(format!("done {round}")));
        let lines = journal.until_line(&format!("done {round}"));
        assert_eq!(lines[lines.len() - 2], format!("connected {on}"), "{lines:?}");
    }
}

#[test]
fn the_mirror_keeps_the_last_value_as_stale_after_the_end() {
    let bench = bench();
    assert_eq!(outcome(bench.set_power(2.5)), Ok(2.5));
    assert!(!bench.process().is_stale());
    bench.process().stop();
    bench.process().join(LONG).unwrap();
    assert!(bench.process().is_stale());
    assert_eq!((bench.power(), bench.connected()), (2.5, true));
    let powers = bench.signals().power_set.receiver();
    assert_eq!(powers.recv_timeout(LONG), Ok((2.5,)));
    bench.process().start().unwrap();
    assert_eq!(powers.recv_timeout(LONG), Ok((1.0,)), "the next run begins anew");
    bench.process().wait_ready(LONG).unwrap();
    assert!(!bench.process().is_stale());
    assert_eq!(bench.power(), 1.0);
}

/// Regression: a bound property showed the dead child's value until the next start, without a
/// signal.
#[test]
fn staleness_is_signalled_at_the_end_and_at_the_next_values() {
    let places: [fn() -> mpcore::ControlBuilder<BenchControl>; 2] = [
        || system_tests::bench::builder(CHILD),
        || BenchControl::builder().in_process::<BenchProcess>().config(BenchConfig::default()),
    ];
    for place in places {
        let bench = place().build().unwrap();
        let journal = Journal::new();
        journal.follow(bench.process());
        let note = journal.clone();
        bench
            .process()
            .signals()
            .stale_changed
            .connect(move |stale| note.note(format!("stale {stale}")));
        let note = journal.clone();
        bench.signals().connected_changed.connect(move |on| note.note(format!("connected {on}")));
        bench.process().start().unwrap();
        bench.process().wait_ready(LONG).unwrap();
        bench.process().stop();
        journal.until_lines("finished", 1);
        assert!(bench.process().is_stale());
        bench.process().start().unwrap();
        let told = journal.until_lines("ready", 2);
        assert!(!bench.process().is_stale());
        let told: Vec<_> =
            told.iter().filter(|line| *line != "started").map(String::as_str).collect();
        let expected = [
            "connected false",
            "state starting",
            "connected true",
            "state running",
            "ready",
            "state stopping",
            "stale true",
            "state finished",
            "finished finished",
            "state starting",
            "connected false",
            "stale false",
            "connected true",
            "state running",
            "ready",
        ];
        assert_eq!(told, expected);
    }
}

// ---- events and progress

#[test]
fn every_event_arrives_in_order_before_the_result() {
    let bench = bench();
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().tick.connect(move |number| note.note(number));
    let note = journal.clone();
    bench.flood(2000).on_done(move |it| note.note(format!("done {it:?}")));
    let lines = journal.until_line("done");
    let expected = (0..2000).map(|it| it.to_string()).chain(["done Ok(2000)".into()]);
    let expected: Vec<_> = expected.collect();
    assert_eq!(lines, expected);
}

/// A value is coalesced only with one that has no ordered entry behind it.
#[test]
fn a_latest_event_is_coalesced_but_overtakes_nothing() {
    let (inbox, woken) = own_inbox();
    let bench = ready(builder(CHILD).inbox(&inbox));
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().position.connect(move |x, y| note.note(format!("position {x} {y}")));
    let note = journal.clone();
    bench.signals().tick.connect(move |number| note.note(format!("tick {number}")));
    // The inbox is not drained meanwhile, so everything waits at once.
    assert_eq!(outcome(bench.wave(500)), Ok(()));
    run_loop(&inbox, &woken, || journal.count("tick") == 500);
    let wave = |number: i32| [format!("position {number} {}", -number), format!("tick {number}")];
    let mut expected: Vec<_> = (0..500).flat_map(wave).collect();
    expected[0] = "position 0 -0".into();
    assert_eq!(journal.lines(), expected);
    // Without an entry in between, only the newest is left.
    assert_eq!(outcome(bench.drift(500)), Ok(()));
    run_loop(&inbox, &woken, || journal.lines().len() == 1001);
    bench.wave(1);
    run_loop(&inbox, &woken, || journal.lines().len() == 1003);
    assert_eq!(journal.lines()[1000..], ["position 499 -499", "position 0 -0", "tick 0"]);
}

#[test]
fn a_property_is_coalesced_too() {
    let (inbox, woken) = own_inbox();
    let bench = ready(builder(CHILD).inbox(&inbox));
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().level_changed.connect(move |level| note.note(format!("level {level}")));
    run_loop(&inbox, &woken, || journal.count("level") == 1);
    assert_eq!(outcome(bench.raise_level(300)), Ok(300));
    let note = journal.clone();
    bench.add_two(0, 0).on_done(move |_| note.note("end"));
    run_loop(&inbox, &woken, || journal.count("end") == 1);
    assert_eq!(journal.lines(), ["level 0", "level 300", "end"]);
}

#[test]
fn progress_names_its_call_and_ends_before_it() {
    let bench = bench();
    let journal = Journal::new();
    let note = journal.clone();
    bench.process().signals().progress.connect(move |it| {
        note.note(format!("{} {}", it.call, it.fraction));
    });
    let note = journal.clone();
    let call = bench.step_through(100);
    let id = call.id();
    call.on_done(move |_| note.note("done"));
    let lines = journal.until_line("done");
    let (done, steps) = lines.split_last().unwrap();
    assert_eq!(done, "done");
    assert_eq!(steps.last().unwrap(), &format!("{id} 1"), "the newest always arrives");
    let fractions: Vec<f64> = steps
        .iter()
        .map(|line| line.strip_prefix(&format!("{id} ")).unwrap().parse().unwrap())
        .collect();
    assert!(fractions.is_sorted(), "{fractions:?}");
}

/// Signals may be owned apart from the control: by a window's model that another thread has
/// created, for example.
#[test]
fn signals_moved_to_another_owner_come_in_the_order_sent() {
    struct Panel {
        signals: <BenchControl as mpcore::Control>::Signals,
        journal: Journal,
    }
    let bench = builder(CHILD).build().unwrap();
    let panel = Panel { signals: bench.signals().clone(), journal: Journal::new() };
    let connect = move || {
        let [ticks, levels, sums] = [(); 3].map(|()| panel.journal.clone());
        panel.signals.tick.connect(move |it| ticks.note(format!("tick {it}")));
        panel.signals.level_changed.connect(move |it| levels.note(format!("level {it}")));
        panel.signals.add_two_finished.connect(move |it| sums.note(format!("sum {it}")));
        panel
    };
    let panel = thread::spawn(connect).join().unwrap();
    bench.process().start().unwrap();
    for round in 1..=20 {
        bench.flood(3);
        bench.raise_level(round);
        bench.add_two(round.cast_signed(), 0);
    }
    // The control is dropped first: the panel owns the signals.
    bench.process().finish();
    bench.process().join(LONG).unwrap();
    drop(bench);
    let lines = panel.journal.until_line("sum 20");
    // Only the newest waiting value of a property is certain to arrive.
    let rounds = lines.split(|line| line.starts_with("sum")).zip(1..=20);
    assert_eq!(panel.journal.count("sum"), 20);
    for (round, number) in rounds {
        let (last, others) = round.split_last().unwrap();
        assert_eq!(last, &format!("level {number}"), "{lines:?}");
        let ticks: Vec<_> = others.iter().filter(|it| !it.starts_with("level")).collect();
        assert_eq!(ticks, ["tick 0", "tick 1", "tick 2"], "{lines:?}");
    }
}

// ---- lifecycle signals

/// Starts a child, lets it end, and compares its lifecycle signals.
fn check_life(
    name: &str,
    builder: mpcore::ControlBuilder<BenchControl>,
    end: impl FnOnce(&BenchControl),
    expected: &[&str],
) {
    let bench = builder.build().unwrap();
    let journal = Journal::new();
    journal.follow(bench.process());
    bench.process().start().unwrap();
    end(&bench);
    bench.process().join(LONG).ok();
    journal.until_line("finished");
    // Any further signal would have been posted before the outcome of a command submitted now.
    let note = journal.clone();
    bench.add_two(0, 0).on_done(move |_| note.note("end"));
    let lines = journal.until_line("end");
    let (_, lines) = lines.split_last().unwrap();
    assert_eq!(lines, expected, "{name}");
}

fn until_ready(bench: &BenchControl) -> u32 {
    bench.process().wait_ready(LONG).unwrap();
    bench.process().pid().unwrap()
}

#[test]
fn lifecycle_signals_come_in_order_and_finished_once_and_last() {
    let up = ["state starting", "started", "state running", "ready"];
    let with = |rest: &[&'static str]| [&up, rest].concat();
    // A requested end is not a failure.
    let finished = ["state stopping", "state finished", "finished finished"];
    check_life(
        "stop",
        builder(CHILD),
        |it| {
            until_ready(it);
            it.process().stop();
        },
        &with(&finished),
    );
    check_life(
        "terminate",
        builder(CHILD),
        |it| {
            until_ready(it);
            it.process().terminate();
        },
        &with(&finished),
    );
    check_life(
        "kill",
        builder(CHILD),
        |it| {
            until_ready(it);
            it.process().kill();
        },
        &with(&finished),
    );
    // An end that was not requested is a crash, even with exit code 0.
    let crashed = ["failed", "state crashed", "finished crashed"];
    check_life("kill -9", builder(CHILD), |it| processes::kill(until_ready(it)), &with(&crashed));
    check_life(
        "exit",
        builder(CHILD),
        |it| {
            until_ready(it);
            it.exit_with(0);
        },
        &with(&crashed),
    );
    check_life(
        "abort",
        builder(CHILD),
        |it| {
            until_ready(it);
            it.abort();
        },
        &with(&crashed),
    );
    let ended = ["state finished", "finished finished"];
    let term =
        |it: &BenchControl| processes::signal(until_ready(it), rustix::process::Signal::TERM);
    check_life("SIGTERM from outside", builder(CHILD), term, &with(&ended));
    // A child that fails before it is ready never reaches the state `running`.
    let failed = ["state starting", "started", "failed", "state failed", "finished failed"];
    for fault in [
        InitFault::ConstructorErrs,
        InitFault::ConstructorPanics,
        InitFault::PostrunInitErrs,
        InitFault::PostrunInitPanics,
    ] {
        let config = BenchConfig { fault: Some(fault), ..BenchConfig::default() };
        check_life(&format!("{fault:?}"), builder(CHILD).config(config), |_| {}, &failed);
    }
    let never = ["state starting", "failed", "state failed", "finished failed"];
    check_life("missing", builder("/nowhere/bench_child"), |_| {}, &never);
}

#[test]
fn constructor_init_and_cleanup_emit_in_their_phases() {
    let config = BenchConfig { talks: true, ..BenchConfig::default() };
    let bench = builder(CHILD).config(config).build().unwrap();
    let journal = Journal::new();
    journal.follow(bench.process());
    let note = journal.clone();
    bench.signals().tick.connect(move |number| note.note(format!("tick {number}")));
    let note = journal.clone();
    bench.signals().connected_changed.connect(move |on| note.note(format!("connected {on}")));
    journal.until_line("connected false");
    bench.process().start().unwrap();
    bench.process().wait_ready(LONG).unwrap();
    bench.process().stop();
    let lines = journal.until_line("finished");
    let expected = [
        "connected false".into(),
        "state starting".into(),
        "started".into(),
        format!("tick {TICK_OF_CONSTRUCTOR}"),
        format!("tick {TICK_OF_INIT}"),
        "connected true".into(),
        "state running".into(),
        "ready".into(),
        "state stopping".into(),
        format!("tick {TICK_OF_CLEANUP}"),
        "state finished".into(),
        "finished finished".into(),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_report_describes_the_run() {
    let bench = ready(builder(CHILD).name("bench"));
    let pid = bench.process().pid();
    let (started, reports, failures) = {
        let signals = bench.process().signals();
        (signals.started.receiver(), signals.finished.receiver(), signals.failed.receiver())
    };
    outcome(bench.complain("the lamp flickers".into(), 3)).unwrap();
    // Stopped until all are submitted: a call after the crash would be refused.
    let lost = processes::while_frozen(pid.unwrap(), || {
        [bench.exit_with(7), bench.reset_counters(), bench.reset_counters()]
    });
    let report = reports.recv_timeout(LONG).unwrap().0;
    assert_eq!((report.name.as_str(), report.generation, report.pid), ("bench", 1, pid));
    assert_eq!(report.state, ProcessState::Crashed);
    assert_eq!(report.status.map(mpcore::ExitStatus::code), Some(7));
    assert_eq!(
        (report.killed, report.cleanup, report.commands_lost),
        (false, CleanupStatus::Skipped, 3)
    );
    assert_eq!(
        report.stderr,
        ["the lamp flickers 1", "the lamp flickers 2", "the lamp flickers 3"]
    );
    let Some((RunFailure::Crashed { status },)) = failures.try_recv() else { panic!("it failed") };
    assert_eq!(status.code(), 7);
    assert_eq!(bench.process().exit_status().map(mpcore::ExitStatus::code), Some(7));
    assert_eq!(bench.process().exit_report().as_deref(), Some(&report));
    for call in lost {
        let Err(CallError::Exited(shared)) = outcome(call) else { panic!("it ended with it") };
        assert_eq!(*shared, report);
        let text = CallError::<mpcore::Never>::Exited(shared).to_string();
        assert!(text.contains("bench") && text.contains("exit code 7"), "{text}");
    }
    bench.process().start().unwrap();
    bench.process().wait_ready(LONG).unwrap();
    assert_eq!(started.recv_timeout(LONG), Ok((bench.process().pid().unwrap(),)));
    bench.process().stop();
    let report = reports.recv_timeout(LONG).unwrap().0;
    assert_eq!((report.generation, report.state), (2, ProcessState::Finished));
    assert_eq!(
        (report.cleanup, report.killed, report.commands_lost),
        (CleanupStatus::Ran, false, 0)
    );
    assert_eq!((report.failure, report.stderr.len()), (None, 0));
}

// ---- the inbox

#[test]
fn handlers_run_in_the_thread_that_drains() {
    let (inbox, woken) = own_inbox();
    let bench = ready(builder(CHILD).inbox(&inbox));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let own = thread::current().id();
    let note = Arc::clone(&seen);
    bench.signals().tick.connect(move |_| note.lock().unwrap().push(thread::current().id() == own));
    let note = Arc::clone(&seen);
    bench.flood(10).on_done(move |_| note.lock().unwrap().push(thread::current().id() == own));
    run_loop(&inbox, &woken, || seen.lock().unwrap().len() == 11);
    assert!(seen.lock().unwrap().iter().all(|here| *here));
}

#[test]
fn an_inbox_wakes_its_thread_once_per_burst() {
    let wakes = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&wakes);
    let inbox = Inbox::new(move || count_up(&count));
    let bench = settled(&inbox);
    let received = Arc::new(AtomicU32::new(0));
    let note = Arc::clone(&received);
    bench.signals().tick.connect(move |_| count_up(&note));
    let before = wakes.load(Ordering::SeqCst);
    outcome(bench.flood(1000)).unwrap();
    assert_eq!(wakes.load(Ordering::SeqCst), before + 1);
    assert_eq!(received.load(Ordering::SeqCst), 0, "nothing runs but in a drain");
    let drained = inbox.drain(LONG);
    assert_eq!((drained.delivered, drained.more), (1000, false));
    assert_eq!(received.load(Ordering::SeqCst), 1000);
}

#[test]
fn a_drain_keeps_its_budget_and_wakes_again_for_the_rest() {
    let (inbox, woken) = own_inbox();
    let bench = settled(&inbox);
    let received = Arc::new(AtomicU32::new(0));
    let note = Arc::clone(&received);
    bench.signals().tick.connect(move |_| {
        note.fetch_add(1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(1));
    });
    outcome(bench.flood(60)).unwrap();
    while woken.try_recv().is_ok() {}
    let drained = inbox.drain(Duration::from_millis(5));
    assert!(drained.more && drained.delivered < 60, "{drained:?}");
    run_loop(&inbox, &woken, || received.load(Ordering::SeqCst) == 60);
    assert_eq!(inbox.drain(LONG).delivered, 0);
}

#[test]
fn a_drain_without_a_budget_delivers_one_signal() {
    let (inbox, _woken) = own_inbox();
    let bench = settled(&inbox);
    bench.signals().tick.connect(|_| {});
    outcome(bench.flood(3)).unwrap();
    let drained = inbox.drain(Duration::ZERO);
    assert_eq!((drained.delivered, drained.more), (1, true));
}

#[test]
fn a_flood_of_one_child_does_not_starve_another() {
    let (inbox, woken) = own_inbox();
    let (loud, quiet) = (settled(&inbox), settled(&inbox));
    let (ticks, answers) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let note = Arc::clone(&ticks);
    loud.signals().tick.connect(move |_| count_up(&note));
    let (note, at) = (Arc::clone(&ticks), Arc::clone(&answers));
    quiet.signals().add_two_finished.connect(move |_| {
        at.store(note.load(Ordering::SeqCst), Ordering::SeqCst);
    });
    outcome(loud.flood(20_000)).unwrap();
    outcome(quiet.add_two(1, 2)).unwrap();
    answers.store(u32::MAX, Ordering::SeqCst);
    run_loop(&inbox, &woken, || answers.load(Ordering::SeqCst) != u32::MAX);
    assert!(answers.load(Ordering::SeqCst) < 10_000, "it came in turn, not after the flood");
}

/// Regression: a handler with an event loop of its own, such as a modal dialog, took the wake-up
/// that the outer drain relied on, and the inbox slept forever.
#[test]
fn a_loop_inside_a_handler_does_not_put_the_inbox_to_sleep() {
    let (inbox, woken) = own_inbox();
    let inbox = Rc::new(inbox);
    let woken = Rc::new(woken);
    let (bench, other) = (settled(&inbox), settled(&inbox));
    let journal = Journal::new();
    let note = journal.clone();
    other.signals().tick.connect(move |number| note.note(format!("tick {number}")));
    let (nested, nested_woken, weak) = (Rc::clone(&inbox), Rc::clone(&woken), other.downgrade());
    let note = journal.clone();
    bench.signals().add_two_finished.connect_local(&inbox, move |_| {
        let other = weak.upgrade().unwrap();
        outcome(other.flood(3)).unwrap();
        // The dialog's loop: it consumes the wake-ups of the thread.
        while nested_woken.try_recv().is_ok() {
            nested.drain(Duration::from_millis(2));
        }
        note.note("dialog closed");
    });
    bench.add_two(1, 1);
    run_loop(&inbox, &woken, || journal.count("dialog closed") == 1);
    other.flood(1);
    run_loop(&inbox, &woken, || journal.count("tick") >= 4);
}

#[test]
fn a_local_handler_may_hold_values_that_are_not_send() {
    let (inbox, woken) = own_inbox();
    let bench = ready(builder(CHILD).inbox(&inbox));
    let seen = Rc::new(RefCell::new(Vec::new()));
    let note = Rc::clone(&seen);
    let connection = bench.signals().calibrate_changed.connect_local(&inbox, move |a, b| {
        note.borrow_mut().push((*a, *b));
    });
    bench.calibrate();
    run_loop(&inbox, &woken, || seen.borrow().len() == 1);
    assert_eq!(*seen.borrow(), [(0.5, 2.0)]);
    assert!(bench.signals().calibrate_changed.disconnect(connection));
    bench.calibrate();
    let ended = Arc::new(AtomicBool::new(false));
    let note = Arc::clone(&ended);
    bench.add_two(0, 0).on_done(move |_| note.store(true, Ordering::SeqCst));
    run_loop(&inbox, &woken, || ended.load(Ordering::SeqCst));
    assert_eq!(seen.borrow().len(), 1);
    assert_eq!(Rc::strong_count(&seen), 1, "its captured value is dropped");
}

#[test]
fn a_local_handler_that_panics_is_called_again() {
    let (inbox, woken) = own_inbox();
    let bench = ready(builder(CHILD).inbox(&inbox));
    let seen = Rc::new(RefCell::new(0));
    let note = Rc::clone(&seen);
    bench.signals().add_two_finished.connect_local(&inbox, move |_| {
        *note.borrow_mut() += 1;
        panic!("on purpose");
    });
    bench.add_two(1, 1);
    bench.add_two(1, 1);
    let ended = Arc::new(AtomicBool::new(false));
    let note = Arc::clone(&ended);
    bench.reset_counters().on_done(move |_| note.store(true, Ordering::SeqCst));
    run_loop(&inbox, &woken, || ended.load(Ordering::SeqCst));
    assert_eq!(*seen.borrow(), 2);
}

#[test]
fn a_drain_inside_a_handler_does_nothing() {
    let (inbox, woken) = own_inbox();
    let inbox = Rc::new(inbox);
    let bench = ready(builder(CHILD).inbox(&*inbox));
    let nested = Rc::clone(&inbox);
    let seen = Rc::new(RefCell::new(Vec::new()));
    let note = Rc::clone(&seen);
    bench.signals().tick.connect_local(&inbox, move |number| {
        let drained = nested.drain(LONG);
        note.borrow_mut().push((*number, drained.delivered));
    });
    bench.flood(3);
    run_loop(&inbox, &woken, || seen.borrow().len() == 3);
    assert_eq!(*seen.borrow(), [(0, 0), (1, 0), (2, 0)]);
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
