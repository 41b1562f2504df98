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
        let Waiting { notices, bytes, generation, .. } = &mut *waiting;
        match key.and_then(|key| notices.waiting(key)) {
            Some((_, older)) => {
                *bytes -= older.bytes();
                *older = notice;
            }
            None => notices.push(key, (*generation, notice)),
        }
        !std::mem::replace(&mut waiting.listed, true)
    }

    /// A run begins: what waits is of older ones. Nothing of the new one takes its place, and what could
    /// have been replaced is made final by `fix`.
    pub(crate) fn begin(&self, generation: u32, fix: impl Fn(&mut N)) {
        let mut waiting = lock(&self.waiting);
        let Waiting { notices, bytes, .. } = &mut *waiting;
        notices.fix_all(|(_, notice)| {
            *bytes -= notice.bytes();
            fix(notice);
            *bytes += notice.bytes();
        });
        waiting.generation = generation;
    }

    /// The oldest notice, and the run that it is of; `take` sees it under the lock. With none, the mailbox is
    /// no longer listed.
    pub(crate) fn pop(&self, take: impl FnOnce(N) -> N) -> Option<(u32, N)> {
        let mut waiting = lock(&self.waiting);
        let Some((generation, notice)) = waiting.notices.pop() else {
            waiting.listed = false;
            return None;
        };
        waiting.bytes -= notice.bytes();
        Some((generation, take(notice)))
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
