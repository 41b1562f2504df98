//! Whether a child may have credit for more events, and which thread checks when.
//!
//! The reader thread checks with every packet, and withholds credit while the inbox is over its
//! bound. A thread that creates a reason to grant credit checks after having created it: a thread
//! that begins to wait for the child, the inbox's thread with every notice that it takes, and a
//! stop. Each of them can come between the reader's check and its withholding, so the reader checks
//! once more. `interleavings` explores every interleaving: in none of them does the child wait for
//! credit forever. Over the hard limit nothing is granted, and waits for the child end.

use crate::controller::flow_control::bound::Fill;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// What credit depends on, and the steps that are common to all implementations.
pub(crate) trait Allowance {
    /// Returns how full the inbox is.
    fn fill(&self) -> Fill;

    /// Returns the number of threads that wait for this child.
    fn waiters(&self) -> &AtomicUsize;

    /// Returns whether the child was asked to end.
    fn is_stopping(&self) -> bool;

    /// Returns whether the reader has withheld credit.
    fn is_withheld(&self) -> bool;

    /// Grants the credit that was withheld.
    fn give(&self);

    /// Ends all waits, because nothing will come.
    fn give_up_waiting(&self);

    /// Returns whether the inbox is so full that even a waiting thread gets nothing more.
    fn is_overflowing(&self) -> bool {
        self.fill() == Fill::HardOver
    }

    /// Returns whether the child may have credit for more events.
    fn may_grant(&self) -> bool {
        match self.fill() {
            Fill::Room => true,
            Fill::Over => self.waiters().load(Ordering::SeqCst) > 0 || self.is_stopping(),
            Fill::HardOver => false,
        }
    }

    /// Grants the withheld credit, if there is a reason to.
    fn grant_if_allowed(&self) {
        if self.is_withheld() && self.may_grant() {
            self.give();
        }
    }

    /// Books a packet that the reader has read: `account` books it, with credit for more or
    /// without.
    fn book<E>(&self, account: impl FnOnce(bool) -> Result<(), E>) -> Result<(), E> {
        let grant = self.may_grant();
        account(grant)?;
        if !grant {
            // The hard limit also applies to waiting threads.
            if self.is_overflowing() && self.waiters().load(Ordering::SeqCst) > 0 {
                self.give_up_waiting();
            }
            // The inbox may have been emptied, or a wait begun, since `may_grant` checked.
            self.grant_if_allowed();
        }
        Ok(())
    }

    /// A thread begins to wait for the child: from here on, the bound does not hold back the
    /// answer. Before it waits, the thread must check whether the inbox
    /// [overflows](Self::is_overflowing).
    fn enter_wait(&self) {
        self.waiters().fetch_add(1, Ordering::SeqCst);
        self.grant_if_allowed();
    }

    /// Ends the wait.
    fn leave_wait(&self) {
        self.waiters().fetch_sub(1, Ordering::SeqCst);
    }
}
