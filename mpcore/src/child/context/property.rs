//! A property, in the child that owns it.
//!
//! Each property has its own lock, which no thread of the runtime takes: user code runs under it in
//! `with` and `modify`. Values are encoded, read back and dropped outside of the lock, except for
//! values that `modify` has changed in place.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::child::context::undelivered;
use crate::child::link::events_lane::EventsLane;
use crate::panics::unwind::caught;
use crate::sync::lock;
use crate::wire::interface::description::PropertyDef;
use crate::wire::packets::keyed::Key;
use crate::wire::packets::kinds::ItemKind;
use crate::wire::packets::packet::ItemHead;
use crate::wire::value::codec::EncodeError;

/// The encoded value of a property as last sent.
pub(crate) type Sent = Arc<Mutex<Vec<u8>>>;

/// A property, in the child that owns it.
///
/// A change stores the value and notifies the controller if the value differs, that is, if the
/// encoded bytes differ. If the type has `PartialEq`, equal values whose bytes differ only in the
/// order of a `HashMap` or `HashSet` do not count as different. The order of an `IndexMap` is part
/// of its value.
///
/// A value that cannot be encoded, or that its own type could not decode, changes nothing: the
/// property keeps its old value, so the child and the controller's mirror never differ.
/// [`try_set`](Self::try_set) returns the error; `set` and `modify` report it to the controller as
/// `exception_raised`.
///
/// # Panics
/// `with` and `modify` hold the property while they run their closure. Using the same property
/// inside the closure panics with the property's name; another thread waits until the closure has
/// returned.
pub struct Property<T: 'static> {
    state: Arc<Held<T>>,
    sent: Sent,
    def: &'static PropertyDef<T>,
    events: Arc<EventsLane>,
}

impl<T> Clone for Property<T> {
    fn clone(&self) -> Self {
        let (state, sent) = (Arc::clone(&self.state), Arc::clone(&self.sent));
        Self { state, sent, def: self.def, events: Arc::clone(&self.events) }
    }
}

impl<T> fmt::Debug for Property<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Property({})", self.def.name)
    }
}

impl<T> Property<T> {
    /// Creates the property with its default value, whose encoded form has already been sent.
    pub(crate) fn new(def: &'static PropertyDef<T>, sent: Sent, events: Arc<EventsLane>) -> Self {
        let value = (def.default)();
        if lock(&sent).is_empty()
            && let Err(error) = def.codec.encode(&value)
        {
            undelivered::property(&events, def.index, &error);
        }
        Self { state: Arc::new(Held::new(value)), sent, def, events }
    }

