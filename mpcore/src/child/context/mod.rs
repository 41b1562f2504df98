//! The API of the user's code in the child: properties, events, progress, and requests to end.
//! [`ChildContext`] belongs to the child, [`CallContext`] to one command, for its worker threads.
//! [`Event`] emits an event, or the signal of a command; [`property`] has the properties.

pub(crate) mod property;
pub(crate) mod undelivered;

use std::fmt;
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Instant;

use crate::call_id::CallId;
use crate::child::context::property::{Property, Sent};
use crate::child::link::Link;
use crate::child::link::events_lane::{EmitError, EventsLane};
use crate::error::Cancelled;
use crate::process::watch;
use crate::wire::interface::description::{Command, Delivery, EventDef, PropertyDef};
use crate::wire::messages::stop_reason::StopReason;
use crate::wire::packets::keyed::Key;
use crate::wire::packets::kinds::ItemKind;
use crate::wire::packets::packet::ItemHead;
use crate::wire::value::codec::{Args, EncodeError, Encoder};

/// The part of a child's context that does not depend on its interface; `LaserContext` derefs to
/// it.
///
/// Cheap to clone; every thread of the child may have a clone.
#[derive(Clone)]
pub struct ChildContext {
    shared: Arc<Inner>,
}

struct Inner {
    link: Link,
    name: String,
    /// The thread on which commands run.
    main: ThreadId,
    /// The encoded values of the properties as last sent.
    properties: Vec<Sent>,
}

impl fmt::Debug for ChildContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildContext").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

/// The payload that unwinds a command at [`ChildContext::cancel_point`].
pub(crate) struct CancelUnwind;

impl ChildContext {
    /// Called on the thread that runs the commands; `initial` holds the encoded values of the
    /// properties.
    pub(crate) fn new(link: Link, name: String, initial: Vec<Vec<u8>>) -> Self {
        let properties = initial.into_iter().map(|bytes| Arc::new(Mutex::new(bytes))).collect();
        Self { shared: Arc::new(Inner { link, name, main: thread::current().id(), properties }) }
    }

    fn link(&self) -> &Link {
        &self.shared.link
    }

    /// Returns the name that the controller gave this child.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Returns the number of this run: 1 for the first, one more after each restart.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.link().generation()
    }

    /// Returns whether the running command should end: it was cancelled, its deadline has passed,
    /// or the child is to stop.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        watch::retry_creating_watcher();
        let ends = self.link().command.wants_end();
        if ends && thread::current().id() == self.shared.main {
            self.link().command.request_observed();
        }
        ends
    }

    /// Returns whether the child is to stop.
    #[must_use]
    pub fn stopping(&self) -> bool {
        self.link().stop.stopping()
    }

    /// Returns why the child is to stop, if it is: for a running command and for `cleanup`.
    #[must_use]
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.link().stop.reason()
    }

    /// Returns whether the child continues: the opposite of [`stopping`](Self::stopping), for
    /// `while` loops.
    #[must_use]
    pub fn running(&self) -> bool {
        !self.stopping()
    }

    /// Returns `Err` if the running command should end; end it with `?`.
    ///
    /// A command that got this `Err` and then returns an `Err`, whatever the error, ends as
    /// cancelled (or as stopped, or as timed out). If it returns `Ok` nevertheless, it ends with
    /// its result.
    ///
    /// # Errors
    /// [`Cancelled`] after a cancel or stop request, and when the command's deadline has passed.
    pub fn check_cancelled(&self) -> Result<(), Cancelled> {
        if !self.cancelled() {
            return Ok(());
        }
        // A worker thread may be left over from an earlier command and must not act for this one.
        if thread::current().id() == self.shared.main {
            self.link().command.meet(self.link().command.running());
        }
        Err(Cancelled)
    }

    /// Ends the running command here, by unwinding, if it should end: for commands without an error
    /// type. Works only on the thread that runs the commands; does nothing elsewhere.
    pub fn cancel_point(&self) {
        let on_main = thread::current().id() == self.shared.main;
        if on_main && self.link().command.running() != 0 && self.check_cancelled().is_err() {
            resume_unwind(Box::new(CancelUnwind));
        }
    }

    /// Reports the progress of the running command, from 0 to 1, with the signal `progress` of the
    /// process.
    ///
    /// Only the newest waiting value is delivered. Sends nothing while no command runs, or if
    /// `fraction` is NaN.
    pub fn progress(&self, fraction: f64) {
        progress(self.link(), self.link().command.running(), fraction);
    }

    /// Returns a handle of the running command, for worker threads: it acts for this command only,
    /// and does nothing after the command has ended.
    #[must_use]
    pub fn call(&self) -> CallContext {
        CallContext { link: self.link().clone(), call: self.link().command.running() }
    }

    #[doc(hidden)]
    pub fn __property<T>(&self, def: &'static PropertyDef<T>) -> Property<T> {
        let sent = self.shared.properties.get(usize::from(def.index)).cloned().unwrap_or_default();
        Property::new(def, sent, Arc::clone(&self.link().events))
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __event<A: Args>(&self, def: &'static EventDef<A>) -> Event<A> {
        let key = (def.delivery == Delivery::Latest).then_some(Key::Event(def.index));
        let encode = |args: A| {
            let mut encoder = Encoder::new(crate::limits::VALUE_BYTES);
            args.encode(&def.args, &mut encoder)?;
            Ok(encoder.into_bytes())
        };
        let head = ItemHead::new(ItemKind::Event, def.index, 0);
        Event::new(def.name, head, key, Arc::clone(&self.link().events), Arc::new(encode))
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __result<A: Args, T, E, S: 'static>(
        &self,
        command: &'static Command<A, T, E>,
        value: fn(S) -> T,
    ) -> Event<S> {
        let encode = move |args: S| command.result.encode(&value(args));
        let head = ItemHead::new(ItemKind::Signal, command.index, 0);
        Event::new(command.name, head, None, Arc::clone(&self.link().events), Arc::new(encode))
    }
}

