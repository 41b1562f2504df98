//! Named, typed notifications: connecting and calling handlers, and receiving on a thread that
//! waits ([`Receiver`]). A property's signal delivers the current value to a new handler, and no
//! version twice. [`ResultSignal`] is a signal to which a command's result can be forwarded.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crate::controller::report::wait_error::WaitError;
use crate::panics::unwind::caught;
use crate::process::sys;
use crate::sync::lock;
use crate::this_process::wait_policy::wait_forbidden;

/// A notification with the arguments `S`, a tuple.
///
/// Handlers run in the thread of the child's [`Inbox`](crate::Inbox), one after the other, in the order in which
/// they were connected. They get references, so argument types need not be `Clone`. A handler may
/// connect, disconnect, call commands, wait, and drop controls; after a panic it is called again
/// for the next notification. A handler that waits delays later signals of its own child, and, in
/// an [`Inbox`](crate::Inbox) that the application drains, those of the inbox's other children. Without such an
/// inbox it delays no other child.
///
/// A handler that needs the control should capture a [`downgrade`](crate::WeakControl)d handle: a
/// control that its own handlers own is never dropped.
///
/// Clones refer to the same signal.
pub struct Signal<S> {
    inner: Arc<Inner<S>>,
}

/// Identifies one connected handler; dropping it does not disconnect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Connection(u64);

type Replay<S> = Box<dyn Fn(Arc<Handler<S>>) + Send + Sync>;

/// Shows a property's current value to a function and returns its version.
type Current<S> = Box<dyn Fn(&mut dyn FnMut(&S)) -> u64 + Send + Sync>;

struct Inner<S> {
    handlers: Mutex<Arc<[Arc<Handler<S>>]>>,
    /// For a property: delivers the current value to a new handler.
    replay: OnceLock<Replay<S>>,
    /// For a property: shows the current value.
    current: OnceLock<Current<S>>,
}

pub(crate) type HandlerFn<S> = Box<dyn FnMut(&S) + Send>;

/// A connected handler.
pub(crate) struct Handler<S> {
    pub(crate) connection: Connection,
    connected: AtomicBool,
    /// For a property: the newest version that it was called with.
    seen: AtomicU64,
    call: Mutex<HandlerFn<S>>,
}

impl<S> Handler<S> {
    /// Sets the first version of a value that the handler is called with.
    pub(crate) fn begin_with(&self, version: u64) {
        self.seen.store(version.saturating_sub(1), Ordering::SeqCst);
    }

    /// Calls the handler with this version of a value, unless it has already seen it.
    pub(crate) fn call(&self, args: &S, version: u64) {
        if !self.connected.load(Ordering::SeqCst) {
            return;
        }
        if version > 0 && self.seen.fetch_max(version, Ordering::SeqCst) >= version {
            return;
        }
        let mut call = lock(&self.call);
        // The panic hook has reported it; the other handlers and the inbox go on.
        let _ = caught(|| call(args));
    }
}

impl<S> Clone for Signal<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<S> fmt::Debug for Signal<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").field("handlers", &self.handlers().len()).finish()
    }
}

impl<S: 'static> Default for Signal<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Signal<S> {
    fn handlers(&self) -> Arc<[Arc<Handler<S>>]> {
        Arc::clone(&lock(&self.inner.handlers))
    }

    /// Returns whether a handler is connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        !self.handlers().is_empty()
    }

    /// Ends a connection and returns whether there was one. A running handler is not interrupted.
    pub fn disconnect(&self, connection: Connection) -> bool {
        let mut handlers = lock(&self.inner.handlers);
        let Some(index) = handlers.iter().position(|it| it.connection == connection) else {
            return false;
        };
        handlers[index].connected.store(false, Ordering::SeqCst);
        let rest = handlers.iter().filter(|it| it.connection != connection).cloned().collect();
        let old = std::mem::replace(&mut *handlers, rest);
        drop(handlers);
        // The closure may disconnect other handlers when it is dropped.
        drop(old);
        true
    }
}