    /// Returns the value.
    #[must_use]
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.hold().clone()
    }

    /// Runs `look` on the value without cloning it.
    pub fn with<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.hold())
    }

    /// Stores a value and notifies the controller if it differs. Never blocks if an older value of
    /// this property still waits to be sent.
    pub fn set(&self, value: T) {
        if let Err(error) = self.try_set(value) {
            undelivered::property(&self.events, self.def.index, &error);
        }
    }

    /// Like `set`, but returns the error of a value that cannot be sent, and does not report it
    /// elsewhere.
    ///
    /// # Errors
    /// [`EncodeError`] if the value cannot be encoded, or could not be decoded by the controller.
    /// The property keeps its old value.
    pub fn try_set(&self, value: T) -> Result<(), EncodeError> {
        let bytes = self.encode(&value)?;
        self.store(value, bytes);
        Ok(())
    }

    /// Changes the value in place and notifies the controller if it differs, even if `change`
    /// panics. If the new value cannot be sent, the change is undone: the property gets the value
    /// that was last sent.
    pub fn modify<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut state = self.hold();
        let result = catch_unwind(AssertUnwindSafe(|| change(&mut state)));
        let refused = self.changed(&mut state);
        drop(state);
        if let Err((error, value)) = refused {
            drop(value);
            undelivered::property(&self.events, self.def.index, &error);
        }
        match result {
            Ok(result) => result,
            Err(panic) => resume_unwind(panic),
        }
    }

    fn hold(&self) -> Holding<'_, T> {
        self.state.hold(self.def.name)
    }

    /// Encodes a value and checks that the controller will be able to decode it.
    pub(crate) fn encode(&self, value: &T) -> Result<Vec<u8>, EncodeError> {
        let bytes = self.def.codec.encode(value)?;
        self.def.codec.reads(&bytes)?;
        Ok(bytes)
    }

    /// Stores a value together with its [encoded](Self::encode) bytes.
    pub(crate) fn store(&self, value: T, bytes: Vec<u8>) {
        let mut state = self.hold();
        let is_change = self.is_change(&state, &value, &bytes);
        // Values whose bytes are equal may still differ here, in a field that serde skips.
        let old = std::mem::replace(&mut *state, value);
        if is_change {
            self.send(bytes);
        }
        drop(state);
        drop(old);
    }

    fn is_change(&self, state: &T, value: &T, bytes: &[u8]) -> bool {
        let sent = lock(&self.sent).clone();
        sent != bytes
            && !((self.def.same)(state, value) && self.def.codec.is_reordered(&sent, bytes))
    }

    /// Called after the value was changed in place. A value that cannot be sent is replaced by the
    /// one last sent, and returned so that it can be dropped elsewhere.
    fn changed(&self, state: &mut Holding<'_, T>) -> Result<(), (EncodeError, Option<T>)> {
        let error = match caught(|| self.encode(state)) {
            Some(Ok(bytes)) => {
                let sent = lock(&self.sent).clone();
                let is_change = sent != bytes && {
                    let before = self.def.codec.decode(&sent).ok();
                    before.is_none_or(|before| self.is_change(&before, state, &bytes))
                };
                if is_change {
                    self.send(bytes);
                }
                return Ok(());
            }
            Some(Err(error)) => error,
            None => EncodeError::panicked::<T>(),
        };
        let sent = lock(&self.sent).clone();
        let last = caught(|| self.def.codec.decode(&sent).ok()).flatten();
        Err((error, last.map(|last| std::mem::replace(&mut **state, last))))
    }

    /// Called while the property is held, so that values are sent in the order in which they were
    /// stored.
    fn send(&self, bytes: Vec<u8>) {
        lock(&self.sent).clone_from(&bytes);
        let head = ItemHead::new(ItemKind::Property, self.def.index, 0);
        let _ = self.events.send(head, Some(Key::Property(self.def.index)), bytes);
    }
}

/// A value that one thread at a time may use. If its holder uses it again, that panics instead of
/// deadlocking.
#[derive(Debug)]
struct Held<T> {
    value: Mutex<T>,
    /// The thread that holds the value, or 0.
    holder: AtomicUsize,
}

impl<T> Held<T> {
    fn new(value: T) -> Self {
        Self { value: Mutex::new(value), holder: AtomicUsize::new(0) }
    }

    fn hold(&self, name: &str) -> Holding<'_, T> {
        let me = this_thread();
        assert!(
            self.holder.load(Ordering::Relaxed) != me,
            "property `{name}` is used inside its own `with` or `modify`, or while it is being encoded; use \
             the reference that the closure receives"
        );
        let value = lock(&self.value);
        self.holder.store(me, Ordering::Relaxed);
        Holding { value, holder: &self.holder }
    }
}

struct Holding<'a, T> {
    value: MutexGuard<'a, T>,
    holder: &'a AtomicUsize,
}

impl<T> Deref for Holding<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Holding<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for Holding<'_, T> {
    fn drop(&mut self) {
        // Before the guard's own drop releases the lock.
        self.holder.store(0, Ordering::Relaxed);
    }
}

/// Returns a number that no other living thread has.
fn this_thread() -> usize {
    thread_local! {
        static HERE: u8 = const { 0 };
    }
    // A thread that is ending has no such number any more; all threads in that state share one.
    HERE.try_with(|here| std::ptr::from_ref(here).addr()).unwrap_or(usize::MAX)
}
