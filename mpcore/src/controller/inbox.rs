//! Where signals wait for the thread that runs their handlers.
//!
//! Each child has a [mailbox](super::mailbox) of its own; an [`Inbox`] is the [ring](super::ring) of the
//! children that have something waiting. Posting never blocks. Draining takes turns between the children and keeps
//! a time budget, so a user interface stays alive under any flood.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::allowance::Allowance as _;
use super::escalation::Unresponsive;
use super::exit::{Failure, SharedReport, State};
use super::mailbox::{Mailbox, Weighed};
use super::mirror::Mirror;
use super::outcome::{Exception, Outcome};
use super::pending::SharedThen;
use super::process::LinesDropped;
use super::restart::{GaveUp, Restarting};
use super::ring::{Rest, Ring, Turn};
use super::shared::Shared;
use crate::limits::INBOX_TURN;
use crate::process::output::OutputStream;
use crate::process::sys;
use crate::wire::keyed::Key;
use crate::wire::packet::Bytes;
use crate::wire::stop_reason::StopReason;

/// Whose outcome it is, where that is told.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) pid: Option<u32>,
}

/// One thing that waits to be told.
pub(crate) enum Notice {
    Outcome {
        command: u16,
        call: u64,
        outcome: Arc<Outcome>,
        then: SharedThen,
        source: Option<Box<Source>>,
    },
    /// Of the waiting ones of a property only the newest, its value stands in the mirror: it becomes a
    /// [`Value`](Self::Value) when it is taken out, or when a newer one is posted behind it.
    Property(u16),
    /// A property's value of this version.
    Value {
        index: u16,
        bytes: Arc<Vec<u8>>,
        version: u64,
    },
    Event(u16, Bytes),
    /// A command's signal that the child emitted by itself.
    Signal(u16, Bytes),
    Progress {
        call: u64,
        fraction: f64,
    },
    Started(u32),
    Ready,
    State(State),
    Stopping(Box<StopReason>),
    Stale(bool),
    Unresponsive(Box<Unresponsive>),
    Responsive,
    Exception(Box<Exception>),
    Failed(Box<Failure>),
    Finished(SharedReport),
    Restarting(Box<Restarting>),
    GaveUp(Box<GaveUp>),
    Task(Box<dyn FnOnce() + Send>),
    /// Bounded by its [backlog](super::captured): as bytes it does not count here.
    Line(OutputStream, String),
    LinesDropped(LinesDropped),
}

impl Notice {
    /// Of a notice that a newer one may replace. The changes of properties are posted by themselves.
    fn key(&self, latest: impl Fn(u16) -> bool) -> Option<Key> {
        match self {
            Self::Event(index, _) if latest(*index) => Some(Key::Event(*index)),
            Self::Progress { call, .. } => Some(Key::Progress(*call)),
            _ => None,
        }
    }

    /// The same with the value that the mirrors hold now.
    pub(crate) fn with_value(mut self, mirrors: &[Arc<Mirror>]) -> Self {
        self.take_value(mirrors);
        self
    }

    fn take_value(&mut self, mirrors: &[Arc<Mirror>]) {
        if let Self::Property(index) = *self {
            let mirror = mirrors.get(usize::from(index));
            let value = mirror.map(|it| it.read());
            let (bytes, version) = value.unwrap_or_default();
            *self = Self::Value { index, bytes, version };
        }
    }
}

impl Weighed for Notice {
    fn bytes(&self) -> usize {
        const ENTRY: usize = 64;
        if matches!(self, Self::Line(..)) {
            return 0;
        }
        ENTRY
            + match self {
                Self::Outcome { outcome, .. } => match &**outcome {
                    Outcome::Returned(bytes) | Outcome::Raised(bytes) => bytes.len(),
                    Outcome::Encode(text) | Outcome::Decode(text) => text.len(),
                    Outcome::Panicked(report) => {
                        report.message.len() + report.location.len() + report.backtrace.len()
                    }
                    _ => 0,
                },
                Self::Event(_, bytes) | Self::Signal(_, bytes) => bytes.len(),
                Self::Value { bytes, .. } => bytes.len(),
                _ => 0,
            }
    }
}

/// The signals of one child that wait.
pub(crate) type ChildInbox = Mailbox<Notice>;

impl ChildInbox {
    /// A run begins: what waits is of older ones. It keeps the values that it tells of, so nothing of the new
    /// run replaces it.
    pub(crate) fn begin_run(&self, mirrors: &[Arc<Mirror>]) {
        self.begin(|notice| notice.take_value(mirrors));
    }
}

/// Posts a notice of this child and wakes the inbox's thread. Never blocks.
pub(crate) fn post(shared: &Arc<Shared>, notice: Notice) {
    enqueue(shared, notice).wake();
}

/// Posts a notice of this child; the inbox's thread is to be woken when no lock is held any more.
pub(crate) fn enqueue(shared: &Arc<Shared>, notice: Notice) -> Wake {
    let list = match notice.key(|event| shared.is_latest(event)) {
        Some(key) => shared.inbox.post_value(key, shared.spec.inbox_bound, |_| {}, || Some(notice)),
        None => shared.inbox.post(|| notice),
    };
    listed(shared, list)
}

