//! Named signals, properties, events and lifecycle signals, and the threads on which handlers run;
//! with an inbox and a loop for the tests.

mod events;
mod handlers;
mod inbox;
mod lifecycle;
mod properties;
mod relief;
mod time_line;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use mpcore::Inbox;
use system_tests::bench::{builder, ready};
use system_tests::{BenchControl, LONG, until};

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
