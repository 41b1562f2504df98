//! One submitted command: the handle to drop, wait on, await, cancel, limit in time, or attach a
//! continuation to; and its future. A wait may end before the outcome, with a [`WaitError`].

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use oneshot::{RecvTimeoutError, TryRecvError};

use crate::call_id::CallId;
use crate::controller::calls::submit::Awaited;
use crate::controller::flow_control::allowance::Allowance as _;
use crate::controller::model::pending::{CallReply, SharedThen, Then};
use crate::controller::report::outcome::{CallError, Outcome, OutcomeCodec};
use crate::controller::report::wait_error::WaitError;
use crate::controller::signals::signal::ResultSignal;
use crate::controller::state::{Shared, WaiterGuard};
use crate::error::Never;
use crate::panics::unwind::caught;
use crate::process::sys;
use crate::this_process::inherited;
use crate::this_process::wait_policy::wait_forbidden;

/// A submitted command with the result `T` and the error `E`.
///
/// The command runs whether or not its `Call` is used: dropping the `Call` does not cancel the
/// command (but see [`cancel_on_drop`](Self::cancel_on_drop)). The command ends with exactly one
/// outcome, whatever happens to the child.
///
/// ```no_run
/// # #[mpcore::process] trait Laser { fn add_two(&mut self, a: i32, b: i32) -> i32; }
/// # fn f(laser: &LaserControl) -> Result<(), Box<dyn std::error::Error>> {
/// laser.add_two(1, 2);                                      // the signal brings the result
/// let sum = laser.add_two(1, 2).wait()?;                    // this thread waits
/// laser.add_two(1, 2).on_done(|sum| println!("{sum:?}"));   // in the inbox's thread
/// # Ok(())
/// # }
/// # async fn g(laser: &LaserControl) -> Result<(), mpcore::CallError> {
/// let sum = laser.add_two(1, 2).await?;                     // on any executor, or none
/// # Ok(())
/// # }
/// ```
pub struct Call<T: 'static, E: 'static = Never> {
    id: u64,
    command: u16,
    receiver: Option<oneshot::Receiver<CallReply>>,
    outcome: Option<Arc<Outcome>>,
    then: SharedThen,
    codec: OutcomeCodec<T, E>,
    shared: Arc<Shared>,
    cancel_on_drop: bool,
}

impl<T, E> fmt::Debug for Call<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("id", &self.id)
            .field("command", &self.shared.command_name(self.command))
            .finish_non_exhaustive()
    }
}

impl<T, E> Call<T, E> {
    pub(crate) fn new(
        id: u64,
        command: u16,
        awaited: Awaited,
        codec: OutcomeCodec<T, E>,
        shared: Arc<Shared>,
    ) -> Self {
        let Awaited { receiver, then } = awaited;
        let receiver = Some(receiver);
        Self { id, command, receiver, outcome: None, then, codec, shared, cancel_on_drop: false }
    }

    /// Returns the call's number: it starts at 1 and increases over all runs of the child.
    #[must_use]
    pub fn id(&self) -> CallId {
        CallId::new(self.id)
    }

    /// Waits for the outcome, however long it takes.
    ///
    /// Inside a signal handler this is slow, but it does not deadlock: another thread reads the
    /// child's messages.
    ///
    /// If a command of a child waits on its own thread for a child of its own, the wait ends early
    /// when that command is cancelled or its child is to stop: it returns [`WaitError::Interrupted`]
    /// and cancels this call; `?` then ends the command as cancelled or stopped. This happens once:
    /// a command that has observed its end, here or with
    /// [`ChildContext::cancelled`](crate::ChildContext::cancelled), may wait again, and so may
    /// `cleanup`.
    ///
    /// # Errors
    /// Returns how the command ended, if it has no result.
    pub fn wait(mut self) -> Result<T, CallError<E>> {
        self.wait_until(None)
    }

