//! Credit: the reason why no send can block.
//!
//! A lane's sender keeps a [`Window`], its receiver a [`Meter`]. Each packet has a [`charge`], an
//! upper bound of what the kernel books for it. The sender sends only while the charges that have
//! not been reported as consumed fit the window, and the window is at most two thirds of the
//! kernel's buffer. The receiver reports totals, not increments, once per half window; a total that
//! cannot be true is a [`FalseReport`].
//!
//! Invariant, checked by a property test: while data waits, either it may be sent, or the receiver
//! has a report due or in flight. It holds because no charge is larger than half a window.

use crate::limits::CREDIT_REPORTS;

/// Returns an upper bound of what the kernel books for a packet of `length` bytes.
///
/// Linux charges the size of the allocation, not of the data: up to twice the length plus the
/// bookkeeping for packets in one allocation, whole pages for larger ones.
pub(crate) fn charge(length: usize) -> u64 {
    (2 * length + 1024).min(length + (20 << 10)) as u64
}

/// Returns the length of the longest packet whose charge is at most half of `window`.
pub(crate) fn longest_packet(window: u32) -> usize {
    let half = window as usize / 2;
    (half.saturating_sub(20 << 10)).max(half.saturating_sub(1024) / 2)
}

/// Returns how much a receiver consumes before it reports: half a window, or less.
pub(crate) fn report_step(window: u32) -> u64 {
    u64::from(window) / CREDIT_REPORTS.get()
}

/// The sender's side of a lane's credit.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    size: u64,
    sent: u64,
    consumed: u64,
}

/// The receiver reported more than it can have consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reported} bytes reported as consumed, {sent} sent, {known} known before")]
pub(crate) struct FalseReport {
    reported: u64,
    sent: u64,
    known: u64,
}

impl Window {
    pub(crate) fn new(size: u32) -> Self {
        Self { size: u64::from(size), sent: 0, consumed: 0 }
    }

    /// Returns whether a packet of this charge may be sent now.
    pub(crate) fn fits(&self, charge: u64) -> bool {
        let outstanding = self.sent - self.consumed;
        outstanding == 0 || outstanding + charge <= self.size
    }

    pub(crate) fn send(&mut self, charge: u64) {
        self.sent += charge;
    }

    /// Records the receiver's newest total. Reports may arrive late or twice: an older one changes
    /// nothing.
    pub(crate) fn report(&mut self, total: u64) -> Result<(), FalseReport> {
        if total > self.sent {
            return Err(FalseReport { reported: total, sent: self.sent, known: self.consumed });
        }
        self.consumed = self.consumed.max(total);
        Ok(())
    }
}

/// The receiver's side of a lane's credit.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    /// A report is due after this much, at most half a window.
    step: u64,
    consumed: u64,
    reported: u64,
}

impl Meter {
    pub(crate) fn new(window: u32) -> Self {
        Self { step: report_step(window), consumed: 0, reported: 0 }
    }

    pub(crate) fn consume(&mut self, charge: u64) {
        self.consumed += charge;
    }

    /// Returns whether a report is due even if nothing else is to be sent.
    pub(crate) fn due(&self) -> bool {
        self.consumed - self.reported >= self.step
    }

    /// Returns the total to put on the next message.
    pub(crate) fn total(&self) -> u64 {
        self.consumed
    }

    /// Records that a message with this total was sent.
    pub(crate) fn told(&mut self, total: u64) {
        self.reported = self.reported.max(total);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_packet_costs_half_a_window_at_most() {
        for window in [8 << 10, 32 << 10, 96 << 10, 141_994, 1 << 20] {
            let longest = longest_packet(window);
            assert!(longest > 0, "{window}");
            assert!(charge(longest) <= u64::from(window) / 2, "{window}: {longest}");
        }
    }

    #[test]
    fn a_false_report_is_found() {
        let mut window = Window::new(10_000);
        window.send(100);
        assert!(window.report(100).is_ok());
        assert!(window.report(50).is_ok(), "late reports are harmless");
        assert!(window.report(101).is_err());
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// A message is prepared, and not sent.
        LookAtTotal,
        Queue(usize),
        Send,
        Receive,
        Report,
        DeliverReport,
    }

    fn step(longest: usize) -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::LookAtTotal),
            (1..=longest).prop_map(Step::Queue),
            Just(Step::Send),
            Just(Step::Receive),
            Just(Step::Report),
            Just(Step::DeliverReport),
        ]
    }

    proptest! {
        /// Data waits only while a report is due or in flight, whatever happens in whatever order;
        /// and the outstanding charges never exceed the window.
        #[test]
        fn data_never_waits_without_credit_under_way(
            window_size in prop_oneof![Just(8u32 << 10), Just(96 << 10), Just(141_994)],
            steps in prop::collection::vec(step(longest_packet(8 << 10)), 1..400),
        ) {
            let mut window = Window::new(window_size);
            let mut meter = Meter::new(window_size);
            let (mut queue, mut lane, mut reports) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
            for step in steps {
                match step {
                    Step::Queue(length) => queue.push_back(charge(length)),
                    Step::Send => if let Some(&next) = queue.front() && window.fits(next) {
                        window.send(next);
                        lane.push_back(next);
                        queue.pop_front();
                    },
                    Step::Receive => if let Some(received) = lane.pop_front() { meter.consume(received) },
                    Step::LookAtTotal => { let _ = meter.total(); }
                    Step::Report => if meter.due() {
                        reports.push_back(meter.total());
                        meter.told(meter.total());
                    },
                    Step::DeliverReport => if let Some(total) = reports.pop_front() {
                        window.report(total).unwrap();
                    },
                }
                prop_assert!(lane.iter().sum::<u64>() <= u64::from(window_size));
                if let Some(&next) = queue.front() {
                    prop_assert!(
                        window.fits(next) || !lane.is_empty() || meter.due() || !reports.is_empty(),
                        "stuck: {window:?} {meter:?}"
                    );
                }
            }
        }
    }
}
