//! A queue in which an entry with a key replaces the waiting one of the same key, in its place.
//!
//! Both sides coalesce with it: the child what has no credit, the controller what the user interface
//! has not yet taken. A replaced entry keeps the place of the oldest and takes the newest value.

use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};

/// Which waiting entries replace each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Property(u16),
    Event(u16),
    Progress(u64),
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct KeyedQueue<V> {
    entries: VecDeque<(Option<Key>, V)>,
    /// Number of the entry at the front, counted since the start.
    front: u64,
    /// Numbers of the waiting entries that have a key.
    keyed: HashMap<Key, u64>,
}

impl<V> Default for KeyedQueue<V> {
    fn default() -> Self {
        // Far from zero, since entries can be put before the front.
        Self { entries: VecDeque::new(), front: 1 << 32, keyed: HashMap::new() }
    }
}

impl<V> KeyedQueue<V> {
    /// The waiting value with this key, to be replaced in its place.
    pub(crate) fn waiting(&mut self, key: Key) -> Option<&mut V> {
        let number = self.keyed.get(&key)?;
        self.entries.get_mut((number - self.front) as usize).map(|(_, value)| value)
    }

    /// Queues a value at the back. If it has a key, none with that key may be [`waiting`](Self::waiting).
    pub(crate) fn push(&mut self, key: Option<Key>, value: V) {
        if let Some(key) = key {
            let before = self.keyed.insert(key, self.front + self.entries.len() as u64);
            debug_assert!(before.is_none(), "{key:?} waits already");
        }
        self.entries.push_back((key, value));
    }

    /// Queues a value before all others.
    pub(crate) fn push_front(&mut self, value: V) {
        self.front -= 1;
        self.entries.push_front((None, value));
    }

    pub(crate) fn front(&self) -> Option<&V> {
        self.entries.front().map(|(_, value)| value)
    }

    pub(crate) fn front_mut(&mut self) -> Option<&mut V> {
        self.entries.front_mut().map(|(_, value)| value)
    }

    /// The entry that `order` finds equal, where the entries are in that order.
    pub(crate) fn search_mut(&mut self, order: impl Fn(&V) -> Ordering) -> Option<&mut V> {
        let index = self.entries.binary_search_by(|(_, value)| order(value)).ok()?;
        self.entries.get_mut(index).map(|(_, value)| value)
    }

    /// The entry at the front is under way: it is not replaced any more.
    pub(crate) fn fix_front(&mut self) {
        if let Some(key) = self.entries.front_mut().and_then(|(key, _)| key.take()) {
            self.keyed.remove(&key);
        }
    }

    /// Nothing that waits now is replaced any more; what may have been, is shown to `each`.
    pub(crate) fn fix_all(&mut self, mut each: impl FnMut(&mut V)) {
        for number in std::mem::take(&mut self.keyed).into_values() {
            if let Some((key, value)) = self.entries.get_mut((number - self.front) as usize) {
                *key = None;
                each(value);
            }
        }
    }

    /// Whether a value with this key waits to be replaced.
    pub(crate) fn has_waiting(&self, key: Key) -> bool {
        self.keyed.contains_key(&key)
    }

    pub(crate) fn pop(&mut self) -> Option<V> {
        let (key, value) = self.entries.pop_front()?;
        if let Some(key) = key {
            self.keyed.remove(&key);
        }
        self.front += 1;
        Some(value)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_entry_keeps_its_place() {
        let mut queue = KeyedQueue::default();
        queue.push(Some(Key::Property(4)), 1);
        queue.push(None, 2);
        *queue.waiting(Key::Property(4)).unwrap() = 9;
        queue.push_front(0);
        *queue.waiting(Key::Property(4)).unwrap() += 1;
        assert_eq!(std::iter::from_fn(|| queue.pop()).collect::<Vec<_>>(), [0, 10, 2]);
        assert_eq!(queue.waiting(Key::Property(4)), None, "what has left is not replaced");
        queue.push(Some(Key::Property(4)), 7);
        assert_eq!(queue.pop(), Some(7));
    }

    #[test]
    fn what_is_fixed_is_not_replaced() {
        let mut queue = KeyedQueue::default();
        queue.push(None, 0);
        queue.push(Some(Key::Property(4)), 1);
        queue.push(None, 2);
        queue.push_front(9);
        queue.fix_all(|value| *value += 10);
        assert!(!queue.has_waiting(Key::Property(4)));
        queue.push(Some(Key::Property(4)), 3);
        assert_eq!(std::iter::from_fn(|| queue.pop()).collect::<Vec<_>>(), [9, 0, 11, 2, 3]);
    }
}
