//! Threads that must not wait, such as the one of a window.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};

static FORBIDDEN_ANYWHERE: AtomicBool = AtomicBool::new(false);

thread_local! {
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// Makes everything that waits return an error on this thread until the guard is dropped: for the
/// thread of a user interface, which must not freeze.
///
/// The error is [`WaitError::Forbidden`](crate::WaitError::Forbidden): of `wait` and `blocking()`,
/// `join`, `wait_ready`, [`shutdown`](crate::shutdown()) and receivers. Where there is nothing to
/// wait for, `join`, `wait_ready` and receivers answer as elsewhere; the others are refused also if
/// the outcome has come already, so that a mistake shows in every run.
///
/// ```
/// {
///     let _guard = mpcore::forbid_waiting_on_this_thread();
///     // Run the event loop here.
/// }
/// // From here on this thread may wait again.
/// mpcore::shutdown(std::time::Duration::from_secs(5)).unwrap();
/// ```
#[must_use = "waiting is allowed again when this is dropped"]
pub fn forbid_waiting_on_this_thread() -> WaitingForbidden {
    FORBIDDEN_ANYWHERE.store(true, Ordering::Relaxed);
    WaitingForbidden { before: FORBIDDEN.replace(true), of_one_thread: PhantomData }
}

/// Keeps its thread from waiting; see [`forbid_waiting_on_this_thread`].
#[derive(Debug)]
pub struct WaitingForbidden {
    before: bool,
    of_one_thread: PhantomData<*const ()>,
}

impl Drop for WaitingForbidden {
    fn drop(&mut self) {
        FORBIDDEN.set(self.before);
    }
}

/// Returns whether this thread must not wait.
pub(crate) fn wait_forbidden() -> bool {
    FORBIDDEN_ANYWHERE.load(Ordering::Relaxed) && FORBIDDEN.get()
}
