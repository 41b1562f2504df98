//! The state that the threads of one child share: the events lane, and the controller's requests to
//! cancel and to stop.
//!
//! What leaves the child goes through [`Link::send`] (or a variant that does not wait), in the order
//! of the calls, and never blocks in the kernel: items without credit wait in a queue here, and the
//! control thread sends them when credit arrives. A sender waits only if the queue is over its bound.
//! Pongs and credit reports need no credit and no place in the queue.

pub(crate) mod cancels;
pub(crate) mod deadlines;
pub(crate) mod faults;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::child::link::cancels::{Cancels, Ended, Record};
use crate::child::link::deadlines::Deadlines;
use crate::child::link::faults::{Faults, OnLane};
use crate::limits::{CHILD_QUEUE_BYTES, CHILD_QUEUE_ENTRIES, TERMINATE_GRACE};
use crate::process::watch;
use crate::sync::{lock, wait};
use crate::this_process::inherited;
use crate::transport::{LaneEnd, LaneSender, SendError, Sender};
use crate::wire::messages::fault::{FaultPlan, Moment};
use crate::wire::messages::report::Pong;
use crate::wire::messages::stop_reason::StopReason;
use crate::wire::packets::credit::{FalseReport, Meter};
use crate::wire::packets::keyed::Key;
use crate::wire::packets::outgoing::{Next, Outgoing, Payload, QueueBound, Turn};
use crate::wire::packets::packet::{CallFlags, Head, ItemHead, ItemKind, PacketKind};
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

struct Events {
    queue: Outgoing,
    lane: Sender,
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

impl Events {
    /// Returns whether there is room, or none is needed because a waiting entry is replaced.
    fn takes(&self, key: Option<Key>, length: usize) -> bool {
        key.is_some_and(|key| self.queue.has_waiting(key)) || self.queue.has_room(length)
    }

