//! One submitted command: drop it, wait for it, await it, cancel it, or say what shall happen then.

use crate::wait_policy::wait_forbidden;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use oneshot::{RecvTimeoutError, TryRecvError};

use crate::controller::calls::submit::Awaited;
use crate::controller::flow_control::allowance::Allowance as _;
use crate::controller::model::pending::{Reply, SharedThen, Then};
use crate::controller::report::outcome::{CallError, Outcome, OutcomeCodec};
use crate::controller::signals::signal::TakesResult;
use crate::controller::state::{Shared, Waiting};
use crate::error::Never;
use crate::inherited;
use crate::process::sys;
use crate::unwind::caught;

/// A submitted command with the result `T` and the error `E`.
///
/// The command runs whether or not anybody looks at its call: dropping it cancels nothing (but see
/// [`cancel_on_drop`](Self::cancel_on_drop)). It ends with exactly one outcome, whatever happens to the
/// child.
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
    receiver: Option<oneshot::Receiver<Reply>>,
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

    /// The call's number: rising from 1, over all runs of the child.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Waits for the outcome, however long it takes.
    ///
    /// Inside a signal handler it is slow, but no deadlock: the child's answers are read by another
    /// thread.
    ///
    /// In a command of a child that waits for a child of its own, on the command's thread: where the command is
    /// cancelled, or its child is to stop, the wait ends with [`CallError::WaitEnded`], and this call is cancelled;
    /// `?` then ends the command as cancelled, or as stopped. That happens once: a command that knows of its end, also
    /// from [`ChildContext::cancelled`](crate::ChildContext::cancelled), and `cleanup` may wait again.
    ///
    /// # Errors
    /// How the command ended, if not with a result.
    pub fn wait(mut self) -> Result<T, CallError<E>> {
        // Without a deadline there is an outcome.
        self.wait_until(None).unwrap_or(Err(CallError::Lost))
    }

    /// Waits for the outcome, but no longer than `timeout`. `None` is no outcome: the command goes on,
    /// and this may be called again, also after the outcome has come.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Option<Result<T, CallError<E>>> {
        self.wait_until(Some(timeout))
    }

    /// The outcome, if there is one.
    pub fn try_outcome(&mut self) -> Option<Result<T, CallError<E>>> {
        self.look();
        self.decoded()
    }

    /// Takes the outcome over if it has come.
    fn look(&mut self) {
        while self.outcome.is_none() {
            match self.receiver.as_ref().map(oneshot::Receiver::try_recv) {
                Some(Ok(reply)) => self.take(reply),
                Some(Err(TryRecvError::Disconnected)) => self.lost(),
                Some(Err(TryRecvError::Empty)) | None => return,
            }
        }
    }

    fn take(&mut self, reply: Reply) {
        match reply {
            Reply::Outcome(outcome) => self.outcome = Some(outcome),
            Reply::GiveUp(next) => self.receiver = Some(next),
        }
    }

    /// Nobody will tell the outcome any more. It has none that anybody knows of, and a command of which
    /// nothing is known was not stopped.
    fn lost(&mut self) {
        self.outcome = Some(Arc::new(Outcome::Lost));
    }

    fn wait_until(&mut self, timeout: Option<Duration>) -> Option<Result<T, CallError<E>>> {
        if wait_forbidden() {
            return Some(Err(CallError::WaitForbidden));
        }
        if sys::is_copy() {
            return Some(Err(CallError::ForkedCopy));
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        self.look();
        if self.outcome.is_none() {
            let _waiting = self.shared.begin_wait();
            let command = inherited::begin_wait(|| self.give_up_later());
            while self.outcome.is_none() {
                if command.as_ref().is_some_and(inherited::Waiting::is_over) {
                    self.cancel();
                    return Some(Err(CallError::WaitEnded));
                }
                if self.shared.is_overflowing() {
                    return Some(Err(CallError::InboxOverflow));
                }
                let receiver = self.receiver.as_ref()?;
                let reply = match deadline {
                    None => receiver.recv_ref().map_err(|_| RecvTimeoutError::Disconnected),
                    Some(deadline) => receiver.recv_deadline(deadline),
                };
                match reply {
                    Ok(reply) => self.take(reply),
                    Err(RecvTimeoutError::Timeout) => return None,
                    Err(RecvTimeoutError::Disconnected) => self.lost(),
                }
            }
        }
        self.decoded()
    }

    /// Ends a wait for this call.
    fn give_up_later(&self) -> inherited::Wake {
        let (shared, call) = (Arc::clone(&self.shared), self.id);
        Box::new(move || {
            let one = shared.traffic().pending.give_up_waiting_for(call);
            let _ = one.map(|one| caught(|| one.tell()));
        })
    }

    fn decoded(&self) -> Option<Result<T, CallError<E>>> {
        self.outcome.as_ref().map(|outcome| self.codec.decode(outcome))
    }

    /// Asks for the command's end; returns at once. The outcome tells what came of it: a command that
    /// has not started ends as cancelled and never starts, a running one when it next looks.
    pub fn cancel(&self) {
        self.shared.cancel(self.id);
    }

    /// [Cancels](Self::cancel) the command, and kills the child if it has no outcome after `grace`. Returns
    /// at once.
    ///
    /// The command then ends as cancelled all the same; the child's other commands end with it, and their
    /// report's failure, [`Failure::KilledFor`](crate::Failure::KilledFor), names this one. Signals that a
    /// full inbox holds back are let through first, for ten seconds: the outcome may be among them.
    ///
    /// A `#[no_cancel]` command is not killed for: it ends when it ends.
    pub fn cancel_or_kill(&self, grace: Duration) {
        self.shared.cancel_or_kill(self.id, grace);
    }

    /// How long the command may run, counted from the start of its execution; in place of what the interface
    /// says with `#[timeout = "…"]`. To the millisecond.
    ///
    /// When its time is over, `exception_raised` tells it, and the command is asked to end, as by a cancel:
    /// then its outcome is [`CallError::TimedOut`]. One that returns `Ok` all the same ends with its
    /// result. What else may happen says [`Builder::on_timeout`](crate::Builder::on_timeout).
    ///
    /// What a command asks of children of its own, on its own thread, gets no more time than it has left
    /// itself. [`Duration::MAX`] takes a deadline back.
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

    /// Dropping this call, or the future it becomes, cancels the command.
    #[must_use]
    pub fn cancel_on_drop(mut self) -> Self {
        self.cancel_on_drop = true;
        self
    }

    /// Runs `done` with the outcome, in the inbox's thread, just before the named signal; or after it, if
    /// this is called on another thread and a very fast child has brought its result already.
    pub fn on_done(mut self, done: impl FnOnce(Result<T, CallError<E>>) + Send + 'static) {
        let codec = self.codec;
        self.continue_with(|then| {
            then.on_done = Some(Box::new(move |outcome| done(codec.decode(outcome))));
        });
    }

    /// Brings the result as `signal` instead of the command's named signal. Failures go to
    /// `exception_raised` all the same.
    ///
    /// Called in the inbox's thread (a user interface's), it replaces the named signal always;
    /// elsewhere a very fast child may have brought its result already.
    pub fn forward_to<S: TakesResult<T>>(mut self, signal: &S) {
        let (codec, signal) = (self.codec, signal.clone());
        self.continue_with(|then| {
            then.forward = Some(Box::new(move |outcome| {
                if let Ok(value) = codec.decode(outcome) {
                    signal.__fire(value);
                }
            }));
        });
    }

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
/// From its first poll to its end it counts as a thread that waits: the bound of the child's inbox is
/// lifted meanwhile, up to the hard limit. There it ends with [`CallError::InboxOverflow`], which is no
/// outcome: it may be polled again, once the inbox has been drained.
///
/// In a child's command it ends with that command, as [`Call::wait`] does: a cancel or a stop ends all futures that the
/// command has made and awaits, or else the next one.
pub struct CallFuture<T: 'static, E: 'static = Never> {
    receiver: Option<oneshot::AsyncReceiver<Reply>>,
    call: Call<T, E>,
    /// From the first look that found no outcome.
    waiting: Option<Waiting>,
    /// The same, in a command of a child, from the beginning: a cancel may come before the first look.
    command: Option<inherited::Waiting>,
    /// What is woken when that command is to end.
    waker: Option<Waker>,
}

impl<T, E> fmt::Debug for CallFuture<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}

