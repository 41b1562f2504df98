//! Where signals wait for the thread that runs their handlers.
//!
//! Each child has a queue of its own ([`ChildInbox`]); an [`Inbox`] is the ring of the children that
//! have something waiting. Posting never blocks. Draining takes turns between the children and keeps
//! a time budget, so a user interface stays alive under any flood.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::backlog::{Backlog, Offered};
use super::exit::{Failure, SharedReport, State};
use super::outcome::{Exception, Outcome};
use super::pending::SharedThen;
use super::process::LinesDropped;
use super::shared::Shared;
use crate::limits::{INBOX_HARD_BYTES, INBOX_TURN, OUTPUT_BYTES};
use crate::process::output::OutputStream;
use crate::sync::{lock, wait_timeout};
use crate::wire::keyed::{Key, KeyedQueue};
use crate::wire::packet::Bytes;

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
    /// The newest value stands in the mirror.
    Property(u16),
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
    Exception(Box<Exception>),
    Failed(Box<Failure>),
    Finished(SharedReport),
    Task(Box<dyn FnOnce() + Send>),
    /// Bounded by its [`Backlog`], and not by the inbox's bound: no line holds up an event.
    Line(OutputStream, String),
    LinesDropped(LinesDropped),
}

impl Notice {
    fn key(&self, latest: impl Fn(u16) -> bool) -> Option<Key> {
        match self {
            Self::Property(index) => Some(Key::Property(*index)),
            Self::Event(index, _) if latest(*index) => Some(Key::Event(*index)),
            Self::Progress { call, .. } => Some(Key::Progress(*call)),
            _ => None,
        }
    }

    /// What it counts against the bound.
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
                    Outcome::Panicked(report) => report.message.len() + report.backtrace.len(),
                    _ => 0,
                },
                Self::Event(_, bytes) | Self::Signal(_, bytes) => bytes.len(),
                _ => 0,
            }
    }
}

/// Bounds of the signals that wait for one child; see [`Builder`](crate::Builder).
#[derive(Debug, Clone, Copy)]
pub(crate) struct InboxBound {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

#[derive(Default)]
struct Waiting {
    notices: KeyedQueue<Notice>,
    bytes: usize,
    lines: Backlogs,
    /// In the ring of the inbox, or being drained.
    listed: bool,
}

/// The captured lines among the notices.
struct Backlogs {
    stdout: Backlog,
    stderr: Backlog,
}

impl Default for Backlogs {
    fn default() -> Self {
        Self { stdout: Backlog::new(OUTPUT_BYTES), stderr: Backlog::new(OUTPUT_BYTES) }
    }
}

impl Backlogs {
    fn of(&mut self, stream: OutputStream) -> &mut Backlog {
        match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        }
    }

    fn count(&self) -> usize {
        self.stdout.lines() + self.stderr.lines()
    }
}

impl Waiting {
    fn push_gap(&mut self, stream: OutputStream, lines: u64) {
        let notice = Notice::LinesDropped(LinesDropped { stream, lines });
        self.bytes += notice.bytes();
        self.notices.push(None, notice);
    }
}

/// How full a child's inbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    Room,
    /// Over the bound: no more credit, unless a thread waits for the child.
    Over,
    /// Over the hard limit: no more credit at all.
    HardOver,
}

/// The signals of one child that wait.
#[derive(Default)]
pub(crate) struct ChildInbox {
    waiting: Mutex<Waiting>,
}

impl fmt::Debug for ChildInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildInbox").field("waiting", &lock(&self.waiting).notices.len()).finish()
    }
}

impl ChildInbox {
    pub(crate) fn fill(&self, bound: InboxBound) -> Fill {
        let waiting = lock(&self.waiting);
        if waiting.bytes > INBOX_HARD_BYTES {
            Fill::HardOver
        } else if waiting.bytes > bound.bytes
            || waiting.notices.len().saturating_sub(waiting.lines.count()) > bound.entries
        {
            Fill::Over
        } else {
            Fill::Room
        }
    }

    fn pop(&self) -> Option<Notice> {
        let mut waiting = lock(&self.waiting);
        let notice = waiting.notices.pop();
        match &notice {
            Some(Notice::Line(stream, line)) => {
                if let Some(dropped) = waiting.lines.of(*stream).taken_out(line.len()) {
                    waiting.push_gap(*stream, dropped);
                }
            }
            Some(notice) => waiting.bytes -= notice.bytes(),
            None => waiting.listed = false,
        }
        notice
    }
}

/// Posts a notice of this child and wakes the inbox's thread. Never blocks.
pub(crate) fn post(shared: &Arc<Shared>, notice: Notice) {
    enqueue(shared, notice).wake();
}

