//! Overload: a child that reads nothing, a controller that reads nothing, and floods; calls and
//! waits that must not block, values that are coalesced, and the largest arguments and results.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use mpcore::{CallError, Inbox, ProcessState, QueueBound, WaitError};
use rustix::process::Signal;
use system_tests::bench::{builder, ready};
use system_tests::{
    BenchConfig, BenchControl, Blob, Journal, LONG, block_on, in_own_process, outcome, processes,
    until,
};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");

/// The tests of this file that fill memory run one at a time if they share a process.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pid(bench: &BenchControl) -> u32 {
    bench.process().pid().unwrap()
}

/// An inbox that is not drained until the test does it.
fn idle_inbox() -> Inbox {
    Inbox::new(|| {})
}

/// Drains in this thread until `done`.
fn drain_until(what: &str, inbox: &Inbox, mut done: impl FnMut() -> bool) {
    until(what, || {
        inbox.drain(Duration::from_millis(50));
        done()
    });
}

/// Counts numbered ticks that come in order.
fn count_ticks(bench: &BenchControl) -> Arc<AtomicU32> {
    let count = Arc::new(AtomicU32::new(0));
    let next = Arc::clone(&count);
    bench.signals().tick.connect(move |number| {
        // A tick out of order stops the count.
        let _ = next.compare_exchange(*number, *number + 1, Ordering::SeqCst, Ordering::SeqCst);
    });
    count
}

/// Counts blocks, all of this length.
fn count_blocks(bench: &BenchControl, length: usize) -> Arc<AtomicU32> {
    let received = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&received);
    bench.signals().block.connect(move |block| {
        assert_eq!(block.0.len(), length);
        count.fetch_add(1, Ordering::SeqCst);
    });
    received
}

/// Waits until the process has used no processor for a while.
fn until_it_stands_still(pid: u32) {
    let (mut used, mut since) = (processes::cpu_ticks(pid), Instant::now());
    until("the process is idle", || {
        let now = processes::cpu_ticks(pid);
        if now != used {
            (used, since) = (now, Instant::now());
        }
        since.elapsed() > Duration::from_millis(300)
    });
}

// ---- the caller never blocks

#[test]
fn a_call_returns_immediately_whatever_the_child_does() {
    let _alone = alone();
    let bench = ready(builder(CHILD));
    let large = || Blob::numbered(64 << 20);
    let timed = |what: &str, call: &dyn Fn()| {
        let begun = Instant::now();
        call();
        println!("{what}: returned after {:?}", begun.elapsed());
    };
    // The proof is that they return at all while the child is stopped.
    processes::freeze(pid(&bench));
    timed("call on a stopped child", &|| drop(bench.add_two(1, 2)));
    let argument = Mutex::new(Some(large()));
    let take = || argument.lock().unwrap().take().unwrap();
    timed("64 MiB argument on a stopped child", &|| drop(bench.echo(take())));
    timed("1000 calls behind it", &|| {
        for number in 0..1000 {
            bench.add_two(number, 0);
        }
    });
    timed("stop, state, mirror and pid", &|| {
        assert_eq!((bench.level(), bench.process().state()), (0, ProcessState::Running));
        bench.process().cancel_all();
    });
    let last = bench.add_two(20, 22);
    processes::thaw(pid(&bench));
    assert_eq!(outcome(last), Ok(42));

    *argument.lock().unwrap() = Some(large());
    timed("64 MiB argument on a running child", &|| drop(bench.echo(take())));
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
}

#[test]
fn a_hundred_thousand_commands_wait_for_a_stopped_child() {
    let bench = ready(builder(CHILD));
    processes::freeze(pid(&bench));
    let begun = Instant::now();
    let mut calls: Vec<_> = (0..100_000).map(|number| bench.add_two(number, 1)).collect();
    println!("100,000 commands queued on a stopped child in {:?}", begun.elapsed());
    assert!(calls.iter_mut().all(|call| call.try_outcome().is_none()), "none blocks or fails");
    assert_eq!(bench.process().pending_commands(), 100_000);
    processes::thaw(pid(&bench));
    let thawed = Instant::now();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(outcome(call), Ok(number as i32 + 1));
    }
    println!("all ended {:?} after SIGCONT", thawed.elapsed());
    assert_eq!(bench.process().pending_commands(), 0);
}

