//! The threads that drain the inbox of children that have none of their own.
//!
//! There is one, until a handler holds it while other children's signals wait: then another thread goes on
//! with the drain, and the held one stays with its child until nothing of that waits any more, and ends. So a
//! handler that waits delays its own child alone, the signals of one child are delivered one at a time and in
//! order, and there are never more threads than held children and one. [`Ring`](crate::controller::signals::ring::Ring) decides;
//! an alarm of the watcher's looks, only while a turn is under way and others wait for theirs.

use std::cell::Cell;
use std::io;
use std::sync::{Mutex, OnceLock};
use std::thread::{self, Thread};
use std::time::Instant;

use crate::controller::signals::inbox::{InboxHandle, turns};
use crate::controller::signals::ring::{Look, Rest, TurnNumber};
use crate::limits::{BACKGROUND_DRAIN, HELD_INBOX};
use crate::process::watch;
use crate::sync::lock;
use crate::unwind::caught;

/// The thread that drains now; held ones are no longer it.
static DRAINING: Mutex<Option<Thread>> = Mutex::new(None);

/// The inbox of children that have none of their own.
pub(crate) fn background_inbox() -> InboxHandle {
    static INBOX: OnceLock<InboxHandle> = OnceLock::new();
    INBOX.get_or_init(|| InboxHandle::relieved(Box::new(wake), ask_for_look)).clone()
}

/// Makes sure that this inbox is drained, if that is not the user's affair.
pub(crate) fn prepare_for(inbox: &InboxHandle) -> io::Result<()> {
    if inbox.is(&background_inbox()) { prepare() } else { Ok(()) }
}

/// Makes sure that a thread drains the background inbox. A thread that could not be started is
/// tried again by the next start.
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

/// Whether this thread is one of those that drain the background inbox.
pub(crate) fn drains_here() -> bool {
    DRAINS_HERE.get()
}

fn start(body: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
    let body = || {
        DRAINS_HERE.set(true);
        body();
    };
    let handle = thread::Builder::new().name("mp-inbox".into()).spawn(body)?;
    Ok(handle.thread().clone())
}

fn wake() {
    let draining = lock(&DRAINING).clone();
    match draining {
        Some(thread) => thread.unpark(),
        // Its first drain finds what waits.
        None => drop(prepare()),
    }
}

/// Until it is relieved.
fn drain() {
    let inbox = background_inbox();
    loop {
        // A handler's captured value that panics when it is dropped costs its turn, and not the thread.
        let rest = caught(|| inbox.ring().drain(turns(BACKGROUND_DRAIN.get())));
        match rest {
            Some(Rest::Some) => {}
            // It may have been relieved before it panicked.
            None if !is_draining() => return,
            None => {}
            Some(Rest::Nothing) => thread::park(),
            Some(Rest::Relieved) => return,
        }
    }
}

/// Whether no other thread has taken over from this one.
fn is_draining() -> bool {
    lock(&DRAINING).as_ref().is_some_and(|thread| thread.id() == thread::current().id())
}

fn ask_for_look(turn: TurnNumber) {
    watch::alarm(Instant::now() + HELD_INBOX.get(), move || look(turn));
}

fn look(seen: TurnNumber) {
    match background_inbox().ring().look(seen) {
        Look::Idle => {}
        Look::Again(turn) => ask_for_look(turn),
        Look::Held(turn) => {
            if start(move || relieve(turn)).is_err() {
                background_inbox().ring().no_relief();
            }
            ask_for_look(turn);
        }
    }
}

/// Drains in place of the thread that this turn holds.
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
