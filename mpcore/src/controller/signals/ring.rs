//! The members of an inbox that have something waiting: when the inbox's thread is woken for them,
//! and when another thread takes over from it.
//!
//! Any thread lists a member; one thread drains. The guarantee: while a member is listed, a drain
//! is under way or the thread has been woken for one, so nothing waits forever and a burst wakes
//! once. A drain inside a drain (a handler that runs its event loop) does nothing, and any wake-up
//! that it may have consumed is repeated.
//!
//! The drains of a ring may be [relieved](Ring::relieve): while one member has its turn and others
//! are listed, a check of the ring is scheduled for a little later. If the same turn is still under
//! way then, another thread continues the drain. The blocked turn stays with the first thread, so
//! no member has two turns at once. If turns are short, this costs an occasional check, and none
//! while only one member is listed.
//!
//! `interleavings` explores every interleaving.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::panics::unwind::caught;
use crate::sync::{Condvar, Mutex, lock, wait_timeout};

/// See the [module](self).
pub(crate) struct Ring<M> {
    listed: Mutex<Listed<M>>,
    wake: Box<dyn Fn() + Send + Sync>,
    /// Schedules a [check](Ring::look) of this turn; only for a ring whose drains may be relieved.
    ask_for_look: Option<Box<dyn Fn(TurnNumber) + Send + Sync>>,
    /// The number of threads in [`Ring::wait_empty`], to avoid notifying without a waiter.
    awaiting_empty: Mutex<usize>,
    emptied: Condvar,
}

/// The number of a turn, counted per ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TurnNumber(u64);

struct Listed<M> {
    members: VecDeque<M>,
    /// `wake` was called, and the drain that it requested has not begun.
    woken: bool,
    /// The turn of the current drain. A drain that finds another number here was relieved.
    under_way: Option<TurnNumber>,
    /// The last number used.
    turns: u64,
    /// The number of turns that continue although their drain was relieved.
    held: usize,
    look: Asked,
}

/// Whether a check of the ring is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Not,
    ForLook,
    /// A check found a turn that blocks its thread; the thread that relieves it has not arrived
    /// yet.
    ForRelief,
}

/// The result of a member's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing is waiting; the member is no longer listed.
    Empty,
    /// Notices may be left.
    Left,
    /// Notices may be left, and the drain's time is used up.
    LeftAndOver,
}

/// What is left after a drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    Nothing,
    /// Notices may be left; the thread has been woken again.
    Some,
    /// Another thread has taken over the drain; this one has delivered everything of its last
    /// member.
    Relieved,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnState {
    /// No member waits behind a turn.
    Idle,
    /// Check again with this turn.
    Again(TurnNumber),
    /// This turn blocks its thread: another thread has to [relieve](Ring::relieve) it, or
    /// [report](Ring::no_relief) that it cannot. Check again with this turn.
    Held(TurnNumber),
}

/// What to do, without holding a lock, after a member was listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use]
pub(crate) struct Due {
    wake: bool,
    look: Option<TurnNumber>,
}

impl Due {
    pub(crate) fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// Combines two pending actions of the same ring.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { wake: self.wake || other.wake, look: self.look.or(other.look) }
    }
}

impl<M> Listed<M> {
    fn next_turn(&mut self) -> TurnNumber {
        self.turns += 1;
        let turn = TurnNumber(self.turns);
        self.under_way = Some(turn);
        turn
    }

    /// Returns the turn to check, if a member waits behind one and no check is scheduled.
    fn look_due(&mut self) -> Option<TurnNumber> {
        let turn = self.under_way?;
        if self.members.is_empty() || self.look != Asked::Not {
            return None;
        }
        self.look = Asked::ForLook;
        Some(turn)
    }

    fn is_done(&self) -> bool {
        self.members.is_empty() && self.under_way.is_none() && self.held == 0
    }
}

