//! The events lane: how everything leaves the child.
//!
//! What is sent goes through [`EventsLane::send`] (or a variant that does not wait), in the order
//! of the calls, and never blocks in the kernel: items without credit wait in a queue here, and the
//! control thread sends them when credit arrives. A sender waits only if the queue is over its
//! bound. Pongs and credit reports need no credit and no place in the queue. When the lane breaks,
//! or a send panics, it is cut off and the child is asked to stop. The faults of a test's plan are injected on the way.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::thread;

use crate::child::link::faults::{Faults, OnLane};
use crate::child::link::stop::StopRequests;
use crate::limits::{CHILD_QUEUE_BYTES, CHILD_QUEUE_ENTRIES};
use crate::sync::{lock, wait};
use crate::transport::{LaneSender, SendError, SharedSender};
use crate::wire::messages::fault::{FaultPlan, Moment};
use crate::wire::messages::report::Pong;
use crate::wire::messages::stop_reason::StopReason;
use crate::wire::packets::credit::{FalseReport, Meter};
use crate::wire::packets::keyed::Key;
use crate::wire::packets::kinds::{ItemKind, PacketKind};
use crate::wire::packets::outgoing::{NextPacket, Outgoing, QueueBound, QueuedPayload, SendTurn};
use crate::wire::packets::packet::{Head, ItemHead};
use crate::wire::value::codec::{EncodeError, encode};

/// Why a value was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The queue to the controller is full. Try again, or use `emit`, which waits.
    #[error("the queue to the controller is full")]
    Full,
    /// The controller can no longer receive it.
    #[error("the controller is gone")]
    ControllerGone,
    /// The value's `Serialize` failed, or the value is too large or too deep.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// What the lane's lock protects.
struct Outbound {
    queue: Outgoing,
    sender: SharedSender,
    /// Counts what the main thread has consumed from the requests lane.
    requests: Meter,
    /// Counts what the control thread has consumed from the control lane.
    control: Meter,
    /// The number of events, properties and signals queued so far.
    count: u64,
    /// The last item was queued.
    closing: bool,
    /// Nothing can be sent any more.
    closed: bool,
    /// The number of threads that wait for room or for an empty queue. If it is 0, none is woken.
    waiters: usize,
    buffer: Vec<u8>,
}

impl Outbound {
    /// Returns whether there is room, or none is needed because a waiting entry is replaced.
    fn takes(&self, key: Option<Key>, length: usize) -> bool {
        key.is_some_and(|key| self.queue.has_waiting(key)) || self.queue.has_room(length)
    }

    /// Applies an injected fault.
    fn suffer(&mut self, fault: OnLane) {
        match fault {
            OnLane::Close => self.sender = Arc::new(Closed),
            OnLane::Send(packets) => {
                let _ = packets.iter().try_for_each(|packet| self.sender.send(packet));
            }
        }
    }
}

/// Replaces a lane that was closed.
struct Closed;

impl LaneSender for Closed {
    fn send(&self, _packet: &[u8]) -> Result<(), SendError> {
        Err(SendError::Closed)
    }
}

/// Why nothing can be sent to the controller any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CutOff {
    /// A lane was found closed.
    LaneClosed,
    /// The runtime itself panicked, so an outcome may be lost.
    RuntimePanicked,
}

/// See the [module](self).
pub(crate) struct EventsLane {
    generation: u32,
    lane: Mutex<Outbound>,
    /// Notified when the queue has room again, or is closed.
    room: Condvar,
    cut_off: OnceLock<CutOff>,
    stop: Arc<StopRequests>,
    /// Set only in tests.
    faults: Option<Faults>,
}

/// Sends one packet. If that panics, the lane is cut off, because the child's output is no longer
/// complete.
struct Sending<'a> {
    events: &'a EventsLane,
    lane: &'a mut Outbound,
    /// The send has returned.
    returned: bool,
}

impl Sending<'_> {
    fn send(&mut self, kind: PacketKind, packet: &[u8]) -> Result<(), SendError> {
        let faults = self.events.faults.as_ref().filter(|_| kind != PacketKind::Credit);
        let Some(faults) = faults else {
            return self.lane.sender.send(packet);
        };
        let number = faults.message();
        faults.come_to(Moment::BeforeMessage(number), |fault| self.lane.suffer(fault));
        let sent = self.lane.sender.send(packet);
        faults.come_to(Moment::AfterMessage(number), |fault| self.lane.suffer(fault));
        sent
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        if !self.returned {
            self.events.cut_off(self.lane, CutOff::RuntimePanicked);
        }
    }
}

