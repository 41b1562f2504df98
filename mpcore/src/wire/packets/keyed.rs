//! A queue in which a value with a key replaces the waiting one of the same key, and no value
//! overtakes another.
//!
//! Both sides coalesce with it: the child for values that have no credit, the controller for values
//! that the user interface has not taken yet. Values come out in the order in which they were put
//! in, except for some that a newer value of their key has made obsolete:
//!
//! * A value replaces the waiting one of its key in place only if that is the newest entry of all.
//! * If only values of other keys were queued behind that one, it may be dropped: the newer value
//!   is queued at the back, and at most two values of each key wait between two entries without a
//!   key. The older of the two keeps its place, so that a value that changes all the time still
//!   gets its turn.
//! * If an entry without a key (an outcome, an event, a line) was queued behind it, it stays.
//! * If there is no room for another entry, the older value is dropped in any case. So the queue
//!   accepts a value whose key waits even if it is full, and its size is bounded.
//!
//! A dropped entry leaves a gap. Gaps do not count as entries, and are closed when they outnumber
//! the entries, so that each gap costs constant time. The waiting entries can be fixed, so that
//! nothing replaces them any more. In a queue without keys, an entry is found by its rank.

use std::collections::{HashMap, VecDeque, hash_map};

use crate::limits::FEW_GAPS;

/// Determines which waiting entries replace each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Property(u16),
    Event(u16),
    Progress(u64),
}

/// Whether another entry may be queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Left,
    /// The queue has reached its bound.
    Full,
}

/// The result of [`KeyedQueue::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put<V> {
    /// There was no value to queue.
    Nothing,
    /// The queue has one more entry.
    Queued,
    /// This older value of the same key was dropped.
    Replaced(V),
}

#[derive(Debug)]
enum Slot<V> {
    Entry(Option<Key>, V),
    /// A gap; the entry that left it had this rank.
    Gap(u64),
}

/// The waiting values of one key, by their numbers.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    /// The value that keeps its place; it may have left the queue by now.
    oldest: u64,
    newest: u64,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct KeyedQueue<V> {
    slots: VecDeque<Slot<V>>,
    /// Number of the slot at the front, counted since the start.
    front: u64,
    /// Number behind the newest entry without a key: entries with lower numbers stay.
    stretch: u64,
    /// The keys whose newest value may be replaced.
    keyed: HashMap<Key, Waiting>,
    gaps: usize,
}

impl<V> Default for KeyedQueue<V> {
    fn default() -> Self {
        // Far from zero, because entries can be put before the front.
        let front = 1 << 32;
        Self { slots: VecDeque::new(), front, stretch: front, keyed: HashMap::new(), gaps: 0 }
    }
}

impl<V> KeyedQueue<V> {
    /// Returns the number of the next slot at the back.
    fn back(&self) -> u64 {
        self.front + self.slots.len() as u64
    }

    /// Returns the slot with this number, if it is still in the queue.
    fn slot(&mut self, number: u64) -> Option<&mut Slot<V>> {
        let index = number.checked_sub(self.front)?;
        self.slots.get_mut(usize::try_from(index).ok()?)
    }

    fn value(&mut self, number: u64) -> Option<&mut V> {
        match self.slot(number)? {
            Slot::Entry(_, value) => Some(value),
            Slot::Gap(_) => None,
        }
    }

    /// Queues a value that keeps its place, at the back.
    pub(crate) fn push(&mut self, value: V) {
        self.slots.push_back(Slot::Entry(None, value));
        self.stretch = self.back();
    }

