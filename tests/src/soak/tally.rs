//! Records every observed outcome and where it was observed: none may be missing or duplicated.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use mpcore::CallId;

use crate::harness::patience::LONG;

/// Where an outcome was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    Caller,
    Signal,
}

/// How often the outcome of one call was observed, and when last.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    by_caller: usize,
    by_signal: usize,
    last: Option<Instant>,
}

/// All outcomes so far, by call id. Clones are the same tally.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    seen: Arc<(Mutex<HashMap<CallId, Seen>>, Condvar)>,
}

impl Tally {
    fn lock(&self) -> MutexGuard<'_, HashMap<CallId, Seen>> {
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the call was submitted: from now on its outcome is expected.
    pub(super) fn expect(&self, call: CallId) {
        self.lock().entry(call).or_default();
    }

    pub(super) fn note(&self, call: CallId, heard: Heard) {
        let now = Instant::now();
        let mut seen = self.lock();
        let entry = seen.entry(call).or_default();
        match heard {
            Heard::Caller => entry.by_caller += 1,
            Heard::Signal => entry.by_signal += 1,
        }
        entry.last = entry.last.max(Some(now));
        drop(seen);
        self.seen.1.notify_all();
    }

    /// Returns how many ends were reported by the signal.
    pub(super) fn told(&self) -> usize {
        self.lock().values().map(|seen| seen.by_signal).sum()
    }

    /// Returns when the last of these was observed.
    pub(super) fn last_of(&self, calls: &[CallId]) -> Option<Instant> {
        let seen = self.lock();
        calls.iter().filter_map(|call| seen.get(call)?.last).max()
    }

    /// Waits until each of these was reported by the signal, or a timeout expires.
    pub(super) fn wait_for_signals(&self, calls: &[CallId]) {
        let deadline = Instant::now() + LONG;
        let mut seen = self.lock();
        let told = |seen: &HashMap<CallId, Seen>| {
            calls.iter().all(|call| seen.get(call).is_some_and(|seen| seen.by_signal > 0))
        };
        while !told(&seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.seen.1.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Returns the outcomes that were not observed exactly once at each place.
    pub(super) fn wrong(&self) -> Vec<String> {
        let seen = self.lock();
        let wrong = seen.iter().filter(|(_, seen)| (seen.by_caller, seen.by_signal) != (1, 1));
        let said = wrong.map(|(call, seen)| {
            let Seen { by_caller, by_signal, .. } = seen;
            format!("call {call}: {by_caller} outcomes at its caller, {by_signal} by `call_ended`")
        });
        said.collect()
    }
}
