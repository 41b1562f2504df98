//! The table of commands without an outcome. An entry holds the way to its waiter, which can be
//! asked to give up, and what happens with its outcome.
//!
//! Pure. Invariant: what is inserted is removed exactly once, and the code that removes it resolves
//! it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use crate::controller::model::limit::Limit;
use crate::controller::model::repeat::Repeat;
use crate::controller::report::outcome::Outcome;
use crate::limits::FEW_GAPS;
use crate::sync::Mutex;

/// The message to a waiting call.
#[derive(Debug)]
pub(crate) enum CallReply {
    Outcome(Arc<Outcome>),
    /// Not an outcome: the waiter has to give up. The outcome will come through this receiver.
    GiveUp(oneshot::Receiver<CallReply>),
}

/// The request to a possible waiter to give up.
#[derive(Debug)]
pub(crate) struct GiveUp {
    reply: oneshot::Sender<CallReply>,
    next: oneshot::Receiver<CallReply>,
}

impl GiveUp {
    fn of(entry: &mut Entry) -> Self {
        let (sender, next) = oneshot::channel();
        Self { reply: std::mem::replace(&mut entry.reply, sender), next }
    }

    /// Sends the request.
    pub(crate) fn tell(self) {
        // There may be no waiter.
        let _ = self.reply.send(CallReply::GiveUp(self.next));
    }
}

/// What `on_done` and `forward_to` run in the inbox's thread.
pub(crate) type Continuation = Box<dyn FnOnce(&Outcome) + Send>;

/// How far an outcome is on its way to the handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Stage {
    /// There is none yet.
    #[default]
    Pending,
    /// There is one, and no handler was interested in it.
    Silent,
    /// It is in the inbox.
    Posted,
    /// The handlers have run.
    Delivered,
}

/// What happens with a command's outcome apart from the waiting call.
#[derive(Default)]
pub(crate) struct Then {
    pub(crate) stage: Stage,
    /// Set once there is one.
    pub(crate) outcome: Option<Arc<Outcome>>,
    /// Run just before the named signal.
    pub(crate) on_done: Option<Continuation>,
    /// Run instead of the named signal.
    pub(crate) forward: Option<Continuation>,
    /// Traces it.
    pub(crate) traced: Option<Continuation>,
    /// No caller submitted it: a failure is reported, but not the end of a call.
    pub(crate) uncalled: bool,
}

impl fmt::Debug for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Then").field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl Then {
    pub(crate) fn is_empty(&self) -> bool {
        self.on_done.is_none() && self.forward.is_none()
    }
}

/// Held by the call, which may add to it, and by the table and later the inbox.
pub(crate) type SharedThen = Arc<Mutex<Then>>;

/// A command without an outcome.
pub(crate) struct Entry {
    pub(crate) command: u16,
    pub(crate) reply: oneshot::Sender<CallReply>,
    pub(crate) then: SharedThen,
    pub(crate) limit: Limit,
    /// Whether it is sent again after a crash.
    pub(crate) repeat: Repeat,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({})", self.command)
    }
}

/// See the [module](self).
///
/// Calls come in rising order and mostly end in that order, so they are in a row. A call that ends
/// before an older one leaves a gap, until there are more gaps than calls.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    row: VecDeque<(u64, Option<Entry>)>,
    count: usize,
}

impl Pending {
    /// Enters a call with a higher number than all before.
    pub(crate) fn insert(&mut self, call: u64, entry: Entry) {
        debug_assert!(self.row.back().is_none_or(|(last, _)| *last < call), "numbers rise");
        self.row.push_back((call, Some(entry)));
        self.count += 1;
    }

    /// Enters a call with a lower number than all that are pending.
    pub(crate) fn insert_first(&mut self, call: u64, entry: Entry) {
        debug_assert!(self.row.front().is_none_or(|(first, _)| *first > call), "numbers rise");
        self.row.push_front((call, Some(entry)));
        self.count += 1;
    }

    pub(crate) fn get(&self, call: u64) -> Option<&Entry> {
        self.row[self.index(call)?].1.as_ref()
    }

    pub(crate) fn get_mut(&mut self, call: u64) -> Option<&mut Entry> {
        let index = self.index(call)?;
        self.row[index].1.as_mut()
    }

    fn index(&self, call: u64) -> Option<usize> {
        self.row.binary_search_by_key(&call, |(number, _)| *number).ok()
    }

