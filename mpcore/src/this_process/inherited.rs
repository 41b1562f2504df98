//! What the children of a child inherit: from the command that this thread executes, its deadline
//! and any request to end; from the child, how they end together with their program.
//!
//! The child's side lends its thread an [`InheritedCommand`] for the whole run and keeps it up to
//! date. The controller's side, which may be in the same process, checks it when a call is
//! submitted or waited for. Neither knows more of the other. The exit policy is set once per run,
//! and read when a builder is created.
//!
//! A request to end ends the waits that are in progress, or else the next one, and the futures that
//! exist when the command learns of it. A command that knows of the request, from such a wait or
//! because it has asked, may wait again to shut down its children in order, and so may `cleanup`.
//! The same request comes again without effect; a stop ends the waits of a command that only knows
//! of its cancel.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::panics::unwind::caught;
use crate::sync::lock;
use crate::wire::messages::at_exit::ExitPolicy;

/// Ends a wait.
pub(crate) type EndWait = Box<dyn FnOnce() + Send>;

/// What asks a command to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// A cancel of this command.
    Cancel,
    /// A stop of its child.
    Stop,
}

impl Request {
    fn strength(self) -> u8 {
        match self {
            Request::Cancel => 1,
            Request::Stop => 2,
        }
    }
}

/// The running command, or the code that runs before the first one.
#[derive(Debug, Default)]
pub(crate) struct InheritedCommand {
    /// The strength of the strongest [`Request`] so far, and of the strongest that the command knows
    /// of; 0: none. Both are changed under the lock of `waits`, or at the beginning of a command.
    request: AtomicU8,
    known: AtomicU8,
    /// A wait was ended because of the request.
    interrupted: AtomicBool,
    /// Counts the commands: a future may outlive the command that it was polled by.
    number: AtomicU64,
    waits: Mutex<Waits>,
}

#[derive(Default)]
struct Waits {
    /// When the command must have ended. `None`: there is no command, or no deadline.
    deadline: Option<Instant>,
    /// `cleanup` runs: no wait is ended any more.
    closed: bool,
    /// The waits of the command's thread, by number: at most one call that blocks it, and possibly
    /// many futures.
    waiting: HashMap<u64, Entry>,
    next: u64,
}

struct Entry {
    /// The number of the command.
    command: u64,
    over: Arc<AtomicBool>,
    /// `None`: nothing waits yet.
    wake: Option<EndWait>,
}

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waits").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

thread_local! {
    static OF_THIS_THREAD: RefCell<Option<Arc<InheritedCommand>>> = const { RefCell::new(None) };
}

/// The child's side. A command that does not wait and is not asked to end takes no lock.
impl InheritedCommand {
    pub(crate) fn set_deadline(&self, at: Option<Instant>) {
        lock(&self.waits).deadline = at;
    }

    /// Begins a command, which may have to end immediately: a request that arrives while this runs
    /// is not lost.
    pub(crate) fn begin(&self, is_to_end: impl FnOnce() -> bool) {
        self.number.fetch_add(1, Ordering::SeqCst);
        self.interrupted.store(false, Ordering::SeqCst);
        self.known.store(0, Ordering::SeqCst);
        self.request.store(0, Ordering::SeqCst);
        if is_to_end() {
            self.request.store(Request::Stop.strength(), Ordering::SeqCst);
        }
    }

    /// Asks the command to end. The returned function ends its waits; call it without holding a
    /// lock. Does nothing if the command knows of the request already.
    #[must_use]
    pub(crate) fn ask(&self, request: Request) -> Option<EndWait> {
        // A wait that begins now either sees the request or is seen here.
        let mut waits = lock(&self.waits);
        if waits.closed || self.known.load(Ordering::SeqCst) >= request.strength() {
            return None;
        }
        self.request.fetch_max(request.strength(), Ordering::SeqCst);
        let number = self.number.load(Ordering::SeqCst);
        let waiting = std::mem::take(&mut waits.waiting);
        let is_own = move |entry: &Entry| entry.command == number;
        for entry in waiting.values().filter(|entry| is_own(entry)) {
            entry.over.store(true, Ordering::SeqCst);
        }
        drop(waits);
        (!waiting.is_empty()).then(|| -> EndWait {
            Box::new(move || {
                for entry in waiting.into_values() {
                    // Wakers of older commands are only dropped: a waker may own a future that
                    // waits, whose drop would lock here.
                    let is_own = is_own(&entry);
                    let _ = caught(move || entry.wake.filter(|_| is_own).map(|wake| wake()));
                }
            })
        })
    }

    /// The command knows of this request, which [`ask`](Self::ask) may be about to report.
    pub(crate) fn request_observed(&self, request: Request) {
        let _waits = lock(&self.waits);
        self.known.fetch_max(request.strength(), Ordering::SeqCst);
    }

    /// Returns whether the command was asked to end and does not know it yet.
    fn is_asked(&self) -> bool {
        self.request.load(Ordering::SeqCst) > self.known.load(Ordering::SeqCst)
    }

