//! The members of an inbox that have something waiting, and when its thread is woken for them.
//!
//! Any thread lists a member, one drains. The promise: while a member is listed, a drain is under way or
//! the thread has been woken for one; so nothing waits for ever, and a burst wakes once. A drain inside a
//! drain (a handler that runs its event loop) does nothing, and what it may have swallowed is woken for
//! again. `tests/loom` goes through every interleaving.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Condvar, Mutex, lock, wait_timeout};
use crate::unwind::caught;

/// See the [module](self).
pub(crate) struct Ring<M> {
    listed: Mutex<Listed<M>>,
    wake: Box<dyn Fn() + Send + Sync>,
    draining: AtomicBool,
    /// Threads in [`Ring::wait_empty`]: nobody is woken for nothing.
    awaiting_empty: Mutex<usize>,
    emptied: Condvar,
}

struct Listed<M> {
    members: VecDeque<M>,
    /// `wake` was called and the drain it asked for has not begun.
    woken: bool,
}

/// What became of a member's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing waits there; it is no longer listed.
    Empty,
    /// Something may be left.
    Left,
    /// The same, and the drain's time is used up.
    LeftAndOver,
}

/// What a drain has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    Nothing,
    /// Some may be left; the thread has been woken again.
    Some,
}

impl<M> Ring<M> {
    pub(crate) fn new(wake: Box<dyn Fn() + Send + Sync>) -> Self {
        Self {
            listed: Mutex::new(Listed { members: VecDeque::new(), woken: false }),
            wake,
            draining: AtomicBool::new(false),
            awaiting_empty: Mutex::new(0),
            emptied: Condvar::new(),
        }
    }

    /// Lists a member that is not; returns whether the thread is to be [woken](Self::wake).
    #[must_use]
    pub(crate) fn list(&self, member: M) -> bool {
        let mut listed = lock(&self.listed);
        listed.members.push_back(member);
        !std::mem::replace(&mut listed.woken, true)
    }

    /// Runs the user's `wake`. One that panics, since its loop is gone, must not take the reader along.
    pub(crate) fn wake(&self) {
        let _ = caught(|| (self.wake)());
    }

    /// Gives turns until one says that it is over, or nothing is listed. Inside a turn it does nothing.
    ///
    /// A turn that unwinds ends the drain, and costs nobody else anything: its member is listed again.
    pub(crate) fn drain(&self, mut turn: impl FnMut(&M) -> Turn) -> Rest {
        if self.draining.swap(true, Ordering::SeqCst) {
            return Rest::Nothing;
        }
        lock(&self.listed).woken = false;
        let mut drain = Drain { ring: self, member: None };
        loop {
            drain.member = lock(&self.listed).members.pop_front();
            let Some(member) = &drain.member else { break };
            let turn = turn(member);
            if turn == Turn::Empty {
                drain.member = None;
            } else {
                drain.list_again();
            }
            if turn == Turn::LeftAndOver {
                break;
            }
        }
        drain.end()
    }

    /// Waits until everything that is listed now has had its turns.
    pub(crate) fn wait_empty(&self, deadline: Option<Instant>) -> bool {
        let mut awaiting = lock(&self.awaiting_empty);
        *awaiting += 1;
        let empty = loop {
            if lock(&self.listed).members.is_empty() && !self.draining.load(Ordering::SeqCst) {
                break true;
            }
            let left = deadline.map_or(Duration::from_secs(3600), |at| {
                at.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                break false;
            }
            awaiting = wait_timeout(&self.emptied, awaiting, left);
        };
        *awaiting -= 1;
        empty
    }
}

/// A drain that is under way; it ends in order however it is left.
struct Drain<'a, M> {
    ring: &'a Ring<M>,
    /// Whose turn it is.
    member: Option<M>,
}

impl<M> Drain<'_, M> {
    fn list_again(&mut self) {
        if let Some(member) = self.member.take() {
            lock(&self.ring.listed).members.push_back(member);
        }
    }

    fn end(self) -> Rest {
        let rest = self.ring.end_drain();
        std::mem::forget(self);
        rest
    }
}

impl<M> Drop for Drain<'_, M> {
    fn drop(&mut self) {
        self.list_again();
        self.ring.end_drain();
    }
}

impl<M> Ring<M> {
    fn end_drain(&self) -> Rest {
        self.draining.store(false, Ordering::SeqCst);
        let more = {
            let mut listed = lock(&self.listed);
            // Whatever was woken meanwhile may have been swallowed by a drain inside a turn, which does
            // nothing: decided afresh.
            listed.woken = !listed.members.is_empty();
            listed.woken
        };
        if more {
            self.wake();
            return Rest::Some;
        }
        if *lock(&self.awaiting_empty) > 0 {
            self.emptied.notify_all();
        }
        Rest::Nothing
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn ring() -> (Ring<u8>, Arc<AtomicUsize>) {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&wakes);
        let ring = Ring::new(Box::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        (ring, wakes)
    }

    #[test]
    fn a_burst_wakes_once() {
        let (ring, _) = ring();
        assert!(ring.list(1));
        assert!(!ring.list(2));
        let mut seen = Vec::new();
        let rest = ring.drain(|member| {
            seen.push(*member);
            Turn::Empty
        });
        assert_eq!((rest, seen), (Rest::Nothing, vec![1, 2]));
        assert!(ring.list(3));
    }

    #[test]
    fn a_drain_inside_a_drain_does_nothing_and_swallows_nothing() {
        let (ring, wakes) = ring();
        assert!(ring.list(1));
        let rest = ring.drain(|_| {
            assert!(ring.list(2), "a wake for a drain of its own");
            assert_eq!(ring.drain(|_| unreachable!("inside a turn")), Rest::Nothing);
            Turn::LeftAndOver
        });
        assert_eq!((rest, wakes.load(Ordering::SeqCst)), (Rest::Some, 1));
    }

    /// A handler's captured value that panics when it is dropped left the inbox as it was: draining,
    /// for ever.
    #[test]
    fn a_turn_that_unwinds_costs_one_turn() {
        let (ring, wakes) = ring();
        assert!(ring.list(1));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            ring.drain(|_| std::panic::resume_unwind(Box::new("on purpose")));
        }));
        assert!(panicked.is_err());
        assert_eq!(wakes.load(Ordering::SeqCst), 1, "for the turns that are left");
        let turns = Cell::new(0);
        let rest = ring.drain(|_| {
            turns.set(turns.get() + 1);
            Turn::Empty
        });
        assert_eq!((rest, turns.get()), (Rest::Nothing, 1));
        assert!(ring.wait_empty(Some(Instant::now())));
    }
}