#[test]
fn one_command_beyond_the_bound_ends_as_queue_full() {
    const BOUND: usize = 20_000;
    let bench = ready(builder(CHILD).queue_bound(QueueBound { entries: BOUND, bytes: 1 << 30 }));
    processes::freeze(pid(&bench));
    // The lane takes some out of the queue; after that the bound counts.
    let mut calls = Vec::new();
    let full = loop {
        let mut call = bench.add_two(calls.len() as i32, 0);
        match call.try_outcome() {
            None => calls.push(call),
            Some(outcome) => break outcome,
        }
    };
    assert_eq!(full, Err(CallError::QueueFull));
    assert!((BOUND..BOUND + 1000).contains(&calls.len()), "{}", calls.len());
    assert_eq!(outcome(bench.add_two(0, 0)), Err(CallError::QueueFull));
    processes::thaw(pid(&bench));
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(outcome(call), Ok(number as i32));
    }
}

#[test]
fn a_stopped_child_can_be_cancelled_stopped_and_killed() {
    let bench = ready(builder(CHILD));
    processes::freeze(pid(&bench));
    let calls: Vec<_> = (0..20_000).map(|number| bench.add_two(number, 0)).collect();
    let unsent = &calls[19_999];
    unsent.cancel();
    bench.process().stop();
    let late = bench.add_two(0, 0);
    assert_eq!(outcome(late), Err(CallError::Stopped));
    bench.process().kill();
    assert!(bench.process().join(LONG).is_ok());
    for call in calls {
        assert!(outcome(call).is_err());
    }
}

// ---- waiting where the inbox cannot be drained

type Wait = fn(&BenchControl) -> bool;

/// Waits in a handler of the inbox's thread while that inbox is full and the child still has more
/// to send than fits.
fn check_wait_in_handler(name: &str, wait: Wait) {
    let bench = ready(builder(CHILD).inbox_bound(QueueBound { entries: 8, bytes: 4096 }));
    let count = count_ticks(&bench);
    let (weak, (sender, waited)) = (bench.downgrade(), mpsc::channel());
    bench.signals().add_two_finished.connect(move |_| {
        let bench = weak.upgrade().unwrap();
        bench.flood(20_000);
        sender.send(wait(&bench)).unwrap_or_default();
    });
    bench.add_two(1, 1);
    let ok = waited.recv_timeout(LONG).unwrap_or_else(|_| panic!("{name}: a deadlock"));
    assert!(ok, "{name}");
    until("every event arrives, in order", || count.load(Ordering::SeqCst) == 20_000);
}

#[test]
fn waiting_in_a_handler_with_a_full_inbox_is_no_deadlock() {
    let waits: [(&str, Wait); 6] = [
        ("wait", |bench| bench.divide(84, 2).wait() == Ok(42)),
        ("blocking", |bench| bench.blocking().divide(84, 2) == Ok(42)),
        ("wait_timeout", |bench| bench.divide(84, 2).wait_timeout(LONG) == Ok(42)),
        ("await", |bench| block_on(bench.divide(84, 2)) == Ok(42)),
        ("wait for a large result", |bench| {
            bench.echo(Blob::numbered(3 << 20)).wait().is_ok_and(|it| it.is_numbered(3 << 20))
        }),
        ("join", |bench| {
            let last = bench.divide(84, 2);
            assert_eq!(outcome(last), Ok(42));
            bench.process().stop();
            bench.process().join(LONG).is_ok()
        }),
    ];
    for (name, wait) in waits {
        check_wait_in_handler(name, wait);
    }
}

