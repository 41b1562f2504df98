//! What the controller requests from the child: stop, cancel, another deadline, an answer to a
//! ping; and credit for the events lane.
//!
//! A state, not a queue: what cannot be sent yet for lack of credit merges with what comes later.
//! Each message fits into a packet. The packets that the reader has read are booked here too, and a
//! child that violates the credit rules is detected.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::controller::flow_control::grant::{Account, Grant, Overdrawn};
use crate::limits::{CANCELLED_PER_MESSAGE, DEADLINES_PER_MESSAGE, STOP_REASON_BYTES};
use crate::transport::SharedSender;
use crate::wire::messages::report::ControlState;
use crate::wire::messages::stop_reason::StopReason;
use crate::wire::packets::credit::{FalseReport, Window, charge, longest_packet};
use crate::wire::packets::kinds::PacketKind;
use crate::wire::packets::packet::{HEAD, Head};
use crate::wire::value::codec::encode;

/// A child that violates the credit rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LaneError {
    #[error(transparent)]
    FalseReport(#[from] FalseReport),
    #[error(transparent)]
    Overdrawn(#[from] Overdrawn),
}

/// What was requested of the child and is not sent yet, and the lane while it is open.
#[derive(Default)]
pub(crate) struct ControlLane {
    open: Option<Open>,
    stop: Option<StopReason>,
    cancelled: BTreeSet<u64>,
    /// Milliseconds that calls may run.
    deadlines: BTreeMap<u64, u32>,
    /// The number of a ping to be sent, or 0.
    ping: u32,
    /// Something of the above has not been sent.
    unsent: bool,
}

/// The lane of a run, with its credit and the account of the events lane.
struct Open {
    lane: SharedSender,
    generation: u32,
    window: Window,
    account: Account,
    most: Most,
}

/// How much goes into one message, so that it fits into a packet: a packet that costs more than
/// half a window might wait forever for credit of which no report is due.
#[derive(Debug, Clone, Copy)]
struct Most {
    cancelled: usize,
    deadlines: usize,
}

impl Most {
    /// The longest encoding by postcard of a 64-bit number, and of a 32-bit number.
    const CALL: usize = 10;
    const MILLISECONDS: usize = 5;
    /// Besides the stop reason and what is counted here: lengths, tags, and a ping.
    const REST: usize = 32;

    fn of(window: u32) -> Self {
        let room = longest_packet(window).saturating_sub(HEAD + STOP_REASON_BYTES + Self::REST);
        let fit = |length: usize| (room / 2 / length).max(1);
        Self {
            cancelled: CANCELLED_PER_MESSAGE.get().min(fit(Self::CALL)),
            deadlines: DEADLINES_PER_MESSAGE.get().min(fit(Self::CALL + Self::MILLISECONDS)),
        }
    }
}

impl std::fmt::Debug for ControlLane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ControlLane").field("stop", &self.stop).finish_non_exhaustive()
    }
}

impl ControlLane {
    /// Begins a run: requests to the last one no longer count.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Opens the lane of a run, and sends what was requested before.
    pub(crate) fn open(&mut self, lane: SharedSender, generation: u32, window: u32) -> Arc<Grant> {
        let account = Account::new(window);
        let grant = Arc::clone(account.grant());
        let (window, most) = (Window::new(window), Most::of(window));
        self.open = Some(Open { lane, generation, window, account, most });
        self.flush(false);
        grant
    }

    pub(crate) fn close(&mut self) {
        self.open = None;
    }

    /// Requests a stop; the first reason counts.
    pub(crate) fn stop(&mut self, reason: StopReason) {
        self.stop.get_or_insert(reason);
        self.unsent = true;
        self.flush(false);
    }

    pub(crate) fn cancel(&mut self, call: u64) {
        // Repeated cancels of a call are one request.
        if self.cancelled.insert(call) {
            self.unsent = true;
            self.flush(false);
        }
    }

    pub(crate) fn set_deadline(&mut self, call: u64, milliseconds: u32) {
        self.deadlines.insert(call, milliseconds);
        self.unsent = true;
        self.flush(false);
    }

    /// Requests an answer.
    pub(crate) fn ping(&mut self, number: u32) {
        self.ping = number;
        self.unsent = true;
        self.flush(false);
    }

