//! Nothing waits in an inbox forever, and nothing is delivered twice or out of order, even if
//! another thread relieves a drain.

use std::sync::Arc;

use loom::thread;

use super::check;
use crate::controller::signals::mailbox::{Mailbox, Weighed};
use crate::controller::signals::ring::{Rest, Ring, Turn, TurnState};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, lock};
use crate::wire::packets::keyed::Key;
use crate::wire::packets::outgoing::QueueBound;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number(usize);

impl Weighed for Number {
    fn bytes(&self) -> usize {
        1
    }
}

type Child = Arc<Mailbox<Number>>;

/// An inbox and the event loop of its thread, which is the one that creates it.
struct Loop {
    ring: Ring<Child>,
    /// The events that `wake` has posted to the event loop.
    events: Arc<AtomicUsize>,
}

impl Loop {
    fn new() -> Arc<Self> {
        let events = Arc::new(AtomicUsize::new(0));
        let (put, thread) = (Arc::clone(&events), thread::current());
        let wake = move || {
            put.fetch_add(1, Ordering::SeqCst);
            thread.unpark();
        };
        Arc::new(Self { ring: Ring::new(Box::new(wake)), events })
    }

    fn post(&self, child: &Child, key: Option<Key>, number: usize) {
        let bound = QueueBound { entries: 100, bytes: 100 };
        let list = match key {
            Some(key) => child.post_value(key, bound, |_| {}, || Some(Number(number))),
            None => child.post(|| Number(number)),
        };
        if list {
            self.ring.see_to(self.ring.list(Arc::clone(child)));
        }
    }

    /// Takes an event, if there is one.
    fn event(&self) -> bool {
        let left = self.events.load(Ordering::SeqCst);
        // Only this thread takes events.
        left > 0 && self.events.fetch_sub(1, Ordering::SeqCst) > 0
    }

    /// Runs until `done`, with a drain per event, and returns what was delivered. A lost wake
    /// leaves a thread parked forever, which loom detects.
    fn run(&self, over: Turn, nested: bool, mut done: impl FnMut(&[usize]) -> bool) -> Vec<usize> {
        let mut delivered = Vec::new();
        while !done(&delivered) {
            if !self.event() {
                thread::park();
                continue;
            }
            self.ring.drain(|child| {
                let Some(Number(number)) = child.pop(|it| it) else { return Turn::Empty };
                delivered.push(number);
                // A handler that runs the event loop: the event is consumed, and the drain does
                // nothing.
                if nested && self.event() {
                    let inner = self.ring.drain(|_| unreachable!("a turn inside a turn"));
                    assert_eq!(inner, Rest::Nothing);
                }
                over
            });
        }
        delivered
    }
}

fn posters(inbox: &Arc<Loop>, children: [&Child; 2]) -> [thread::JoinHandle<()>; 2] {
    [(0, children[0]), (1, children[1])].map(|(number, child)| {
        let (inbox, child) = (Arc::clone(inbox), Arc::clone(child));
        thread::spawn(move || inbox.post(&child, None, number))
    })
}

fn every_notice_is_delivered(over: Turn, nested: bool, one_child: bool) {
    check(2, move || {
        let inbox = Loop::new();
        let (a, b) = (Child::default(), Child::default());
        let posters = posters(&inbox, [&a, if one_child { &a } else { &b }]);
        let mut delivered = inbox.run(over, nested, |delivered| delivered.len() == 2);
        delivered.sort_unstable();
        assert_eq!(delivered, [0, 1]);
        for poster in posters {
            poster.join().unwrap();
        }
    });
}

/// Two threads post to two children.
pub fn notices_of_two_children_are_delivered() {
    every_notice_is_delivered(Turn::Left, false, false);
}

/// Two threads post to one child, each drain delivers one notice.
pub fn notices_of_two_threads_take_a_drain_each() {
    every_notice_is_delivered(Turn::LeftAndOver, false, true);
}

/// A handler runs the event loop, and so consumes the event that has woken it.
pub fn a_wake_swallowed_by_a_nested_drain_is_repeated() {
    every_notice_is_delivered(Turn::LeftAndOver, true, false);
}

/// One thread posts a property three times: it overtakes nothing, and its newest value is
/// delivered.
pub fn the_newest_value_is_delivered_in_its_place() {
    check(3, || {
        let inbox = Loop::new();
        let child = Child::default();
        let poster = {
            let (inbox, child) = (Arc::clone(&inbox), Arc::clone(&child));
            thread::spawn(move || {
                inbox.post(&child, Some(Key::Property(0)), 1);
                inbox.post(&child, None, 2);
                inbox.post(&child, Some(Key::Property(0)), 3);
                inbox.post(&child, Some(Key::Property(0)), 4);
                inbox.post(&child, None, 5);
            })
        };
        let delivered = inbox.run(Turn::Left, false, |delivered| delivered.contains(&5));
        poster.join().unwrap();
        let as_expected = [&[1, 2, 3, 4, 5][..], &[1, 2, 4, 5]];
        assert!(as_expected.contains(&&*delivered), "{delivered:?}");
    });
}

