//! What waits for the handlers of one child.
//!
//! Whoever posts is told when the mailbox has to be listed in its inbox's [ring](super::ring); it then
//! stays listed until the inbox's thread has found it empty. Posting never blocks.

use std::fmt;

use crate::limits::INBOX_HARD_BYTES;
use crate::sync::{Mutex, lock};
use crate::wire::keyed::{Key, KeyedQueue};

/// Something that counts against a bound.
pub(crate) trait Weighed {
    fn bytes(&self) -> usize;
}

/// Bounds of the signals that wait for one child; see [`Builder`](crate::Builder).
#[derive(Debug, Clone, Copy)]
pub(crate) struct InboxBound {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
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

/// See the [module](self).
pub(crate) struct Mailbox<N> {
    waiting: Mutex<Waiting<N>>,
}

struct Waiting<N> {
    /// Each with the run that it is of.
    notices: KeyedQueue<(u32, N)>,
    /// The run whose notices are posted.
    generation: u32,
    bytes: usize,
    /// In the ring of the inbox, or being drained.
    listed: bool,
}

impl<N> Default for Mailbox<N> {
    fn default() -> Self {
        let notices = KeyedQueue::default();
        let waiting = Waiting { notices, generation: 0, bytes: 0, listed: false };
        Self { waiting: Mutex::new(waiting) }
    }
}

impl<N> fmt::Debug for Mailbox<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("waiting", &lock(&self.waiting).notices.len()).finish()
    }
}

impl<N: Weighed> Mailbox<N> {
    /// Posts a notice; one with a key takes the place of a waiting one with that key. Returns whether the
    /// mailbox is to be listed.
    #[must_use]
    pub(crate) fn post(&self, key: Option<Key>, notice: N) -> bool {
        let mut waiting = lock(&self.waiting);
        waiting.bytes += notice.bytes();
        let Waiting { notices, generation, bytes, .. } = &mut *waiting;
        match key.and_then(|key| notices.waiting(key)) {
            Some((_, older)) => {
                *bytes -= older.bytes();
                *older = notice;
            }
            None => notices.push(key, (*generation, notice)),
        }
        !std::mem::replace(&mut waiting.listed, true)
    }

    /// A run begins: what waits is of older ones. It keeps its place before everything of the new one, so
    /// nothing of that replaces it. What could have been replaced is `settle`d: it may refer to what the
    /// new run is about to change.
    pub(crate) fn begin_run(&self, generation: u32, settle: impl Fn(&mut N)) {
        let mut waiting = lock(&self.waiting);
        let Waiting { notices, bytes, .. } = &mut *waiting;
        notices.fix_all(|(_, notice)| {
            *bytes -= notice.bytes();
            settle(notice);
            *bytes += notice.bytes();
        });
        waiting.generation = generation;
    }

    /// The oldest notice, settled, and the run that it is of. With none, the mailbox is no longer listed.
    pub(crate) fn pop(&self, settle: impl FnOnce(&mut N)) -> Option<(u32, N)> {
        let mut waiting = lock(&self.waiting);
        let mut oldest = waiting.notices.pop();
        match &mut oldest {
            Some((_, notice)) => {
                waiting.bytes -= notice.bytes();
                // Under the lock: a run that begins after it changes what the notice refers to.
                settle(notice);
            }
            None => waiting.listed = false,
        }
        oldest
    }

    pub(crate) fn fill(&self, bound: InboxBound) -> Fill {
        let waiting = lock(&self.waiting);
        if waiting.bytes > INBOX_HARD_BYTES {
            Fill::HardOver
        } else if waiting.bytes > bound.bytes || waiting.notices.len() > bound.entries {
            Fill::Over
        } else {
            Fill::Room
        }
    }
}
