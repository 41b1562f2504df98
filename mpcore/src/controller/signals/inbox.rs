//! Where signals wait for the thread that runs their handlers.
//!
//! Each child has a [mailbox](crate::controller::signals::mailbox) of its own; an [`Inbox`] is the [ring](crate::controller::signals::ring) of the
//! children that have something waiting. Posting never blocks. Draining takes turns between the children and keeps
//! a time budget, so a user interface stays alive under any flood.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::controller::signals::ring::{Due, Rest, Ring, Turn, TurnNumber};
use crate::limits::{INBOX_TURN, INBOX_TURN_TIME};
use crate::process::sys;

/// The duty to wake an inbox's thread, or to see that it is not held.
#[must_use]
pub(crate) struct Wake(Option<(InboxHandle, Due)>);

impl Wake {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Both duties, of one inbox.
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

/// The number of the inbox that [`relief`] drains.
const BACKGROUND: u64 = 0;

struct Core {
    ring: Ring<Arc<dyn Recipient>>,
    id: u64,
}

/// The sending half of an [`Inbox`]: what a builder is given.
#[derive(Clone)]
pub struct InboxHandle {
    core: Arc<Core>,
}

impl fmt::Debug for InboxHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InboxHandle({})", self.core.id)
    }
}

/// Where signals wait for one thread, the user interface's: create it there and drain it there.
///
/// Any toolkit plugs in with two lines: `wake` makes its event loop call [`Inbox::drain`].
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
/// Of a property only the newest waiting value is kept where nothing else was sent in between: a thread that is
/// busy is not told each of a thousand values, but all that it is told is in the order sent.
///
/// A child without an inbox of its own uses one that background threads drain: one, as long as no handler
/// holds it. The signals of one child come one at a time and in order there too, but a handler that waits
/// delays no other child's signals, and so handlers of different children may run at the same time, on
/// different threads.
pub struct Inbox {
    handle: InboxHandle,
    /// Local handlers whose signals have let go of them.
    pub(crate) retired: Arc<Mutex<Vec<u64>>>,
    /// Handlers of this thread may not be `Send`.
    _this_thread: PhantomData<*const ()>,
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inbox({})", self.handle.core.id)
    }
}

/// What a drain came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Signals delivered.
    pub delivered: usize,
    /// Some may be left; the inbox has woken its thread again.
    pub more: bool,
}

impl Inbox {
    /// An inbox for this thread. `wake` is called from other threads, once per burst, when there is
    /// something to drain; it must not block and must not drain by itself.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            handle: InboxHandle::new(Box::new(wake)),
            retired: Arc::default(),
            _this_thread: PhantomData,
        }
    }

    /// What a builder is given, if it is on another thread.
    #[must_use]
    pub fn handle(&self) -> InboxHandle {
        self.handle.clone()
    }

    /// Runs the handlers of what waits, in turns between the children, until `budget` is used up or
    /// nothing is left; at least one signal is delivered. Inside a handler it does nothing.
    pub fn drain(&self, budget: Duration) -> Drained {
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

    /// Whether both are handles of one inbox.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }

    /// An inbox that nobody else drains, and whose drains may be [relieved](Ring::relieve).
    pub(crate) fn relieved(
        wake: Box<dyn Fn() + Send + Sync>,
        ask_for_look: impl Fn(TurnNumber) + Send + Sync + 'static,
    ) -> Self {
        let ring = Ring::new(wake).relieved(ask_for_look);
        Self { core: Arc::new(Core { ring, id: BACKGROUND }) }
    }

    /// Lists a child that has something waiting.
    pub(crate) fn list(&self, child: Arc<dyn Recipient>) -> Wake {
        let due = self.core.ring.list(child);
        Wake((!due.is_nothing()).then(|| (self.clone(), due)))
    }

    pub(crate) fn ring(&self) -> &Ring<Arc<dyn Recipient>> {
        &self.core.ring
    }

    fn drain(&self, budget: Duration) -> Drained {
        if sys::is_copy() {
            return Drained { delivered: 0, more: false };
        }
        let mut budget = Budget::new(budget);
        let rest = self.core.ring.drain(|child| Arc::clone(child).take_turn(&mut budget));
        Drained { delivered: budget.delivered(), more: rest == Rest::Some }
    }

    /// Waits until everything that waits now has been delivered by the inbox's thread.
    pub(crate) fn wait_empty(&self, deadline: Option<Instant>) -> bool {
        self.core.ring.wait_empty(deadline)
    }
}

/// A child, as the thread that drains its inbox sees it.
pub(crate) trait Recipient: Send + Sync {
    /// Delivers what waits, oldest first, until the turn is over or nothing is left.
    fn take_turn(self: Arc<Self>, budget: &mut Budget) -> Turn;
}

/// The time of one drain, and what it came to. The turns of all children share it.
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

    /// Notices delivered so far.
    pub(crate) fn delivered(&self) -> usize {
        self.delivered
    }

    /// One turn: `deliver_next` delivers a notice, or returns `false` if none waits.
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

/// The turns of one drain, whose notices are not counted.
pub(crate) fn turns(limit: Duration) -> impl FnMut(&Arc<dyn Recipient>) -> Turn {
    let mut budget = Budget::new(limit);
    move |child| Arc::clone(child).take_turn(&mut budget)
}
