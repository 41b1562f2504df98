//! The notices that wait for the handlers of one child.
//!
//! A post returns whether the caller has to list the mailbox in its inbox's
//! [ring](crate::controller::signals::ring); it then stays listed until the inbox's thread has
//! found it empty. Posting never blocks. The mailbox counts the bytes of the waiting notices against
//! the inbox's bound; a newer value of a property may replace one that waits.

use std::fmt;

use crate::controller::flow_control::bound::Fill;
use crate::limits::INBOX_HARD_BYTES;
use crate::sync::{Mutex, lock};
use crate::wire::packets::keyed::{Key, KeyedQueue, Put, Room};
use crate::wire::packets::outgoing::QueueBound;

/// Something that counts against a bound.
pub(crate) trait Weighed {
    fn bytes(&self) -> usize;
}

/// See the [module](self).
pub(crate) struct Mailbox<N> {
    waiting: Mutex<Waiting<N>>,
}

struct Waiting<N> {
    notices: KeyedQueue<N>,
    bytes: usize,
    /// In the ring of the inbox, or being drained.
    listed: bool,
}

impl<N> Default for Mailbox<N> {
    fn default() -> Self {
        let notices = KeyedQueue::default();
        let waiting = Waiting { notices, bytes: 0, listed: false };
        Self { waiting: Mutex::new(waiting) }
    }
}

impl<N> fmt::Debug for Mailbox<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("waiting", &lock(&self.waiting).notices.len()).finish()
    }
}

impl<N: Weighed> Mailbox<N> {
    /// Posts an ordered notice. `make` creates it under the lock, so the notices are in the order
    /// in which they were created. Returns whether the mailbox has to be listed.
    #[must_use]
    pub(crate) fn post(&self, make: impl FnOnce() -> N) -> bool {
        let mut waiting = lock(&self.waiting);
        let notice = make();
        waiting.bytes += notice.bytes();
        waiting.notices.push(notice);
        !std::mem::replace(&mut waiting.listed, true)
    }

    /// Posts a value, which replaces a waiting one with the same key or [follows
    /// it](KeyedQueue::put). Over the `bound` it always replaces it. Returns whether the mailbox
    /// has to be listed.
    ///
    /// If the older value stays, `fix` first makes it final; then `make` creates the notice, if
    /// there is something to deliver.
    #[must_use]
    pub(crate) fn post_value(
        &self,
        key: Key,
        bound: QueueBound,
        fix: impl FnOnce(&mut N),
        make: impl FnOnce() -> Option<N>,
    ) -> bool {
        let mut waiting = lock(&self.waiting);
        let room = match waiting.fill(bound) {
            Fill::Room => Room::Left,
            Fill::Over | Fill::HardOver => Room::Full,
        };
        let Waiting { notices, bytes, .. } = &mut *waiting;
        let (mut fixed, mut made) = ((0, 0), 0);
        let keep = |older: &mut N| {
            let before = older.bytes();
            fix(older);
            fixed = (before, older.bytes());
        };
        let make = || {
            let notice = make()?;
            made = notice.bytes();
            Some(notice)
        };
        let put = notices.put(key, room, keep, make);
        *bytes = *bytes + fixed.1 + made - fixed.0;
        match put {
            Put::Nothing => return false,
            Put::Queued => {}
            Put::Replaced(older) => *bytes -= older.bytes(),
        }
        !std::mem::replace(&mut waiting.listed, true)
    }

    /// Begins a run: everything that is waiting belongs to older runs. Nothing of the new run
    /// replaces it, and `fix` makes final what could have been replaced.
    pub(crate) fn begin(&self, fix: impl Fn(&mut N)) {
        let mut waiting = lock(&self.waiting);
        let Waiting { notices, bytes, .. } = &mut *waiting;
        notices.fix_all(|notice| {
            *bytes -= notice.bytes();
            fix(notice);
            *bytes += notice.bytes();
        });
    }

    /// Returns the oldest notice, after passing it to `take` under the lock. If there is none, the
    /// mailbox is no longer listed.
    pub(crate) fn pop(&self, take: impl FnOnce(N) -> N) -> Option<N> {
        let mut waiting = lock(&self.waiting);
        let Some(notice) = waiting.notices.pop() else {
            waiting.listed = false;
            return None;
        };
        waiting.bytes -= notice.bytes();
        Some(take(notice))
    }