    /// Books a packet that the reader has read: `consumed` is what the child reports for this lane,
    /// `charge` the cost of the packet; `grant` is whether the child may have credit for more.
    pub(crate) fn packet_read(
        &mut self,
        consumed: u64,
        charge: u64,
        grant: bool,
    ) -> Result<(), LaneError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.window.report(consumed)?;
        let due = open.account.read(charge, grant)?;
        self.flush(due);
        Ok(())
    }

    pub(crate) fn is_withheld(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.account.is_withheld())
    }

    /// Grants withheld credit, because there is room again.
    pub(crate) fn grant(&mut self) {
        let Some(open) = &mut self.open else { return };
        if open.account.give() {
            self.flush(true);
        }
    }

    /// Sends what is unsent, as far as there is credit. `credit_due`: sends a message even if it
    /// carries only credit.
    fn flush(&mut self, credit_due: bool) {
        let Some(open) = &mut self.open else { return };
        self.unsent |= credit_due;
        while self.unsent {
            // The newest state in one packet, not one packet per request: while the child reads
            // nothing, only the sets grow.
            let cancelled = self.cancelled.iter().copied().take(open.most.cancelled);
            let deadlines = self.deadlines.iter().map(|(call, allowed)| (*call, *allowed));
            let now = ControlState {
                stop: self.stop.clone(),
                cancelled: cancelled.collect(),
                deadlines: deadlines.take(open.most.deadlines).collect(),
                ping: self.ping,
            };
            let mut packet = Vec::new();
            let mut head = Head::new(PacketKind::Control, open.generation);
            let total = open.account.grant().granted();
            head.consumed = total;
            head.write(&mut packet);
            packet.extend_from_slice(&encode(&now));
            let charge = charge(packet.len());
            // It is sent when the child reports what it has read.
            if !open.window.fits(charge) {
                return;
            }
            open.window.send(charge);
            open.account.grant().told(total);
            for call in now.cancelled {
                self.cancelled.remove(&call);
            }
            for (call, _) in now.deadlines {
                self.deadlines.remove(&call);
            }
            self.ping = 0;
            self.unsent = !self.cancelled.is_empty() || !self.deadlines.is_empty();
            // If the lane is closed, the child is gone, and the watcher reports that.
            let _ = open.lane.send(&packet);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;
    use crate::limits::WINDOW_MIN;
    use crate::wire::packets::kinds::Lane;

    fn sent(receiver: &mpsc::Receiver<Vec<u8>>) -> Vec<(u64, bool, usize)> {
        let packets = receiver.try_iter().map(|packet| {
            let (head, body) = Head::parse(&packet, 1, Lane::Control).unwrap();
            let state: ControlState = postcard::from_bytes(body).unwrap();
            (head.consumed, state.stop.is_some(), state.cancelled.len())
        });
        packets.collect()
    }

    #[test]
    fn credit_is_withheld_until_there_is_room() {
        let (sender, receiver) = mpsc::channel::<Vec<u8>>();
        let mut lane = ControlLane::default();
        lane.stop(StopReason::Asked);
        assert_eq!(sent(&receiver), []);
        lane.open(Arc::new(sender), 1, 8 << 10);
        assert_eq!(sent(&receiver), [(0, true, 0)]);
        lane.packet_read(0, 5000, false).unwrap();
        lane.cancel(7);
        assert_eq!(sent(&receiver), [(0, true, 1)], "no credit slips out with a cancel");
        lane.grant();
        assert_eq!(sent(&receiver), [(5000, true, 0)]);
    }

    #[test]
    fn sending_without_credit_is_detected() {
        let (sender, _receiver) = mpsc::channel::<Vec<u8>>();
        let mut lane = ControlLane::default();
        lane.open(Arc::new(sender), 1, 8 << 10);
        assert_eq!(lane.packet_read(0, 8 << 10, false), Ok(()));
        let overdrawn = lane.packet_read(0, 4096, false);
        assert!(matches!(overdrawn, Err(LaneError::Overdrawn(_))), "{overdrawn:?}");
    }

    #[test]
    fn without_credit_cancels_merge_and_follow_later() {
        let (sender, receiver) = mpsc::channel::<Vec<u8>>();
        let mut lane = ControlLane::default();
        lane.open(Arc::new(sender), 1, 8 << 10);
        for call in 0..100 {
            lane.cancel(call);
        }
        let first = sent(&receiver);
        assert!(first.len() < 10, "{first:?}");
        // stop, number of ids, ids below 128, number of deadlines, ping
        let of_one = |ids: usize| charge(HEAD + 1 + 1 + ids + 1 + 1);
        let charges = first.iter().map(|(_, _, ids)| of_one(*ids)).sum();
        lane.packet_read(charges, 0, true).unwrap();
        let total: usize = first.iter().chain(&sent(&receiver)).map(|(_, _, count)| count).sum();
        assert_eq!(total, 100);
    }

    #[test]
    fn no_message_is_longer_than_a_packet() {
        for window in [WINDOW_MIN, 20_001, 96 << 10, 1 << 20] {
            let (sender, receiver) = mpsc::channel::<Vec<u8>>();
            let mut lane = ControlLane::default();
            lane.stop(StopReason::because("x".repeat(2 * STOP_REASON_BYTES)));
            for number in 0..3000 {
                lane.cancel(u64::MAX - number);
                lane.set_deadline(u64::MAX - number, u32::MAX);
            }
            lane.ping(u32::MAX);
            lane.open(Arc::new(sender), 1, window);
            let (mut reported, mut cancelled) = (0, 0);
            while cancelled < 3000 {
                let packets: Vec<_> = receiver.try_iter().collect();
                assert!(!packets.is_empty(), "{window}: {cancelled} of 3000 were sent");
                for packet in packets {
                    assert!(packet.len() <= longest_packet(window), "{window}: {}", packet.len());
                    let (_, body) = Head::parse(&packet, 1, Lane::Control).unwrap();
                    cancelled +=
                        postcard::from_bytes::<ControlState>(body).unwrap().cancelled.len();
                    reported += charge(packet.len());
                }
                lane.packet_read(reported, 0, true).unwrap();
            }
        }
    }

    #[test]
    fn a_ping_and_deadlines_merge_into_what_is_sent_next() {
        let (sender, receiver) = mpsc::channel::<Vec<u8>>();
        let mut lane = ControlLane::default();
        lane.set_deadline(3, 50);
        lane.set_deadline(3, 70);
        lane.ping(1);
        lane.open(Arc::new(sender), 1, 8 << 10);
        lane.cancel(9);
        let states: Vec<ControlState> = receiver
            .try_iter()
            .map(|packet| {
                postcard::from_bytes(Head::parse(&packet, 1, Lane::Control).unwrap().1).unwrap()
            })
            .collect();
        let first = ControlState { deadlines: vec![(3, 70)], ping: 1, ..ControlState::default() };
        let second = ControlState { cancelled: vec![9], ..ControlState::default() };
        assert_eq!(states, [first, second], "each once");
    }
}
