//! The credit of the child for the events lane.
//!
//! The reader thread counts what it has read ([`Account`]) and grants it, or withholds it while the
//! inbox is full. Every packet to the child, on the requests lane or the control lane, carries the
//! total granted so far ([`Grant`]), so a separate message is needed only if nothing else is sent.
//! Totals only rise; a late one changes nothing. A child that sends more than it had credit for is
//! detected here.

use std::sync::Arc;

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::wire::packets::credit::report_step;

/// The totals granted and sent, shared by the two lanes to the child.
#[derive(Debug, Default)]
pub(crate) struct Grant {
    granted: AtomicU64,
    told: AtomicU64,
}

impl Grant {
    /// Returns the total to put on a packet.
    pub(crate) fn granted(&self) -> u64 {
        self.granted.load(Ordering::SeqCst)
    }

    /// Records that a packet with this total was sent.
    pub(crate) fn told(&self, total: u64) {
        self.told.fetch_max(total, Ordering::SeqCst);
    }
}

/// The child has sent more than it had credit for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{sent} bytes were sent with credit for {allowed}")]
pub(crate) struct Overdrawn {
    sent: u64,
    allowed: u64,
}

/// What the reader has consumed of the events lane. Changed under the lock of the control lane.
#[derive(Debug)]
pub(crate) struct Account {
    grant: Arc<Grant>,
    consumed: u64,
    window: u64,
    /// The child is sent its credit each time this much has been consumed.
    step: u64,
    withheld: bool,
}

impl Account {
    pub(crate) fn new(window: u32) -> Self {
        let (step, window) = (report_step(window), u64::from(window));
        Self { grant: Arc::default(), consumed: 0, window, step, withheld: false }
    }

    pub(crate) fn grant(&self) -> &Arc<Grant> {
        &self.grant
    }

    /// Books a packet that cost `charge`; `grant` is whether the child may have credit for more.
    /// Returns whether the credit has to be sent immediately because too much of it is unsent.
    pub(crate) fn read(&mut self, charge: u64, grant: bool) -> Result<bool, Overdrawn> {
        self.consumed += charge;
        let allowed = self.grant.granted() + self.window + 1;
        if self.consumed > allowed {
            // A child that sends without credit would fill our memory, whatever the bounds are.
            return Err(Overdrawn { sent: self.consumed, allowed });
        }
        if charge > 0 {
            self.withheld = !grant;
        }
        if !grant {
            return Ok(false);
        }
        self.grant.granted.store(self.consumed, Ordering::SeqCst);
        Ok(self.consumed - self.grant.told.load(Ordering::SeqCst) >= self.step)
    }

    pub(crate) fn is_withheld(&self) -> bool {
        self.withheld
    }

    /// Grants withheld credit, because there is room again. Returns whether there was any, which
    /// then has to be sent immediately.
    pub(crate) fn give(&mut self) -> bool {
        if !std::mem::take(&mut self.withheld) {
            return false;
        }
        self.grant.granted.store(self.consumed, Ordering::SeqCst);
        true
    }
}