/// Posts a notice of this child; the inbox's thread is to be woken when no lock is held any more.
pub(crate) fn enqueue(shared: &Arc<Shared>, notice: Notice) -> Wake {
    let list = {
        let mut waiting = lock(&shared.inbox.waiting);
        let key = notice.key(|event| shared.is_latest(event));
        waiting.bytes += notice.bytes();
        let Waiting { notices, bytes, .. } = &mut *waiting;
        match key.and_then(|key| notices.waiting(key)) {
            Some(older) => {
                *bytes -= older.bytes();
                *older = notice;
            }
            None => notices.push(key, notice),
        }
        !std::mem::replace(&mut waiting.listed, true)
    };
    let wake = list && shared.spec.inbox.list(Arc::clone(shared));
    Wake(wake.then(|| shared.spec.inbox.clone()))
}

/// Posts a line that the child has written, if there is room for it. Never blocks.
pub(crate) fn post_line(shared: &Arc<Shared>, stream: OutputStream, line: String) -> Offered {
    let offered = lock(&shared.inbox.waiting).lines.of(stream).offer(line.len());
    if offered == Offered::Taken {
        post(shared, Notice::Line(stream, line));
    }
    offered
}

/// Tells of the lines that were dropped last: none will follow in whose place it could be told.
pub(crate) fn tell_dropped_lines(shared: &Arc<Shared>) {
    for stream in [OutputStream::Stdout, OutputStream::Stderr] {
        let dropped = lock(&shared.inbox.waiting).lines.of(stream).untold();
        if let Some(lines) = dropped {
            post(shared, Notice::LinesDropped(LinesDropped { stream, lines }));
        }
    }
}

/// The duty to wake an inbox's thread.
#[must_use]
pub(crate) struct Wake(Option<InboxHandle>);

impl Wake {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Runs the user's `wake`.
    pub(crate) fn wake(self) {
        if let Some(inbox) = self.0 {
            inbox.core.wake();
        }
    }
}

#[derive(Default)]
struct Ring {
    children: VecDeque<Arc<Shared>>,
    /// `wake` was called and the drain it asked for has not begun.
    woken: bool,
}

struct Core {
    ring: Mutex<Ring>,
    wake: Box<dyn Fn() + Send + Sync>,
    draining: AtomicBool,
    /// Counts the drains that ended with nothing left, for [`InboxHandle::wait_empty`].
    emptied: Mutex<u64>,
    emptied_changed: Condvar,
    id: u64,
}

impl Core {
    /// Runs the user's `wake`. One that panics, since its loop is gone, must not take the reader along.
    fn wake(&self) {
        let _ = catch_unwind(AssertUnwindSafe(|| (self.wake)()));
    }
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
        let core = Core {
            ring: Mutex::default(),
            wake,
            draining: AtomicBool::new(false),
            emptied: Mutex::new(0),
            emptied_changed: Condvar::new(),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
        };
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
                let body = move || loop {
                    while drained.drain(Duration::from_secs(1)).more {}
                    thread::park();
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

    /// Puts a child into the ring; returns whether the thread is to be woken.
    fn list(&self, child: Arc<Shared>) -> bool {
        let mut ring = lock(&self.core.ring);
        ring.children.push_back(child);
        !std::mem::replace(&mut ring.woken, true)
    }

    fn drain(&self, budget: Duration) -> Drained {
        if self.core.draining.swap(true, Ordering::SeqCst) {
            return Drained { delivered: 0, more: false };
        }
        let begun = Instant::now();
        let mut delivered = 0;
        lock(&self.core.ring).woken = false;
        loop {
            let Some(child) = lock(&self.core.ring).children.pop_front() else { break };
            let (taken, left) = take_turn(&child, begun, budget);
            delivered += taken;
            if left {
                lock(&self.core.ring).children.push_back(child);
            }
            if begun.elapsed() >= budget {
                break;
            }
        }
        self.core.draining.store(false, Ordering::SeqCst);
        let more = {
            let mut ring = lock(&self.core.ring);
            // Whatever was woken meanwhile may have been swallowed by a drain inside a handler, which
            // does nothing: decided afresh.
            ring.woken = !ring.children.is_empty();
            ring.woken
        };
        if more {
            self.core.wake();
        }
        if !more {
            *lock(&self.core.emptied) += 1;
            self.core.emptied_changed.notify_all();
        }
        Drained { delivered, more }
    }

    /// Waits until everything that waits now has been delivered by the inbox's thread.
    pub(crate) fn wait_empty(&self, deadline: Option<Instant>) -> bool {
        let mut emptied = lock(&self.core.emptied);
        loop {
            if lock(&self.core.ring).children.is_empty()
                && !self.core.draining.load(Ordering::SeqCst)
            {
                return true;
            }
            let left = deadline.map_or(Duration::from_secs(3600), |at| {
                at.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return false;
            }
            emptied = wait_timeout(&self.core.emptied_changed, emptied, left);
        }
    }
}

/// Delivers the next notices of one child; returns how many, and whether some may be left.
fn take_turn(child: &Arc<Shared>, begun: Instant, budget: Duration) -> (usize, bool) {
    for delivered in 0..INBOX_TURN {
        let Some(notice) = child.inbox.pop() else {
            return (delivered, false);
        };
        child.deliver(notice);
        child.grant_if_allowed();
        if begun.elapsed() >= budget {
            return (delivered + 1, true);
        }
    }
    (INBOX_TURN, true)
}
