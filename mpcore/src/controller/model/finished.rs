//! Whether a run is over.
//!
//! Packets of the child are handled only while the run cannot end, and the run ends once. So
//! nothing of it comes after its end, however late its reader is, and the first to come ends it:
//! the reader, the watcher's thread, or the thread that failed to start another one.

use std::sync::TryLockError;

use crate::sync::{Mutex, MutexGuard, lock};

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Finished {
    over: Mutex<bool>,
}

/// Keeps the run from ending while it lives. Held no longer than it takes to handle a packet.
pub(crate) struct Going<'a> {
    _over: MutexGuard<'a, bool>,
}

/// Another thread is handling the run at this moment.
#[derive(Debug)]
pub(crate) struct Busy;

impl Finished {
    /// Returns `None` if the run is over.
    pub(crate) fn hold(&self) -> Option<Going<'_>> {
        let over = lock(&self.over);
        (!*over).then(|| Going { _over: over })
    }

    /// Like [`hold`](Self::hold) for a thread that must not wait: returns `Err` if another thread
    /// holds the run.
    pub(crate) fn try_hold(&self) -> Result<Option<Going<'_>>, Busy> {
        let over = match self.over.try_lock() {
            Ok(over) => over,
            Err(TryLockError::Poisoned(over)) => over.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(Busy),
        };
        Ok((!*over).then(|| Going { _over: over }))
    }

    /// Ends the run; returns `true` to the first caller only.
    #[must_use]
    pub(crate) fn end(&self) -> bool {
        !std::mem::replace(&mut *lock(&self.over), true)
    }
}
