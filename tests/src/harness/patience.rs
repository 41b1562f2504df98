//! Waits for conditions, outcomes and futures with a deadline, so that a lost wake-up fails a test
//! instead of hanging it.

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use mpcore::{Call, CallError, WaitError};

/// Longer than anything takes on a loaded machine, including under chaos; only a hang takes this
/// long. Commands and processes that never end by themselves take 600 s, so that a test which waits
/// for their end fails first.
pub const LONG: Duration = Duration::from_secs(240);

/// Waits for a condition without a notification, such as the end of a process that is not ours.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {LONG:?}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Returns the outcome of a call, which has to come in time.
///
/// # Errors
/// The error that the call ended with.
#[track_caller]
pub fn outcome<T, E>(mut call: Call<T, E>) -> Result<T, CallError<E>> {
    match call.wait_timeout(LONG) {
        Err(CallError::Wait(WaitError::Timeout(_))) => {
            panic!("{call:?}: no outcome within {LONG:?}")
        }
        outcome => outcome,
    }
}

/// Wakes the thread that polls.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread: an executor of ten lines, without a runtime.
#[track_caller]
pub fn block_on<F: IntoFuture>(future: F) -> F::Output {
    let mut future = pin!(future.into_future());
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let deadline = Instant::now() + LONG;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        assert!(Instant::now() < deadline, "the future is not ready within {LONG:?}");
        thread::park_timeout(LONG);
    }
}
