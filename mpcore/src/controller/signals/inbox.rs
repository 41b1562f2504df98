//! The inbox: signals wait here for the thread that runs their handlers.
//!
//! Each child has its own [mailbox](crate::controller::signals::mailbox); an [`Inbox`] is the
//! [ring](crate::controller::signals::ring) of the children that have notices waiting. It stays on
//! the thread that drains it; its [`InboxHandle`] is what children are created with, on any thread.
//! Posting never blocks. Draining takes turns between the children and keeps to a time budget, so a
//! user interface stays alive under any flood. What a post leaves to do after its locks are
//! released is a [`Wake`].

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::controller::signals::ring::{Due, Rest, Ring, Turn, TurnNumber};
use crate::limits::{INBOX_TURN, INBOX_TURN_TIME};
use crate::process::sys;

/// A pending action for the sender: to wake an inbox's thread, or to schedule a check that it is
/// not blocked.
#[must_use]
pub(crate) struct Wake(Option<(InboxHandle, Due)>);

impl Wake {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Combines two pending actions for the same inbox.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some((inbox, due)), Some((_, other))) => Self(Some((inbox, due.and(other)))),
            (one, other) => Self(one.or(other)),
        }
    }

    /// Runs the user's `wake`.
    pub(crate) fn wake(self) {
        if let Some((inbox, due)) = self.0 {
            inbox.core.ring.see_to(due);
        }
    }
}

/// The id of the inbox that [`relief`](crate::controller::signals::relief) drains.
const BACKGROUND: u64 = 0;

struct Core {
    ring: Ring<Arc<dyn Recipient>>,
    id: u64,
}

/// The sending half of an [`Inbox`], to pass to a builder.
#[derive(Clone)]
pub struct InboxHandle {
    core: Arc<Core>,
}

impl fmt::Debug for InboxHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InboxHandle({})", self.core.id)
    }
}

/// The queue of signals for one thread, usually the user interface's: create it there and drain it
/// there.
///
/// Any toolkit needs two lines: `wake` makes its event loop call [`Inbox::drain`].
///
/// ```
/// use std::sync::mpsc;
/// use std::time::Duration;
///
/// let (sender, events) = mpsc::channel();
/// let inbox = mpcore::Inbox::new(move || drop(sender.send(())));
/// // LaserControl::builder().inbox(&inbox) …
/// // and in the event loop:
/// if events.recv_timeout(Duration::from_millis(10)).is_ok() {
///     inbox.drain(Duration::from_millis(2));
/// }
/// ```
///
/// Of a property, only the newest waiting value is kept if nothing else was sent in between: a busy
/// thread does not receive each of a thousand values, but everything that it receives is in the
/// order sent.
///
/// Children without their own inbox share one that background threads drain: one thread, as long as
/// no handler blocks it. There, too, the signals of one child are delivered one at a time and in
/// order, but a handler that waits delays no other child's signals. Handlers of different children
/// may therefore run at the same time, on different threads.
pub struct Inbox {
    handle: InboxHandle,
    /// Local handlers that their signals no longer reference.
    pub(crate) retired: Arc<Mutex<Vec<u64>>>,
    /// Handlers of this thread need not be `Send`.
    _this_thread: PhantomData<*const ()>,
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inbox({})", self.handle.core.id)
    }
}

/// The result of a drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainResult {
    /// The number of signals delivered.
    pub delivered: usize,
    /// Whether signals may be left; if so, the inbox has woken its thread again.
    pub more: bool,
}

impl Inbox {
    /// Creates an inbox for this thread. `wake` is called from other threads, once per burst, when
    /// there is something to drain; it must not block and must not drain.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            handle: InboxHandle::new(Box::new(wake)),
            retired: Arc::default(),
            _this_thread: PhantomData,
        }
    }

    /// Returns a handle to pass to a builder on another thread.
    #[must_use]
    pub fn handle(&self) -> InboxHandle {
        self.handle.clone()
    }

    /// Runs the handlers of the waiting signals, in turns between the children, until `budget` is
    /// used up or nothing is left; at least one signal is delivered. Does nothing inside a handler.
    pub fn drain(&self, budget: Duration) -> DrainResult {
        let drained = self.handle.drain(budget);
        self.drop_retired();
        drained
    }
}