/// Sends the progress of a call, if one is running.
fn progress(link: &Link, call: u64, fraction: f64) {
    if call == 0 || fraction.is_nan() {
        return;
    }
    let head = ItemHead::new(ItemKind::Progress, 0, call);
    let payload = fraction.clamp(0.0, 1.0).to_le_bytes().to_vec();
    let _ = link.events.send(head, Some(Key::Progress(call)), payload);
}

/// One running command, for its worker threads.
///
/// ```no_run
/// # fn command(cx: &mpcore::ChildContext) {
/// let call = cx.call();
/// std::thread::scope(|scope| {
///     scope.spawn(|| while !call.cancelled() { /* one piece of the work */ });
/// });
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct CallContext {
    link: Link,
    call: u64,
}

impl CallContext {
    /// Returns the command's number, the same as [`Call::id`](crate::Call::id) in the controller.
    #[must_use]
    pub fn id(&self) -> CallId {
        CallId::new(self.call)
    }

    /// Returns whether the command is still running.
    #[must_use]
    pub fn active(&self) -> bool {
        self.call != 0 && self.link.command.running() == self.call
    }

    /// Returns when the command's deadline passes, if it has one; `None` after the command has
    /// ended.
    ///
    /// Calls that the command makes on its own thread to its own children inherit the deadline; for
    /// calls from a worker thread see [`Call::timeout`](crate::Call::timeout).
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.link.command.deadline(self.call)
    }

    /// Returns whether the command should end, or has ended.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        watch::retry_creating_watcher();
        !self.active() || self.link.command.wants_end()
    }

    /// Returns `Err` if the command should end or has ended.
    ///
    /// # Errors
    /// [`Cancelled`] after a cancel or stop request, and after the command's end.
    pub fn check_cancelled(&self) -> Result<(), Cancelled> {
        if !self.cancelled() {
            return Ok(());
        }
        self.link.command.meet(self.call);
        Err(Cancelled)
    }

    /// Like [`ChildContext::progress`]; does nothing after the command has ended.
    pub fn progress(&self, fraction: f64) {
        if self.active() {
            progress(&self.link, self.call, fraction);
        }
    }
}

type EncodeFn<S> = dyn Fn(S) -> Result<Vec<u8>, EncodeError> + Send + Sync;

/// An event, or a command's signal, in the child that emits it.
pub struct Event<S> {
    name: &'static str,
    head: ItemHead,
    key: Option<Key>,
    events: Arc<EventsLane>,
    encode: Arc<EncodeFn<S>>,
    _args: PhantomData<fn(S)>,
}

impl<S> Clone for Event<S> {
    fn clone(&self) -> Self {
        let (events, encode) = (Arc::clone(&self.events), Arc::clone(&self.encode));
        Self { events, encode, ..*self }
    }
}

impl<S> fmt::Debug for Event<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({})", self.name)
    }
}

impl<S> Event<S> {
    fn new(
        name: &'static str,
        head: ItemHead,
        key: Option<Key>,
        events: Arc<EventsLane>,
        encode: Arc<EncodeFn<S>>,
    ) -> Self {
        Self { name, head, key, events, encode, _args: PhantomData }
    }

    fn send(&self, args: S) -> Result<(), EmitError> {
        let payload = (self.encode)(args)?;
        self.events.send(self.head, self.key, payload)
    }

    fn try_send(&self, args: S) -> Result<(), EmitError> {
        let payload = (self.encode)(args)?;
        self.events.try_send(self.head, self.key, payload)
    }
}

macro_rules! emit_for_tuples {
    ($($name:ident $arg:ident),*) => {
        #[allow(clippy::too_many_arguments)]
        impl<$($name),*> Event<($($name,)*)> {
            /// Emits the event. Waits while the queue to the controller is over its bound (64 MiB).
            /// A value that cannot be encoded is not sent; the controller gets `exception_raised`
            /// with the event's name. Without a controller nothing is sent.
            pub fn emit(&self, $($arg: $name),*) {
                if let Err(EmitError::Encode(error)) = self.send(($($arg,)*)) {
                    undelivered::event(&self.events, self.head, &error);
                }
            }

            /// Emits the event without waiting.
            ///
            /// # Errors
            /// [`EmitError::Full`] while the queue to the controller is over its bound, and
            /// [`EmitError::Encode`] for a value that cannot be encoded; `exception_raised` does not
            /// report what is returned here.
            pub fn try_emit(&self, $($arg: $name),*) -> Result<(), EmitError> {
                self.try_send(($($arg,)*))
            }
        }
    };
}

crate::for_each_arity!(emit_for_tuples);
