//! The end of the program: children are stopped and joined, their last signals delivered.

use std::sync::{Mutex, Weak};
use std::time::{Duration, Instant};

use super::inbox::InboxHandle;
use super::process::{AfterEnd, Process, request};
use super::run::Ask;
use super::shared::Shared;
use crate::limits::{FLUSH_DEADLINE, SHUTDOWN_DEADLINE, STOP_GRACE, TERMINATE_GRACE};
use crate::process::output;
use crate::sync::lock;

static STARTED: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// A child was started: it is to be stopped when the program ends.
pub(crate) fn register(shared: &std::sync::Arc<Shared>) {
    let mut started = lock(&STARTED);
    started.retain(|weak| {
        weak.strong_count() > 0 && !std::ptr::eq(weak.as_ptr(), &raw const **shared)
    });
    started.push(std::sync::Arc::downgrade(shared));
}

/// Stops every child of this process, waits for their ends, all under one deadline, for the
/// background inbox to deliver their last signals, and for their last lines to be on stderr, where those are passed
/// on. Returns whether everything was done in time.
///
/// Not to be called in a handler of that inbox, which would wait for itself.
///
/// [`#[mpcore::main]`](crate::main) does this when `main` returns.
pub fn shutdown(timeout: Duration) -> bool {
    let deadline = Instant::now().checked_add(timeout);
    let started = lock(&STARTED).clone();
    let children: Vec<_> = started.iter().filter_map(Weak::upgrade).collect();
    for child in &children {
        request(child, Ask::Stop, AfterEnd::Rest);
    }
    let mut all = true;
    for child in children {
        let left = deadline.map_or(timeout, |at| at.saturating_duration_since(Instant::now()));
        all &= Process::new(child).wait_idle(left);
    }
    let heard = all && InboxHandle::background().wait_empty(deadline);
    // Also where a child is late: what the others have said is there.
    flush_output(deadline) && heard
}

/// The last lines of a child are what somebody looks for: they are on stderr before the program ends, unless that
/// takes nothing.
fn flush_output(deadline: Option<Instant>) -> bool {
    let at_most = Instant::now() + FLUSH_DEADLINE;
    output::flush(deadline.map_or(at_most, |at| at.min(at_most)))
}

/// Shuts down when `main` ends; used by `#[mpcore::main]`.
#[derive(Debug, Default)]
pub struct ShutdownGuard {
    _private: (),
}

impl ShutdownGuard {
    /// A guard to be dropped last in `main`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Drop for ShutdownGuard {
    fn drop(&mut self) {
        shutdown(STOP_GRACE + TERMINATE_GRACE + SHUTDOWN_DEADLINE);
    }
}