impl From<&Inbox> for InboxHandle {
    fn from(inbox: &Inbox) -> Self {
        inbox.handle()
    }
}

impl InboxHandle {
    fn new(wake: Box<dyn Fn() + Send + Sync>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(BACKGROUND + 1);
        let core = Core { ring: Ring::new(wake), id: NEXT.fetch_add(1, Ordering::Relaxed) };
        Self { core: Arc::new(core) }
    }

    /// Returns whether both are handles of the same inbox.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }

    /// Creates an inbox that only the runtime drains, and whose drains may be
    /// [relieved](Ring::relieve).
    pub(crate) fn relieved(
        wake: Box<dyn Fn() + Send + Sync>,
        ask_for_look: impl Fn(TurnNumber) + Send + Sync + 'static,
    ) -> Self {
        let ring = Ring::new(wake).relieved(ask_for_look);
        Self { core: Arc::new(Core { ring, id: BACKGROUND }) }
    }

    /// Adds a child that has notices waiting to the ring.
    pub(crate) fn list(&self, child: Arc<dyn Recipient>) -> Wake {
        let due = self.core.ring.list(child);
        Wake((!due.is_nothing()).then(|| (self.clone(), due)))
    }

    pub(crate) fn ring(&self) -> &Ring<Arc<dyn Recipient>> {
        &self.core.ring
    }

    fn drain(&self, budget: Duration) -> DrainResult {
        if sys::is_copy() {
            return DrainResult { delivered: 0, more: false };
        }
        let mut budget = Budget::new(budget);
        let rest = self.core.ring.drain(|child| Arc::clone(child).take_turn(&mut budget));
        DrainResult { delivered: budget.delivered(), more: rest == Rest::Some }
    }

    /// Waits until the inbox's thread has delivered everything that is waiting now.
    pub(crate) fn wait_empty(&self, deadline: Option<Instant>) -> bool {
        self.core.ring.wait_empty(deadline)
    }
}

/// A child, as seen by the thread that drains its inbox.
pub(crate) trait Recipient: Send + Sync {
    /// Delivers the waiting notices, oldest first, until the turn is over or nothing is left.
    fn take_turn(self: Arc<Self>, budget: &mut Budget) -> Turn;
}

/// The time budget of one drain, shared by the turns of all children, and its count of deliveries.
pub(crate) struct Budget {
    begun: Instant,
    limit: Duration,
    now: Duration,
    delivered: usize,
}

impl Budget {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { begun: Instant::now(), limit, now: Duration::ZERO, delivered: 0 }
    }

    /// Returns the number of notices delivered so far.
    pub(crate) fn delivered(&self) -> usize {
        self.delivered
    }

    /// Runs one turn: `deliver_next` delivers a notice, or returns `false` if none is waiting.
    pub(crate) fn turn(&mut self, mut deliver_next: impl FnMut() -> bool) -> Turn {
        let turn_ends = self.now + INBOX_TURN_TIME.get();
        for _ in 0..INBOX_TURN.get() {
            if !deliver_next() {
                return Turn::Empty;
            }
            self.delivered += 1;
            self.now = self.begun.elapsed();
            if self.now >= self.limit {
                return Turn::LeftAndOver;
            }
            if self.now >= turn_ends {
                break;
            }
        }
        Turn::Left
    }
}

/// Returns the turns of one drain that does not count its notices.
pub(crate) fn turns(limit: Duration) -> impl FnMut(&Arc<dyn Recipient>) -> Turn {
    let mut budget = Budget::new(limit);
    move |child| Arc::clone(child).take_turn(&mut budget)
}