    pub(crate) fn fill(&self, bound: QueueBound) -> Fill {
        lock(&self.waiting).fill(bound)
    }
}

impl<N> Waiting<N> {
    fn fill(&self, bound: QueueBound) -> Fill {
        if self.bytes > INBOX_HARD_BYTES {
            Fill::HardOver
        } else if self.bytes > bound.bytes || self.notices.len() > bound.entries {
            Fill::Over
        } else {
            Fill::Room
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A numbered notice. A notice of a property has its value in the mirror until it is fixed or
    /// taken out.
    #[derive(Debug)]
    enum Note {
        Ordered(usize),
        Mirrored,
        Value(usize),
    }

    /// Together with its property.
    impl Weighed for (usize, Note) {
        fn bytes(&self) -> usize {
            match self.1 {
                Note::Ordered(_) => 10,
                Note::Mirrored => 1,
                Note::Value(_) => 100,
            }
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Ordered,
        Property(u16),
        /// A property value that has not changed.
        Same(u16),
        Take,
        Begin,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Ordered),
            9 => (0..3u16).prop_map(Step::Property),
            1 => (0..3u16).prop_map(Step::Same),
            3 => Just(Step::Take),
            1 => Just(Step::Begin),
        ]
    }

    proptest! {
        /// Whatever is posted and taken: each notice comes out with the value with which it was
        /// posted, in that order. Only values with a newer one of the same property and run may be
        /// missing.
        #[test]
        fn values_come_out_in_the_order_posted(
            steps in prop::collection::vec(step(), 0..120),
            entries in 1usize..40,
        ) {
            let bound = QueueBound { entries, bytes: 1000 };
            let mailbox = Mailbox::default();
            let mirrors = std::cell::RefCell::new([0; 3]);
            // For each number: its property, if any, and its run.
            let (mut posted, mut run, mut taken) = (vec![(None, 0)], 0, Vec::new());
            let fix = |property: usize| {
                let mirrors = &mirrors;
                move |note: &mut Note| {
                    if matches!(note, Note::Mirrored) {
                        *note = Note::Value(mirrors.borrow()[property]);
                    }
                }
            };
            let take = |taken: &mut Vec<usize>| {
                let note = mailbox.pop(|(property, mut note)| {
                    fix(property)(&mut note);
                    (property, note)
                });
                if let Some((_, Note::Ordered(number) | Note::Value(number))) = note {
                    taken.push(number);
                }
            };
            for step in steps {
                match step {
                    Step::Ordered => {
                        let _ = mailbox.post(|| (0, Note::Ordered(posted.len())));
                        posted.push((None, run));
                    }
                    Step::Property(property) => {
                        let number = posted.len();
                        let index = usize::from(property);
                        let _ = mailbox.post_value(
                            Key::Property(property),
                            bound,
                            |(_, note)| fix(index)(note),
                            || {
                                mirrors.borrow_mut()[index] = number;
                                Some((index, Note::Mirrored))
                            },
                        );
                        posted.push((Some(property), run));
                    }
                    Step::Same(property) => {
                        let fix = fix(usize::from(property));
                        let key = Key::Property(property);
                        let listed = mailbox.post_value(key, bound, |(_, it)| fix(it), || None);
                        prop_assert!(!listed);
                    }
                    Step::Take => take(&mut taken),
                    Step::Begin => {
                        run += 1;
                        mailbox.begin(|(property, note)| fix(*property)(note));
                    }
                }
            }
            for _ in 0..posted.len() {
                take(&mut taken);
            }
            prop_assert_eq!(lock(&mailbox.waiting).bytes, 0);
            prop_assert!(taken.is_sorted_by(|one, next| one < next), "{:?}", taken);
            for (number, of) in posted.iter().enumerate().skip(1) {
                let newer = of.0.is_some() && posted[number + 1..].contains(of);
                prop_assert!(newer || taken.contains(&number), "{} is lost", number);
            }
        }
    }
}