/// Regression: credit was held back at the very moment the inbox ran empty, and never given.
#[test]
fn a_tiny_inbox_never_stalls_the_child() {
    let bench = ready(builder(CHILD).inbox_bound(QueueBound { entries: 1, bytes: 100 }));
    let count = count_ticks(&bench);
    // There is no waiting call, so only draining gives credit.
    for _ in 0..20 {
        count.store(0, Ordering::SeqCst);
        bench.flood(5000);
        until("every event arrives", || count.load(Ordering::SeqCst) == 5000);
    }
    // Blocks: each packet fills the window by itself.
    let bytes = Arc::new(AtomicU64::new(0));
    let total = Arc::clone(&bytes);
    bench.signals().block.connect(move |block| {
        total.fetch_add(block.0.len() as u64, Ordering::SeqCst);
    });
    bench.flood_blocks(500, 60_000);
    until("every block arrives", || bytes.load(Ordering::SeqCst) == 500 * 60_000);
}

/// The same for a wait that begins at that moment.
#[test]
fn waits_that_begin_while_the_inbox_fills_all_end() {
    let inbox = idle_inbox();
    let bench =
        ready(builder(CHILD).inbox(&inbox).inbox_bound(QueueBound { entries: 2, bytes: 200 }));
    for round in 0..300 {
        bench.flood(50 + round % 7);
        thread::sleep(Duration::from_micros(u64::from(round % 13) * 20));
        assert_eq!(outcome(bench.divide(84, 2)), Ok(42), "round {round}");
        if round % 3 == 0 {
            inbox.drain(Duration::from_micros(50));
        }
    }
}

// ---- floods

#[test]
fn a_hundred_thousand_events_arrive_before_finished() {
    for end in ["stop", "SIGTERM"] {
        let bench = ready(builder(CHILD).stop_grace(LONG));
        let count = count_ticks(&bench);
        let (sender, finished) = mpsc::channel();
        let before = Arc::clone(&count);
        bench.process().signals().finished.connect(move |report| {
            sender.send((report.state, before.load(Ordering::SeqCst))).unwrap_or_default();
        });
        bench.flood(100_000);
        until("the flood has begun", || count.load(Ordering::SeqCst) > 0);
        match end {
            "stop" => bench.process().stop(),
            _ => processes::signal(pid(&bench), Signal::TERM),
        }
        let (state, received) = finished.recv_timeout(LONG).unwrap();
        assert_eq!((state, received), (ProcessState::Finished, 100_000), "{end}");
    }
}

#[test]
fn a_flood_that_is_not_drained_fills_neither_side() {
    let _alone = alone();
    in_own_process(
        "load::pressure::a_flood_that_is_not_drained_fills_neither_side",
        flood_with_nobody_draining,
    );
}

fn flood_with_nobody_draining() {
    const BLOCK: usize = 64 << 10;
    const BLOCKS: u32 = 8000;
    let inbox = idle_inbox();
    let bench = ready(
        builder(CHILD).inbox(&inbox).inbox_bound(QueueBound { entries: 1_000_000, bytes: 8 << 20 }),
    );
    while inbox.drain(LONG).more {}
    let own = std::process::id();
    let (before, child_before) =
        (processes::resident_mib(own), processes::resident_mib(pid(&bench)));
    let received = count_blocks(&bench, BLOCK);
    let flood = bench.flood_blocks(BLOCKS, BLOCK);
    // It stops growing when the child has filled its own queue.
    until("the child's queue is full", || processes::resident_mib(pid(&bench)) > child_before + 60);
    until_it_stands_still(pid(&bench));
    let (after, child_after) = (processes::resident_mib(own), processes::resident_mib(pid(&bench)));
    println!(
        "500 MiB of events, not drained: controller {before} -> {after} MiB, \
         child {child_before} -> {child_after} MiB"
    );
    // 8 MiB and what is in transit.
    assert!(after < before + 60, "the controller fills up");
    assert!(child_after < child_before + 120, "64 MiB and what is in transit");
    drain_until("every block arrives", &inbox, || received.load(Ordering::SeqCst) == BLOCKS);
    assert_eq!(outcome(flood), Ok(BLOCKS));
}

