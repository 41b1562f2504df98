//! Which command runs, and which must end or never begin.
//!
//! The main thread begins and ends commands, the control thread cancels them, and worker threads of
//! a command check for cancels and report them. In every order of these: a cancel affects the
//! command that it names and no other; a command that was cancelled before its turn is answered
//! once and never runs; and an observed cancel counts only for the command that observed it.
//! `interleavings` explores every interleaving.

use std::collections::BTreeSet;

use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard, lock};
use crate::wire::packets::packet::CallFlags;

/// See the [module](self). `T` is additional state of the running command, under the same lock.
#[derive(Debug, Default)]
pub(crate) struct Cancels<T> {
    record: Mutex<CommandRecord<T>>,
    /// The running command was cancelled, or its deadline has passed. Changed under the lock of the
    /// record, like `running`.
    cancelled: AtomicBool,
    /// The number of the running command, or 0.
    running: AtomicU64,
    /// The newest command that has observed `Cancelled` on its own threads. Ids rise, so a late
    /// report for an older command changes nothing.
    met: AtomicU64,
}

#[derive(Debug, Default)]
pub(crate) struct CommandRecord<T> {
    running: Option<u64>,
    /// The newest command whose turn has come; ids rise.
    begun: u64,
    /// Cancelled and answered before their turn: they are skipped when it comes.
    ids: BTreeSet<u64>,
    /// The controller's flags for the running command.
    flags: CallFlags,
    /// Why the running command has to end, other than a stop.
    cause: Option<Cause>,
    pub(crate) times: T,
}

/// Why the running command has to end: the first reason that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Cancelled,
    /// Its deadline has passed: the milliseconds that it had.
    TimedOut(u32),
}

/// How the running command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Whether it has observed `Cancelled`.
    pub(crate) met: bool,
    pub(crate) cause: Option<Cause>,
}

impl<T> CommandRecord<T> {
    pub(crate) fn running(&self) -> Option<u64> {
        self.running
    }

    pub(crate) fn begun(&self) -> u64 {
        self.begun
    }

    pub(crate) fn flags(&self) -> CallFlags {
        self.flags
    }
}

