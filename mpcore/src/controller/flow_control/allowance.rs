//! Whether a child may have credit for more events, and who looks when.
//!
//! The reader thread looks with every packet; it withholds credit while the inbox is over its bound. Who
//! then makes a reason to give it looks after having made it: whoever begins to wait for the child, the
//! inbox's thread with every notice it takes, and a stop. Each of them can come between the reader's
//! look and its withholding; so the reader looks once more. `tests/loom` goes through every interleaving:
//! there is none in which the child waits for credit for ever.

use crate::controller::flow_control::bound::Fill;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// What credit depends on, and the steps that are the same whatever that is.
pub(crate) trait Allowance {
    /// How full the inbox is.
    fn fill(&self) -> Fill;

    /// Threads that wait for this child.
    fn waiters(&self) -> &AtomicUsize;

    /// Whether the child was asked to end.
    fn is_stopping(&self) -> bool;

    /// Whether the reader has withheld credit.
    fn is_withheld(&self) -> bool;

    /// Gives credit that was withheld.
    fn give(&self);

    /// Tells those who wait that nothing will come.
    fn give_up_waiting(&self);

    /// Whether the inbox holds so much that even who waits gets nothing more.
    fn is_overflowing(&self) -> bool {
        self.fill() == Fill::HardOver
    }

    /// Whether the child may have credit for more events.
    fn may_grant(&self) -> bool {
        match self.fill() {
            Fill::Room => true,
            Fill::Over => self.waiters().load(Ordering::SeqCst) > 0 || self.is_stopping(),
            Fill::HardOver => false,
        }
    }

    /// Gives the credit that was withheld, if there is a reason to.
    fn grant_if_allowed(&self) {
        if self.is_withheld() && self.may_grant() {
            self.give();
        }
    }

    /// The reader has read a packet: `account` books it, with credit for more or without.
    fn book<E>(&self, account: impl FnOnce(bool) -> Result<(), E>) -> Result<(), E> {
        let grant = self.may_grant();
        account(grant)?;
        if !grant {
            // Over the hard limit that holds for those who wait, too.
            if self.is_overflowing() && self.waiters().load(Ordering::SeqCst) > 0 {
                self.give_up_waiting();
            }
            // The inbox may have been emptied, or a wait begun, since `may_grant` looked.
            self.grant_if_allowed();
        }
        Ok(())
    }

    /// A thread begins to wait for the child: from here on, the bound does not hold the answer back. It
    /// must then look whether the inbox [overflows](Self::is_overflowing), before it waits.
    fn enter_wait(&self) {
        self.waiters().fetch_add(1, Ordering::SeqCst);
        self.grant_if_allowed();
    }

    /// It waits no more.
    fn leave_wait(&self) {
        self.waiters().fetch_sub(1, Ordering::SeqCst);
    }
}