impl<M> Ring<M> {
    pub(crate) fn new(wake: Box<dyn Fn() + Send + Sync>) -> Self {
        let listed = Listed {
            members: VecDeque::new(),
            woken: false,
            under_way: None,
            turns: 0,
            held: 0,
            look: Asked::Not,
        };
        Self {
            listed: Mutex::new(listed),
            wake,
            ask_for_look: None,
            awaiting_empty: Mutex::new(0),
            emptied: Condvar::new(),
        }
    }

    /// Makes the ring's drains relievable: `ask_for_look` schedules a [check](Self::look) for a
    /// little later.
    pub(crate) fn relieved(
        self,
        ask_for_look: impl Fn(TurnNumber) + Send + Sync + 'static,
    ) -> Self {
        Self { ask_for_look: Some(Box::new(ask_for_look)), ..self }
    }

    /// Lists a member that is not listed; returns what has to be [done](Self::see_to) then.
    pub(crate) fn list(&self, member: M) -> Due {
        let mut listed = lock(&self.listed);
        listed.members.push_back(member);
        let wake = !std::mem::replace(&mut listed.woken, true);
        Due { wake, look: self.ask_for_look.as_ref().and_then(|_| listed.look_due()) }
    }

    /// Wakes the thread, schedules a check, or both.
    pub(crate) fn see_to(&self, due: Due) {
        if due.wake {
            self.wake();
        }
        self.ask(due.look);
    }

    fn ask(&self, look: Option<TurnNumber>) {
        if let (Some(turn), Some(ask)) = (look, &self.ask_for_look) {
            ask(turn);
        }
    }

    /// Runs the user's `wake`. If it panics because its event loop is gone, that must not end the
    /// reader thread.
    fn wake(&self) {
        let _ = caught(|| (self.wake)());
    }

    /// Gives turns until one reports that time is up, or nothing is listed. Does nothing inside a
    /// turn.
    ///
    /// A turn that unwinds ends the drain without affecting other members: its own member is listed
    /// again.
    pub(crate) fn drain(&self, turn: impl FnMut(&M) -> Turn) -> Rest {
        let number = {
            let mut listed = lock(&self.listed);
            if listed.under_way.is_some() {
                return Rest::Nothing;
            }
            listed.woken = false;
            listed.next_turn()
        };
        Drain { ring: self, number, member: None }.run(turn)
    }

    /// Returns whether the turn that an earlier check saw still blocks its thread.
    pub(crate) fn look(&self, seen: TurnNumber) -> TurnState {
        let mut listed = lock(&self.listed);
        let (Some(turn), false) = (listed.under_way, listed.members.is_empty()) else {
            // The next member that is listed, or the next turn that begins before others, schedules
            // a new check.
            listed.look = Asked::Not;
            return TurnState::Idle;
        };
        if turn == seen && listed.look == Asked::ForLook {
            listed.look = Asked::ForRelief;
            return TurnState::Held(turn);
        }
        TurnState::Again(turn)
    }

    /// Reports that no thread could be started to relieve the blocked one; the next check tries
    /// again.
    pub(crate) fn no_relief(&self) {
        let mut listed = lock(&self.listed);
        if listed.look == Asked::ForRelief {
            listed.look = Asked::ForLook;
        }
    }

