//! The controller's copy of the child's properties.
//!
//! The reader thread sets it before the signal is posted; any thread reads it, without a round
//! trip. It holds the encoded bytes, so values need not be `Clone` and no user code runs on the
//! reader thread.
//!
//! If an accepted write is repeated in a new run, the mirror keeps its value until that write has
//! its outcome: until then, the values of the new child are a state that the user does not want to
//! see.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::sync;

/// The mirror of one property.
#[derive(Debug)]
pub(crate) struct Mirror {
    value: Mutex<Value>,
}

#[derive(Debug)]
struct Value {
    bytes: Arc<Vec<u8>>,
    /// Counts the changes, so that no handler sees the same one twice.
    version: u64,
    /// While the value of the previous run is kept: the new child's value.
    unseen: Option<Vec<u8>>,
}

impl Mirror {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let bytes = Arc::new(bytes);
        Self { value: Mutex::new(Value { bytes, version: 1, unseen: None }) }
    }

    fn lock(&self) -> MutexGuard<'_, Value> {
        sync::lock(&self.value)
    }

    /// Sets a new value; returns whether it differs.
    pub(crate) fn set(&self, bytes: &[u8]) -> bool {
        let mut value = self.lock();
        match &mut value.unseen {
            Some(unseen) => {
                bytes.clone_into(unseen);
                false
            }
            None => value.change(bytes),
        }
    }

    /// Begins a run with this value; returns whether it differs.
    pub(crate) fn begin(&self, initial: &[u8]) -> bool {
        let mut value = self.lock();
        value.unseen = None;
        value.change(initial)
    }

    /// Begins a run with this value, but keeps the previous run's value visible until
    /// [`let_go`](Self::let_go).
    pub(crate) fn keep(&self, initial: &[u8]) {
        self.lock().unseen = Some(initial.to_vec());
    }

    /// Switches to the value that the child has sent meanwhile; returns whether it differs.
    pub(crate) fn let_go(&self) -> bool {
        let mut value = self.lock();
        let unseen = value.unseen.take();
        unseen.is_some_and(|bytes| value.change(&bytes))
    }

    /// Returns the encoded value and its version. The caller decodes it without the lock; otherwise
    /// the reader thread would wait for the lock with every outcome.
    pub(crate) fn read(&self) -> (Arc<Vec<u8>>, u64) {
        let value = self.lock();
        (Arc::clone(&value.bytes), value.version)
    }
}

impl Value {
    /// Stores these bytes; returns whether they differ.
    fn change(&mut self, bytes: &[u8]) -> bool {
        if *self.bytes == bytes {
            return false;
        }
        match Arc::get_mut(&mut self.bytes) {
            Some(room) => {
                room.clear();
                // After one large value, do not keep its memory.
                room.shrink_to(2 * bytes.len());
                room.extend_from_slice(bytes);
            }
            // Another thread is using the old value.
            None => self.bytes = Arc::new(bytes.to_vec()),
        }
        self.version += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(mirror: &Mirror) -> (Vec<u8>, u64) {
        let (bytes, version) = mirror.read();
        (bytes.to_vec(), version)
    }

    #[test]
    fn an_equal_value_is_no_change() {
        let mirror = Mirror::new(vec![0]);
        assert!(!mirror.set(&[0]) && mirror.set(&[1]) && !mirror.set(&[1]));
        assert_eq!(seen(&mirror), (vec![1], 2));
        assert!(mirror.begin(&[0]) && !mirror.begin(&[0]));
        assert_eq!(seen(&mirror), (vec![0], 3));
    }

    #[test]
    fn a_value_is_kept_until_it_is_confirmed_or_refused() {
        let mirror = Mirror::new(vec![0]);
        mirror.set(&[5]);
        // Confirmed, also after other values.
        mirror.keep(&[0]);
        assert!(!mirror.set(&[3]) && !mirror.set(&[5]));
        assert!(!mirror.let_go() && !mirror.let_go());
        assert_eq!(seen(&mirror), (vec![5], 2));
        assert!(mirror.set(&[6]));
        // Refused, by a child that has sent nothing.
        mirror.keep(&[0]);
        assert_eq!(seen(&mirror), (vec![6], 3));
        assert!(mirror.let_go());
        assert_eq!(seen(&mirror), (vec![0], 4));
        // The run ends before, and in the next one nothing is repeated.
        mirror.set(&[7]);
        mirror.keep(&[0]);
        mirror.set(&[8]);
        assert!(mirror.begin(&[0]) && !mirror.let_go());
        assert_eq!(seen(&mirror), (vec![0], 6));
    }
}