impl<T> Cancels<T> {
    pub(crate) fn record(&self) -> MutexGuard<'_, CommandRecord<T>> {
        lock(&self.record)
    }

    /// Handles the controller's cancels. Returns the commands to answer now because they will not
    /// run.
    #[must_use]
    pub(crate) fn cancel(&self, ids: &[u64]) -> Vec<u64> {
        let mut answered = Vec::new();
        let mut record = lock(&self.record);
        for id in ids {
            if record.running == Some(*id) {
                if !record.flags.has(CallFlags::OUTLIVES_CANCEL) {
                    self.end_for(&mut record, Cause::Cancelled);
                }
            } else if *id > record.begun && record.ids.insert(*id) {
                answered.push(*id);
            }
        }
        answered
    }

    /// Called when the running command's deadline has passed.
    pub(crate) fn overran(&self, record: &mut CommandRecord<T>, allowed: u32) {
        if !record.flags.has(CallFlags::OUTLIVES_DEADLINE) {
            self.end_for(record, Cause::TimedOut(allowed));
        }
    }

    fn end_for(&self, record: &mut CommandRecord<T>, cause: Cause) {
        record.cause.get_or_insert(cause);
        self.cancelled.store(true, Ordering::SeqCst);
    }

    /// Skips a command whose turn has come, because the child ends. Returns `false` if it was
    /// cancelled and answered before.
    #[must_use]
    pub(crate) fn skip(&self, call: u64) -> bool {
        let mut record = lock(&self.record);
        // A later cancel comes too late; otherwise it would be answered a second time.
        record.begun = call;
        !record.ids.remove(&call)
    }

    /// Begins a command on the main thread. Returns `false` if it was cancelled and answered
    /// before. `along` runs under the same lock.
    #[must_use]
    pub(crate) fn begin(
        &self,
        call: u64,
        flags: CallFlags,
        along: impl FnOnce(&mut CommandRecord<T>),
    ) -> bool {
        let mut record = lock(&self.record);
        // Ids rise, so lower ones have ended.
        record.ids = record.ids.split_off(&call);
        record.begun = call;
        if record.ids.remove(&call) {
            return false;
        }
        record.running = Some(call);
        record.flags = flags;
        record.cause = None;
        self.cancelled.store(false, Ordering::SeqCst);
        self.running.store(call, Ordering::SeqCst);
        along(&mut record);
        true
    }

    /// Ends the running command, which has returned or unwound. `along` runs under the same lock.
    pub(crate) fn end(&self, along: impl FnOnce(&mut CommandRecord<T>)) -> Ended {
        let mut record = lock(&self.record);
        let ended = record.running.take();
        self.cancelled.store(false, Ordering::SeqCst);
        self.running.store(0, Ordering::SeqCst);
        along(&mut record);
        Ended { met: ended == Some(self.met.load(Ordering::SeqCst)), cause: record.cause }
    }

    /// Returns the running command, or 0.
    pub(crate) fn running(&self) -> u64 {
        self.running.load(Ordering::SeqCst)
    }

    /// Returns whether the running command was cancelled, or its deadline has passed.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Records that `call`, which runs or has run, has observed `Cancelled`.
    pub(crate) fn meet(&self, call: u64) {
        self.met.fetch_max(call, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(cancels: &Cancels<()>, call: u64) -> bool {
        cancels.begin(call, CallFlags::default(), |_| {})
    }

    /// Ends the command; returns whether it had observed `Cancelled`.
    fn end(cancels: &Cancels<()>) -> bool {
        cancels.end(|_| {}).met
    }

    #[test]
    fn a_cancel_meets_the_command_it_names_and_no_other() {
        let cancels = Cancels::<()>::default();
        assert!(begin(&cancels, 1));
        assert!(cancels.cancel(&[1]).is_empty());
        assert!(cancels.is_cancelled());
        cancels.meet(1);
        assert!(end(&cancels));
        assert!(begin(&cancels, 2));
        assert!(cancels.cancel(&[1]).is_empty(), "it has ended");
        assert!(!cancels.is_cancelled());
        cancels.meet(1);
        assert!(!end(&cancels), "the report was of the first command");
    }

    #[test]
    fn a_call_cancelled_early_is_answered_once_and_never_runs() {
        let cancels = Cancels::<()>::default();
        assert_eq!(cancels.cancel(&[2, 3, 4]), [2, 3, 4]);
        assert!(cancels.cancel(&[2, 3]).is_empty());
        assert!(begin(&cancels, 1));
        assert!(!end(&cancels));
        assert!(!begin(&cancels, 2));
        assert!(!begin(&cancels, 3));
        assert!(!cancels.skip(4));
        assert!(begin(&cancels, 5));
    }

    /// Regression: a cancel after a skipped command's `Stopped` was answered too. The controller
    /// got a second outcome and declared the child broken while its `cleanup` ran.
    #[test]
    fn a_command_that_was_skipped_is_not_answered_again() {
        let cancels = Cancels::<()>::default();
        assert!(cancels.skip(7));
        assert!(cancels.cancel(&[7]).is_empty());
    }

    #[test]
    fn only_the_first_reason_counts_and_none_outlives_the_command() {
        let cancels = Cancels::<()>::default();
        assert!(begin(&cancels, 1));
        cancels.overran(&mut cancels.record(), 50);
        assert!(cancels.cancel(&[1]).is_empty());
        assert_eq!(cancels.end(|_| {}).cause, Some(Cause::TimedOut(50)));
        let outlives = CallFlags::default()
            .with(CallFlags::OUTLIVES_CANCEL)
            .with(CallFlags::OUTLIVES_DEADLINE);
        assert!(cancels.begin(2, outlives, |_| {}));
        assert!(cancels.cancel(&[2]).is_empty());
        cancels.overran(&mut cancels.record(), 50);
        assert!(!cancels.is_cancelled());
        assert_eq!(cancels.end(|_| {}).cause, None);
    }
}