/// A wait lifts the bound only up to the hard limit. Regression: a future that had given up there
/// kept it lifted.
#[test]
fn a_wait_before_an_undrained_flood_fails_and_bounds_it_again() {
    const BLOCK: usize = 64 << 10;
    const BLOCKS: u32 = 20_000;
    let _alone = alone();
    let inbox = idle_inbox();
    let bench = ready(
        builder(CHILD).inbox(&inbox).inbox_bound(QueueBound { entries: 1_000_000, bytes: 8 << 20 }),
    );
    let received = count_blocks(&bench, BLOCK);
    let mut flood = bench.flood_blocks(BLOCKS, BLOCK);
    // More than a gigabyte comes first.
    assert_eq!(flood.wait_timeout(8 * LONG), Err(CallError::Wait(WaitError::InboxOverflow)));
    let mut given_up = Box::pin(bench.add_two(1, 2).into_future());
    assert_eq!(block_on(given_up.as_mut()), Err(CallError::Wait(WaitError::InboxOverflow)));
    drain_until("every block arrives", &inbox, || received.load(Ordering::SeqCst) == BLOCKS);
    assert_eq!(outcome(flood), Ok(BLOCKS));

    // There is no waiting call any more, so the child is held at its own queue.
    let mut flood = bench.flood_for(1000, BLOCK);
    until("it has begun", || bench.begun() == 1);
    until_it_stands_still(pid(&bench));
    assert_eq!(flood.try_outcome(), None, "it has ended");
    drain_until("its end", &inbox, || flood.try_outcome().is_some());
    assert_eq!(block_on(given_up), Ok(3));
}

#[test]
fn try_emit_returns_full_where_emit_would_wait() {
    const BLOCK: usize = 64 << 10;
    let _alone = alone();
    let inbox = idle_inbox();
    let bench = ready(
        builder(CHILD).inbox(&inbox).inbox_bound(QueueBound { entries: 1_000_000, bytes: 8 << 20 }),
    );
    let received = count_blocks(&bench, BLOCK);
    let taken = Arc::new(Mutex::new(None));
    let told = Arc::clone(&taken);
    // A wait would lift the bound, so the answer comes through the inbox, behind the blocks.
    let folder = tempfile::tempdir().unwrap();
    let sign = folder.path().join("refused");
    let path = sign.to_string_lossy().into_owned();
    bench.try_flood_blocks(4000, BLOCK, path).on_done(move |it| *told.lock().unwrap() = Some(it));
    until("the child is refused", || sign.exists());
    drain_until("the answer", &inbox, || taken.lock().unwrap().is_some());
    let (taken, refusal) = taken.lock().unwrap().take().unwrap().unwrap();
    let mib = (taken as usize * BLOCK) >> 20;
    println!("try_emit into an undrained inbox: {taken} blocks, {mib} MiB, then `{refusal}`");
    assert!(refusal.contains("full"), "{refusal}");
    assert!((64..96).contains(&mib), "64 MiB in the child and 8 in the controller: {mib}");
    drain_until("the accepted blocks arrive", &inbox, || received.load(Ordering::SeqCst) == taken);
}

