//! The controller's copy of the child's properties.
//!
//! Set by the reader thread, before the signal; read by anybody, without a round trip. It keeps the
//! encoded bytes: nobody's `Clone` is needed, and no user code runs on the reader thread.

use std::sync::{Arc, Mutex};

use crate::sync;

/// One property.
#[derive(Debug)]
pub(crate) struct Mirror {
    value: Mutex<Value>,
}

#[derive(Debug)]
struct Value {
    bytes: Arc<Vec<u8>>,
    /// Counts the changes, so that nobody is told of the same one twice.
    version: u64,
}

impl Mirror {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { value: Mutex::new(Value { bytes: Arc::new(bytes), version: 1 }) }
    }

    /// Takes a new value over; returns whether it is another one.
    pub(crate) fn set(&self, bytes: &[u8]) -> bool {
        let mut value = sync::lock(&self.value);
        if *value.bytes == bytes {
            return false;
        }
        match Arc::get_mut(&mut value.bytes) {
            Some(room) => {
                room.clear();
                // One large value once is no reason to keep its room.
                room.shrink_to(2 * bytes.len());
                room.extend_from_slice(bytes);
            }
            // Somebody is looking at the old value.
            None => value.bytes = Arc::new(bytes.to_vec()),
        }
        value.version += 1;
        true
    }

    /// The encoded value and its version. It is decoded without the lock, on which the reader of every
    /// outcome would wait.
    pub(crate) fn read(&self) -> (Arc<Vec<u8>>, u64) {
        let value = sync::lock(&self.value);
        (Arc::clone(&value.bytes), value.version)
    }
}