impl<T, E> CallFuture<T, E> {
    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, CallError<E>>> {
        loop {
            if let Some(done) = self.call.decoded() {
                return Poll::Ready(done);
            }
            if sys::is_copy() {
                return Poll::Ready(Err(CallError::ForkedCopy));
            }
            let Some(receiver) = &mut self.receiver else {
                return Poll::Ready(Err(CallError::Lost));
            };
            match Pin::new(receiver).poll(cx) {
                Poll::Pending => {
                    if self.waiting.is_none() {
                        self.waiting = Some(self.call.shared.begin_wait());
                    }
                    if self.is_over(cx) {
                        self.call.cancel();
                        return Poll::Ready(Err(CallError::WaitEnded));
                    }
                    if self.call.shared.is_overflowing() {
                        return Poll::Ready(Err(CallError::InboxOverflow));
                    }
                    return Poll::Pending;
                }
                Poll::Ready(Ok(Reply::GiveUp(next))) => self.receiver = Some(next.into_future()),
                Poll::Ready(Ok(Reply::Outcome(outcome))) => self.call.outcome = Some(outcome),
                Poll::Ready(Err(_)) => self.call.lost(),
            }
        }
    }
}

impl<T, E> CallFuture<T, E> {
    /// Whether the command whose thread polls this is to end, or wakes it then.
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
