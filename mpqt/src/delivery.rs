//! Delivery in the GUI thread: one inbox for all children of the process, drained with a time
//! budget.
//!
//! A notice of mpcore is not emitted immediately but queued, one at a time, and emitted when
//! mpcore's handler has returned. So a QML handler may run a nested event loop (a dialog, a test's
//! `wait`), and signals continue to arrive inside it, in order. A property that changes faster than
//! its handler runs is still coalesced in the inbox, since at most one notice is ahead of it.
//! Handlers that take long are traced.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use mpcore::{Connection, Inbox, InboxHandle, Signal};

use crate::trace::event;
use crate::waker;

/// How long the delivery of signals may occupy the GUI thread at a time. Two milliseconds leave
/// most of a frame of 16 to the user interface; a shorter time would need more turns of the event
/// loop.
pub const BUDGET: Duration = Duration::from_millis(2);

/// A handler that runs for longer is traced: a window that does not move for a tenth of a second looks
/// frozen.
const SLOW: Duration = Duration::from_millis(100);

pub(crate) type Emission = Box<dyn FnOnce()>;

struct Delivery {
    inbox: Inbox,
    waiting: RefCell<VecDeque<Emission>>,
}

thread_local! {
    static DELIVERY: RefCell<Option<Rc<Delivery>>> = const { RefCell::new(None) };
}

static INBOX: OnceLock<InboxHandle> = OnceLock::new();

/// Returns the inbox of the GUI thread, for `builder().inbox(mpqt::inbox())`: handlers of such a
/// control run in the GUI thread, and an object can emit its signals.
///
/// The thread that calls this function first becomes the GUI thread. It must be the one that
/// creates the application, so call it in `main`.
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

/// Returns whether signals of the process-wide inbox are delivered in this thread.
pub(crate) fn is_here() -> bool {
    inbox();
    delivery().is_some()
}

/// Connects `handler`, which is called in this thread. Returns `None` in any thread but the GUI
/// thread. The current value of a property, which has this version, is not delivered: in Qt a
/// signal means a change.
pub(crate) fn connect<S: 'static>(
    signal: &Signal<S>,
    version: u64,
    handler: impl FnMut(&S) + 'static,
) -> Option<Connection> {
    inbox();
    Some(delivery()?.inbox.__connect_local_since(signal, version, handler))
}

/// Queues an emission behind all that wait. Called in the GUI thread.
pub(crate) fn enqueue(emission: Emission) {
    if let Some(delivery) = delivery() {
        delivery.waiting.borrow_mut().push_back(emission);
    }
}

/// Delivers until the queue and the inbox are empty or the budget is used up. Called by the waker's
/// event.
pub(crate) fn deliver() {
    let Some(delivery) = delivery() else { return };
    let begun = Instant::now();
    loop {
        // Not borrowed while it runs: a nested event loop calls this function again.
        let emission = delivery.waiting.borrow_mut().pop_front();
        if let Some(emission) = emission {
            // Its handler may run an event loop, which must deliver everything that waits now, or
            // that is posted later to an inbox whose request for a turn is served by this very
            // call.
            waker::wake();
            // No panic may unwind into C++. The panic hook has reported it.
            let before = begun.elapsed();
            let _ = catch_unwind(AssertUnwindSafe(emission));
            let took = begun.elapsed() - before;
            if took >= SLOW {
                let took_ms = took.as_millis() as u64;
                event!(DEBUG, "mpqt::delivery", in None, "slow handler", took_ms = took_ms);
            }
        } else if delivery.inbox.drain(Duration::ZERO).delivered == 0 {
            return;
        }
        if begun.elapsed() >= BUDGET {
            event!(
                TRACE, "mpqt::delivery", in None, "budget used up",
                waiting = delivery.waiting.borrow().len() as u64,
            );
            waker::wake();
            return;
        }
    }
}

/// Delivers everything that waits. Gives up after a second if a child keeps sending.
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

/// Queues an emission behind all that wait, and wakes the GUI thread.
pub(crate) fn emit_soon(emission: Emission) {
    enqueue(emission);
    waker::wake();
}

/// Drops all waiting emissions. Called when the application object is being destroyed.
pub(crate) fn closed() {
    if let Some(delivery) = delivery() {
        let waiting = std::mem::take(&mut *delivery.waiting.borrow_mut());
        drop(waiting);
    }
}
