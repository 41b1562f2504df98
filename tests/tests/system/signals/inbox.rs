//! The inbox: where handlers run, wake-ups, budgets, turns of several children, loops inside
//! handlers, and handlers of one thread.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use mpcore::Inbox;
use system_tests::bench::{builder, ready};
use system_tests::{Journal, LONG, outcome};

use super::{CHILD, count_up, own_inbox, run_loop, settled};

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
