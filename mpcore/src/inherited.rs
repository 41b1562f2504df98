//! The deadline of the command that this thread executes, for the calls that it makes to children of its
//! own.
//!
//! The child's side lends its thread a [`Deadline`] for the whole run and keeps it up to date; the
//! controller's side, which may be in the same process, looks at it when a call is submitted. Neither
//! knows more of the other.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::sync::lock;

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
