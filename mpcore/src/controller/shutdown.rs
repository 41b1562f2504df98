//! The end of the program: children are stopped and joined, their last signals delivered.

use std::sync::{Mutex, Weak};
use std::time::{Duration, Instant};

use super::inbox::InboxHandle;
use super::process::{AfterEnd, Process, request};
use super::run::Ask;
use super::shared::Shared;
use crate::limits::{SHUTDOWN_DEADLINE, STOP_GRACE, TERMINATE_GRACE};
use crate::nested;
use crate::process::sys;
use crate::sync::lock;

static STARTED: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// A child was started: it is to be stopped when the program ends.
pub(crate) fn register(shared: &std::sync::Arc<Shared>) {
    nested::stops_with(stop_nested);
    let mut started = lock(&STARTED);
    started.retain(|weak| {
        weak.strong_count() > 0 && !std::ptr::eq(weak.as_ptr(), &raw const **shared)
    });
    started.push(std::sync::Arc::downgrade(shared));
}

/// Stops every child of this process, waits for their ends, all under one deadline, and for the
/// background inbox to deliver their last signals. Returns whether everything was done in time.
///
/// Not to be called in a handler of that inbox, which would wait for itself.
///
/// [`#[mpcore::main]`](crate::main) does this when `main` returns. In a forked copy of this process there is
/// nothing to do: the children are the original's.
pub fn shutdown(timeout: Duration) -> bool {
    if sys::is_copy() {
        return true;
    }
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
    all && InboxHandle::background().wait_empty(deadline)
}

/// Stops every child of a child, and waits for their ends and for what they have to tell. Their kills come at `end` at
/// the latest.
fn stop_nested(end: Option<Instant>) {
    let started = lock(&STARTED).clone();
    let children: Vec<_> = started.iter().filter_map(Weak::upgrade).collect();
    for child in &children {
        request(child, Ask::Stop, AfterEnd::Rest);
        let run = child.life().run.clone();
        if let Some(run) = run.filter(|_| !child.is_patient()) {
            run.ask(Ask::Stop, nested::fitting(child.spec.stop_grace, end, Instant::now()));
        }
    }
    for child in children {
        Process::new(child).wait_idle(Duration::MAX);
    }
    InboxHandle::background().wait_empty(end);
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
