//! Handlers that stay on the thread of their inbox, and so need not be `Send`.

use crate::controller::signals::signal::HandlerFn;
use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::controller::signals::inbox::Inbox;
use crate::controller::signals::signal::{Connection, Signal};
use crate::sync::lock;

thread_local! {
    /// Handlers that must not leave their thread, by number.
    static LOCAL: RefCell<HashMap<u64, Box<dyn Any>>> = RefCell::default();
}

/// Stands in for a local handler in its signal. When the signal lets go of it, wherever that happens,
/// the handler is to be dropped on its own thread.
struct LocalHandler {
    number: u64,
    retired: Arc<Mutex<Vec<u64>>>,
}

impl Drop for LocalHandler {
    fn drop(&mut self) {
        lock(&self.retired).push(self.number);
    }
}

/// Puts a handler back that was taken out to run, also when it panics.
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

impl Inbox {
    /// Connects a handler that is not `Send`, and so can hold widgets: it runs in this inbox's thread.
    ///
    /// The signal must be delivered through this inbox (`builder().inbox(&inbox)`); elsewhere the
    /// handler never runs. `handler` gets the arguments as one tuple. A disconnected handler is
    /// dropped with the next drain.
    pub fn connect_local<S: 'static>(
        &self,
        signal: &Signal<S>,
        handler: impl FnMut(&S) + 'static,
    ) -> Connection {
        signal.add(self.localized(handler))
    }

    /// As [`connect_local`](Self::connect_local), but a property's signal does not tell the current value
    /// first: for who has read it, and means to hear of changes alone.
    pub fn connect_local_from_now<S: 'static>(
        &self,
        signal: &Signal<S>,
        handler: impl FnMut(&S) + 'static,
    ) -> Connection {
        signal.add_since(0, self.localized(handler)).connection
    }

    /// The same for who has seen the value of this [version](Signal::__current): what waits of older ones is
    /// not told.
    #[doc(hidden)]
    pub fn __connect_local_since<S: 'static>(
        &self,
        signal: &Signal<S>,
        version: u64,
        handler: impl FnMut(&S) + 'static,
    ) -> Connection {
        signal.add_since(version, self.localized(handler)).connection
    }

    /// A handler that can be sent, in place of one that cannot.
    fn localized<S: 'static>(&self, handler: impl FnMut(&S) + 'static) -> HandlerFn<S> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        type Local<S> = Box<dyn FnMut(&S)>;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let handler: Local<S> = Box::new(handler);
        LOCAL.with_borrow_mut(|local| local.insert(number, Box::new(handler)));
        let stand_in = LocalHandler { number, retired: Arc::clone(&self.retired) };
        Box::new(move |args| {
            // The whole of it: a closure that used only the number would capture only that.
            let stand_in = &stand_in;
            let number = stand_in.number;
            // Taken out while it runs, so that it may connect others.
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