    /// Applies an injected fault.
    fn suffer(&mut self, fault: OnLane) {
        match fault {
            OnLane::Close => self.lane = Arc::new(Closed),
            OnLane::Send(packets) => {
                let _ = packets.iter().try_for_each(|packet| self.lane.send(packet));
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

/// The running command's deadlines, and the alarm and the calls that depend on them.
#[derive(Debug, Default)]
struct Times {
    deadlines: Deadlines,
    /// When the deadlines are checked next.
    alarm: Option<Instant>,
    /// The deadline that the running command's own calls inherit.
    lent: Option<Instant>,
}

/// The requests to stop that the child has received.
#[derive(Debug, Default)]
struct Stop {
    /// The first reason, and when it arrived.
    first: Option<(StopReason, Instant)>,
    /// When the first stop signal arrived.
    signal: Option<Instant>,
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
pub(crate) struct Link {
    generation: u32,
    events: Mutex<Events>,
    /// Notified when the queue has room again, or is closed.
    room: Condvar,
    requests_end: Arc<dyn LaneEnd>,
    cancels: Cancels<Times>,
    stop: Mutex<Stop>,
    stopping: AtomicBool,
    /// What the running command's own calls inherit.
    inherited: Arc<inherited::Command>,
    /// Held by threads that are about to wait for a request to end the command or the child. The
    /// thread that records the request takes it afterwards, so that no wait begins in between.
    ending: Mutex<()>,
    ending_changed: Condvar,
    cut_off: OnceLock<CutOff>,
    /// No deadline acts, because the child is debugged.
    timeless: AtomicBool,
    /// Set only in tests.
    faults: Option<Faults>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// Sends one packet. If that panics, the link is cut off, because the child's output is no longer
/// complete.
struct Sending<'a> {
    link: &'a Link,
    events: &'a mut Events,
    over: bool,
}

impl Sending<'_> {
    fn send(&mut self, kind: PacketKind, packet: &[u8]) -> Result<(), SendError> {
        let faults = self.link.faults.as_ref().filter(|_| kind != PacketKind::Credit);
        let Some(faults) = faults else {
            return self.events.lane.send(packet);
        };
        let number = faults.message();
        faults.come_to(Moment::BeforeMessage(number), |fault| self.events.suffer(fault));
        let sent = self.events.lane.send(packet);
        faults.come_to(Moment::AfterMessage(number), |fault| self.events.suffer(fault));
        sent
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.link.cut_off(self.events, CutOff::RuntimePanicked);
        }
    }
}

impl Link {
    pub(crate) fn new(
        generation: u32,
        window: u32,
        events: Sender,
        requests_end: Arc<dyn LaneEnd>,
        faults: Option<FaultPlan>,
    ) -> Arc<Self> {
        let bounds = QueueBound { entries: CHILD_QUEUE_ENTRIES, bytes: CHILD_QUEUE_BYTES };
        let events = Events {
            queue: Outgoing::new(window, bounds),
            lane: events,
            requests: Meter::new(window),
            control: Meter::new(window),
            count: 0,
            closing: false,
            closed: false,
            waiters: 0,
            buffer: Vec::new(),
        };
        Arc::new(Self {
            generation,
            events: Mutex::new(events),
            room: Condvar::new(),
            requests_end,
            cancels: Cancels::default(),
            stop: Mutex::default(),
            stopping: AtomicBool::new(false),
            inherited: Arc::default(),
            ending: Mutex::default(),
            ending_changed: Condvar::new(),
            cut_off: OnceLock::new(),
            timeless: AtomicBool::new(false),
            faults: faults.map(|plan| Faults::new(plan, generation, window)),
        })
    }

    pub(crate) fn generation(&self) -> u32 {
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
        let mut events = lock(&self.events);
        while !events.closed && !events.takes(key, payload.len()) {
            if events.queue.is_empty() {
                break; // a value larger than the bound gets the queue to itself
            }
            events = self.wait_for_room(events);
        }
        self.push(events, head, key, payload)
    }

    /// Does the same as [`send`](Self::send), but fails instead of waiting.
    pub(crate) fn try_send(
        &self,
        head: ItemHead,
        key: Option<Key>,
        payload: Vec<u8>,
    ) -> Result<(), EmitError> {
        let events = lock(&self.events);
        if !events.closed && !events.takes(key, payload.len()) {
            return Err(EmitError::Full);
        }
        self.push(events, head, key, payload)
    }

    fn push(
        &self,
        mut events: MutexGuard<'_, Events>,
        mut head: ItemHead,
        key: Option<Key>,
        payload: Vec<u8>,
    ) -> Result<(), EmitError> {
        if events.closed || events.closing || self.cut_off.get().is_some() {
            return Err(EmitError::ControllerGone);
        }
        head.events_before = events.count;
        if matches!(head.kind, ItemKind::Event | ItemKind::Property | ItemKind::Signal) {
            events.count += 1;
        }
        events.queue.push(head, key, Payload::Ready(payload));
        // Nothing follows the last item, even if other threads still emit.
        events.closing |= head.kind == ItemKind::Bye;
        self.pump(&mut events);
        Ok(())
    }

    /// Sends what there is credit for.
    fn pump(&self, events: &mut Events) {
        let mut buffer = std::mem::take(&mut events.buffer);
        while !events.closed {
            let Events { queue, requests, control, .. } = events;
            let mut head = Head::new(PacketKind::Items, self.generation);
            head.consumed = requests.total();
            head.consumed_control = control.total();
            match queue.next_packet(head, &mut buffer, |_| Turn::Now) {
                Next::Packet => {
                    requests.told(head.consumed);
                    control.told(head.consumed_control);
                    self.send_packet(events, PacketKind::Items, &buffer);
                }
                Next::Empty | Next::Wait => break,
            }
        }
        events.buffer = buffer;
        if events.waiters > 0 {
            self.room.notify_all();
        }
    }

    /// Handles the controller's credit report for the events lane.
    pub(crate) fn credit(&self, total: u64) -> Result<(), FalseReport> {
        let mut events = lock(&self.events);
        events.queue.report(total)?;
        self.pump(&mut events);
        Ok(())
    }

    /// Counts a packet that the main thread has read.
    pub(crate) fn consumed_request(&self, charge: u64) {
        self.consumed(charge, |events| &mut events.requests);
    }

    /// Counts a packet that the control thread has read.
    pub(crate) fn consumed_control(&self, charge: u64) {
        self.consumed(charge, |events| &mut events.control);
    }

    fn consumed(&self, charge: u64, meter: fn(&mut Events) -> &mut Meter) {
        let mut events = lock(&self.events);
        meter(&mut events).consume(charge);
        if !meter(&mut events).due() || events.closed {
            return;
        }
        // Credit reports need no credit: there are only a few per window that the controller has
        // sent, and the controller always reads this lane, even if its inbox is full.
        self.send_uncredited(&mut events, PacketKind::Credit, &[]);
    }

    fn send_uncredited(&self, events: &mut Events, kind: PacketKind, body: &[u8]) {
        let mut head = Head::new(kind, self.generation);
        head.consumed = events.requests.total();
        head.consumed_control = events.control.total();
        events.requests.told(head.consumed);
        events.control.told(head.consumed_control);
        let mut packet = head.packet();
        packet.extend_from_slice(body);
        self.send_packet(events, kind, &packet);
    }

    /// Sends one packet. If that fails, the controller would not receive anything later either, so
    /// the child ends.
    fn send_packet(&self, events: &mut Events, kind: PacketKind, packet: &[u8]) {
        let mut sending = Sending { link: self, events, over: false };
        let sent = sending.send(kind, packet);
        sending.over = true;
        drop(sending);
        if sent.is_err() {
            self.cut_off(events, CutOff::LaneClosed);
        }
    }

    /// Injects the faults that are planned for this moment.
    pub(crate) fn come_to(&self, moment: Moment) {
        if let Some(faults) = &self.faults {
            faults.come_to(moment, |fault| lock(&self.events).suffer(fault));
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
    fn queue_short(&self, head: ItemHead) {
        let mut events = lock(&self.events);
        if !events.closed && !events.closing {
            events.queue.push(head, None, Payload::Ready(Vec::new()));
            self.pump(&mut events);
        }
    }

    /// Answers a ping.
    pub(crate) fn pong(&self, ping: u32) {
        // Held while sending, so that no outcome overtakes the report that its command runs.
        let record = self.cancels.record();
        let executing = record.times.deadlines.in_execution(Instant::now());
        let pong = encode(&Pong { ping, executing });
        let mut events = lock(&self.events);
        if !events.closed {
            // A pong needs no credit, because the controller sends no further ping until it has
            // read this one.
            self.send_uncredited(&mut events, PacketKind::Pong, &pong);
        }
    }

    /// Waits until everything was handed to the kernel, or can no longer be.
    pub(crate) fn flush(&self) {
        let mut events = lock(&self.events);
        while !events.closed && !events.queue.is_empty() {
            events = self.wait_for_room(events);
        }
    }

    fn wait_for_room<'a>(&self, mut events: MutexGuard<'a, Events>) -> MutexGuard<'a, Events> {
        events.waiters += 1;
        let mut events = wait(&self.room, events);
        events.waiters -= 1;
        events
    }

    /// Called when the controller is gone: sends nothing more, and asks the child to end.
    pub(crate) fn controller_lost(self: &Arc<Self>) {
        self.lost(CutOff::LaneClosed);
    }

    /// A thread that hangs in a send must not keep this child alive, so another thread waits for
    /// the lock that it holds.
    fn lost(self: &Arc<Self>, why: CutOff) {
        let _ = self.cut_off.set(why);
        self.request_stop(StopReason::ControllerLost);
        let link = Arc::clone(self);
        let body = move || link.cut_off(&mut lock(&link.events), why);
        let _ = thread::Builder::new().name("mp-cut".into()).spawn(body);
    }

    /// Called when the runtime itself has panicked: the child ends without a goodbye, and all its
    /// commands end with it.
    pub(crate) fn runtime_panicked(self: &Arc<Self>) {
        self.lost(CutOff::RuntimePanicked);
    }

    fn cut_off(&self, events: &mut Events, why: CutOff) {
        events.closed = true;
        events.queue.clear();
        self.room.notify_all();
        let _ = self.cut_off.set(why);
        self.request_stop(StopReason::ControllerLost);
    }

    /// Returns why nothing can be sent any more; `None` if the link is intact.
    pub(crate) fn is_cut_off(&self) -> Option<CutOff> {
        self.cut_off.get().copied()
    }

    /// Asks the child to end. The first reason counts.
    ///
    /// Does not take the lock of the events lane, because the thread that holds it may never
    /// release it.
    pub(crate) fn request_stop(&self, reason: StopReason) {
        let now = Instant::now();
        {
            let mut stop = lock(&self.stop);
            if reason == StopReason::Signal {
                stop.signal.get_or_insert(now);
            }
            stop.first.get_or_insert((reason, now));
        }
        let before = self.stopping.swap(true, Ordering::SeqCst);
        self.tell_of_end();
        self.end_wait();
        if !before {
            // The main thread may be waiting for a request.
            self.requests_end.end(self.generation);
        }
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    pub(crate) fn stop_reason(&self) -> Option<StopReason> {
        lock(&self.stop).first.as_ref().map(|(reason, _)| reason.clone())
    }

    /// Returns when this child is killed if it has that grace; `None` if it was not asked to stop.
    pub(crate) fn killed_at(&self, grace: Duration) -> Option<Instant> {
        let stop = lock(&self.stop);
        let (reason, asked) = stop.first.as_ref()?;
        let graceful = asked.checked_add(grace);
        if *reason == StopReason::ControllerLost {
            return graceful; // the child kills itself
        }
        graceful.into_iter().chain(stop.signal).min()?.checked_add(TERMINATE_GRACE)
    }

    /// Ends the running command's waits for children of its own. Another thread does it, because
    /// the calling thread may hold a lock.
    fn end_wait(&self) {
        if let Some(wake) = self.inherited.ask() {
            watch::alarm(Instant::now(), wake);
        }
    }

    /// Called when the running command knows that it has to end.
    pub(crate) fn request_observed(&self) {
        self.inherited.request_observed();
    }

    /// Called when no more commands run. From now on, waits for own children are not ended.
    pub(crate) fn leave_commands(&self) {
        self.inherited.close();
    }

    /// Handles the controller's cancels.
    pub(crate) fn cancel(&self, ids: &[u64]) {
        // Commands queued behind a long one get their outcomes now, not when their turn comes.
        let answered = self.cancels.cancel(ids);
        self.tell_of_end();
        {
            // Held, so that the cancelled command cannot end and be replaced by another meanwhile.
            let _record = self.cancels.record();
            if self.cancels.is_cancelled() {
                self.end_wait();
            }
        }
        for id in answered {
            self.queue_short(ItemHead::new(ItemKind::Cancelled, 0, id));
        }
    }

    /// Skips a command because the child ends. Returns `false` if it already has its outcome.
    pub(crate) fn skip(&self, call: u64) -> bool {
        self.cancels.skip(call)
    }

    /// Begins a command on the main thread. Returns `false` if it was cancelled and answered
    /// before.
    pub(crate) fn begin(self: &Arc<Self>, head: &ItemHead) -> bool {
        self.cancels.begin(head.call, head.flags, |record| {
            let allowed = if self.timeless.load(Ordering::Relaxed) { 0 } else { head.deadline };
            record.times.deadlines.begin(head.call, allowed, Instant::now());
            self.inherited.begin(|| self.stopping());
            self.deadline_changed(record);
        })
    }

    /// Ends the running command, which has returned or unwound.
    pub(crate) fn end(&self) -> Ended {
        if self.inherited.end() {
            // It has observed the request, because that ended one of its waits. If that was its
            // deadline, the alarm's thread may be late.
            self.report_overrun(&mut self.cancels.record());
            self.cancels.meet(self.cancels.running());
        }
        self.cancels.end(|record| {
            record.times.deadlines.end();
            self.lend(record);
        })
    }

    /// Declares that this thread runs the commands: the calls that it makes inherit their deadlines
    /// and requests to end.
    pub(crate) fn bind_to_this_thread(&self) {
        self.inherited.bind_to_this_thread();
    }

    /// Disables the deadlines of all commands from now on.
    pub(crate) fn forgo_deadlines(&self) {
        self.timeless.store(true, Ordering::Relaxed);
    }

    /// Changes the deadlines of these calls, in milliseconds, as the controller requests.
    pub(crate) fn allow(self: &Arc<Self>, deadlines: &[(u64, u32)]) {
        if deadlines.is_empty() || self.timeless.load(Ordering::Relaxed) {
            return;
        }
        let mut record = self.cancels.record();
        let begun = record.begun();
        for (call, allowed) in deadlines {
            record.times.deadlines.allow(*call, *allowed, begun);
        }
        self.deadline_changed(&mut record);
    }

    /// Makes sure that the running command's deadline is checked when it passes. There is no thread
    /// and no wake-up per command: if the alarm finds another command running, it is set again, to
    /// that command's deadline.
    fn deadline_changed(self: &Arc<Self>, record: &mut Record<Times>) {
        self.lend(record);
        let Some(at) = record.times.deadlines.next() else { return };
        if record.times.alarm.is_some_and(|alarm| alarm <= at) {
            return;
        }
        record.times.alarm = Some(at);
        let link = Arc::downgrade(self);
        watch::alarm(at, move || {
            if let Some(link) = link.upgrade() {
                link.look_at_deadline(at);
            }
        });
    }

    /// Updates the deadline that the running command's own calls inherit: the one that ends it.
    fn lend(&self, record: &mut Record<Times>) {
        let ends = !record.flags().has(CallFlags::OUTLIVES_DEADLINE);
        let running = record.running().filter(|_| ends);
        let deadline = running.and_then(|call| record.times.deadlines.of(call));
        if record.times.lent != deadline {
            record.times.lent = deadline;
            self.inherited.set_deadline(deadline);
        }
    }

    fn look_at_deadline(self: &Arc<Self>, alarm: Instant) {
        let mut record = self.cancels.record();
        if record.times.alarm != Some(alarm) {
            return; // replaced by an earlier alarm
        }
        record.times.alarm = None;
        if !self.report_overrun(&mut record) {
            self.deadline_changed(&mut record);
        }
    }

    /// Ends the running command if its deadline has passed. Returns `false` if it has not.
    fn report_overrun(&self, record: &mut Record<Times>) -> bool {
        if self.stopping() {
            return true; // the command ends anyway
        }
        let Some(overrun) = record.times.deadlines.due(Instant::now()) else { return false };
        self.cancels.overran(record, overrun.allowed);
        self.tell_of_end();
        // Sent under the lock, so that the command's outcome follows this report.
        let mut head = ItemHead::new(ItemKind::Overrun, 0, overrun.call);
        head.deadline = overrun.allowed;
        self.queue_short(head);
        true
    }

    /// Returns the deadline of a command while it runs.
    pub(crate) fn deadline(&self, call: u64) -> Option<Instant> {
        self.cancels.record().times.deadlines.of(call)
    }

    /// Returns the running command, or 0.
    pub(crate) fn running(&self) -> u64 {
        self.cancels.running()
    }

    /// Waits until the running command or the child is asked to end.
    pub(crate) fn wait_for_end(&self) {
        self.wait_until(Self::wants_end);
    }

    /// Waits until nothing can be sent any more, regardless of cancels and stops.
    pub(crate) fn wait_for_cut_off(&self) {
        self.wait_until(|link| link.is_cut_off().is_some());
    }

    fn wait_until(&self, condition: impl Fn(&Self) -> bool) {
        let mut ending = lock(&self.ending);
        while !condition(self) {
            ending = wait(&self.ending_changed, ending);
        }
    }

    /// Wakes the threads that wait for a request to end. Call it after the request was recorded.
    fn tell_of_end(&self) {
        // Otherwise a thread that has checked its condition, but does not wait yet, would miss the
        // notification.
        drop(lock(&self.ending));
        self.ending_changed.notify_all();
    }

    /// Returns whether the running command has to end.
    pub(crate) fn wants_end(&self) -> bool {
        self.cancels.is_cancelled() || self.stopping.load(Ordering::Relaxed)
    }

    /// Records that `call` has observed `Cancelled`. Has no effect once that command has ended.
    pub(crate) fn meet(&self, call: u64) {
        self.cancels.meet(call);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::wire::packets::credit::charge;
    use crate::wire::packets::packet::{Assembler, PacketError};

    const WINDOW: u32 = 8 << 10;

    /// A link and the controller's end of its events lane.
    fn link() -> (Arc<Link>, mpsc::Receiver<Vec<u8>>) {
        let (events, received) = mpsc::channel::<Vec<u8>>();
        let requests = mpsc::channel::<Vec<u8>>().0;
        (Link::new(1, WINDOW, Arc::new(events), Arc::new(requests), None), received)
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
                let (head, body) = Head::parse(&packet, 1).unwrap();
                let numbers = &mut self.numbers;
                let take = |_: ItemHead, payload: crate::wire::packets::packet::Payload<'_>| {
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
        let (link, received) = link();
        for value in 0..10_000 {
            let head = ItemHead::new(ItemKind::Property, 0, 0);
            link.try_send(head, Some(Key::Property(0)), number(value)).unwrap();
        }
        let mut reader = Reader::default();
        assert!(reader.read(&received));
        let before = reader.numbers.len();
        assert!(before < 1000, "no more than there is credit for: {before}");
        link.credit(reader.total).unwrap();
        reader.read(&received);
        assert_eq!(reader.numbers.len(), before + 1, "one waits");
        assert_eq!(reader.numbers.last(), Some(&9_999));
        assert!(reader.numbers.is_sorted());
    }

    /// A value that replaces a waiting one is accepted immediately, whatever else waits.
    #[test]
    fn a_value_over_a_waiting_one_is_taken_by_a_full_queue() {
        let (link, received) = link();
        let (property, event) = (ItemKind::Property, ItemKind::Event);
        let set = |value| {
            let head = ItemHead::new(property, 0, 0);
            link.try_send(head, Some(Key::Property(0)), number(value))
        };
        let emit = |length| link.try_send(ItemHead::new(event, 0, 0), None, vec![0; length]);
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
            link.credit(reader.total).unwrap();
        }
        let seen = reader.numbers;
        assert_eq!(seen.len(), 10 + more + 1);
        assert_eq!(seen.iter().filter(|value| **value > 0).collect::<Vec<_>>(), [&3]);
        assert_eq!(seen.last(), Some(&3), "it overtakes nothing");
    }
}