impl EventsLane {
    pub(super) fn new(
        generation: u32,
        window: u32,
        sender: SharedSender,
        stop: Arc<StopRequests>,
        faults: Option<FaultPlan>,
    ) -> Self {
        let bounds = QueueBound { entries: CHILD_QUEUE_ENTRIES, bytes: CHILD_QUEUE_BYTES };
        let lane = Outbound {
            queue: Outgoing::new(window, bounds),
            sender,
            requests: Meter::new(window),
            control: Meter::new(window),
            count: 0,
            closing: false,
            closed: false,
            waiters: 0,
            buffer: Vec::new(),
        };
        Self {
            generation,
            lane: Mutex::new(lane),
            room: Condvar::new(),
            cut_off: OnceLock::new(),
            stop,
            faults: faults.map(|plan| Faults::new(plan, generation, window)),
        }
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// Queues an item and sends what there is credit for. Waits while the queue is over its bound,
    /// even while the child stops, because the controller then accepts everything.
    pub(crate) fn send(
        &self,
        head: ItemHead,
        key: Option<Key>,
        payload: Vec<u8>,
    ) -> Result<(), EmitError> {
        let mut lane = lock(&self.lane);
        while !lane.closed && !lane.takes(key, payload.len()) {
            if lane.queue.is_empty() {
                break; // a value larger than the bound gets the queue to itself
            }
            lane = self.wait_for_room(lane);
        }
        self.push(lane, head, key, payload)
    }

    /// Does the same as [`send`](Self::send), but fails instead of waiting.
    pub(crate) fn try_send(
        &self,
        head: ItemHead,
        key: Option<Key>,
        payload: Vec<u8>,
    ) -> Result<(), EmitError> {
        let lane = lock(&self.lane);
        if !lane.closed && !lane.takes(key, payload.len()) {
            return Err(EmitError::Full);
        }
        self.push(lane, head, key, payload)
    }

    /// Queues an item, unless nothing can follow any more, and sends what there is credit for.
    fn push(
        &self,
        mut lane: MutexGuard<'_, Outbound>,
        mut head: ItemHead,
        key: Option<Key>,
        payload: Vec<u8>,
    ) -> Result<(), EmitError> {
        if lane.closed || lane.closing || self.cut_off.get().is_some() {
            return Err(EmitError::ControllerGone);
        }
        head.events_before = lane.count;
        if matches!(head.kind, ItemKind::Event | ItemKind::Property | ItemKind::Signal) {
            lane.count += 1;
        }
        lane.queue.push(head, key, QueuedPayload::Ready(payload));
        // Nothing follows the last item, even if other threads still emit.
        lane.closing |= head.kind == ItemKind::Bye;
        self.pump(&mut lane);
        Ok(())
    }

    /// Sends what there is credit for.
    fn pump(&self, lane: &mut Outbound) {
        let mut buffer = std::mem::take(&mut lane.buffer);
        while !lane.closed {
            let Outbound { queue, requests, control, .. } = lane;
            let mut head = Head::new(PacketKind::Items, self.generation);
            head.consumed = requests.total();
            head.consumed_control = control.total();
            match queue.next_packet(head, &mut buffer, |_| SendTurn::Now) {
                NextPacket::Packet => {
                    requests.told(head.consumed);
                    control.told(head.consumed_control);
                    self.send_packet(lane, PacketKind::Items, &buffer);
                }
                NextPacket::Empty | NextPacket::Wait => break,
            }
        }
        lane.buffer = buffer;
        if lane.waiters > 0 {
            self.room.notify_all();
        }
    }

    /// Handles the controller's credit report for the events lane.
    pub(crate) fn credit(&self, total: u64) -> Result<(), FalseReport> {
        let mut lane = lock(&self.lane);
        lane.queue.report(total)?;
        self.pump(&mut lane);
        Ok(())
    }

    /// Counts a packet that the main thread has read.
    pub(crate) fn consumed_request(&self, charge: u64) {
        self.consumed(charge, |lane| &mut lane.requests);
    }

    /// Counts a packet that the control thread has read.
    pub(crate) fn consumed_control(&self, charge: u64) {
        self.consumed(charge, |lane| &mut lane.control);
    }

    /// Counts a packet, and sends a credit report if one is due.
    fn consumed(&self, charge: u64, meter: fn(&mut Outbound) -> &mut Meter) {
        let mut lane = lock(&self.lane);
        meter(&mut lane).consume(charge);
        if !meter(&mut lane).due() || lane.closed {
            return;
        }
        // Credit reports need no credit: there are only a few per window that the controller has
        // sent, and the controller always reads this lane, even if its inbox is full.
        self.send_uncredited(&mut lane, PacketKind::Credit, &[]);
    }

    /// Sends a packet that needs no credit.
    fn send_uncredited(&self, lane: &mut Outbound, kind: PacketKind, body: &[u8]) {
        let mut head = Head::new(kind, self.generation);
        head.consumed = lane.requests.total();
        head.consumed_control = lane.control.total();
        lane.requests.told(head.consumed);
        lane.control.told(head.consumed_control);
        let mut packet = head.packet();
        packet.extend_from_slice(body);
        self.send_packet(lane, kind, &packet);
    }

    /// Sends one packet. If that fails, the controller would not receive anything later either, so
    /// the child ends.
    fn send_packet(&self, lane: &mut Outbound, kind: PacketKind, packet: &[u8]) {
        let mut sending = Sending { events: self, lane, returned: false };
        let sent = sending.send(kind, packet);
        sending.returned = true;
        drop(sending);
        if sent.is_err() {
            self.cut_off(lane, CutOff::LaneClosed);
        }
    }

    /// Injects the faults that are planned for this moment.
    pub(crate) fn come_to(&self, moment: Moment) {
        if let Some(faults) = &self.faults {
            faults.come_to(moment, |fault| lock(&self.lane).suffer(fault));
        }
    }

    /// Injects the faults that are planned for the next command, which begins now.
    pub(crate) fn come_to_command(&self) {
        if let Some(faults) = &self.faults {
            self.come_to(faults.command());
        }
    }

    /// Called when a packet was read from a lane. Does not return if the plan stops the reading.
    pub(crate) fn come_to_reading(&self) {
        if let Some(faults) = &self.faults {
            faults.pass_what_was_read();
        }
    }

    /// Queues a short item regardless of the bound, for threads that must not wait.
    pub(super) fn queue_short(&self, head: ItemHead) {
        let mut lane = lock(&self.lane);
        if !lane.closed && !lane.closing {
            lane.queue.push(head, None, QueuedPayload::Ready(Vec::new()));
            self.pump(&mut lane);
        }
    }

    /// Answers a ping.
    pub(super) fn pong(&self, pong: &Pong) {
        let pong = encode(pong);
        let mut lane = lock(&self.lane);
        if !lane.closed {
            // A pong needs no credit, because the controller sends no further ping until it has
            // read this one.
            self.send_uncredited(&mut lane, PacketKind::Pong, &pong);
        }
    }

    /// Waits until everything was handed to the kernel, or can no longer be.
    pub(crate) fn flush(&self) {
        let mut lane = lock(&self.lane);
        while !lane.closed && !lane.queue.is_empty() {
            lane = self.wait_for_room(lane);
        }
    }

    fn wait_for_room<'a>(&self, mut lane: MutexGuard<'a, Outbound>) -> MutexGuard<'a, Outbound> {
        lane.waiters += 1;
        let mut lane = wait(&self.room, lane);
        lane.waiters -= 1;
        lane
    }

    /// Called when the controller is gone: sends nothing more, and asks the child to end.
    pub(crate) fn controller_lost(self: &Arc<Self>) {
        self.lost(CutOff::LaneClosed);
    }

    /// A thread that hangs in a send must not keep this child alive, so another thread waits for
    /// the lock that it holds.
    fn lost(self: &Arc<Self>, why: CutOff) {
        let _ = self.cut_off.set(why);
        self.stop.request(StopReason::ControllerLost);
        let events = Arc::clone(self);
        let body = move || events.cut_off(&mut lock(&events.lane), why);
        let _ = thread::Builder::new().name("mp-cut".into()).spawn(body);
    }

    /// Called when the runtime itself has panicked: the child ends without a goodbye, and all its
    /// commands end with it.
    pub(crate) fn runtime_panicked(self: &Arc<Self>) {
        self.lost(CutOff::RuntimePanicked);
    }

    /// Closes the lane: nothing is sent any more, and the child is asked to stop.
    fn cut_off(&self, lane: &mut Outbound, why: CutOff) {
        lane.closed = true;
        lane.queue.clear();
        self.room.notify_all();
        let _ = self.cut_off.set(why);
        self.stop.request(StopReason::ControllerLost);
    }

    /// Returns why nothing can be sent any more; `None` if the lane is intact.
    pub(crate) fn is_cut_off(&self) -> Option<CutOff> {
        self.cut_off.get().copied()
    }

    /// Waits until nothing can be sent any more, regardless of cancels and stops.
    pub(crate) fn wait_for_cut_off(&self) {
        self.stop.wait_until(|| self.is_cut_off().is_some());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::wire::packets::credit::charge;
    use crate::wire::packets::kinds::Lane;
    use crate::wire::packets::packet::{Assembler, PacketError};

    const WINDOW: u32 = 8 << 10;

    /// A lane and the controller's end of it.
    fn lane() -> (EventsLane, mpsc::Receiver<Vec<u8>>) {
        let (sender, received) = mpsc::channel::<Vec<u8>>();
        let requests = mpsc::channel::<Vec<u8>>().0;
        let stop = StopRequests::new(1, Arc::new(requests), Arc::default());
        (EventsLane::new(1, WINDOW, Arc::new(sender), Arc::new(stop), None), received)
    }

    /// The packets that the controller has read.
    #[derive(Default)]
    struct Reader {
        assembler: Assembler,
        total: u64,
        numbers: Vec<u32>,
    }

    impl Reader {
        /// Reads all packets that were sent. Returns whether there were any.
        fn read(&mut self, received: &mpsc::Receiver<Vec<u8>>) -> bool {
            let before = self.total;
            for packet in received.try_iter() {
                self.total += charge(packet.len());
                let (head, body) = Head::parse(&packet, 1, Lane::Events).unwrap();
                let numbers = &mut self.numbers;
                let take =
                    |_: ItemHead, payload: crate::wire::packets::packet::ReceivedPayload<'_>| {
                        numbers.push(u32::from_le_bytes(payload.bytes()[..4].try_into().unwrap()));
                        Ok::<(), PacketError>(())
                    };
                self.assembler.take(head.kind, body, take).unwrap();
            }
            self.total > before
        }
    }

    fn number(number: u32) -> Vec<u8> {
        number.to_le_bytes().to_vec()
    }

    /// While the controller reports no credit, only the newest value waits.
    #[test]
    fn what_waits_for_a_stalled_controller_is_coalesced() {
        let (lane, received) = lane();
        for value in 0..10_000 {
            let head = ItemHead::new(ItemKind::Property, 0, 0);
            lane.try_send(head, Some(Key::Property(0)), number(value)).unwrap();
        }
        let mut reader = Reader::default();
        assert!(reader.read(&received));
        let before = reader.numbers.len();
        assert!(before < 1000, "no more than there is credit for: {before}");
        lane.credit(reader.total).unwrap();
        reader.read(&received);
        assert_eq!(reader.numbers.len(), before + 1, "one waits");
        assert_eq!(reader.numbers.last(), Some(&9_999));
        assert!(reader.numbers.is_sorted());
    }

    /// A value that replaces a waiting one is accepted immediately, whatever else waits.
    #[test]
    fn a_value_over_a_waiting_one_is_taken_by_a_full_queue() {
        let (lane, received) = lane();
        let (property, event) = (ItemKind::Property, ItemKind::Event);
        let set = |value| {
            let head = ItemHead::new(property, 0, 0);
            lane.try_send(head, Some(Key::Property(0)), number(value))
        };
        let emit = |length| lane.try_send(ItemHead::new(event, 0, 0), None, vec![0; length]);
        (0..10).for_each(|_| emit(1 << 20).unwrap());
        set(1).unwrap();
        // Fill the queue to the last byte.
        let more: usize = [1 << 20, 1 << 12, 1 << 6, 4]
            .map(|length| (0..1000).take_while(|_| emit(length).is_ok()).count())
            .into_iter()
            .sum();
        assert!(more > 10);
        assert_eq!(emit(4), Err(EmitError::Full));
        assert_eq!((set(2), set(3)), (Ok(()), Ok(())));
        let mut reader = Reader::default();
        while reader.read(&received) {
            lane.credit(reader.total).unwrap();
        }
        let seen = reader.numbers;
        assert_eq!(seen.len(), 10 + more + 1);
        assert_eq!(seen.iter().filter(|value| **value > 0).collect::<Vec<_>>(), [&3]);
        assert_eq!(seen.last(), Some(&3), "it overtakes nothing");
    }
}
