//! The requests to stop, and the waits that they end.
//!
//! A stop ends three kinds of waits: the main thread's for a request, the running command's for
//! children of its own, and those of threads that wait for just that. The last two are ended by a
//! cancel or a deadline as well. It also computes when this child is killed, on which its own
//! children depend.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::limits::TERMINATE_GRACE;
use crate::process::watch;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Condvar, Mutex, lock, wait};
use crate::this_process::inherited;
use crate::transport::LaneEnd;
use crate::wire::messages::stop_reason::StopReason;

/// What has arrived.
#[derive(Debug, Default)]
struct Received {
    /// The first reason, and when it arrived.
    first: Option<(StopReason, Instant)>,
    /// When the first stop signal arrived.
    signal: Option<Instant>,
}

/// See the [module](self).
pub(crate) struct StopRequests {
    generation: u32,
    received: Mutex<Received>,
    stopping: AtomicBool,
    requests_end: Arc<dyn LaneEnd>,
    /// The running command's waits for children of its own.
    waits: Arc<inherited::InheritedCommand>,
    /// Held by threads that are about to wait for a request to end the command or the child. The
    /// thread that records the request takes it afterwards, so that no wait begins in between.
    ending: Mutex<()>,
    ending_changed: Condvar,
}

impl StopRequests {
    pub(crate) fn new(
        generation: u32,
        requests_end: Arc<dyn LaneEnd>,
        waits: Arc<inherited::InheritedCommand>,
    ) -> Self {
        Self {
            generation,
            received: Mutex::default(),
            stopping: AtomicBool::new(false),
            requests_end,
            waits,
            ending: Mutex::default(),
            ending_changed: Condvar::new(),
        }
    }

    /// Asks the child to end. The first reason counts.
    ///
    /// Does not take the lock of the events lane, because the thread that holds it may never
    /// release it.
    pub(crate) fn request(&self, reason: StopReason) {
        let now = Instant::now();
        {
            let mut received = lock(&self.received);
            if reason == StopReason::Signal {
                received.signal.get_or_insert(now);
            }
            received.first.get_or_insert((reason, now));
        }
        let before = self.stopping.swap(true, Ordering::SeqCst);
        self.tell_of_end();
        self.end_wait(inherited::Request::Stop);
        if !before {
            // The main thread may be waiting for a request.
            self.requests_end.end(self.generation);
        }
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    pub(crate) fn reason(&self) -> Option<StopReason> {
        lock(&self.received).first.as_ref().map(|(reason, _)| reason.clone())
    }

    /// Returns when this child is killed if it has that grace; `None` if it was not asked to stop.
    pub(crate) fn killed_at(&self, grace: Duration) -> Option<Instant> {
        let received = lock(&self.received);
        let (reason, asked) = received.first.as_ref()?;
        let graceful = asked.checked_add(grace);
        if *reason == StopReason::ControllerLost {
            return graceful; // the child kills itself
        }
        graceful.into_iter().chain(received.signal).min()?.checked_add(TERMINATE_GRACE)
    }

    /// Ends the running command's waits for children of its own. Another thread does it, because
    /// the calling thread may hold a lock.
    pub(super) fn end_wait(&self, request: inherited::Request) {
        if let Some(wake) = self.waits.ask(request) {
            watch::alarm(Instant::now(), wake);
        }
    }

    /// Waits until the condition, which a request may change, is true.
    pub(crate) fn wait_until(&self, condition: impl Fn() -> bool) {
        let mut ending = lock(&self.ending);
        while !condition() {
            ending = wait(&self.ending_changed, ending);
        }
    }

    /// Wakes the threads that wait for a request to end. Call it after the request was recorded.
    pub(super) fn tell_of_end(&self) {
        // Otherwise a thread that has checked its condition, but does not wait yet, would miss the
        // notification.
        drop(lock(&self.ending));
        self.ending_changed.notify_all();
    }
}