impl<S: 'static> Signal<S> {
    /// Creates a signal of your own, for [`Call::forward_to`](crate::Call::forward_to).
    #[must_use]
    pub fn new() -> Self {
        let inner = Inner {
            handlers: Mutex::new(Arc::new([])),
            replay: OnceLock::new(),
            current: OnceLock::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Makes this the signal of a property: `replay` delivers the current value to a new handler.
    pub(crate) fn replayed_by(&self, replay: impl Fn(Arc<Handler<S>>) + Send + Sync + 'static) {
        let _ = self.inner.replay.set(Box::new(replay));
    }

    /// Makes this the signal of a property: `current` shows the current value.
    pub(crate) fn shown_by(
        &self,
        current: impl Fn(&mut dyn FnMut(&S)) -> u64 + Send + Sync + 'static,
    ) {
        let _ = self.inner.current.set(Box::new(current));
    }

    /// Shows a property's current value to `look` and returns its version, for
    /// [`Inbox::__connect_local_since`]. Returns 0 for any other signal.
    #[doc(hidden)]
    pub fn __current(&self, mut look: impl FnMut(&S)) -> u64 {
        self.inner.current.get().map_or(0, |current| current(&mut look))
    }

    pub(crate) fn fire(&self, args: &S) {
        self.fire_version(args, 0);
    }

    /// Calls the handlers that have not seen this version of a property's value.
    pub(crate) fn fire_version(&self, args: &S, version: u64) {
        for handler in self.handlers().iter() {
            handler.call(args, version);
        }
    }

    /// Adds a handler. A property's signal first delivers the current value to it.
    pub(crate) fn add(&self, call: HandlerFn<S>) -> Connection {
        let Some(replay) = self.inner.replay.get() else {
            return self.add_since(0, call).connection;
        };
        // Another thread may be delivering an older value, which must not come first.
        let handler = self.add_since(u64::MAX, call);
        let connection = handler.connection;
        replay(handler);
        connection
    }

    /// Adds a handler without delivering a property's current value or any version up to `seen`.
    pub(crate) fn add_since(&self, seen: u64, call: HandlerFn<S>) -> Arc<Handler<S>> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let connection = Connection(NEXT.fetch_add(1, Ordering::Relaxed));
        let handler = Arc::new(Handler {
            connection,
            connected: AtomicBool::new(true),
            seen: AtomicU64::new(seen),
            call: Mutex::new(call),
        });
        let mut handlers = lock(&self.inner.handlers);
        *handlers = handlers.iter().cloned().chain([Arc::clone(&handler)]).collect();
        handler
    }

    /// Returns a function that disconnects a handler, without keeping the signal alive.
    pub(crate) fn disconnect_later(
        &self,
        connection: Connection,
    ) -> Box<dyn Fn() + Send + Sync + 'static> {
        let signal = Arc::downgrade(&self.inner);
        Box::new(move || {
            if let Some(inner) = signal.upgrade() {
                Self { inner }.disconnect(connection);
            }
        })
    }

    /// Returns the notifications from now on, for a thread that waits instead of being called. For a
    /// task there is [`stream`](Self::stream).
    ///
    /// The notifications pass through the inbox, so its thread must drain it; that thread must not
    /// wait here. Notifications that have left the inbox and are not yet received are queued
    /// without a bound.
    #[must_use]
    pub fn receiver(&self) -> Receiver<S>
    where
        S: Clone + Send,
    {
        let (sender, receiver) = mpsc::channel();
        let own = Arc::new(OnceLock::new());
        // Weak: a handler that owned its own signal would keep the signal and the stream alive
        // forever.
        let (signal, connection) = (Arc::downgrade(&self.inner), Arc::clone(&own));
        let added = self.add(Box::new(move |args| {
            if sender.send(args.clone()).is_err()
                && let Some(connection) = connection.get()
                && let Some(inner) = signal.upgrade()
            {
                Self { inner }.disconnect(*connection);
            }
        }));
        let _ = own.set(added);
        Receiver { receiver }
    }
}

/// Why a [`Receiver`] returns no notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// No more notifications can come: the signal and its control are gone.
    #[error("no more signals can come: the control is gone")]
    Disconnected,
    /// The wait ended first; a notification may still come. On a thread that must not wait, use
    /// [`try_recv`](Receiver::try_recv), or connect a handler.
    #[error("no signal came: {0}")]
    Wait(WaitError),
}

