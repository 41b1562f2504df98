//! A signal as an asynchronous stream.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::controller::signals::signal::Signal;
use crate::panics::unwind::caught;
use crate::process::sys;
use crate::sync::lock;

/// The notifications of one signal, in order, as a [`Stream`] for any executor; see
/// [`Signal::stream`].
pub struct SignalStream<S> {
    shared: Arc<Shared<S>>,
    /// Does not keep the signal alive: the stream ends with it.
    disconnect: Box<dyn Fn() + Send + Sync>,
}

struct Shared<S> {
    state: Mutex<State<S>>,
}

struct State<S> {
    queue: VecDeque<S>,
    /// The task that polled last and found nothing.
    waker: Option<Waker>,
    /// The signal is gone.
    ended: bool,
}

impl<S> Shared<S> {
    /// Changes the state, and wakes the task outside of the lock.
    fn change(&self, change: impl FnOnce(&mut State<S>)) {
        let mut state = lock(&self.state);
        change(&mut state);
        let waker = state.waker.take();
        drop(state);
        // The executor's code must not stop the other handlers.
        let _ = waker.map(|waker| caught(|| waker.wake()));
    }
}

/// Ends the stream when the signal drops its handler.
struct Ends<S>(Arc<Shared<S>>);

impl<S> Drop for Ends<S> {
    fn drop(&mut self) {
        self.0.change(|state| state.ended = true);
    }
}

impl<S: Clone + Send + 'static> Signal<S> {
    /// Returns an asynchronous stream of the notifications from now on. A property's signal first
    /// yields the current value.
    ///
    /// The notifications pass through the inbox, so its thread must drain it. Notifications that
    /// have left the inbox and were not yet taken from the stream are queued without a bound. The
    /// stream ends when the signal and its control are gone; dropping it disconnects it. It never
    /// yields anything in a forked copy of the process.
    ///
    /// ```no_run
    /// # #[mpcore::process] trait Laser { #[event] fn voltage(&self, volts: f64); }
    /// # async fn f(laser: LaserControl) {
    /// use futures_util::StreamExt as _;
    ///
    /// let mut voltage = laser.signals().voltage.stream();
    /// while let Some((volts,)) = voltage.next().await {
    ///     println!("{volts} V");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn stream(&self) -> SignalStream<S> {
        let state = State { queue: VecDeque::new(), waker: None, ended: false };
        let shared = Arc::new(Shared { state: Mutex::new(state) });
        let ends = Ends(Arc::clone(&shared));
        let connection = self.add(Box::new(move |args: &S| {
            let args = args.clone();
            ends.0.change(|state| state.queue.push_back(args));
        }));
        SignalStream { shared, disconnect: self.disconnect_later(connection) }
    }
}

impl<S> Stream for SignalStream<S> {
    type Item = S;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S>> {
        let is_copy = sys::is_copy();
        // The executor's code does not run under the lock.
        let waker = cx.waker().clone();
        let mut state = lock(&self.shared.state);
        let (polled, unused) = match state.queue.pop_front() {
            _ if is_copy => (Poll::Ready(None), Some(waker)),
            Some(args) => (Poll::Ready(Some(args)), Some(waker)),
            None if state.ended => (Poll::Ready(None), Some(waker)),
            None => (Poll::Pending, state.waker.replace(waker)),
        };
        drop(state);
        drop(unused);
        polled
    }
}

impl<S> Drop for SignalStream<S> {
    fn drop(&mut self) {
        (self.disconnect)();
    }
}

impl<S> fmt::Debug for SignalStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalStream").finish_non_exhaustive()
    }
}