    /// Takes over the drain of a thread that is blocked by a turn; returns `None` if that turn has
    /// ended meanwhile.
    pub(crate) fn relieve(&self, held: TurnNumber) -> Option<Drain<'_, M>> {
        let mut listed = lock(&self.listed);
        if listed.look == Asked::ForRelief {
            listed.look = Asked::ForLook;
        }
        if listed.under_way != Some(held) {
            return None;
        }
        listed.held += 1;
        listed.woken = false;
        let number = listed.next_turn();
        Some(Drain { ring: self, number, member: None })
    }

    /// Waits until everything that is listed now has had its turns.
    pub(crate) fn wait_empty(&self, deadline: Option<Instant>) -> bool {
        let mut awaiting = lock(&self.awaiting_empty);
        *awaiting += 1;
        let empty = loop {
            if lock(&self.listed).is_done() {
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

/// A drain that is under way. It ends properly even if it unwinds.
pub(crate) struct Drain<'a, M> {
    ring: &'a Ring<M>,
    /// The number of its turn; the ring has another number once this drain was relieved.
    number: TurnNumber,
    /// The member whose turn it is.
    member: Option<M>,
}

impl<M> Drain<'_, M> {
    /// Runs the drain, see [`Ring::drain`].
    pub(crate) fn run(mut self, mut turn: impl FnMut(&M) -> Turn) -> Rest {
        self.begin_turn();
        while let Some(member) = &self.member {
            let turn = turn(member);
            if turn == Turn::Empty {
                self.member = None;
            } else {
                self.list_again();
            }
            if self.member.is_none() {
                if turn == Turn::LeftAndOver {
                    break;
                }
                self.begin_turn();
            }
        }
        let rest = self.ring.end_drain(self.number);
        std::mem::forget(self);
        rest
    }

    /// Takes the next member, unless there is none or this drain was relieved.
    fn begin_turn(&mut self) {
        let look = {
            let mut listed = lock(&self.ring.listed);
            if listed.under_way != Some(self.number) {
                return;
            }
            self.member = listed.members.pop_front();
            self.number = listed.next_turn();
            self.ring.ask_for_look.as_ref().and_then(|_| listed.look_due())
        };
        self.ring.ask(look);
    }

    /// Lists the member again. A relieved drain keeps its member, which blocks it anyway.
    fn list_again(&mut self) {
        let mut listed = lock(&self.ring.listed);
        if listed.under_way == Some(self.number) {
            listed.members.extend(self.member.take());
        }
    }
}

impl<M> Drop for Drain<'_, M> {
    fn drop(&mut self) {
        lock(&self.ring.listed).members.extend(self.member.take());
        self.ring.end_drain(self.number);
    }
}

