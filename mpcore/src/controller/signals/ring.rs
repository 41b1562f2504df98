//! The members of an inbox that have something waiting, when its thread is woken for them, and when another
//! thread takes its place.
//!
//! Any thread lists a member, one drains. The promise: while a member is listed, a drain is under way or
//! the thread has been woken for one; so nothing waits for ever, and a burst wakes once. A drain inside a
//! drain (a handler that runs its event loop) does nothing, and what it may have swallowed is woken for
//! again.
//!
//! A ring may have its drains [relieved](Ring::relieve): while one member has its turn and others are listed,
//! a look at the ring is asked for, a while from then. If the same turn is still under way by then, another
//! thread goes on with the drain. The turn that holds the first thread stays with it, so no member has two
//! turns at once. Where turns are short this costs a look now and then, and none at all while a single member
//! is listed.
//!
//! `tests/loom` goes through every interleaving.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex, lock, wait_timeout};
use crate::unwind::caught;

/// See the [module](self).
pub(crate) struct Ring<M> {
    listed: Mutex<Listed<M>>,
    wake: Box<dyn Fn() + Send + Sync>,
    /// Asks for a [look](Ring::look) at this turn; of a ring whose drains may be relieved.
    ask_for_look: Option<Box<dyn Fn(TurnNumber) + Send + Sync>>,
    /// Threads in [`Ring::wait_empty`]: no one is notified for nothing.
    awaiting_empty: Mutex<usize>,
    emptied: Condvar,
}

/// Counts the turns of a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TurnNumber(u64);

struct Listed<M> {
    members: VecDeque<M>,
    /// `wake` was called and the drain it asked for has not begun.
    woken: bool,
    /// The turn of the drain under way. A drain that finds another one's here was relieved.
    under_way: Option<TurnNumber>,
    /// The last number given.
    turns: u64,
    /// Turns that go on although their drain was relieved.
    held: usize,
    look: Asked,
}

/// Whether a look at the ring is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Not,
    ForLook,
    /// A look has found a turn that holds its thread, and the thread that is to relieve it has not come yet.
    ForRelief,
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
    /// Another thread has gone on with the drain; this one has delivered what its last member had.
    Relieved,
}

/// What a look has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nothing waits behind a turn.
    Idle,
    /// Look again at this turn.
    Again(TurnNumber),
    /// This turn holds its thread: another one is to [relieve](Ring::relieve) it, or to
    /// [say](Ring::no_relief) that it cannot. Look again at it.
    Held(TurnNumber),
}

/// What is to be done, without a lock, when a member was listed.
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

    /// What is due of one ring for two reasons.
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

    /// The turn to look at, if a member waits behind one and no look is to come.
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

    /// The same, of a ring whose drains may be relieved: `ask_for_look` sees to a [`look`](Self::look), some
    /// time later.
    pub(crate) fn relieved(
        self,
        ask_for_look: impl Fn(TurnNumber) + Send + Sync + 'static,
    ) -> Self {
        Self { ask_for_look: Some(Box::new(ask_for_look)), ..self }
    }

    /// Lists a member that is not; what is [due](Self::see_to) then.
    pub(crate) fn list(&self, member: M) -> Due {
        let mut listed = lock(&self.listed);
        listed.members.push_back(member);
        let wake = !std::mem::replace(&mut listed.woken, true);
        Due { wake, look: self.ask_for_look.as_ref().and_then(|_| listed.look_due()) }
    }

    /// Wakes the thread, or asks for a look, or both.
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

    /// Runs the user's `wake`. One that panics, since its loop is gone, must not take the reader along.
    fn wake(&self) {
        let _ = caught(|| (self.wake)());
    }

    /// Gives turns until one says that it is over, or nothing is listed. Inside a turn it does nothing.
    ///
    /// A turn that unwinds ends the drain, and costs no other member anything: its own is listed again.
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

    /// Whether the turn that an earlier look has seen still holds its thread.
    pub(crate) fn look(&self, seen: TurnNumber) -> Look {
        let mut listed = lock(&self.listed);
        let (Some(turn), false) = (listed.under_way, listed.members.is_empty()) else {
            // The next member that is listed, or turn that begins before others, asks anew.
            listed.look = Asked::Not;
            return Look::Idle;
        };
        if turn == seen && listed.look == Asked::ForLook {
            listed.look = Asked::ForRelief;
            return Look::Held(turn);
        }
        Look::Again(turn)
    }

    /// There is no thread that could relieve the one that is held; the next look tries again.
    pub(crate) fn no_relief(&self) {
        let mut listed = lock(&self.listed);
        if listed.look == Asked::ForRelief {
            listed.look = Asked::ForLook;
        }
    }

    /// Goes on with the drain of a thread that a turn holds; `None` if that turn has ended meanwhile.
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

/// A drain that is under way; it ends in order however it is left.
pub(crate) struct Drain<'a, M> {
    ring: &'a Ring<M>,
    /// Its turn; the ring's is another one once this drain was relieved.
    number: TurnNumber,
    /// Whose turn it is.
    member: Option<M>,
}

impl<M> Drain<'_, M> {
    /// As [`Ring::drain`].
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

    /// The next member, unless there is none or this drain was relieved.
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

    /// A drain that was relieved keeps its member, which holds it anyway.
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
    fn end_drain(&self, number: TurnNumber) -> Rest {
        let (rest, wake, done) = {
            let mut listed = lock(&self.listed);
            let rest = if listed.under_way == Some(number) {
                listed.under_way = None;
                // Whatever was woken meanwhile may have been swallowed by a drain inside a turn, which does
                // nothing: decided afresh.
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

    /// A handler's captured value that panics when it is dropped left the inbox as it was: draining,
    /// for ever.
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

    /// A ring that may be relieved, and the turns at which a look was asked for.
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
        assert_eq!(ring.look(looks[0]), Look::Idle, "nothing is left");
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
                let Look::Again(now) = ring.look(seen) else { panic!("another turn: no relief") };
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
            let Look::Held(turn) = ring.look(seen) else { panic!("it is held") };
            assert_eq!(ring.look(seen), Look::Again(turn), "one thread is asked for");
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
                let Look::Held(turn) = ring.look(lock(&looks)[0]) else { panic!("it is held") };
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
                assert!(matches!(ring.look(seen), Look::Held(_)));
                ring.no_relief();
                assert!(matches!(ring.look(seen), Look::Held(_)));
            }
            Turn::Empty
        });
    }
}