    /// Queues the value that `make` returns, at the back or in place of an older one with this key.
    /// If an older value stays, `keep` sees it first: from now on it is not the newest.
    pub(crate) fn put(
        &mut self,
        key: Key,
        room: Room,
        keep: impl FnOnce(&mut V),
        make: impl FnOnce() -> Option<V>,
    ) -> Put<V> {
        let back = self.back();
        let Some(waiting) = self.keyed.get(&key).copied() else {
            let Some(value) = make() else { return Put::Nothing };
            self.keyed.insert(key, Waiting { oldest: back, newest: back });
            self.slots.push_back(Slot::Entry(Some(key), value));
            return Put::Queued;
        };
        if waiting.newest + 1 == back
            && waiting.newest >= self.stretch
            && let Some(newest) = self.value(waiting.newest)
        {
            let Some(value) = make() else { return Put::Nothing };
            return Put::Replaced(std::mem::replace(newest, value));
        }
        let first = self.stretch.max(self.front);
        // A value of this key keeps its place before the newest, with no entry without a key in
        // between.
        let anchored = waiting.oldest >= first && waiting.oldest < waiting.newest;
        let replaced = anchored || room == Room::Full;
        if !replaced && let Some(older) = self.value(waiting.newest) {
            keep(older);
        }
        let Some(value) = make() else { return Put::Nothing };
        let older = if replaced { self.take_out(waiting.newest, 0) } else { None };
        let oldest = if anchored {
            // Closing the gaps may have given it another number.
            self.keyed.get(&key).map_or(back, |waiting| waiting.oldest)
        } else if !replaced && waiting.newest >= first {
            waiting.newest
        } else {
            self.back()
        };
        self.keyed.insert(key, Waiting { oldest, newest: self.back() });
        self.slots.push_back(Slot::Entry(Some(key), value));
        older.map_or(Put::Queued, Put::Replaced)
    }

    /// Replaces this entry with a gap.
    fn take_out(&mut self, number: u64, rank: u64) -> Option<V> {
        let slot = self.slot(number).filter(|slot| matches!(slot, Slot::Entry(..)))?;
        let Slot::Entry(_, value) = std::mem::replace(slot, Slot::Gap(rank)) else { return None };
        self.gaps += 1;
        self.skip_gaps();
        if self.gaps > FEW_GAPS.get() && self.gaps > self.len() {
            self.close_gaps();
        }
        Some(value)
    }

    /// Removes gaps at the front.
    fn skip_gaps(&mut self) {
        while let Some(Slot::Gap(_)) = self.slots.front() {
            self.slots.pop_front();
            self.front += 1;
            self.gaps -= 1;
        }
    }

    /// Renumbers the entries.
    fn close_gaps(&mut self) {
        let Self { slots, front, stretch, keyed, gaps } = self;
        let (mut before, mut next, mut new_stretch) = (*front, *front, None);
        slots.retain(|slot| {
            let number = before;
            before += 1;
            if number >= *stretch {
                new_stretch.get_or_insert(next);
            }
            let Slot::Entry(key, _) = slot else { return false };
            if let Some(waiting) = key.and_then(|key| keyed.get_mut(&key)) {
                // Entries that still have an old number from here on are behind this entry, and no
                // new number is higher.
                if waiting.oldest == number {
                    waiting.oldest = next;
                }
                if waiting.newest == number {
                    waiting.newest = next;
                }
            }
            next += 1;
            true
        });
        *stretch = new_stretch.unwrap_or(next);
        *gaps = 0;
    }

    /// Queues a value before all others.
    pub(crate) fn push_front(&mut self, value: V) {
        self.front -= 1;
        self.slots.push_front(Slot::Entry(None, value));
    }

    pub(crate) fn front(&self) -> Option<&V> {
        match self.slots.front()? {
            Slot::Entry(_, value) => Some(value),
            Slot::Gap(_) => None,
        }
    }

    pub(crate) fn front_mut(&mut self) -> Option<&mut V> {
        self.value(self.front)
    }

    /// Returns the number of the slot with this rank: an entry, or the gap that it has left.
    fn search(&self, rank: u64, rank_of: impl Fn(&V) -> u64) -> Option<u64> {
        let order = |slot: &Slot<V>| match slot {
            Slot::Entry(_, value) => rank_of(value).cmp(&rank),
            Slot::Gap(left_by) => left_by.cmp(&rank),
        };
        Some(self.front + self.slots.binary_search_by(order).ok()? as u64)
    }

    /// Returns the entry with this rank. Requires entries without keys, in the order of their
    /// ranks.
    pub(crate) fn ranked(&mut self, rank: u64, rank_of: impl Fn(&V) -> u64) -> Option<&mut V> {
        let number = self.search(rank, rank_of)?;
        self.value(number)
    }