impl<M> Ring<M> {
    /// Ends a drain: wakes the thread again if members are left, or the threads that wait for an
    /// empty ring.
    fn end_drain(&self, number: TurnNumber) -> Rest {
        let (rest, wake, done) = {
            let mut listed = lock(&self.listed);
            let rest = if listed.under_way == Some(number) {
                listed.under_way = None;
                // A drain inside a turn, which does nothing, may have consumed a wake-up meanwhile;
                // so decide anew.
                listed.woken = false;
                if listed.members.is_empty() { Rest::Nothing } else { Rest::Some }
            } else {
                listed.held -= 1;
                Rest::Relieved
            };
            // A relieved turn that unwound has listed its member again.
            let left = !listed.members.is_empty() && listed.under_way.is_none();
            let wake = left && !std::mem::replace(&mut listed.woken, true);
            (rest, wake, listed.is_done())
        };
        if wake {
            self.wake();
        }
        if done && *lock(&self.awaiting_empty) > 0 {
            self.emptied.notify_all();
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const WAKE: Due = Due { wake: true, look: None };

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
        assert_eq!(ring.list(1), WAKE);
        assert!(ring.list(2).is_nothing());
        let mut seen = Vec::new();
        let rest = ring.drain(|member| {
            seen.push(*member);
            Turn::Empty
        });
        assert_eq!((rest, seen), (Rest::Nothing, vec![1, 2]));
        assert_eq!(ring.list(3), WAKE);
    }

    #[test]
    fn a_drain_inside_a_drain_does_nothing_and_swallows_nothing() {
        let (ring, wakes) = ring();
        assert_eq!(ring.list(1), WAKE);
        let rest = ring.drain(|_| {
            assert_eq!(ring.list(2), WAKE, "a wake for a drain of its own");
            assert_eq!(ring.drain(|_| unreachable!("inside a turn")), Rest::Nothing);
            Turn::LeftAndOver
        });
        assert_eq!((rest, wakes.load(Ordering::SeqCst)), (Rest::Some, 1));
    }

    /// Regression: a value captured by a handler that panicked when it was dropped left the inbox
    /// in the draining state forever.
    #[test]
    fn a_turn_that_unwinds_costs_one_turn() {
        let (ring, wakes) = ring();
        assert_eq!(ring.list(1), WAKE);
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

    /// Returns a ring whose drains may be relieved, and the turns for which a check was requested.
    fn relieved() -> (Arc<Ring<u8>>, Arc<Mutex<Vec<TurnNumber>>>) {
        let looks = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&looks);
        let (ring, _) = ring();
        (Arc::new(ring.relieved(move |turn| lock(&asked).push(turn))), looks)
    }

    #[test]
    fn a_member_that_is_alone_is_not_looked_at() {
        let (ring, looks) = relieved();
        for _ in 0..3 {
            ring.see_to(ring.list(1));
            ring.drain(|_| Turn::Empty);
        }
        assert_eq!(*lock(&looks), []);
    }

    #[test]
    fn one_look_is_asked_for_however_many_wait() {
        let (ring, looks) = relieved();
        ring.see_to(ring.list(1));
        ring.drain(|member| {
            if *member == 1 {
                ring.see_to(ring.list(2));
                ring.see_to(ring.list(3));
            }
            Turn::Empty
        });
        let looks = lock(&looks);
        assert_eq!(looks.len(), 1);
        assert_eq!(ring.look(looks[0]), TurnState::Idle, "nothing is left");
    }

    #[test]
    fn turns_that_go_on_are_not_relieved() {
        let (ring, looks) = relieved();
        for member in 1..=3 {
            ring.see_to(ring.list(member));
        }
        ring.drain(|member| {
            let seen = *lock(&looks).last().unwrap();
            if *member == 2 {
                let TurnState::Again(now) = ring.look(seen) else {
                    panic!("another turn: no relief")
                };
                assert_ne!(now, seen);
                assert!(ring.relieve(seen).is_none());
            }
            Turn::Empty
        });
    }

    #[test]
    fn the_others_go_on_while_one_holds_its_thread() {
        let (ring, looks) = relieved();
        for member in 1..=3 {
            ring.see_to(ring.list(member));
        }
        let mut held = 0;
        let rest = ring.drain(|member| {
            held += 1;
            assert_eq!(*member, 1, "it is relieved of the others");
            if held == 2 {
                return Turn::Empty;
            }
            let seen = lock(&looks)[0];
            let TurnState::Held(turn) = ring.look(seen) else { panic!("it is held") };
            assert_eq!(ring.look(seen), TurnState::Again(turn), "one thread is asked for");
            let mut others = Vec::new();
            let rest = ring.relieve(turn).unwrap().run(|other| {
                others.push(*other);
                Turn::Empty
            });
            assert_eq!((rest, others), (Rest::Nothing, vec![2, 3]));
            assert!(!ring.wait_empty(Some(Instant::now())), "a turn is under way");
            Turn::Left
        });
        assert_eq!((rest, held), (Rest::Relieved, 2), "it keeps its member until that is empty");
        assert!(ring.wait_empty(Some(Instant::now())));
    }

    #[test]
    fn a_relieved_turn_that_unwinds_costs_one_turn() {
        let (ring, looks) = relieved();
        ring.see_to(ring.list(1));
        ring.see_to(ring.list(2));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            ring.drain(|_| {
                let TurnState::Held(turn) = ring.look(lock(&looks)[0]) else {
                    panic!("it is held")
                };
                ring.relieve(turn).unwrap().run(|_| Turn::Empty);
                std::panic::resume_unwind(Box::new("on purpose"));
            })
        }));
        assert!(panicked.is_err());
        let mut left = Vec::new();
        ring.drain(|member| {
            left.push(*member);
            Turn::Empty
        });
        assert_eq!(left, [1]);
        assert!(ring.wait_empty(Some(Instant::now())));
    }

    #[test]
    fn a_relief_that_fails_is_tried_again() {
        let (ring, looks) = relieved();
        ring.see_to(ring.list(1));
        ring.see_to(ring.list(2));
        ring.drain(|member| {
            if *member == 1 {
                let seen = lock(&looks)[0];
                assert!(matches!(ring.look(seen), TurnState::Held(_)));
                ring.no_relief();
                assert!(matches!(ring.look(seen), TurnState::Held(_)));
            }
            Turn::Empty
        });
    }
}
