//! Waiting for the state of a run: the common part of `join`, `wait_ready` and `shutdown`.

use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use crate::controller::state::reporting::tells_here;
use crate::controller::state::{Life, Shared};
use crate::sync::wait_timeout;
use crate::this_process::inherited;
use crate::this_process::wait_policy::wait_forbidden;

impl Shared {
    /// Waits until no run has anything left to do, including the `after_exit` hooks. For `shutdown`,
    /// which has asked the child to end before.
    pub(crate) fn wait_idle(self: &Arc<Self>, timeout: Duration) -> bool {
        let busy = |life: &Life| {
            // A start requested while the last end was being reported, or a run that carries commands
            // over before it finishes. A restart that was due was called off by the request to stop.
            let follows = life.start || life.finish.is_some();
            // A thread that reports the end, or runs such a hook, would wait for itself.
            let hooks = life.hooks > 0 && !tells_here();
            life.state.is_alive() || follows || self.is_being_told(life) || hooks
        };
        !busy(&self.wait_for(timeout, busy, || false))
    }

    /// Returns whether the last signals of a run are being posted, and this thread may wait for
    /// that.
    pub(crate) fn is_being_told(&self, life: &Life) -> bool {
        life.being_told && !tells_here()
    }

    /// Waits while `wait` holds. The second value is whether the wait ended early because this
    /// thread's command was asked to end.
    pub(crate) fn wait_while(
        self: &Arc<Self>,
        timeout: Duration,
        wait: impl Fn(&Life) -> bool,
    ) -> (MutexGuard<'_, Life>, bool) {
        let shared = self;
        let command = inherited::begin_wait(|| {
            let shared = Arc::clone(shared);
            Box::new(move || {
                // Taking the lock ensures that a thread that has just checked is already waiting.
                drop(shared.life());
                shared.life_changed().notify_all();
            })
        });
        // A command's deadline applies to its calls, and also to this wait.
        let deadline = command.as_ref().and_then(|_| inherited::deadline());
        let is_late = || deadline.is_some_and(|at| at <= Instant::now());
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = left.map_or(timeout, |left| timeout.min(left));
        let mut over = false;
        let life = self.wait_for(timeout, &wait, || {
            over = command.as_ref().is_some_and(inherited::Waiting::is_over);
            over
        });
        if !over && is_late() && wait(&life) {
            over = true;
            command.iter().for_each(inherited::Waiting::has_ended);
        }
        (life, over)
    }

    /// Waits while `wait` holds, until `timeout` or until `is_over` returns `true`. On a thread
    /// that must not wait, only checks.
    pub(crate) fn wait_for(
        self: &Arc<Self>,
        timeout: Duration,
        wait: impl Fn(&Life) -> bool,
        mut is_over: impl FnMut() -> bool,
    ) -> MutexGuard<'_, Life> {
        let _waiting = self.begin_wait();
        // A thread that must not wait only checks.
        let timeout = if wait_forbidden() { Duration::ZERO } else { timeout };
        let deadline = Instant::now().checked_add(timeout);
        let mut life = self.life();
        while wait(&life) {
            let left = match deadline {
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                None => Duration::from_secs(3600),
            };
            if left.is_zero() || is_over() {
                break;
            }
            life = wait_timeout(self.life_changed(), life, left);
        }
        life
    }
}
