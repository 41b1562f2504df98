//! Where signals wait for the thread that runs their handlers.
//!
//! Each child has a [mailbox](crate::controller::mailbox) of its own; an [`Inbox`] is the [ring](crate::controller::ring) of the
//! children that have something waiting. Posting never blocks. Draining takes turns between the children and keeps
//! a time budget, so a user interface stays alive under any flood.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::controller::allowance::Allowance as _;
use crate::controller::escalation::Unresponsive;
use crate::controller::exit::{Failure, SharedReport, State};
use crate::controller::mailbox::{Mailbox, Weighed};
use crate::controller::mirror::Mirror;
use crate::controller::outcome::{Exception, Outcome};
use crate::controller::pending::SharedThen;
use crate::controller::process::LinesDropped;
use crate::controller::relief;
use crate::controller::restart::{GaveUp, Restarting};
use crate::controller::ring::{Due, Rest, Ring, Turn, TurnNumber};
use crate::controller::shared::Shared;
use crate::limits::{INBOX_TURN, INBOX_TURN_TIME};
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
    /// Bounded by its [backlog](crate::controller::captured): as bytes it does not count here.
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
    if !list {
        return Wake::none();
    }
    let inbox = &shared.spec.inbox;
    let due = inbox.core.ring.list(Arc::clone(shared));
    Wake((!due.is_nothing()).then(|| (inbox.clone(), due)))
}

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
    pub(super) fn relieved(
        wake: Box<dyn Fn() + Send + Sync>,
        ask_for_look: impl Fn(TurnNumber) + Send + Sync + 'static,
    ) -> Self {
        let ring = Ring::new(wake).relieved(ask_for_look);
        Self { core: Arc::new(Core { ring, id: BACKGROUND }) }
    }

    /// Makes sure that the inbox is drained, if that is not the user's affair.
    pub(crate) fn prepare(&self) -> std::io::Result<()> {
        if self.core.id == BACKGROUND { relief::prepare() } else { Ok(()) }
    }

    pub(super) fn ring(&self) -> &Ring<Arc<Shared>> {
        &self.core.ring
    }

    fn drain(&self, budget: Duration) -> Drained {
        if sys::is_copy() {
            return Drained { delivered: 0, more: false };
        }
        let mut delivered = 0;
        let rest = self.core.ring.drain(turns(budget, &mut delivered));
        Drained { delivered, more: rest == Rest::Some }
    }

    /// Waits until everything that waits now has been delivered by the inbox's thread.
    pub(crate) fn wait_empty(&self, deadline: Option<Instant>) -> bool {
        self.core.ring.wait_empty(deadline)
    }
}

/// The turns of one drain: each delivers the next notices of one child, and counts them.
pub(super) fn turns(
    budget: Duration,
    delivered: &mut usize,
) -> impl FnMut(&Arc<Shared>) -> Turn + use<'_> {
    let begun = Instant::now();
    let mut now = Duration::ZERO;
    move |child| {
        let turn_ends = now + INBOX_TURN_TIME.get();
        for _ in 0..INBOX_TURN.get() {
            // The value under the mailbox's lock: after it, a new run may put its own into the mirrors.
            let next = child.inbox.pop(|notice| notice.with_value(&child.mirrors));
            let Some(notice) = next else {
                return Turn::Empty;
            };
            child.deliver(notice);
            child.grant_if_allowed();
            *delivered += 1;
            now = begun.elapsed();
            if now >= budget {
                return Turn::LeftAndOver;
            }
            if now >= turn_ends {
                break;
            }
        }
        Turn::Left
    }
}
