//! Handlers that stay on their inbox's thread and therefore need not be `Send`. The signal holds a
//! stand-in; when it drops that, on any thread, the next drain drops the handler.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::controller::signals::inbox::Inbox;
use crate::controller::signals::signal::{Connection, HandlerFn, Signal};
use crate::sync::lock;

thread_local! {
    /// The handlers of this thread, by number.
    static LOCAL: RefCell<HashMap<u64, Box<dyn Any>>> = RefCell::default();
}

/// Represents a local handler in its signal. When the signal drops it, on any thread, the handler
/// is marked to be dropped on its own thread.
struct LocalHandler {
    number: u64,
    retired: Arc<Mutex<Vec<u64>>>,
}

impl Drop for LocalHandler {
    fn drop(&mut self) {
        lock(&self.retired).push(self.number);
    }
}

/// Puts back a handler that was taken out to run, even if it panics.
struct PutBack {
    number: u64,
    handler: Option<Box<dyn Any>>,
}

impl Drop for PutBack {
    fn drop(&mut self) {
        if let Some(handler) = self.handler.take() {
            LOCAL.with_borrow_mut(|local| local.insert(self.number, handler));
        }
    }
}

macro_rules! connect_local_for_tuples {
    ($($name:ident $arg:ident),*) => {
        impl<$($name: 'static),*> Signal<($($name,)*)> {
            /// Connects a handler that is not `Send`, and so can hold widgets. It runs in the thread
            /// of `inbox`.
            ///
            /// The signal must be delivered through this inbox (`builder().inbox(&inbox)`);
            /// otherwise the handler never runs. A disconnected handler is dropped by the next
            /// drain.
            pub fn connect_local(
                &self,
                inbox: &Inbox,
                mut handler: impl FnMut($(&$name),*) + 'static,
            ) -> Connection {
                self.add(inbox.localized(move |($($arg,)*): &($($name,)*)| handler($($arg),*)))
            }

            /// Like [`connect_local`](Self::connect_local), but without the current value of a
            /// property's signal. Use it when you already have the value and only want later
            /// changes.
            pub fn connect_local_from_now(
                &self,
                inbox: &Inbox,
                mut handler: impl FnMut($(&$name),*) + 'static,
            ) -> Connection {
                let handler = inbox.localized(move |($($arg,)*): &($($name,)*)| handler($($arg),*));
                // A notice that waits may hold an older value than the caller has.
                self.add_since(self.__current(|_| {}), handler).connection
            }
        }
    };
}

crate::for_each_arity!(connect_local_for_tuples);

impl Inbox {
    /// Like [`Signal::connect_local_from_now`], for a caller that has seen the value of this
    /// [version](Signal::__current): waiting notices of older versions are not delivered to the
    /// handler, which gets the arguments as one tuple.
    #[doc(hidden)]
    pub fn __connect_local_since<S: 'static>(
        &self,
        signal: &Signal<S>,
        version: u64,
        handler: impl FnMut(&S) + 'static,
    ) -> Connection {
        signal.add_since(version, self.localized(handler)).connection
    }

    /// Returns a `Send` handler that calls one that is not.
    fn localized<S: 'static>(&self, handler: impl FnMut(&S) + 'static) -> HandlerFn<S> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        type Local<S> = Box<dyn FnMut(&S)>;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let handler: Local<S> = Box::new(handler);
        LOCAL.with_borrow_mut(|local| local.insert(number, Box::new(handler)));
        let stand_in = LocalHandler { number, retired: Arc::clone(&self.retired) };
        Box::new(move |args| {
            // Captures the whole struct: a closure that used only the number would capture only the
            // number.
            let stand_in = &stand_in;
            let number = stand_in.number;
            // The handler is taken out while it runs, so that it may connect others.
            let taken = LOCAL.with_borrow_mut(|local| local.remove(&number));
            let mut taken = PutBack { number, handler: taken };
            if let Some(handler) =
                taken.handler.as_mut().and_then(|it| it.downcast_mut::<Local<S>>())
            {
                handler(args);
            }
        })
    }

    /// Drops the local handlers that are no longer connected.
    pub(crate) fn drop_retired(&self) {
        let retired = std::mem::take(&mut *lock(&self.retired));
        for number in retired {
            let handler = LOCAL.with_borrow_mut(|local| local.remove(&number));
            drop(handler);
        }
    }
}
