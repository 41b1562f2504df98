//! The controller's copy of the child's properties.
//!
//! Set by the reader thread, before the signal; read by anybody, without a round trip. It keeps the
//! encoded bytes: nobody's `Clone` is needed, and no user code runs on the reader thread.

use std::sync::{Mutex, MutexGuard};

use crate::sync;

/// One property.
#[derive(Debug)]
pub(crate) struct Mirror {
    value: Mutex<Value>,
}

#[derive(Debug)]
struct Value {
    bytes: Vec<u8>,
    /// Counts the changes, so that nobody is told of the same one twice.
    version: u64,
}

impl Mirror {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { value: Mutex::new(Value { bytes, version: 1 }) }
    }

    fn lock(&self) -> MutexGuard<'_, Value> {
        sync::lock(&self.value)
    }

    /// Takes a new value over; returns whether it is another one.
    pub(crate) fn set(&self, bytes: &[u8]) -> bool {
        let mut value = self.lock();
        if value.bytes == bytes {
            return false;
        }
        value.bytes.clear();
        // One large value once is no reason to keep its room.
        value.bytes.shrink_to(2 * bytes.len());
        value.bytes.extend_from_slice(bytes);
        value.version += 1;
        true
    }

    /// Looks at the encoded value and its version.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&[u8], u64) -> R) -> R {
        let value = self.lock();
        look(&value.bytes, value.version)
    }
}
