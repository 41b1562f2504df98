//! Loom's locks and atomics, for the models; and the standard library's, for what no model covers.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};

pub(crate) mod atomic {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
}

/// A lock of either kind.
pub(crate) trait Lockable {
    type Guard<'a>
    where
        Self: 'a;

    fn locked(&self) -> Self::Guard<'_>;
}

impl<T: ?Sized> Lockable for std::sync::Mutex<T> {
    type Guard<'a>
        = std::sync::MutexGuard<'a, T>
    where
        T: 'a;

    fn locked(&self) -> Self::Guard<'_> {
        self.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lockable for Mutex<T> {
    type Guard<'a>
        = MutexGuard<'a, T>
    where
        T: 'a;

    fn locked(&self) -> Self::Guard<'_> {
        self.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L: Lockable + ?Sized> Lockable for Arc<L> {
    type Guard<'a>
        = L::Guard<'a>
    where
        L: 'a;

    fn locked(&self) -> Self::Guard<'_> {
        (**self).locked()
    }
}

impl<L: Lockable + ?Sized> Lockable for &L {
    type Guard<'a>
        = L::Guard<'a>
    where
        Self: 'a;

    fn locked(&self) -> Self::Guard<'_> {
        (**self).locked()
    }
}

/// A condition for guards of its kind.
pub(crate) trait Waitable<G> {
    fn waited(&self, guard: G) -> G;
    fn waited_until(&self, guard: G, timeout: Duration) -> G;
}

impl<'a, T> Waitable<std::sync::MutexGuard<'a, T>> for std::sync::Condvar {
    fn waited(&self, guard: std::sync::MutexGuard<'a, T>) -> std::sync::MutexGuard<'a, T> {
        self.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    fn waited_until(
        &self,
        guard: std::sync::MutexGuard<'a, T>,
        timeout: Duration,
    ) -> std::sync::MutexGuard<'a, T> {
        self.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl<'a, T> Waitable<MutexGuard<'a, T>> for Condvar {
    fn waited(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Time does not pass in a model: a wait that is never ended is a deadlock, which loom detects.
    fn waited_until(&self, guard: MutexGuard<'a, T>, _: Duration) -> MutexGuard<'a, T> {
        self.waited(guard)
    }
}

pub(crate) fn lock<L: Lockable + ?Sized>(mutex: &L) -> L::Guard<'_> {
    mutex.locked()
}

pub(crate) fn wait<G, C: Waitable<G>>(condition: &C, guard: G) -> G {
    condition.waited(guard)
}

pub(crate) fn wait_timeout<G, C: Waitable<G>>(condition: &C, guard: G, timeout: Duration) -> G {
    condition.waited_until(guard, timeout)
}
