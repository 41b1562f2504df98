//! The locks and atomics of the standard library, without poison, and with the delays and wake-ups
//! of [`chaos`].

use std::sync::PoisonError;
use std::time::Duration;

use crate::chaos;

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

/// The same as in [`std::sync::atomic`].
pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
}

pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    chaos::delay();
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    if chaos::wakes_up() {
        return guard;
    }
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn wait_timeout<'a, T>(
    condition: &Condvar,
    guard: MutexGuard<'a, T>,
    timeout: Duration,
) -> MutexGuard<'a, T> {
    if chaos::wakes_up() {
        return guard;
    }
    condition.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner).0
}
