//! What the children of a child inherit: the deadline of the command that this thread executes, and how they
//! end with their program.
//!
//! The child's side lends its thread a [`Deadline`] for the whole run and keeps it up to date; the
//! controller's side, which may be in the same process, looks at it when a call is submitted. Neither
//! knows more of the other. The exit policy is set once per run, and looked at when a control is built.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::sync::lock;
use crate::wire::at_exit::AtExit;

/// When the running command must have ended; none: there is no command, or no deadline.
#[derive(Debug, Default)]
pub(crate) struct Deadline(Mutex<Option<Instant>>);

thread_local! {
    static OF_THIS_THREAD: RefCell<Option<Arc<Deadline>>> = const { RefCell::new(None) };
}

impl Deadline {
    pub(crate) fn set(&self, at: Option<Instant>) {
        *lock(&self.0) = at;
    }

    /// From now on, what this thread submits inherits it.
    pub(crate) fn rule_this_thread(self: &Arc<Self>) {
        OF_THIS_THREAD.with_borrow_mut(|of_this_thread| *of_this_thread = Some(Arc::clone(self)));
    }
}

/// When what this thread submits now must have ended.
pub(crate) fn deadline() -> Option<Instant> {
    // A thread that is ending has no command.
    let lent = OF_THIS_THREAD.try_with(|lent| lent.borrow().clone()).ok()?;
    lent.and_then(|deadline| *lock(&deadline.0))
}

/// How the children of this process end, if it is a child itself.
static AT_EXIT: Mutex<Option<AtExit>> = Mutex::new(None);

thread_local! {
    /// The same where the child is a thread.
    static AT_EXIT_HERE: Cell<Option<AtExit>> = const { Cell::new(None) };
}

/// This process is a child, and its own children end like this.
pub(crate) fn at_exit_of_this_process(at_exit: AtExit) {
    *lock(&AT_EXIT) = Some(at_exit);
}

/// This thread is a child, and the children that it makes end like this.
pub(crate) fn at_exit_of_this_thread(at_exit: AtExit) {
    AT_EXIT_HERE.set(Some(at_exit));
}

/// How a child that is made here ends, if nothing is said.
pub(crate) fn at_exit() -> AtExit {
    AT_EXIT_HERE.try_with(Cell::get).ok().flatten().or(*lock(&AT_EXIT)).unwrap_or_default()
}
