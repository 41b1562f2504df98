//! The threads that drain the inbox of children without their own inbox.
//!
//! There is one such thread until a handler blocks it while other children's signals wait. Then
//! another thread takes over the drain, and the blocked one keeps only its child until nothing of
//! that child is waiting, and ends. So a handler that waits delays only its own child, the signals
//! of one child are delivered one at a time and in order, and there is never more than one thread
//! besides those of the blocked children. [`Ring`](crate::controller::signals::ring::Ring) decides;
//! a watcher alarm triggers the check, only while a turn is under way and other children wait for
//! theirs.

use std::cell::Cell;
use std::io;
use std::sync::{Mutex, OnceLock};
use std::thread::{self, Thread};
use std::time::Instant;

use crate::controller::signals::inbox::{InboxHandle, turns};
use crate::controller::signals::ring::{Rest, TurnNumber, TurnState};
use crate::limits::{BACKGROUND_DRAIN, HELD_INBOX};
use crate::panics::unwind::caught;
use crate::process::watch;
use crate::sync::lock;

/// The thread that currently drains; blocked ones are no longer it.
static DRAINING: Mutex<Option<Thread>> = Mutex::new(None);

/// Returns the inbox of children without their own inbox.
pub(crate) fn background_inbox() -> InboxHandle {
    static INBOX: OnceLock<InboxHandle> = OnceLock::new();
    INBOX.get_or_init(|| InboxHandle::relieved(Box::new(wake), ask_for_look)).clone()
}

/// Makes sure that this inbox is drained, unless the user drains it.
pub(crate) fn prepare_for(inbox: &InboxHandle) -> io::Result<()> {
    if inbox.is(&background_inbox()) { prepare() } else { Ok(()) }
}

/// Makes sure that a thread drains the background inbox. If the thread cannot be started, the next
/// start tries again.
fn prepare() -> io::Result<()> {
    let mut draining = lock(&DRAINING);
    if draining.is_none() {
        *draining = Some(start(drain)?);
    }
    Ok(())
}

thread_local! {
    static DRAINS_HERE: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether this thread is one of those that drain the background inbox.
pub(crate) fn drains_here() -> bool {
    DRAINS_HERE.get()
}

/// Starts a thread that drains the background inbox.
fn start(body: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
    let body = || {
        DRAINS_HERE.set(true);
        body();
    };
    let handle = thread::Builder::new().name("mp-inbox".into()).spawn(body)?;
    Ok(handle.thread().clone())
}

/// Wakes the thread that drains, or starts one.
fn wake() {
    let draining = lock(&DRAINING).clone();
    match draining {
        Some(thread) => thread.unpark(),
        // The thread's first drain finds the waiting notices.
        None => drop(prepare()),
    }
}

/// Drains until this thread is relieved.
fn drain() {
    let inbox = background_inbox();
    loop {
        // If a value captured by a handler panics when it is dropped, that ends the turn but not
        // the thread.
        let rest = caught(|| inbox.ring().drain(turns(BACKGROUND_DRAIN.get())));
        match rest {
            Some(Rest::Some) => {}
            // This thread may have been relieved before the panic.
            None if !is_draining() => return,
            None => {}
            Some(Rest::Nothing) => thread::park(),
            Some(Rest::Relieved) => return,
        }
    }
}

/// Returns whether no other thread has taken over from this one.
fn is_draining() -> bool {
    lock(&DRAINING).as_ref().is_some_and(|thread| thread.id() == thread::current().id())
}

/// Schedules a check of this turn.
fn ask_for_look(turn: TurnNumber) {
    watch::alarm(Instant::now() + HELD_INBOX.get(), move || look(turn));
}

/// Checks whether this turn still blocks its thread; if so, starts another one.
fn look(seen: TurnNumber) {
    match background_inbox().ring().look(seen) {
        TurnState::Idle => {}
        TurnState::Again(turn) => ask_for_look(turn),
        TurnState::Held(turn) => {
            if start(move || relieve(turn)).is_err() {
                background_inbox().ring().no_relief();
            }
            ask_for_look(turn);
        }
    }
}

/// Drains in place of the thread that is blocked by this turn.
fn relieve(held: TurnNumber) {
    let inbox = background_inbox();
    let drain_under_way = {
        let mut draining = lock(&DRAINING);
        let Some(taken_over) = inbox.ring().relieve(held) else { return };
        *draining = Some(thread::current());
        taken_over
    };
    let rest = caught(|| drain_under_way.run(turns(BACKGROUND_DRAIN.get())));
    match rest {
        Some(Rest::Relieved) => {}
        None if !is_draining() => {}
        _ => drain(),
    }
}