#[test]
fn coalesced_values_need_no_room() {
    let inbox = idle_inbox();
    let bench = ready(
        builder(CHILD).inbox(&inbox).inbox_bound(QueueBound { entries: 100, bytes: 100_000 }),
    );
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().level_changed.connect(move |level| note.note(format!("level {level}")));
    let ended = Arc::new(AtomicU32::new(0));
    for _ in 0..3 {
        let count = Arc::clone(&ended);
        bench.raise_level(100_000).on_done(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        bench.step_through(100_000);
    }
    // They all end although the inbox is not drained: nothing accumulates in it.
    until("they have ended", || bench.process().pending_commands() == 0);
    drain_until("the outcomes", &inbox, || ended.load(Ordering::SeqCst) == 3);
    let lines = journal.lines();
    assert!(lines.len() <= 4, "{}", lines.len());
    assert_eq!(lines.last().unwrap(), "level 100000");
}

#[test]
fn a_child_thread_that_never_stops_emitting_delays_no_stop() {
    for end in ["stop", "SIGTERM"] {
        let bench = ready(builder(CHILD).stop_grace(LONG * 10));
        let finished = bench.process().signals().finished.receiver();
        outcome(bench.leave_a_thread_emitting()).unwrap();
        until("it emits", || {
            bench.signals().tick.receiver().recv_timeout(Duration::from_millis(100)).is_ok()
        });
        match end {
            "stop" => bench.process().stop(),
            _ => processes::signal(pid(&bench), Signal::TERM),
        }
        let report =
            finished.recv_timeout(LONG).unwrap_or_else(|why| panic!("{end}: it stays, {why}")).0;
        assert_eq!(
            (report.state, report.killed, report.cleanup),
            (ProcessState::Finished, false, mpcore::CleanupStatus::Ran)
        );
    }
}

#[test]
fn a_full_inbox_delays_neither_a_stop_nor_a_report_of_death() {
    let inbox = idle_inbox();
    let bench = ready(
        builder(CHILD)
            .inbox(&inbox)
            .inbox_bound(QueueBound { entries: 10, bytes: 1000 })
            .stop_grace(LONG),
    );
    let count = count_ticks(&bench);
    bench.flood(50_000);
    drain_until("the flood has begun", &inbox, || count.load(Ordering::SeqCst) > 0);
    bench.process().stop();
    assert_eq!(bench.process().join(LONG).unwrap().code(), Some(0));
    drain_until("all of it arrives", &inbox, || count.load(Ordering::SeqCst) == 50_000);

    let bench =
        ready(builder(CHILD).inbox(&inbox).inbox_bound(QueueBound { entries: 10, bytes: 1000 }));
    bench.flood(50_000);
    let pending = bench.add_two(1, 2);
    processes::kill(pid(&bench));
    assert!(matches!(outcome(pending), Err(CallError::Exited(_))));
}

#[test]
fn large_config_and_arguments_pass_through_a_small_window() {
    let settings = (0..50_000).map(|it| (format!("a rather long key {it}"), it)).collect();
    let config = BenchConfig { settings, ..BenchConfig::default() };
    let bench = builder(CHILD).config(config.clone()).spawn().unwrap();
    assert_eq!(outcome(bench.settings()), Ok(config.settings));
    let calls: Vec<_> = (0..20).map(|it| (it, bench.echo(Blob::numbered(1 << 20 | it)))).collect();
    for (number, call) in calls {
        assert!(outcome(call).unwrap().is_numbered(1 << 20 | number), "{number}");
    }
}

#[test]
fn a_64_mib_argument_and_a_256_mib_result_arrive_intact() {
    let _alone = alone();
    let bench = ready(builder(CHILD));
    let begun = Instant::now();
    assert!(outcome(bench.echo(Blob::numbered(64 << 20))).unwrap().is_numbered(64 << 20));
    println!("64 MiB there and back: {:?}", begun.elapsed());
    let begun = Instant::now();
    assert!(outcome(bench.make_bytes(256 << 20)).unwrap().is_numbered(256 << 20));
    println!("256 MiB result: {:?}", begun.elapsed());
}

/// Only the newest one waits in the child as well, while an inbox over its bound gives it no
/// credit.
#[test]
fn latest_events_are_coalesced_in_the_child() {
    let inbox = idle_inbox();
    let bench =
        ready(builder(CHILD).inbox(&inbox).inbox_bound(QueueBound { entries: 10, bytes: 1000 }));
    let ticks = count_ticks(&bench);
    let positions = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&positions);
    bench.signals().position.connect(move |x, _| noted.lock().unwrap().push(*x));
    let _ = bench.flood(1000);
    let _ = bench.drift(200_000);
    // The child's next command, which emits nothing.
    let _ = bench.start_grandchild();
    let pid = pid(&bench);
    until("it has emitted them all", || {
        let started = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        started.is_ok_and(|pids| !pids.is_empty())
    });
    drain_until("the newest one arrives", &inbox, || {
        positions.lock().unwrap().last().is_some_and(|last| *last == 199_999.0)
    });
    assert_eq!(ticks.load(Ordering::SeqCst), 1000);
    assert_eq!(*positions.lock().unwrap(), [199_999.0], "and none of the older ones");
}
