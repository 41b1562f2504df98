//! Threads that must not wait, such as the one of a window.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

static FORBIDDEN_ANYWHERE: AtomicBool = AtomicBool::new(false);

thread_local! {
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// Makes everything that waits return an error on this thread: for the thread of a user interface, which must
/// not stand still. That is [`CallError::WaitForbidden`](crate::CallError::WaitForbidden) for `wait` and `blocking()`, and the same of
/// [`JoinError`](crate::JoinError), [`ReadyError`](crate::ReadyError), [`ShutdownError`](crate::ShutdownError) and
/// [`ReceiveError`](crate::ReceiveError) for `join`, `wait_ready`, [`shutdown`](crate::shutdown()) and receivers. With
/// nothing to wait for, they answer as elsewhere. Returns whether it was forbidden before.
pub fn forbid_waiting_on_this_thread(forbid: bool) -> bool {
    if forbid {
        FORBIDDEN_ANYWHERE.store(true, Ordering::Relaxed);
    }
    FORBIDDEN.replace(forbid)
}

pub(crate) fn wait_forbidden() -> bool {
    FORBIDDEN_ANYWHERE.load(Ordering::Relaxed) && FORBIDDEN.get()
}
