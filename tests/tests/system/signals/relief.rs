//! Handlers that wait, of children without an inbox of their own: they delay no other child, keep
//! the order of their own signals, and are waited for at the end.
//!
//! All children of a process share the background inbox and its threads: each test has a process.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use mpcore::Signal;
use system_tests::worker::{self, WorkerControl};
use system_tests::{LONG, in_own_process, outcome, until};

const CHILD: &str = env!("CARGO_BIN_EXE_worker_child");

fn worker() -> WorkerControl {
    worker::ready(worker::builder(CHILD))
}

/// A door at which handlers wait.
#[derive(Clone, Default)]
struct Door(Arc<AtomicBool>);

impl Door {
    fn open(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn wait(&self) {
        until("the door is open", || self.0.load(Ordering::SeqCst));
    }
}

/// Returns a worker whose handler waits at the door with its first tick, once it does.
fn held(door: &Door) -> WorkerControl {
    let (worker, door) = (worker(), door.clone());
    let (told, arrived) = mpsc::channel();
    worker.signals().tick.connect(move |_| {
        told.send(()).unwrap();
        door.wait();
    });
    outcome(worker.flood(1)).unwrap();
    arrived.recv_timeout(LONG).expect("the handler runs");
    worker
}

/// Returns how many threads drain the background inbox.
#[cfg(target_os = "linux")]
fn inbox_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "mp-inbox").count()
}

/// Regression: one slow handler delayed the signals of every child of the program.
#[test]
fn a_handler_that_waits_delays_no_other_child() {
    in_own_process("signals::relief::a_handler_that_waits_delays_no_other_child", || {
        let (door, other) = (Door::default(), worker());
        let ticks = other.signals().tick.receiver();
        let held = held(&door);
        outcome(other.flood(3)).unwrap();
        for expected in 0..3 {
            assert_eq!(ticks.recv_timeout(LONG), Ok((expected,)), "while the handler waits");
        }
        door.open();
        drop(held);
    });
}

/// The handler waits for a signal of another child, which arrives only later.
#[test]
fn a_handler_may_wait_for_a_signal_of_another_child() {
    in_own_process("signals::relief::a_handler_may_wait_for_a_signal_of_another_child", || {
        let (one, other) = (worker(), worker());
        let ticks = other.signals().tick.receiver();
        let (told, heard) = mpsc::channel();
        let asked = other.clone();
        one.signals().tick.connect(move |_| {
            let _ = asked.flood(1);
            told.send(ticks.recv_timeout(LONG)).unwrap();
        });
        outcome(one.flood(1)).unwrap();
        assert_eq!(heard.recv_timeout(LONG), Ok(Ok((0,))));
    });
}

#[test]
fn signals_of_a_held_child_stay_in_order_and_one_at_a_time() {
    in_own_process(
        "signals::relief::signals_of_a_held_child_stay_in_order_and_one_at_a_time",
        || {
            const TICKS: u32 = 500;
            let (one, other) = (worker(), worker());
            let (sender, heard) = mpsc::channel();
            let inside = AtomicBool::new(false);
            one.signals().tick.connect(move |number| {
                assert!(!inside.swap(true, Ordering::SeqCst), "two signals of one child at once");
                if number % 100 == 0 {
                    thread::sleep(Duration::from_millis(120));
                }
                sender.send(*number).unwrap();
                inside.store(false, Ordering::SeqCst);
            });
            let others = other.signals().tick.receiver();
            let calls = [one.flood(TICKS), other.flood(TICKS)];
            for number in 0..TICKS {
                assert_eq!(heard.recv_timeout(LONG), Ok(number));
                assert_eq!(others.recv_timeout(LONG), Ok((number,)));
            }
            for call in calls {
                assert_eq!(outcome(call), Ok(TICKS));
            }
        },
    );
}

/// One handler of two children, through a signal of the program's own.
#[test]
fn a_handler_of_two_children_runs_once_at_a_time() {
    in_own_process("signals::relief::a_handler_of_two_children_runs_once_at_a_time", || {
        let (one, other) = (worker(), worker());
        let (results, inside) = (Signal::<(u32,)>::new(), AtomicBool::new(false));
        let (sender, heard) = mpsc::channel();
        results.connect(move |number| {
            assert!(!inside.swap(true, Ordering::SeqCst), "the handler runs twice at once");
            thread::sleep(Duration::from_millis(150));
            inside.store(false, Ordering::SeqCst);
            sender.send(*number).unwrap();
        });
        one.flood(1).forward_to(&results);
        other.flood(2).forward_to(&results);
        let numbers = [(); 2].map(|()| heard.recv_timeout(LONG).unwrap());
        assert_eq!(BTreeSet::from(numbers), BTreeSet::from([1, 2]));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_thread_per_held_child_and_one_more_at_most() {
    in_own_process("signals::relief::a_thread_per_held_child_and_one_more_at_most", || {
        const HELD: usize = 3;
        let (door, quiet) = (Door::default(), worker());
        let threads = Arc::new(Mutex::new(BTreeSet::<String>::new()));
        let seen = Arc::clone(&threads);
        let note = move |id: ThreadId| seen.lock().unwrap().insert(format!("{id:?}"));
        let ticks = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&ticks);
        quiet.signals().tick.connect(move |_| {
            note(thread::current().id());
            counted.fetch_add(1, Ordering::SeqCst);
        });
        let held: Vec<_> = (0..HELD).map(|_| held(&door)).collect();
        outcome(quiet.flood(10)).unwrap();
        until("the quiet child's signals come", || ticks.load(Ordering::SeqCst) == 10);
        let most = inbox_threads();
        assert!((2..=HELD + 1).contains(&most), "{most}");
        door.open();
        until("the threads of the held handlers end", || inbox_threads() == 1);
        outcome(quiet.flood(10)).unwrap();
        until("the one that is left delivers", || ticks.load(Ordering::SeqCst) == 20);
        drop(held);
    });
}

/// A handler whose thread was replaced must still be waited for.
#[test]
fn shutdown_waits_for_a_handler_whose_thread_was_relieved() {
    in_own_process(
        "signals::relief::shutdown_waits_for_a_handler_whose_thread_was_relieved",
        || {
            let (door, other) = (Door::default(), worker());
            let ticks = other.signals().tick.receiver();
            let held = held(&door);
            outcome(other.flood(1)).unwrap();
            assert_eq!(ticks.recv_timeout(LONG), Ok((0,)), "another thread has taken over");
            let finished = Arc::new(AtomicBool::new(false));
            let noted = Arc::clone(&finished);
            held.process().signals().finished.connect(move |_| noted.store(true, Ordering::SeqCst));
            let ends = thread::spawn(|| mpcore::shutdown(LONG));
            until("the children have ended", || held.process().state().has_ended());
            assert!(
                mpcore::shutdown(Duration::from_millis(50)).is_err(),
                "its last signals are not delivered"
            );
            assert!(!finished.load(Ordering::SeqCst));
            door.open();
            assert_eq!(ends.join().unwrap(), Ok(()));
            assert!(finished.load(Ordering::SeqCst), "in time for the end of the program");
        },
    );
}