    /// Waits for the outcome, but no longer than `timeout`: then it returns
    /// [`WaitError::Timeout`], and the command continues. This may be called again, even after the
    /// outcome has arrived.
    ///
    /// # Errors
    /// Returns how the command ended, if it has no result, or why the wait ended first.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<T, CallError<E>> {
        self.wait_until(Some(timeout))
    }

    /// Returns the outcome, if there is one.
    pub fn try_outcome(&mut self) -> Option<Result<T, CallError<E>>> {
        self.look();
        self.decoded()
    }

    /// Takes the outcome if it has arrived.
    fn look(&mut self) {
        while self.outcome.is_none() {
            match self.receiver.as_ref().map(oneshot::Receiver::try_recv) {
                Some(Ok(reply)) => self.take(reply),
                Some(Err(TryRecvError::Disconnected)) => self.lost(),
                Some(Err(TryRecvError::Empty)) | None => return,
            }
        }
    }

    /// Handles a message: the outcome, or a request to give up, after which the outcome comes
    /// through another receiver.
    fn take(&mut self, reply: CallReply) {
        match reply {
            CallReply::Outcome(outcome) => self.outcome = Some(outcome),
            CallReply::GiveUp(next) => self.receiver = Some(next),
        }
    }

    /// No thread will send an outcome any more. The command is not reported as stopped, because
    /// nothing is known about it.
    fn lost(&mut self) {
        self.outcome = Some(Arc::new(Outcome::Lost));
    }

    /// Waits for the outcome, until `timeout` is over or the wait has to end for another reason.
    fn wait_until(&mut self, timeout: Option<Duration>) -> Result<T, CallError<E>> {
        let ended = |why| Err(CallError::Wait(why));
        if wait_forbidden() {
            return ended(WaitError::Forbidden);
        }
        if sys::is_copy() {
            // A call that the copy has submitted was refused, which is its outcome.
            self.look();
            return self.decoded().unwrap_or_else(|| ended(WaitError::ForkedCopy));
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        self.look();
        if self.outcome.is_none() {
            let _waiting = self.shared.begin_wait();
            let command = inherited::begin_wait(|| self.give_up_later());
            while self.outcome.is_none() {
                if command.as_ref().is_some_and(inherited::Waiting::is_over) {
                    self.cancel();
                    return ended(WaitError::Interrupted);
                }
                if self.shared.is_overflowing() {
                    return ended(WaitError::InboxOverflow);
                }
                // Only a future takes it, and that consumes the call.
                let Some(receiver) = &self.receiver else {
                    self.lost();
                    break;
                };
                let reply = match deadline {
                    None => receiver.recv_ref().map_err(|_| RecvTimeoutError::Disconnected),
                    Some(deadline) => receiver.recv_deadline(deadline),
                };
                match reply {
                    Ok(reply) => self.take(reply),
                    Err(RecvTimeoutError::Timeout) => {
                        return ended(WaitError::Timeout(timeout.unwrap_or_default()));
                    }
                    Err(RecvTimeoutError::Disconnected) => self.lost(),
                }
            }
        }
        self.decoded().unwrap_or(Err(CallError::Lost))
    }

    /// Returns a function that ends a wait for this call.
    fn give_up_later(&self) -> inherited::EndWait {
        let (shared, call) = (Arc::clone(&self.shared), self.id);
        Box::new(move || {
            let one = shared.traffic().pending.give_up_waiting_for(call);
            let _ = one.map(|one| caught(|| one.tell()));
        })
    }

    fn decoded(&self) -> Option<Result<T, CallError<E>>> {
        self.outcome.as_ref().map(|outcome| self.codec.decode(outcome))
    }

    /// Requests cancellation and returns immediately; check the outcome for the result. A command
    /// that has not started ends as cancelled and never starts; a running command ends at its next
    /// check.
    pub fn cancel(&self) {
        self.shared.cancel(self.id);
    }

    /// [Cancels](Self::cancel) the command, and kills the child if the command has no outcome after
    /// `grace`. Returns immediately.
    ///
    /// The command then still ends as cancelled. The child's other commands end with it, and the
    /// failure in their report, [`RunFailure::KilledFor`](crate::RunFailure::KilledFor), names this
    /// command. Before the kill, signals that a full inbox holds back are let through for up to ten
    /// seconds, because the outcome may be among them.
    ///
    /// The child is never killed for a `#[no_cancel]` command, which always runs to its end.
    pub fn cancel_or_kill(&self, grace: Duration) {
        self.shared.cancel_or_kill(self.id, grace);
    }

    /// Sets how long the command may run, counted from the start of its execution. Replaces the
    /// interface's `#[timeout = "…"]`. The resolution is one millisecond.
    ///
    /// When the deadline passes, `exception_raised` reports it and the command is asked to end, as
    /// by a cancel; its outcome is then [`CallError::TimedOut`]. A command that returns `Ok`
    /// nevertheless ends with its result. [`ControlBuilder::on_timeout`](crate::ControlBuilder::on_timeout)
    /// describes the other options.
    ///
    /// Calls that a command makes on its own thread to its own children get at most the time that
    /// the command itself has left. [`Duration::MAX`] removes a deadline.
    ///
    /// ```no_run
    /// # #[mpcore::process] trait Laser { fn add_two(&mut self, a: i32, b: i32) -> i32; }
    /// # fn f(laser: &LaserControl) -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::time::Duration;
    /// let sum = laser.add_two(1, 2).timeout(Duration::from_secs(5)).wait()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(self, allowed: Duration) -> Self {
        let left = Shared::inherited_time();
        self.shared.set_timeout(self.id, left.map_or(allowed, |left| left.min(allowed)));
        self
    }

    /// Makes the drop of this call, or of the future made from it, cancel the command.
    #[must_use]
    pub fn cancel_on_drop(mut self) -> Self {
        self.cancel_on_drop = true;
        self
    }

    /// Runs `done` with the outcome in the inbox's thread, just before the named signal. If this is
    /// called on another thread and a very fast child has already delivered its result, `done` runs
    /// after the signal.
    pub fn on_done(mut self, done: impl FnOnce(Result<T, CallError<E>>) + Send + 'static) {
        let codec = self.codec;
        self.continue_with(|then| {
            then.on_done = Some(Box::new(move |outcome| done(codec.decode(outcome))));
        });
    }

    /// Delivers the result to `signal` instead of the command's named signal. Failures still go to
    /// `exception_raised`.
    ///
    /// If called in the inbox's thread (a user interface's thread), this always replaces the named
    /// signal; on another thread, a very fast child may already have delivered its result to the
    /// named signal.
    pub fn forward_to<S: ResultSignal<T>>(mut self, signal: &S) {
        let (codec, signal) = (self.codec, signal.clone());
        self.continue_with(|then| {
            then.forward = Some(Box::new(move |outcome| {
                if let Ok(value) = codec.decode(outcome) {
                    signal.__fire(value);
                }
            }));
        });
    }

    /// Adds a continuation. From then on the drop of this call cancels nothing.
    fn continue_with(&mut self, add: impl FnOnce(&mut Then)) {
        self.cancel_on_drop = false;
        self.shared.then(self.id, self.command, &self.then, add);
    }
}