/// The stream of one signal's notifications, in order.
#[derive(Debug)]
pub struct Receiver<S> {
    receiver: mpsc::Receiver<S>,
}

impl<S> Receiver<S> {
    /// Waits for the next notification, but no longer than `timeout`.
    ///
    /// In a command of a child, a cancel or a stop does not end this wait: use short timeouts and
    /// check `cx.cancelled()` in between.
    ///
    /// # Errors
    /// Fails if no notification comes in time. On a thread that [must not
    /// wait](crate::forbid_waiting_on_this_thread), fails if none is queued.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<S, ReceiveError> {
        if sys::is_copy() {
            return Err(ReceiveError::Wait(WaitError::ForkedCopy));
        }
        if wait_forbidden() {
            return self.receiver.try_recv().map_err(|error| match error {
                TryRecvError::Empty => ReceiveError::Wait(WaitError::Forbidden),
                TryRecvError::Disconnected => ReceiveError::Disconnected,
            });
        }
        self.receiver.recv_timeout(timeout).map_err(|error| match error {
            RecvTimeoutError::Timeout => ReceiveError::Wait(WaitError::Timeout(timeout)),
            RecvTimeoutError::Disconnected => ReceiveError::Disconnected,
        })
    }

    /// Returns the next notification, if one is queued.
    #[must_use]
    pub fn try_recv(&self) -> Option<S> {
        self.receiver.try_recv().ok()
    }
}

impl<S> Iterator for Receiver<S> {
    type Item = S;

    /// Waits for the next notification; returns `None` once the signal and its control are gone. On
    /// a thread that [must not wait](crate::forbid_waiting_on_this_thread), or in a forked copy of
    /// the process, does not wait and returns `None` if none is queued.
    fn next(&mut self) -> Option<S> {
        if wait_forbidden() || sys::is_copy() {
            return self.receiver.try_recv().ok();
        }
        self.receiver.recv().ok()
    }
}

macro_rules! connect_for_tuples {
    ($($name:ident $arg:ident),*) => {
        impl<$($name: 'static),*> Signal<($($name,)*)> {
            /// Calls `handler` with every notification from now on. A property's signal first calls
            /// it once with the current value.
            pub fn connect(&self, mut handler: impl FnMut($(&$name),*) + Send + 'static) -> Connection {
                self.add(Box::new(move |($($arg,)*): &($($name,)*)| handler($($arg),*)))
            }
        }
    };
}

crate::for_each_arity!(connect_for_tuples);

/// A signal that can receive a command's result of type `T`.
pub trait ResultSignal<T>: Clone + Send + 'static {
    #[doc(hidden)]
    fn __fire(&self, value: T);
}

impl ResultSignal<()> for Signal<()> {
    fn __fire(&self, (): ()) {
        self.fire(&());
    }
}

impl<T: 'static> ResultSignal<T> for Signal<(T,)> {
    fn __fire(&self, value: T) {
        self.fire(&(value,));
    }
}

macro_rules! takes_tuples {
    () => {};
    ($first:ident $arg:ident) => {};
    ($($name:ident $arg:ident),*) => {
        impl<$($name: 'static),*> ResultSignal<($($name,)*)> for Signal<($($name,)*)> {
            fn __fire(&self, value: ($($name,)*)) {
                self.fire(&value);
            }
        }
    };
}