    /// The command has ended. Returns whether a wait was ended because of a request.
    pub(crate) fn end(&self) -> bool {
        self.request.store(0, Ordering::SeqCst);
        self.interrupted.swap(false, Ordering::SeqCst)
    }

    /// From now on, no wait is ended.
    pub(crate) fn close(&self) {
        let mut waits = lock(&self.waits);
        waits.closed = true;
        // Nor one that was begun before, such as a future of the last command.
        self.number.fetch_add(1, Ordering::SeqCst);
        self.request.store(0, Ordering::SeqCst);
    }

    /// From now on, calls that this thread submits inherit from this command.
    pub(crate) fn bind_to_this_thread(self: &Arc<Self>) {
        OF_THIS_THREAD.with_borrow_mut(|of_this_thread| *of_this_thread = Some(Arc::clone(self)));
    }
}

fn of_this_thread() -> Option<Arc<InheritedCommand>> {
    // A thread that is ending has no command.
    OF_THIS_THREAD.try_with(|lent| lent.borrow().clone()).ok()?
}

/// Returns when calls that this thread submits now must have ended.
pub(crate) fn deadline() -> Option<Instant> {
    of_this_thread().and_then(|command| lock(&command.waits).deadline)
}

/// Begins a wait of this thread. `wake` is called on another thread when its command has to end.
/// Returns `None` if the thread executes no command.
pub(crate) fn begin_wait(wake: impl FnOnce() -> EndWait) -> Option<Waiting> {
    Some(wait_in(of_this_thread()?, || Some(wake())))
}

/// Registers something that this thread may wait for later.
pub(crate) fn may_wait() -> Option<Waiting> {
    Some(wait_in(of_this_thread()?, || None))
}

/// Registers a wait, or a possible one, of this command.
fn wait_in(command: Arc<InheritedCommand>, wake: impl FnOnce() -> Option<EndWait>) -> Waiting {
    let (over, of) = (Arc::<AtomicBool>::default(), command.number.load(Ordering::SeqCst));
    let entry = Entry { command: of, over: Arc::clone(&over), wake: wake() };
    let mut waits = lock(&command.waits);
    // Of several futures, the first one that is polled consumes the request.
    over.store(command.is_asked(), Ordering::SeqCst);
    let number = waits.next;
    waits.next += 1;
    waits.waiting.insert(number, entry);
    drop(waits);
    Waiting { command, of, number, over }
}

/// A wait of a command's thread.
#[derive(Debug)]
pub(crate) struct Waiting {
    command: Arc<InheritedCommand>,
    /// The number of the command that it belongs to.
    of: u64,
    number: u64,
    over: Arc<AtomicBool>,
}

impl Waiting {
    /// Returns whether its command still runs.
    pub(crate) fn is_current(&self) -> bool {
        self.command.number.load(Ordering::SeqCst) == self.of
    }

    /// Sets the function that is called from now on.
    pub(crate) fn set_wake(&self, wake: EndWait) {
        let mut waits = lock(&self.command.waits);
        let unused = match waits.waiting.get_mut(&self.number) {
            Some(entry) => entry.wake.replace(wake),
            // The wait is already over.
            None => Some(wake),
        };
        drop(waits);
        drop(unused); // not under the lock
    }

    /// Returns, once, whether the wait is over because the command has to end.
    pub(crate) fn is_over(&self) -> bool {
        if !self.is_current() {
            // A later command must not end because of a request that was meant for this one.
            return false;
        }
        // The next wait belongs to the command's thread, and another thread may poll this future by
        // now.
        let is_here = of_this_thread().is_some_and(|it| Arc::ptr_eq(&it, &self.command));
        let asked = is_here && self.command.is_asked();
        let over = self.over.swap(false, Ordering::SeqCst) || asked;
        if over && is_here {
            let _waits = lock(&self.command.waits);
            let request = self.command.request.load(Ordering::SeqCst);
            self.command.known.fetch_max(request, Ordering::SeqCst);
        }
        if over {
            self.has_ended();
        }
        over
    }

    /// The wait was ended because the command has to end.
    pub(crate) fn has_ended(&self) {
        self.command.interrupted.store(true, Ordering::SeqCst);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let own = lock(&self.command.waits).waiting.remove(&self.number);
        drop(own); // not under the lock
    }
}

/// How the children of this process end, if it is a child itself.
static AT_EXIT: Mutex<Option<ExitPolicy>> = Mutex::new(None);

thread_local! {
    /// The same for a child on a thread.
    static AT_EXIT_HERE: Cell<Option<ExitPolicy>> = const { Cell::new(None) };
}

/// Sets how this process's own children end; this process is a child.
pub(crate) fn at_exit_of_this_process(at_exit: ExitPolicy) {
    *lock(&AT_EXIT) = Some(at_exit);
}

/// Sets how the children that this thread creates end; this thread is a child.
pub(crate) fn at_exit_of_this_thread(at_exit: ExitPolicy) {
    AT_EXIT_HERE.set(Some(at_exit));
}

