//! Delivery in the GUI thread: one inbox for all children of the process, drained with a time budget.
//!
//! What mpcore delivers is not emitted at once but queued, one notice at a time, and emitted when
//! mpcore's handler has returned. So a QML handler may run a nested event loop (a dialog, a test's
//! `wait`), and signals go on arriving inside it, in order; and a property that changes faster than its
//! handler runs is still coalesced in the inbox, since no more than one notice is ever ahead of it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use mpcore::{Connection, Inbox, InboxHandle, Signal};

use crate::waker;

/// How long signals may hold the GUI thread at a time. Two milliseconds leave most of a frame of 16 to
/// the user interface; less would cost a turn of the event loop more often.
pub const BUDGET: Duration = Duration::from_millis(2);

pub(crate) type Emission = Box<dyn FnOnce()>;

struct Delivery {
    inbox: Inbox,
    waiting: RefCell<VecDeque<Emission>>,
}

thread_local! {
    static DELIVERY: RefCell<Option<Rc<Delivery>>> = const { RefCell::new(None) };
}

static INBOX: OnceLock<InboxHandle> = OnceLock::new();

/// The inbox of the GUI thread, for `builder().inbox(mpqt::inbox())`: handlers of such a control run in
/// the GUI thread, and its signals can be those of an object.
///
/// Whoever calls first says which thread that is; it must be the one that makes the application, so
/// call it in `main`.
pub fn inbox() -> InboxHandle {
    INBOX
        .get_or_init(|| {
            let inbox = Inbox::new(waker::wake);
            let handle = inbox.handle();
            let delivery = Delivery { inbox, waiting: RefCell::default() };
            DELIVERY.with(|slot| *slot.borrow_mut() = Some(Rc::new(delivery)));
            handle
        })
        .clone()
}

fn delivery() -> Option<Rc<Delivery>> {
    DELIVERY.with(|slot| slot.borrow().clone())
}

/// Whether signals of the process-wide inbox are delivered in this thread.
pub(crate) fn is_here() -> bool {
    inbox();
    delivery().is_some()
}

/// Calls `handler` in this thread. `None` in any thread but the GUI's. A property's current value, which has
/// this version, is not told: in Qt a signal is a change.
pub(crate) fn connect<S: 'static>(
    signal: &Signal<S>,
    version: u64,
    handler: impl FnMut(&S) + 'static,
) -> Option<Connection> {
    inbox();
    Some(delivery()?.inbox.__connect_local_since(signal, version, handler))
}

/// Emits after everything that waits. In the GUI thread.
pub(crate) fn enqueue(emission: Emission) {
    if let Some(delivery) = delivery() {
        delivery.waiting.borrow_mut().push_back(emission);
    }
}

/// The waker's event: delivers until nothing waits or the budget is used up.
pub(crate) fn deliver() {
    let Some(delivery) = delivery() else { return };
    let begun = Instant::now();
    loop {
        // Not held while it runs: a nested event loop comes here again.
        let emission = delivery.waiting.borrow_mut().pop_front();
        if let Some(emission) = emission {
            // Its handler may run an event loop, and what waits now, or will be posted to an inbox that
            // has asked for this very turn, is to be delivered in there.
            waker::wake();
            // Nothing may unwind into C++. The panic hook has told of it.
            let _ = catch_unwind(AssertUnwindSafe(emission));
        } else if delivery.inbox.drain(Duration::ZERO).delivered == 0 {
            return;
        }
        if begun.elapsed() >= BUDGET {
            waker::wake();
            return;
        }
    }
}

/// Delivers everything that waits. Whoever goes on sending is left alone after a second.
pub(crate) fn deliver_all() {
    let Some(delivery) = delivery() else { return };
    let deadline = Instant::now() + Duration::from_secs(1);
    while Instant::now() < deadline {
        deliver();
        if delivery.waiting.borrow().is_empty() {
            let drained = delivery.inbox.drain(Duration::ZERO);
            if drained.delivered == 0 && !drained.more {
                return;
            }
        }
    }
}

/// Emits in a moment, after everything that waits.
pub(crate) fn emit_soon(emission: Emission) {
    enqueue(emission);
    waker::wake();
}

/// The application object is being destroyed: nobody hears what waits.
pub(crate) fn closed() {
    if let Some(delivery) = delivery() {
        let waiting = std::mem::take(&mut *delivery.waiting.borrow_mut());
        drop(waiting);
    }
}
