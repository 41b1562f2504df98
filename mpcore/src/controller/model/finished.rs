//! Whether a run is over.
//!
//! What is read of the child is acted on while the run cannot end, and the run ends once: so nothing of
//! it comes after its end, however late its reader is, and whoever comes first ends it: the reader, the
//! watcher's thread, or the thread that could not be started.

use std::sync::TryLockError;

use crate::sync::{Mutex, MutexGuard, lock};

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Finished {
    over: Mutex<bool>,
}

/// The run is not over while this lives. Nobody holds it for longer than it takes to act on a packet.
pub(crate) struct Going<'a> {
    _over: MutexGuard<'a, bool>,
}

/// Somebody else acts on the run at this moment.
#[derive(Debug)]
pub(crate) struct Busy;

impl Finished {
    /// `None` if the run is over.
    pub(crate) fn hold(&self) -> Option<Going<'_>> {
        let over = lock(&self.over);
        (!*over).then(|| Going { _over: over })
    }

    /// The same for a thread that must not wait: `Err` if somebody is just acting.
    pub(crate) fn try_hold(&self) -> Result<Option<Going<'_>>, Busy> {
        let over = match self.over.try_lock() {
            Ok(over) => over,
            Err(TryLockError::Poisoned(over)) => over.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(Busy),
        };
        Ok((!*over).then(|| Going { _over: over }))
    }

    /// Ends it; `true` for the first who comes.
    #[must_use]
    pub(crate) fn end(&self) -> bool {
        !std::mem::replace(&mut *lock(&self.over), true)
    }
}
