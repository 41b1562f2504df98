//! A thread that must not wait for a child never does, whatever it calls, while the
//! guard lives.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mpcore::{
    CallError, JoinError, ProcessState, ReadyError, ReceiveError, WaitError,
    forbid_waiting_on_this_thread, shutdown,
};
use system_tests::bench::{builder, ready, until_begun};
use system_tests::{LONG, in_own_process, outcome, until};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");

/// Runs this on a thread that must not wait, so that it returns.
fn forbidden<R: Send + 'static>(what: impl FnOnce() -> R + Send + 'static) -> R {
    let (sender, done) = mpsc::channel();
    thread::spawn(move || {
        let _guard = forbid_waiting_on_this_thread();
        let _ = sender.send(what());
    });
    done.recv_timeout(LONG).expect("it does not wait")
}

/// Much longer than the deadline of a test.
const FOR_EVER: Duration = Duration::from_secs(100_000);

/// Regression: `join` and `wait_ready` blocked for their whole time.
#[test]
fn every_wait_returns_an_error_there() {
    in_own_process("commands::waiting_forbidden::every_wait_returns_an_error_there", || {
        let bench = ready(builder(CHILD));
        let running = bench.work(600_000);
        until_begun(&bench, 1);
        let there = bench.clone();
        let said = forbidden(move || {
            let ticks = there.signals().tick.receiver();
            (
                there.process().join(FOR_EVER),
                there.process().join(Duration::ZERO),
                there.blocking().add_two(1, 2),
                shutdown(FOR_EVER),
                ticks.recv_timeout(FOR_EVER),
                ticks.into_iter().next(),
            )
        });
        let (join, look, sum, all, tick, next) = said;
        assert_eq!(
            (join, look),
            (
                Err(JoinError::Wait(WaitError::Forbidden)),
                Err(JoinError::Wait(WaitError::Forbidden))
            )
        );
        assert_eq!(sum, Err(CallError::Wait(WaitError::Forbidden)));
        assert_eq!(all, Err(WaitError::Forbidden));
        assert_eq!((tick, next), (Err(ReceiveError::Wait(WaitError::Forbidden)), None));
        assert_eq!(bench.process().state(), ProcessState::Running, "no request was sent");
        bench.process().stop();
        assert_eq!(outcome(running), Err(CallError::Stopped));
    });
}

#[test]
fn wait_ready_returns_an_error_there_until_the_child_is_ready() {
    let bench = builder(CHILD).build().unwrap();
    let there = bench.clone();
    let ready = move || {
        let there = there.clone();
        forbidden(move || there.process().wait_ready(FOR_EVER))
    };
    assert_eq!(ready(), Err(ReadyError::NotStarted));
    // It starts only when its config is encoded, which takes a moment; so it is not ready
    // immediately.
    bench.process().start().unwrap();
    let first = ready();
    assert!(matches!(first, Err(ReadyError::Wait(WaitError::Forbidden)) | Ok(())), "{first:?}");
    until("it is ready", || ready().is_ok());
}

#[test]
fn values_that_have_arrived_can_be_taken_there() {
    let bench = ready(builder(CHILD));
    let (finished, ticks) =
        (bench.process().signals().finished.receiver(), bench.signals().tick.receiver());
    assert_eq!(outcome(bench.flood(2)), Ok(2));
    bench.process().stop();
    bench.process().join(LONG).unwrap();
    let there = bench.clone();
    let joined = forbidden(move || there.process().join(FOR_EVER));
    assert_eq!(joined.unwrap().code(), Some(0));
    finished.recv_timeout(LONG).unwrap();
    let taken = forbidden(move || {
        let first = ticks.recv_timeout(FOR_EVER);
        (first, ticks.into_iter().collect::<Vec<_>>())
    });
    assert_eq!(taken, (Ok((0,)), vec![(1,)]));
}

#[test]
fn waiting_can_be_forbidden_on_a_thread() {
    let bench = ready(builder(CHILD));
    let waits = bench.clone();
    let forbidden = thread::spawn(move || {
        let guard = mpcore::forbid_waiting_on_this_thread();
        // A second one, which ends first, changes nothing.
        drop(mpcore::forbid_waiting_on_this_thread());
        let outcomes = (waits.add_two(1, 2).wait(), waits.blocking().add_two(1, 2));
        drop(guard);
        (outcomes, waits.add_two(1, 2).wait())
    });
    let (outcomes, allowed) = forbidden.join().unwrap();
    assert_eq!(
        outcomes,
        (Err(CallError::Wait(WaitError::Forbidden)), Err(CallError::Wait(WaitError::Forbidden)))
    );
    assert_eq!(allowed, Ok(3));
    assert_eq!(bench.add_two(1, 2).wait(), Ok(3), "other threads may wait");
}