impl<T, E> Drop for Call<T, E> {
    fn drop(&mut self) {
        if self.cancel_on_drop && self.outcome.is_none() {
            self.shared.cancel(self.id);
        }
    }
}

impl<T, E> IntoFuture for Call<T, E> {
    type Output = Result<T, CallError<E>>;
    type IntoFuture = CallFuture<T, E>;

    fn into_future(mut self) -> CallFuture<T, E> {
        let receiver = self.receiver.take().map(IntoFuture::into_future);
        CallFuture {
            receiver,
            call: self,
            waiting: None,
            command: inherited::may_wait(),
            waker: None,
        }
    }
}

/// The future of a [`Call`]. Needs no runtime.
///
/// From its first poll until it completes it counts as a waiting thread: meanwhile the bound of the
/// child's inbox is raised to the hard limit. At the hard limit it completes with
/// [`WaitError::InboxOverflow`], which is not an outcome: it may be polled again once the inbox has
/// been drained.
///
/// In a child's command it ends with that command, as [`Call::wait`] does: a cancel or a stop ends
/// all futures that the command has created and awaits, or, if there are none, the next one.
pub struct CallFuture<T: 'static, E: 'static = Never> {
    receiver: Option<oneshot::AsyncReceiver<CallReply>>,
    call: Call<T, E>,
    /// Set from the first poll that found no outcome.
    waiting: Option<WaiterGuard>,
    /// The same for the command of a child that polls this; set from the start, because a cancel
    /// may come before the first poll.
    command: Option<inherited::Waiting>,
    /// The waker to call when that command is to end.
    waker: Option<Waker>,
}