/// Lets `change` change the mirror of a property, and posts that it has.
pub(crate) fn enqueue_change(
    shared: &Arc<Shared>,
    property: u16,
    change: impl FnOnce(&Mirror) -> bool,
) -> Wake {
    let Some(mirror) = shared.mirrors.get(usize::from(property)) else { return Wake::none() };
    let list = shared.inbox.post_value(
        Key::Property(property),
        shared.spec.inbox_bound,
        |older| older.take_value(&shared.mirrors),
        // In the place that its signal has: whatever is posted before tells of a time before it.
        || change(mirror).then_some(Notice::Property(property)),
    );
    listed(shared, list)
}

/// Posts what `make` makes of the value and the version of a property as they are now.
pub(crate) fn post_current(
    shared: &Arc<Shared>,
    property: u16,
    make: impl FnOnce(Arc<Vec<u8>>, u64) -> Notice,
) {
    let Some(mirror) = shared.mirrors.get(usize::from(property)) else { return };
    let list = shared.inbox.post(|| {
        let (bytes, version) = mirror.read();
        make(bytes, version)
    });
    listed(shared, list).wake();
}

fn listed(shared: &Arc<Shared>, list: bool) -> Wake {
    let wake = list && shared.spec.inbox.core.ring.list(Arc::clone(shared));
    Wake(wake.then(|| shared.spec.inbox.clone()))
}

/// The duty to wake an inbox's thread.
#[must_use]
pub(crate) struct Wake(Option<InboxHandle>);

impl Wake {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Both duties, of one inbox.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    /// Runs the user's `wake`.
    pub(crate) fn wake(self) {
        if let Some(inbox) = self.0 {
            inbox.core.ring.wake();
        }
    }
}

thread_local! {
    /// This thread drains the inbox of children without one of their own.
    static IS_BACKGROUND: Cell<bool> = const { Cell::new(false) };
}

struct Core {
    ring: Ring<Arc<Shared>>,
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
/// A child without an inbox of its own uses one that a background thread drains.
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
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let core = Core { ring: Ring::new(wake), id: NEXT.fetch_add(1, Ordering::Relaxed) };
        Self { core: Arc::new(core) }
    }

    /// Whether both are handles of one inbox.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }

    /// The inbox of children that have none of their own, drained by a thread of its own.
    pub(crate) fn background() -> Self {
        static INBOX: OnceLock<InboxHandle> = OnceLock::new();
        INBOX
            .get_or_init(|| {
                let thread = Arc::new(OnceLock::<thread::Thread>::new());
                let to_wake = Arc::clone(&thread);
                let wake = move || {
                    if let Some(thread) = to_wake.get() {
                        thread.unpark();
                    }
                };
                let inbox = Self::new(Box::new(wake));
                let drained = inbox.clone();
                let body = move || {
                    IS_BACKGROUND.set(true);
                    loop {
                        while drained.drain(Duration::from_secs(1)).more {}
                        thread::park();
                    }
                };
                // Without the thread nothing is delivered, but calls still return.
                if let Ok(handle) = thread::Builder::new().name("mp-inbox".into()).spawn(body) {
                    let _ = thread.set(handle.thread().clone());
                    handle.thread().unpark();
                }
                inbox
            })
            .clone()
    }

    /// Whether this is the background inbox, and this thread is the one that drains it.
    pub(crate) fn is_drained_here(&self) -> bool {
        IS_BACKGROUND.get() && self.is(&Self::background())
    }

    fn drain(&self, budget: Duration) -> Drained {
        if sys::is_copy() {
            return Drained { delivered: 0, more: false };
        }
        let begun = Instant::now();
        let mut delivered = 0;
        let rest = self.core.ring.drain(|child| {
            let (taken, turn) = take_turn(child, begun, budget);
            delivered += taken;
            turn
        });
        Drained { delivered, more: rest == Rest::Some }
    }

    /// Waits until everything that waits now has been delivered by the inbox's thread.
    pub(crate) fn wait_empty(&self, deadline: Option<Instant>) -> bool {
        self.core.ring.wait_empty(deadline)
    }
}

/// Delivers the next notices of one child; returns how many, and what is left.
fn take_turn(child: &Arc<Shared>, begun: Instant, budget: Duration) -> (usize, Turn) {
    for delivered in 0..INBOX_TURN {
        // The value under the mailbox's lock: after it, a new run may put its own into the mirrors.
        let next = child.inbox.pop(|notice| notice.with_value(&child.mirrors));
        let Some(notice) = next else {
            return (delivered, Turn::Empty);
        };
        child.deliver(notice);
        child.grant_if_allowed();
        if begun.elapsed() >= budget {
            return (delivered + 1, Turn::LeftAndOver);
        }
    }
    (INBOX_TURN, Turn::Left)
}
