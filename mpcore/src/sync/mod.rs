//! Locks without poison: the state after a panic is still consistent, because no lock is held while
//! user code runs, except for those that the list in `ARCHITECTURE.md` names.
//!
//! Code whose every interleaving is tested takes its locks and atomics from here: under
//! `cfg(mpcore_loom)` they are loom's. Everything else uses those of the standard library, and
//! these functions all the same.
//!
//! [`made_once`] has singletons of the process that are created when they are first needed.

#[cfg(mpcore_loom)]
mod loomed;
pub(crate) mod made_once;
#[cfg(not(mpcore_loom))]
mod plain;

#[cfg(mpcore_loom)]
pub(crate) use loomed::{Condvar, Mutex, MutexGuard, atomic, lock, wait, wait_timeout};
#[cfg(not(mpcore_loom))]
pub(crate) use plain::{Condvar, Mutex, MutexGuard, atomic, lock, wait, wait_timeout};
