//! A child never waits for credit that is available, and no thread waits for a child that gets
//! none.

use std::sync::Arc;

use loom::thread;

use super::check;
use crate::controller::flow_control::allowance::Allowance;
use crate::controller::flow_control::bound::Fill;
use crate::controller::flow_control::grant::{Account, Overdrawn};
use crate::controller::signals::mailbox::{Mailbox, Weighed};
use crate::limits::INBOX_HARD_BYTES;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Mutex, lock};
use crate::wire::packets::outgoing::QueueBound;

struct Event {
    bytes: usize,
}

impl Weighed for Event {
    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The state that credit depends on, as in `Shared`.
struct Shared {
    inbox: Mailbox<Event>,
    waiters: AtomicUsize,
    /// The lock of the child's life.
    stopping: Mutex<bool>,
    /// The lock of the control lane.
    account: Mutex<Account>,
    gave_up: AtomicBool,
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            inbox: Mailbox::default(),
            waiters: AtomicUsize::new(0),
            stopping: Mutex::new(false),
            account: Mutex::new(Account::new(8)),
            gave_up: AtomicBool::new(false),
        })
    }

    /// Acts as the reader: one packet with one event.
    fn read(&self, bytes: usize) {
        let _ = self.inbox.post(|| Event { bytes });
        self.book(|grant| lock(&self.account).read(1, grant).map(drop)).expect("there was credit");
    }

    /// Acts as the inbox's thread: drains everything.
    fn drain(&self) {
        while self.inbox.pop(|it| it).is_some() {
            self.grant_if_allowed();
        }
    }

    /// Like `stopping::request`.
    fn stop(&self) {
        let mut stopping = lock(&self.stopping);
        *stopping = true;
        self.give();
        drop(stopping);
    }

    fn assert_it_may_send(&self) {
        assert!(!self.is_withheld(), "it waits for credit, and no thread checks any more");
    }
}

impl Allowance for Shared {
    fn fill(&self) -> Fill {
        self.inbox.fill(QueueBound { entries: 0, bytes: usize::MAX })
    }

    fn waiters(&self) -> &AtomicUsize {
        &self.waiters
    }

    fn is_stopping(&self) -> bool {
        *lock(&self.stopping)
    }

    fn is_withheld(&self) -> bool {
        lock(&self.account).is_withheld()
    }

    fn give(&self) {
        lock(&self.account).give();
    }

    fn give_up_waiting(&self) {
        self.gave_up.store(true, Ordering::SeqCst);
    }
}

fn reader(shared: &Arc<Shared>, bytes: usize, packets: usize) -> thread::JoinHandle<()> {
    let shared = Arc::clone(shared);
    thread::spawn(move || (0..packets).for_each(|_| shared.read(bytes)))
}

/// The inbox is emptied at the moment it fills up.
pub fn an_inbox_that_empties_gives_credit() {
    check(3, || {
        let shared = Shared::new();
        let reader = reader(&shared, 1, 2);
        shared.drain();
        reader.join().unwrap();
        // The wake caused by the last event.
        shared.drain();
        shared.assert_it_may_send();
    });
}

/// The same if the last notice is taken while the reader withholds credit: nothing follows.
pub fn the_last_notice_that_is_taken_gives_credit() {
    check(3, || {
        let shared = Shared::new();
        let _ = shared.inbox.post(|| Event { bytes: 1 });
        let reader = {
            let shared = Arc::clone(&shared);
            // A packet that posts nothing, such as an unchanged property.
            thread::spawn(move || {
                shared.book(|grant| lock(&shared.account).read(1, grant).map(drop))
            })
        };
        shared.drain();
        assert_eq!(reader.join().unwrap(), Ok::<_, Overdrawn>(()));
        shared.assert_it_may_send();
    });
}

/// A thread begins to wait for the child at the moment its inbox is full.
pub fn a_beginning_wait_gives_credit() {
    check(3, || {
        let shared = Shared::new();
        let reader = reader(&shared, 1, 2);
        shared.enter_wait();
        assert!(!shared.is_overflowing());
        reader.join().unwrap();
        shared.assert_it_may_send();
    });
}

/// One thread stops waiting while another begins.
pub fn one_of_two_waiting_threads_suffices() {
    check(2, || {
        let shared = Shared::new();
        let reader = reader(&shared, 1, 1);
        let other = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                shared.enter_wait();
                shared.leave_wait();
            })
        };
        shared.enter_wait();
        reader.join().unwrap();
        other.join().unwrap();
        shared.assert_it_may_send();
    });
}

/// The child is asked to stop at the moment its inbox is full.
pub fn a_stop_gives_credit() {
    check(3, || {
        let shared = Shared::new();
        let reader = reader(&shared, 1, 2);
        shared.stop();
        reader.join().unwrap();
        shared.assert_it_may_send();
    });
}

/// Over the hard limit there is no credit; a waiting thread is notified, or detects it by itself.
pub fn a_wait_that_cannot_succeed_ends() {
    check(3, || {
        let shared = Shared::new();
        let reader = reader(&shared, INBOX_HARD_BYTES + 1, 1);
        shared.enter_wait();
        let seen = shared.is_overflowing();
        reader.join().unwrap();
        assert!(shared.is_withheld());
        assert!(seen || shared.gave_up.load(Ordering::SeqCst), "it waits forever");
    });
}