crate::for_each_arity!(takes_tuples);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::signals::inbox::Inbox;
    use std::cell::RefCell;

    #[test]
    fn handlers_run_in_order_and_a_panic_stops_no_other() {
        let signal = Signal::<(i32,)>::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = |name: &'static str| {
            let seen = Arc::clone(&seen);
            move |value: &i32| seen.lock().unwrap().push((name, *value))
        };
        let first = signal.connect(note("first"));
        signal.connect(|value| assert!(*value < 2, "on purpose"));
        signal.connect(note("last"));
        signal.fire(&(1,));
        signal.fire(&(2,));
        assert!(signal.disconnect(first));
        assert!(!signal.disconnect(first));
        signal.fire(&(3,));
        let seen = seen.lock().unwrap().clone();
        assert_eq!(seen, [("first", 1), ("last", 1), ("first", 2), ("last", 2), ("last", 3)]);
    }

    #[test]
    fn a_local_handler_is_called_until_it_is_disconnected() {
        let inbox = Inbox::new(|| {});
        let signal = Signal::<(i32,)>::new();
        let seen = std::rc::Rc::new(RefCell::new(Vec::new()));
        let noted = std::rc::Rc::clone(&seen);
        let connection = signal.connect_local(&inbox, move |value| {
            noted.borrow_mut().push(*value);
            assert!(*value != 1, "on purpose");
        });
        for value in 1..=2 {
            signal.fire(&(value,));
            inbox.drop_retired();
        }
        assert!(signal.disconnect(connection));
        signal.fire(&(3,));
        assert_eq!(*seen.borrow(), [1, 2]);
        assert_eq!(std::rc::Rc::strong_count(&seen), 2);
        inbox.drop_retired();
        assert_eq!(std::rc::Rc::strong_count(&seen), 1, "dropped on its own thread");
    }

    #[test]
    fn the_current_value_is_replayed_unless_only_changes_are_wanted() {
        let (inbox, signal) = (Inbox::new(|| {}), Signal::<(i32,)>::new());
        signal.replayed_by(|handler| {
            handler.begin_with(1);
            handler.call(&(1,), 1);
        });
        let seen = std::rc::Rc::new(RefCell::new(Vec::new()));
        let note = |name: &'static str| {
            let seen = std::rc::Rc::clone(&seen);
            move |value: &i32| seen.borrow_mut().push((name, *value))
        };
        signal.connect_local(&inbox, note("told"));
        signal.connect_local_from_now(&inbox, note("changes"));
        signal.fire_version(&(2,), 2);
        assert_eq!(*seen.borrow(), [("told", 1), ("told", 2), ("changes", 2)]);
    }

    /// Regression: a thread that was still delivering an older value when the handler was connected
    /// delivered it first.
    #[test]
    fn a_new_handler_gets_no_value_older_than_the_current_one() {
        let signal = Signal::<(i32,)>::new();
        let racing = signal.clone();
        signal.replayed_by(move |handler| {
            racing.fire_version(&(3,), 3);
            handler.begin_with(7);
            racing.fire_version(&(6,), 6);
            handler.call(&(7,), 7);
            racing.fire_version(&(7,), 7);
        });
        let receiver = signal.receiver();
        signal.fire_version(&(8,), 8);
        assert_eq!([receiver.try_recv(), receiver.try_recv()], [Some((7,)), Some((8,))]);
        assert_eq!(receiver.try_recv(), None);
    }

    #[test]
    fn a_handler_that_saw_the_current_value_gets_later_ones() {
        let (inbox, signal) = (Inbox::new(|| {}), Signal::<(i32,)>::new());
        assert_eq!(signal.__current(|_| panic!("not a property's signal")), 0);
        signal.shown_by(|look| {
            look(&(2,));
            2
        });
        let seen = std::rc::Rc::new(RefCell::new(Vec::new()));
        let version = signal.__current(|&(value,)| seen.borrow_mut().push(value));
        let note = std::rc::Rc::clone(&seen);
        inbox.__connect_local_since(&signal, version, move |&(value,)| {
            note.borrow_mut().push(value);
        });
        (1..=3).for_each(|version| signal.fire_version(&(version,), version as u64));
        assert_eq!(*seen.borrow(), [2, 3]);
    }

    #[test]
    fn a_dropped_receiver_disconnects() {
        let signal = Signal::<(i32,)>::new();
        let receiver = signal.receiver();
        signal.fire(&(1,));
        assert_eq!(receiver.try_recv(), Some((1,)));
        drop(receiver);
        signal.fire(&(2,));
        assert!(!signal.is_connected());
    }

    #[test]
    fn a_version_is_delivered_once() {
        let signal = Signal::<(i32,)>::new();
        let receiver = signal.receiver();
        signal.fire_version(&(1,), 1);
        signal.fire_version(&(1,), 1);
        signal.fire_version(&(2,), 2);
        let told: Vec<_> = std::iter::from_fn(|| receiver.try_recv()).collect();
        assert_eq!(told, [(1,), (2,)]);
    }
}