    /// Takes out the entry with this rank, wherever it is.
    pub(crate) fn take_ranked(&mut self, rank: u64, rank_of: impl Fn(&V) -> u64) -> Option<V> {
        let number = self.search(rank, rank_of)?;
        self.take_out(number, rank)
    }

    /// Marks the entry at the front as being sent: it is no longer replaced.
    pub(crate) fn fix_front(&mut self) {
        let Some(Slot::Entry(key, _)) = self.slots.front_mut() else { return };
        if let Some(key) = key.take() {
            self.is_newest_no_more(key, self.front);
        }
    }

    /// Forgets the key if this entry is its newest one.
    fn is_newest_no_more(&mut self, key: Key, number: u64) {
        if let hash_map::Entry::Occupied(waiting) = self.keyed.entry(key)
            && waiting.get().newest == number
        {
            waiting.remove();
        }
    }

    /// Prevents the replacement of everything that waits now; `each` sees the entries that could
    /// have been replaced.
    pub(crate) fn fix_all(&mut self, mut each: impl FnMut(&mut V)) {
        self.stretch = self.back();
        for waiting in std::mem::take(&mut self.keyed).into_values() {
            if let Some(value) = self.value(waiting.newest) {
                each(value);
            }
        }
    }

    /// Returns whether a value with this key waits and may be replaced.
    pub(crate) fn has_waiting(&self, key: Key) -> bool {
        self.keyed.contains_key(&key)
    }