    pub(crate) fn contains(&self, call: u64) -> bool {
        self.get(call).is_some()
    }

    /// Returns the command of a call.
    pub(crate) fn command(&self, call: u64) -> Option<u16> {
        self.get(call).map(|entry| entry.command)
    }

    /// Returns the number of the oldest call.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.row.front().map(|(call, _)| *call)
    }

    /// Returns the number of the newest call.
    pub(crate) fn newest(&self) -> Option<u64> {
        let mut present = self.row.iter().rev().filter(|(_, entry)| entry.is_some());
        present.next().map(|(call, _)| *call)
    }

    pub(crate) fn remove(&mut self, call: u64) -> Option<Entry> {
        let index = self.index(call)?;
        let entry = self.row[index].1.take()?;
        self.count -= 1;
        while let Some((_, None)) = self.row.front() {
            self.row.pop_front();
        }
        // Behind a long-running command, an unlimited number of others may be cancelled, or writes
        // superseded.
        let gaps = self.row.len() - self.count;
        if gaps > FEW_GAPS.get() && gaps > self.count {
            self.row.retain(|(_, entry)| entry.is_some());
        }
        Some(entry)
    }

    /// Makes all waiters give up; the entries stay until they end. The returned requests must be
    /// sent without a lock, because sending runs an executor's waker.
    #[must_use]
    pub(crate) fn give_up_waiting(&mut self) -> Vec<GiveUp> {
        let entries = self.row.iter_mut().filter_map(|(_, entry)| entry.as_mut());
        entries.map(GiveUp::of).collect()
    }

    /// Makes the waiter for this call give up; the entry stays.
    #[must_use]
    pub(crate) fn give_up_waiting_for(&mut self, call: u64) -> Option<GiveUp> {
        self.get_mut(call).map(GiveUp::of)
    }

    /// Returns the numbers of all calls, oldest first.
    pub(crate) fn calls(&self) -> Vec<u64> {
        let present = self.row.iter().filter(|(_, entry)| entry.is_some());
        present.map(|(call, _)| *call).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Takes out the calls that `which` selects, oldest first.
    pub(crate) fn take(&mut self, mut which: impl FnMut(u64) -> bool) -> Vec<(u64, Entry)> {
        let calls = self.calls().into_iter().filter(|call| which(*call)).collect::<Vec<_>>();
        calls.into_iter().filter_map(|call| Some((call, self.remove(call)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry() -> (Entry, oneshot::Receiver<CallReply>) {
        let (reply, receiver) = oneshot::channel();
        let (then, limit) = (SharedThen::default(), Limit::default());
        (Entry { command: 0, reply, then, limit, repeat: Repeat::never() }, receiver)
    }

    #[test]
    fn what_has_ended_behind_a_long_one_takes_no_memory() {
        let mut pending = Pending::default();
        pending.insert(0, entry().0);
        for call in 1..10_000 {
            pending.insert(call, entry().0);
            assert!(call % 100 == 0 || pending.remove(call).is_some());
            assert!(pending.row.len() <= 2 * pending.len() + FEW_GAPS.get() + 1);
        }
        let left: Vec<_> = (0..100).map(|number| number * 100).collect();
        assert_eq!(pending.calls(), left);
        assert!(left.iter().all(|call| pending.contains(*call)));
    }

    proptest! {
        /// Whatever is removed in whatever order, each entry comes out exactly once.
        #[test]
        fn every_entry_comes_out_once(steps in prop::collection::vec((any::<bool>(), 0u64..40), 0..200)) {
            let mut pending = Pending::default();
            let (mut next, mut out) = (0u64, Vec::new());
            for (take_many, number) in steps {
                if take_many {
                    out.extend(pending.take(|call| call % 3 == number % 3).into_iter().map(|(call, _)| call));
                } else if number < 20 {
                    pending.insert(next, entry().0);
                    next += 1;
                } else {
                    let known = pending.contains(number - 20);
                    let removed = pending.remove(number - 20).is_some();
                    prop_assert_eq!(known, removed);
                    out.extend(removed.then_some(number - 20));
                }
            }
            out.extend(pending.take(|_| true).into_iter().map(|(call, _)| call));
            out.sort_unstable();
            prop_assert_eq!(out, (0..next).collect::<Vec<_>>());
            prop_assert_eq!(pending.len(), 0);
        }
    }
}