/// Returns how a child that is created here ends by default.
pub(crate) fn at_exit() -> ExitPolicy {
    AT_EXIT_HERE.try_with(Cell::get).ok().flatten().or(*lock(&AT_EXIT)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_request_ends_the_waits_of_the_command_that_it_is_meant_for() {
        let command = Arc::new(InheritedCommand::default());
        assert!(begin_wait(|| Box::new(|| {})).is_none(), "no command runs here");
        command.bind_to_this_thread();
        let woken = Arc::new(AtomicUsize::new(0));
        let wait = || {
            let woken = Arc::clone(&woken);
            begin_wait(|| {
                Box::new(move || {
                    woken.fetch_add(1, Ordering::SeqCst);
                })
            })
            .unwrap()
        };
        command.begin(|| false);
        let waiting = wait();
        assert!(!waiting.is_over());
        command.ask(Request::Cancel).expect("it waits")();
        assert_eq!(woken.load(Ordering::SeqCst), 1);
        assert!(waiting.is_over() && !waiting.is_over(), "once");
        drop(waiting);
        command.begin(|| false);
        assert!(command.ask(Request::Cancel).is_none(), "it does not wait");
        assert!(wait().is_over(), "but the request is for the next wait");
        assert!(command.end(), "a wait was ended");

        command.begin(|| false);
        let _ = command.ask(Request::Cancel);
        command.request_observed(Request::Cancel);
        assert!(!wait().is_over(), "it knows");
        assert!(!command.end());
        command.begin(|| true);
        assert!(wait().is_over());

        // Futures: all that are in progress end, and none of an older command.
        command.begin(|| false);
        let [older, old] = [wait(), wait()];
        command.ask(Request::Cancel).expect("they wait")();
        command.end();
        command.begin(|| false);
        assert!(
            !older.is_over() && !command.end(),
            "a request to another command does not end this one"
        );
        let both = [wait(), wait()];
        woken.store(0, Ordering::SeqCst);
        command.ask(Request::Cancel).expect("they wait")();
        assert_eq!(woken.load(Ordering::SeqCst), 2);
        assert!(both.iter().all(Waiting::is_over));
        assert!(!old.is_over() && !wait().is_over());

        // The same if none has been polled yet.
        command.begin(|| false);
        let both = [may_wait().unwrap(), may_wait().unwrap()];
        command.ask(Request::Cancel).expect("there are possible waits")();
        assert!(both.iter().all(Waiting::is_over));

        // The same if the request comes between them.
        command.begin(|| false);
        let first = may_wait().unwrap();
        let _ = command.ask(Request::Cancel);
        let both = [first, may_wait().unwrap()];
        assert!(both.iter().all(Waiting::is_over));
        assert!(!wait().is_over(), "it knows");

        // A future that another thread polls now ends, and so does the next wait of the command's
        // own thread.
        command.begin(|| false);
        let moved = wait();
        command.ask(Request::Cancel).expect("it waits")();
        assert!(std::thread::scope(|scope| scope.spawn(|| moved.is_over()).join().unwrap()));
        assert!(wait().is_over());

        // A future that was made while the command did not know of the request, for `cleanup`.
        command.begin(|| false);
        let left = may_wait().unwrap();
        let _ = command.ask(Request::Stop);
        command.close();
        assert!(!left.is_over() && command.ask(Request::Stop).is_none() && !wait().is_over());
        OF_THIS_THREAD.take();
    }

    /// Regression: a cancel of any other call, or one that arrived after the command had seen it,
    /// ended the wait with which the command shut down its children.
    #[test]
    fn a_request_that_is_known_ends_no_wait_and_a_stronger_one_does() {
        let command = Arc::new(InheritedCommand::default());
        command.bind_to_this_thread();
        let wait = || begin_wait(|| Box::new(|| {})).unwrap();
        // Observed before it is reported, or by a wait that it has ended.
        let observe: [&dyn Fn(); 2] = [&|| command.request_observed(Request::Cancel), &|| {
            let waiting = wait();
            command.ask(Request::Cancel).expect("it waits")();
            assert!(waiting.is_over());
        }];
        for observe in observe {
            command.begin(|| false);
            observe();
            let waiting = wait();
            assert!(command.ask(Request::Cancel).is_none() && !waiting.is_over());
            command.ask(Request::Stop).expect("it does not know of the stop")();
            assert!(waiting.is_over());
            assert!(command.ask(Request::Stop).is_none() && !wait().is_over());
        }
        command.begin(|| true);
        assert!(wait().is_over());
        assert!(command.ask(Request::Stop).is_none(), "it is the same stop");
        OF_THIS_THREAD.take();
    }

    /// An executor's waker may be the last owner of a task whose futures wait.
    #[test]
    fn a_waker_that_owns_a_wait_is_dropped_without_a_lock() {
        let command = Arc::new(InheritedCommand::default());
        command.bind_to_this_thread();
        command.begin(|| false);
        let owner = Arc::new(Mutex::new(None));
        let owned = Arc::clone(&owner);
        *lock(&owner) = begin_wait(move || Box::new(move || drop(owned)));
        drop(owner);
        command.begin(|| false);
        command.ask(Request::Cancel).expect("an older wait is still there")();
        OF_THIS_THREAD.take();
    }
}