/// A thread that waits for an empty inbox is woken when it is empty, and what it has posted is
/// delivered by then.
pub fn a_wait_for_an_empty_inbox_ends() {
    check(2, || {
        let inbox = Loop::new();
        let delivered = Arc::new(AtomicUsize::new(0));
        let waiter = {
            let (inbox, delivered) = (Arc::clone(&inbox), Arc::clone(&delivered));
            thread::spawn(move || {
                let child = Child::default();
                inbox.post(&child, None, 0);
                assert!(inbox.ring.wait_empty(None));
                assert_eq!(delivered.load(Ordering::SeqCst), 1);
            })
        };
        while delivered.load(Ordering::SeqCst) == 0 {
            if !inbox.event() {
                thread::park();
                continue;
            }
            inbox.ring.drain(|child| match child.pop(|it| it) {
                Some(_) => {
                    delivered.fetch_add(1, Ordering::SeqCst);
                    Turn::Left
                }
                None => Turn::Empty,
            });
        }
        waiter.join().unwrap();
    });
}

/// An inbox whose drains may be relieved, and the state that its two threads share.
struct Relieved {
    ring: Ring<(usize, Child)>,
    /// The events that `wake` has posted to the event loop.
    events: Arc<AtomicUsize>,
    delivered: [AtomicUsize; 2],
    /// Turns in progress, for each child.
    turns: [AtomicUsize; 2],
}

impl Relieved {
    fn turn(&self, of: usize, child: &Child) -> Turn {
        assert_eq!(
            self.turns[of].fetch_add(1, Ordering::SeqCst),
            0,
            "two turns of one child at once"
        );
        let taken = child.pop(|it| it);
        if let Some(Number(number)) = taken {
            // In the order posted.
            assert_eq!(self.delivered[of].fetch_add(1, Ordering::SeqCst), number);
        }
        self.turns[of].fetch_sub(1, Ordering::SeqCst);
        if taken.is_some() { Turn::Left } else { Turn::Empty }
    }

    /// Drains if the loop has an event.
    fn drain_for_event(&self) -> bool {
        // Only one thread takes an event.
        let event = self.events.load(Ordering::SeqCst) > 0;
        if event {
            self.events.fetch_sub(1, Ordering::SeqCst);
            self.ring.drain(|(of, child)| self.turn(*of, child));
        }
        event
    }

    /// Posts a child's next number.
    fn post(&self, of: usize, child: &Child, number: usize) {
        if child.post(|| Number(number)) {
            self.ring.see_to(self.ring.list((of, Arc::clone(child))));
        }
    }
}

/// A check comes at any time and relieves the drain if it sees one turn twice: whichever thread
/// goes on, each notice is delivered once and in order, no child has two turns at once, and an
/// inbox reported empty is empty.
pub fn a_relief_at_any_time_loses_nothing() {
    check(2, || {
        let (looked_at, events) = (Arc::new(Mutex::new(None)), Arc::new(AtomicUsize::new(0)));
        let (looks, put) = (Arc::clone(&looked_at), Arc::clone(&events));
        let ring = Ring::new(Box::new(move || {
            put.fetch_add(1, Ordering::SeqCst);
        }));
        let inbox = Arc::new(Relieved {
            ring: ring.relieved(move |turn| *lock(&looks) = Some(turn)),
            events,
            delivered: [AtomicUsize::new(0), AtomicUsize::new(0)],
            turns: [AtomicUsize::new(0), AtomicUsize::new(0)],
        });
        let children = [Child::default(), Child::default()];
        inbox.post(0, &children[0], 0);
        inbox.post(1, &children[1], 0);
        let relief = {
            let (inbox, child) = (Arc::clone(&inbox), Arc::clone(&children[0]));
            thread::spawn(move || {
                inbox.post(0, &child, 1);
                let Some(seen) = *lock(&looked_at) else { return };
                if let TurnState::Held(turn) = inbox.ring.look(seen)
                    && let Some(drain) = inbox.ring.relieve(turn)
                {
                    let rest = drain.run(|(of, child)| inbox.turn(*of, child));
                    assert_ne!(rest, Rest::Relieved);
                }
            })
        };
        while inbox.drain_for_event() {}
        relief.join().unwrap();
        while inbox.delivered.each_ref().map(|it| it.load(Ordering::SeqCst)) != [2, 1] {
            assert!(inbox.drain_for_event(), "a wake is lost");
        }
        assert!(inbox.ring.wait_empty(None));
    });
}