impl<T, E> fmt::Debug for CallFuture<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}

impl<T, E> CallFuture<T, E> {
    /// Polls until there is an outcome, or a reason to end the wait without one.
    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, CallError<E>>> {
        loop {
            if let Some(done) = self.call.decoded() {
                return Poll::Ready(done);
            }
            let Some(receiver) = &mut self.receiver else {
                return Poll::Ready(Err(CallError::Lost));
            };
            match Pin::new(receiver).poll(cx) {
                Poll::Pending => {
                    if sys::is_copy() {
                        return Poll::Ready(Err(CallError::Wait(WaitError::ForkedCopy)));
                    }
                    if self.waiting.is_none() {
                        self.waiting = Some(self.call.shared.begin_wait());
                    }
                    if self.is_over(cx) {
                        self.call.cancel();
                        return Poll::Ready(Err(CallError::Wait(WaitError::Interrupted)));
                    }
                    if self.call.shared.is_overflowing() {
                        return Poll::Ready(Err(CallError::Wait(WaitError::InboxOverflow)));
                    }
                    return Poll::Pending;
                }
                Poll::Ready(Ok(CallReply::GiveUp(next))) => {
                    self.receiver = Some(next.into_future());
                }
                Poll::Ready(Ok(CallReply::Outcome(outcome))) => self.call.outcome = Some(outcome),
                Poll::Ready(Err(_)) => self.call.lost(),
            }
        }
    }
}

impl<T, E> CallFuture<T, E> {
    /// Returns whether the command on whose thread this is polled is to end; otherwise registers
    /// the waker for that moment.
    fn is_over(&mut self, cx: &Context<'_>) -> bool {
        if !self.command.as_ref().is_some_and(inherited::Waiting::is_current) {
            self.command = inherited::may_wait();
            self.waker = None;
        }
        let Some(command) = &self.command else { return false };
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            let waker = cx.waker().clone();
            command.set_wake(Box::new(move || waker.wake()));
            self.waker = Some(cx.waker().clone());
        }
        command.is_over()
    }
}

impl<T, E> Future for CallFuture<T, E> {
    type Output = Result<T, CallError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let polled = this.poll_outcome(cx);
        if polled.is_ready() {
            this.waiting = None;
            this.command = None;
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::control::Control as _;
    use crate::fixtures::adder::{AdderControl, Sum};

    const LONG: Duration = Duration::from_secs(60);

    /// Regression: the outcome claimed that the child had been stopped.
    #[test]
    fn an_entry_that_is_dropped_is_no_stop() {
        let control = AdderControl::builder().in_process::<Sum>().build().unwrap();
        let shared = Arc::clone(control.__core().process().shared());
        let lose = |call: &crate::Call<i32>| drop(shared.traffic().pending.remove(call.id().get()));
        let mut call = control.add(1, 2);
        assert_eq!(call.try_outcome(), None);
        lose(&call);
        assert_eq!(call.try_outcome(), Some(Err(CallError::Lost)));
        assert_eq!(call.wait_timeout(LONG), Err(CallError::Lost));
        let call = control.add(1, 2);
        lose(&call);
        assert_eq!(call.wait(), Err(CallError::Lost));
        let mut call = control.add(1, 2);
        lose(&call);
        assert_eq!(call.wait_timeout(LONG), Err(CallError::Lost));
    }
}