    pub(crate) fn pop(&mut self) -> Option<V> {
        let Slot::Entry(key, value) = self.slots.pop_front()? else { return None };
        let number = self.front;
        self.front += 1;
        if let Some(key) = key {
            self.is_newest_no_more(key, number);
        }
        self.skip_gaps();
        Some(value)
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.gaps
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: Key = Key::Property(0);
    const B: Key = Key::Event(0);

    fn put(queue: &mut KeyedQueue<i32>, key: Key, value: i32) -> Put<i32> {
        queue.put(key, Room::Left, |_| {}, || Some(value))
    }

    fn put_into_full(queue: &mut KeyedQueue<i32>, key: Key, value: i32) -> Put<i32> {
        queue.put(key, Room::Full, |_| unreachable!("it goes"), || Some(value))
    }

    fn rest(queue: &mut KeyedQueue<i32>) -> Vec<i32> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn a_value_replaces_the_newest_entry_in_its_place() {
        let mut queue = KeyedQueue::default();
        queue.push(0);
        assert_eq!(put(&mut queue, A, 1), Put::Queued);
        assert_eq!(put(&mut queue, A, 2), Put::Replaced(1));
        queue.push_front(9);
        assert_eq!(put(&mut queue, A, 3), Put::Replaced(2));
        assert_eq!(rest(&mut queue), [9, 0, 3]);
        assert!(!queue.has_waiting(A), "a value that has left is not replaced");
        assert_eq!(put(&mut queue, A, 7), Put::Queued);
        assert_eq!(rest(&mut queue), [7]);
    }

    #[test]
    fn a_value_does_not_overtake_an_entry_without_a_key() {
        let mut queue = KeyedQueue::default();
        put(&mut queue, A, 1);
        queue.push(2);
        let mut kept = None;
        assert_eq!(queue.put(A, Room::Left, |older| kept = Some(*older), || Some(3)), Put::Queued);
        assert_eq!(kept, Some(1));
        assert_eq!(put(&mut queue, A, 4), Put::Replaced(3));
        assert_eq!(rest(&mut queue), [1, 2, 4]);
    }

    #[test]
    fn a_value_does_not_overtake_one_of_another_key() {
        let mut queue = KeyedQueue::default();
        for round in 0..100 {
            put(&mut queue, A, 2 * round);
            put(&mut queue, B, 2 * round + 1);
        }
        assert_eq!(queue.len(), 4);
        assert!(queue.slots.len() < 100, "gaps are closed");
        assert_eq!(rest(&mut queue), [0, 1, 198, 199]);
    }

    #[test]
    fn a_value_that_changes_all_the_time_comes_to_its_turn() {
        let mut queue = KeyedQueue::default();
        let mut turns = 0;
        for round in 0..300 {
            for _ in 0..10 {
                put(&mut queue, A, 1);
            }
            put(&mut queue, B, 2);
            if round % 10 == 9 {
                turns += queue.pop().unwrap() & 1;
            }
        }
        assert!((10..=20).contains(&turns), "{turns} of 30");
    }

    #[test]
    fn a_full_queue_gives_up_the_older_value() {
        let mut queue = KeyedQueue::default();
        put(&mut queue, A, 1);
        queue.push(2);
        assert_eq!(put_into_full(&mut queue, A, 3), Put::Replaced(1));
        queue.push(4);
        assert_eq!(put_into_full(&mut queue, A, 5), Put::Replaced(3));
        put(&mut queue, B, 6);
        assert_eq!(put_into_full(&mut queue, A, 7), Put::Replaced(5));
        assert_eq!(queue.len(), 4);
        assert_eq!(rest(&mut queue), [2, 4, 6, 7]);
        assert_eq!(
            put_into_full(&mut queue, A, 8),
            Put::Queued,
            "no waiting value could be dropped"
        );
    }

    #[test]
    fn what_is_not_made_changes_nothing() {
        let mut queue = KeyedQueue::default();
        let nothing = |queue: &mut KeyedQueue<i32>, room| {
            assert_eq!(queue.put(A, room, |older| *older += 10, || None), Put::Nothing);
        };
        nothing(&mut queue, Room::Left);
        put(&mut queue, A, 1);
        nothing(&mut queue, Room::Left);
        queue.push(2);
        nothing(&mut queue, Room::Full);
        nothing(&mut queue, Room::Left);
        put(&mut queue, A, 3);
        assert_eq!(rest(&mut queue), [11, 2, 3]);
    }

    #[test]
    fn what_is_fixed_is_not_replaced() {
        let mut queue = KeyedQueue::default();
        queue.push(0);
        put(&mut queue, A, 1);
        queue.push(2);
        put(&mut queue, B, 3);
        queue.push_front(9);
        queue.fix_all(|value| *value += 10);
        assert!(!queue.has_waiting(A));
        put(&mut queue, A, 4);
        put(&mut queue, B, 5);
        assert_eq!(rest(&mut queue), [9, 0, 11, 2, 13, 4, 5]);
    }

    #[test]
    fn a_front_that_is_under_way_is_not_replaced() {
        let mut queue = KeyedQueue::default();
        put(&mut queue, A, 1);
        queue.fix_front();
        assert!(!queue.has_waiting(A));
        put(&mut queue, A, 2);
        put(&mut queue, A, 3);
        assert_eq!(rest(&mut queue), [1, 3]);
    }

    #[test]
    fn what_is_taken_out_is_found_no_more_and_takes_no_memory() {
        let mut queue = KeyedQueue::default();
        let rank = |value: &i32| *value as u64;
        queue.push(0);
        for number in 1..=10_000 {
            queue.push(number);
            if number % 100 != 0 {
                assert_eq!(queue.take_ranked(number as u64, rank), Some(number));
                assert_eq!(queue.take_ranked(number as u64, rank), None);
            }
            assert!(queue.slots.len() <= 2 * queue.len() + FEW_GAPS.get() + 1);
        }
        assert_eq!(queue.len(), 101);
        assert_eq!(queue.ranked(5_000, rank), Some(&mut 5_000));
        let expected: Vec<_> = (0..=100).map(|number| number * 100).collect();
        assert_eq!(rest(&mut queue), expected);
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Push,
        Put(Key),
        Pop,
        FixFront,
        FixAll,
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = prop_oneof![Just(A), Just(B), Just(Key::Progress(0))];
        prop_oneof![
            3 => Just(Step::Push),
            12 => key.prop_map(Step::Put),
            2 => Just(Step::Pop),
            1 => Just(Step::FixFront),
            1 => Just(Step::FixAll),
        ]
    }

    proptest! {
        /// Whatever is queued and taken: values come out in the order in which they were sent. Only
        /// values of which a newer one of the key came out are missing, and no entry without a key;
        /// and the queue stays small.
        #[test]
        fn what_comes_out_is_in_the_order_sent(
            steps in prop::collection::vec(step(), 0..120),
            bound in 1usize..40,
        ) {
            let mut queue = KeyedQueue::default();
            // By their numbers: the keys of everything that was sent, and everything that has come
            // out.
            let (mut sent, mut out) = (Vec::new(), Vec::new());
            // Sent without a key, or fixed: they all come out.
            let mut due = Vec::new();
            // Numbers of the newest value of each key that may still be replaced.
            let mut newest = HashMap::new();
            let (mut stretches, mut gone) = (1, 0);
            for step in steps {
                match step {
                    Step::Push => {
                        queue.push(sent.len());
                        due.push(sent.len());
                        sent.push(None);
                        stretches += 1;
                    }
                    Step::Put(key) => {
                        let room = if queue.len() < bound { Room::Left } else { Room::Full };
                        let before = queue.len();
                        let mut kept = None;
                        let waits = queue.has_waiting(key);
                        prop_assert_eq!(waits, newest.contains_key(&key));
                        let older =
                            queue.put(key, room, |older| kept = Some(*older), || Some(sent.len()));
                        let older = match older {
                            Put::Replaced(older) => Some(older),
                            Put::Queued | Put::Nothing => None,
                        };
                        let last = newest.insert(key, sent.len());
                        sent.push(Some(key));
                        prop_assert!(older.is_none() || older == last, "the newest of the key is dropped");
                        prop_assert_eq!(older.or(kept), last, "or `keep` sees it");
                        gone += usize::from(older.is_some());
                        if waits && room == Room::Full {
                            prop_assert_eq!(queue.len(), before, "it needs no room");
                        }
                    }
                    Step::Pop => {
                        let value = queue.pop();
                        newest.retain(|_, number| Some(*number) != value);
                        out.extend(value);
                    }
                    Step::FixFront => {
                        let front = queue.front().copied();
                        queue.fix_front();
                        due.extend(front);
                        newest.retain(|_, number| Some(*number) != front);
                    }
                    Step::FixAll => {
                        let mut fixed = Vec::new();
                        queue.fix_all(|value| fixed.push(*value));
                        fixed.sort_unstable();
                        let mut expected: Vec<_> = newest.drain().map(|(_, number)| number).collect();
                        expected.sort_unstable();
                        prop_assert_eq!(&fixed, &expected);
                        due.extend(fixed);
                        stretches += 1;
                    }
                }
                let entries = sent.len() - gone - out.len();
                prop_assert_eq!(queue.len(), entries);
                prop_assert!(entries <= due.len() + 2 * 3 * stretches);
                prop_assert!(queue.slots.len() <= 2 * entries + FEW_GAPS.get() + 1);
                prop_assert_eq!(queue.is_empty(), entries == 0);
            }
            due.extend(newest.into_values());
            out.extend(std::iter::from_fn(|| queue.pop()));
            prop_assert!(out.is_sorted_by(|one, next| one < next), "{:?}", out);
            for number in due {
                prop_assert!(out.contains(&number), "{} of {:?} is lost", number, out);
            }
            prop_assert!(queue.keyed.is_empty());
        }

        /// With room, at most two values of each key wait between two entries without a key.
        #[test]
        fn two_values_of_a_key_wait_at_most(keys in prop::collection::vec(0u16..4, 0..120)) {
            let mut queue = KeyedQueue::default();
            for (number, key) in keys.iter().enumerate() {
                queue.put(Key::Property(*key), Room::Left, |_| {}, || Some(number));
            }
            let left = std::iter::from_fn(|| queue.pop()).collect::<Vec<_>>();
            for key in 0..4 {
                let of_key = |number: &&usize| keys[**number] == key;
                let sent = keys.iter().filter(|other| **other == key).count();
                prop_assert!(left.iter().filter(of_key).count() <= sent.min(2));
                let last = keys.iter().rposition(|other| *other == key);
                prop_assert!(last.is_none_or(|last| left.contains(&last)));
            }
        }
    }
}
