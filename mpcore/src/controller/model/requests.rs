//! The table of pending calls and the queue of the requests lane, under one lock. This is what
//! callers use.
//!
//! A call is numbered, entered and queued under the lock, so numbers rise on the lane; if there is
//! credit, the caller's own thread sends, which never blocks. The same lock covers the gate for
//! commands, the writes to repeat, and the child's health: whether a check is due depends on what
//! is outstanding (`begin_watch`, which reads the clock). It ends no call: the code that takes an
//! entry out resolves it after the lock is released. Cancels and deadlines are recorded here, and
//! the end of a run takes out the commands that do not carry over to the next one ([`GoOver`]). The
//! tests run it with a simulated child and encoder.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::controller::flow_control::grant::Grant;
use crate::controller::model::health::{CheckTicket, Health};
use crate::controller::model::limit::Limit;
use crate::controller::model::pending::{Entry, Pending, SharedThen, Then};
use crate::controller::model::repeat::AcceptedWrites;
use crate::controller::model::supersede::{Kind, WaitingWrites};
use crate::controller::report::exit::SharedReport;
use crate::controller::report::outcome::Outcome;
use crate::limits::ENCODE_INLINE;
use crate::sync::Mutex;
use crate::transport::SharedSender;
use crate::wire::packets::credit::FalseReport;
use crate::wire::packets::kinds::{ItemKind, PacketKind};
use crate::wire::packets::outgoing::{NextPacket, Outgoing, QueueBound, QueuedPayload, SendTurn};
use crate::wire::packets::packet::{Head, ItemHead};

/// Whether commands are accepted.
#[derive(Debug, Clone)]
pub(crate) enum Gate {
    Open,
    /// The queued commands run; no more are accepted.
    Finishing,
    /// The run stops for the next one, which gets the commands submitted from now on.
    Restarting,
    /// The run stops. `finished`: it has run everything queued, and was to accept nothing else.
    Stopping {
        finished: bool,
    },
    Ended(SharedReport),
}

/// The requests lane of a run.
struct OpenLane {
    sender: SharedSender,
    generation: u32,
    /// Carries the credit for the events lane.
    grant: Arc<Grant>,
}

/// Which commands without an outcome carry over to the next run when one has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GoOver {
    /// There is no next run.
    Nothing,
    /// A restart was requested: what was submitted since then.
    Since,
    /// The run was never ready, so nothing of a command had been sent.
    Everything,
    /// The run had been ready: only idempotent commands, once.
    Idempotent,
}

/// See the [module](self).
pub(crate) struct Traffic {
    pub(crate) gate: Gate,
    last_call: u64,
    /// The newest call of this run, if those after it are for the next one.
    last_of_run: Option<u64>,
    /// Commands that were dropped or refused because this run ended, before they ran.
    pub(crate) not_run: usize,
    pub(crate) pending: Pending,
    pub(crate) health: Health,
    /// The writes to repeat with every start.
    pub(crate) writes: AcceptedWrites,
    /// The writes that the next write of the same property may supersede.
    waiting_writes: WaitingWrites,
    /// A write waits until the child has finished everything it has.
    write_waits: bool,
    queue: Outgoing,
    lane: Option<OpenLane>,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Traffic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Traffic").field("gate", &self.gate).finish_non_exhaustive()
    }
}

/// Returns the head of a call's item.
fn head_of(call: u64, entry: &Entry) -> ItemHead {
    let mut head = ItemHead::new(ItemKind::Call, entry.command, call);
    head.deadline = entry.limit.milliseconds;
    head.flags = entry.limit.flags;
    head
}

impl Traffic {
    pub(crate) fn new(bounds: QueueBound, ping_interval: Duration) -> Self {
        Self {
            gate: Gate::Open,
            last_call: 0,
            last_of_run: None,
            not_run: 0,
            pending: Pending::default(),
            health: Health::new(ping_interval),
            writes: AcceptedWrites::default(),
            waiting_writes: WaitingWrites::default(),
            write_waits: false,
            queue: Outgoing::new(0, bounds),
            lane: None,
            buffer: Vec::new(),
        }
    }

    /// Returns the number of the next call: rising from 1, over all runs.
    pub(crate) fn next_call(&mut self) -> u64 {
        self.last_call += 1;
        self.last_call
    }

    /// Accepts a command, or returns the outcome with which it ends immediately. Returns the writes
    /// that it supersedes.
    ///
    /// A write that is not encoded yet supersedes nothing until it [is](Self::encoded): if encoding
    /// fails, the previous value counts.
    pub(crate) fn submit(
        &mut self,
        call: u64,
        kind: Kind,
        mut entry: Entry,
        payload: QueuedPayload,
    ) -> Result<Vec<(u64, Entry)>, (Entry, Outcome)> {
        // What is not encoded yet counts as much as the largest that callers encode themselves; its
        // true length is checked later (`encoded`).
        let length = payload.ready().map_or_else(|| ENCODE_INLINE.get(), <[u8]>::len);
        let is_ready = payload.ready().is_some();
        let older = match kind {
            // Only once it is encoded: if that fails, the older write must still be there.
            Kind::Write(property) if is_ready => self.superseded_by(property, call),
            _ => Vec::new(),
        };
        match &self.gate {
            Gate::Open | Gate::Restarting if self.queue.has_room_instead_of(&older, length) => {}
            Gate::Open | Gate::Restarting => return Err((entry, Outcome::QueueFull)),
            Gate::Finishing | Gate::Stopping { finished: true } => {
                self.not_run += 1;
                return Err((entry, Outcome::Finishing));
            }
            Gate::Stopping { finished: false } => {
                self.not_run += 1;
                return Err((entry, Outcome::Stopped));
            }
            Gate::Ended(report) => return Err((entry, Outcome::Exited(Arc::clone(report)))),
        }
        let head = head_of(call, &entry);
        let payload = match payload {
            QueuedPayload::Ready(args) => entry.repeat.keep(args),
            payload => payload,
        };
        let superseded = self.supersede(older);
        self.pending.insert(call, entry);
        self.queue.push(head, None, payload);
        self.waiting_writes.queued(call, kind);
        if let Kind::Write(property) = kind
            && is_ready
        {
            self.waiting_writes.forget_before(property, call);
        }
        self.pump();
        Ok(superseded)
    }

    /// Returns whether a write of this property would supersede a waiting one.
    pub(crate) fn may_supersede(&self, property: u16) -> bool {
        let older = self.waiting_writes.before(property, u64::MAX);
        older.iter().any(|call| self.is_supersedable(*call))
    }

    fn is_supersedable(&self, call: u64) -> bool {
        // A repeated write was accepted before, and the newer one may be refused.
        self.waits(call) && !self.pending.get(call).is_some_and(|it| it.repeat.is_reapplied())
    }

    /// Returns the waiting writes that a write of this property supersedes.
    fn superseded_by(&self, property: u16, call: u64) -> Vec<u64> {
        let older = self.waiting_writes.before(property, call).iter();
        older.copied().filter(|older| self.is_supersedable(*older)).collect()
    }

    /// Takes out these writes, which end as superseded.
    fn supersede(&mut self, older: Vec<u64>) -> Vec<(u64, Entry)> {
        let ended = older.into_iter().filter_map(|call| {
            self.queue.forget(call);
            Some((call, self.pending.remove(call)?))
        });
        ended.collect()
    }

    /// Sends what there is credit for.
    fn pump(&mut self) {
        let Self { lane, queue, pending, waiting_writes, write_waits, buffer, .. } = self;
        *write_waits = false;
        while let Some(OpenLane { sender, generation, grant }) = lane {
            let mut head = Head::new(PacketKind::Items, *generation);
            head.consumed = grant.granted();
            let turn = |item: &ItemHead| {
                if item.kind == ItemKind::Welcome {
                    return SendTurn::Now;
                }
                if !pending.contains(item.call) {
                    return SendTurn::Never;
                }
                let child_has_some = pending.oldest().is_some_and(|oldest| oldest < item.call);
                if child_has_some && waiting_writes.property_of(item.call).is_some() {
                    *write_waits = true;
                    return SendTurn::Later;
                }
                SendTurn::Now
            };
            match queue.next_packet(head, buffer, turn) {
                NextPacket::Packet => {
                    if sender.send(buffer).is_err() {
                        // The child is gone. The watcher will report it, and the pending calls are
                        // resolved then.
                        *lane = None;
                        return;
                    }
                    grant.told(head.consumed);
                }
                NextPacket::Empty | NextPacket::Wait => return,
            }
        }
    }

    /// Takes out a call whose outcome the child has sent.
    pub(crate) fn returned(&mut self, call: u64) -> Option<Entry> {
        let entry = self.pending.remove(call);
        if self.write_waits {
            self.pump();
        }
        entry
    }

    /// Handles a call's arguments once they are encoded. Returns what ends with that: the call
    /// itself, if they cannot be sent, or else the writes that it supersedes.
    pub(crate) fn encoded(
        &mut self,
        call: u64,
        payload: Result<Vec<u8>, Outcome>,
    ) -> Vec<(u64, Entry, Outcome)> {
        let queued = payload.and_then(|payload| {
            // It ended while it was being encoded, e.g. by a cancel.
            let Some(entry) = self.pending.get_mut(call) else { return Ok(Vec::new()) };
            let payload = entry.repeat.keep(payload);
            let property = self.waiting_writes.property_of(call);
            let older = property.map(|it| self.superseded_by(it, call)).unwrap_or_default();
            let length = payload.ready().map_or(0, <[u8]>::len);
            let freed = [older.as_slice(), &[call]].concat();
            if !self.queue.has_room_instead_of(&freed, length) {
                return Err(Outcome::QueueFull);
            }
            let superseded = self.supersede(older);
            self.queue.encoded(call, payload);
            if let Some(property) = property {
                self.waiting_writes.forget_before(property, call);
            }
            Ok(superseded)
        });
        let ended = match queued {
            Ok(superseded) => {
                let ended = superseded.into_iter();
                ended.map(|(call, entry)| (call, entry, Outcome::Superseded)).collect()
            }
            Err(outcome) => {
                self.queue.forget(call);
                self.waiting_writes.forget(call);
                self.pending.remove(call).map(|entry| (call, entry, outcome)).into_iter().collect()
            }
        };
        self.pump();
        ended
    }

    /// Begins a run: the queued commands are sent when it is ready, the accepted writes before
    /// them. `limit` returns how long a command may run. Returns the properties whose writes are
    /// repeated.
    pub(crate) fn begin_run(&mut self, limit: impl Fn(u16) -> Limit) -> Vec<u16> {
        let mut reapplied = Vec::new();
        self.gate = Gate::Open;
        (self.last_of_run, self.not_run) = (None, 0);
        self.health.reset();
        self.queue.hold();
        // Each write goes to the front.
        for write in self.writes.in_order().into_iter().rev() {
            // Only if a child answers out of order can an older command be behind the write.
            if self.pending.oldest().is_some_and(|oldest| oldest < write.call) {
                continue;
            }
            let then = SharedThen::new(Mutex::new(Then { uncalled: true, ..Then::default() }));
            let (reply, _) = oneshot::channel();
            let (limit, repeat) = (limit(write.command), write.repeat());
            reapplied.extend(repeat.reapplied());
            let entry = Entry { command: write.command, reply, then, limit, repeat };
            self.queue.push_front(head_of(write.call, &entry), write.payload());
            self.pending.insert_first(write.call, entry);
        }
        reapplied
    }

    /// The child is ready for commands.
    pub(crate) fn ready(&mut self) {
        self.queue.release();
        self.pump();
    }

    /// Opens the lane of a run: the welcome goes before everything in the queue.
    pub(crate) fn open_lane(
        &mut self,
        sender: SharedSender,
        generation: u32,
        grant: Arc<Grant>,
        window: u32,
        welcome: Vec<u8>,
    ) {
        self.queue.reset_lane(window);
        let welcome = QueuedPayload::Ready(welcome);
        self.queue.push_front(ItemHead::new(ItemKind::Welcome, 0, 0), welcome);
        self.lane = Some(OpenLane { sender, generation, grant });
        self.pump();
    }

    /// Handles the child's report of what it has consumed of the requests lane.
    pub(crate) fn report(&mut self, total: u64) -> Result<(), FalseReport> {
        self.queue.report(total)?;
        if !self.queue.is_empty() {
            self.pump();
        }
        Ok(())
    }

    /// Returns whether the child owes something: an outcome, or its end.
    pub(crate) fn is_outstanding(&self) -> bool {
        let ends = matches!(self.gate, Gate::Stopping { .. } | Gate::Restarting);
        let owes = self.pending.len() > 0 || ends;
        owes && self.lane.is_some()
    }

    /// Returns the first health check, if something is outstanding and no check is scheduled.
    pub(crate) fn begin_watch(&mut self) -> Option<(CheckTicket, Instant)> {
        if self.health.is_watching() || !self.is_outstanding() {
            return None;
        }
        self.health.begin(Instant::now())
    }

    /// Gives a call another deadline. Returns whether the child has to be told, because the call
    /// has been sent.
    pub(crate) fn set_timeout(&mut self, call: u64, milliseconds: u32) -> bool {
        let Some(entry) = self.pending.get_mut(call) else { return false };
        entry.limit.allow(milliseconds);
        !self.queue.set_deadline(call, milliseconds)
    }

    /// Returns whether nothing of this call has been sent yet.
    pub(crate) fn waits(&self, call: u64) -> bool {
        self.pending.contains(call) && self.queue.waits(call)
    }

    /// Takes out a call of which nothing has been sent yet, so it never starts.
    pub(crate) fn cancel_waiting(&mut self, call: u64) -> Option<Entry> {
        let entry = self.pending.get_mut(call)?;
        if entry.repeat.is_reapplied() || !self.queue.waits(call) {
            return None;
        }
        self.queue.forget(call);
        let entry = self.pending.remove(call);
        // The calls behind arguments that are still being encoded need not wait for them any more.
        self.pump();
        entry
    }

    /// Records the cancel of a call of which something has been sent. Returns whether there is such
    /// a call.
    pub(crate) fn cancel_sent(&mut self, call: u64) -> bool {
        let entry = self.pending.get_mut(call).filter(|entry| !entry.repeat.is_reapplied());
        let cancel = |entry: &mut Entry| {
            entry.repeat.cancel();
            entry.limit.cancelled = true;
        };
        entry.map(cancel).is_some()
    }

    /// Closes the gate; takes out the commands of which nothing has been sent.
    pub(crate) fn stop(&mut self) -> Vec<(u64, Entry)> {
        let finished = self.is_done() || matches!(self.gate, Gate::Stopping { finished: true });
        self.last_of_run = None;
        self.close(Gate::Stopping { finished })
    }

    /// Closes the gate for this run: further commands wait for the next. Takes out those of which
    /// nothing has been sent.
    pub(crate) fn stop_for_next(&mut self) -> Vec<(u64, Entry)> {
        self.last_of_run = Some(self.last_call);
        let waiting = self.close(Gate::Restarting);
        self.queue.hold();
        waiting
    }

    /// Closes the gate and clears the queue. Takes out the commands of which nothing has been sent.
    fn close(&mut self, gate: Gate) -> Vec<(u64, Entry)> {
        if !matches!(self.gate, Gate::Ended(_)) {
            self.gate = gate;
        }
        let queue = &self.queue;
        let waiting = self.pending.take(|call| queue.waits(call));
        self.queue.clear();
        self.not_run += waiting.iter().filter(|(_, entry)| !entry.repeat.is_reapplied()).count();
        waiting
    }

    /// Accepts no more commands; the child still runs those that it has.
    pub(crate) fn finish(&mut self) {
        self.gate = Gate::Finishing;
    }

    /// Returns whether a child that is to finish has run all its commands. If the run ends for the
    /// next one, the commands of the next do not count.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.gate, Gate::Finishing)
            && match self.last_of_run {
                None => self.pending.len() == 0,
                Some(last) => self.pending.newest().is_none_or(|newest| newest <= last),
            }
    }

    /// Ends the run; takes out everything that does not carry over to the next one.
    pub(crate) fn end(&mut self, go_over: GoOver) -> Vec<(u64, Entry)> {
        self.lane = None;
        let queued = self.queue.take().into_iter();
        let mut queued: HashMap<_, _> =
            queued.map(|(head, payload)| (head.call, payload)).collect();
        let mut lost = Vec::new();
        let last_of_run = self.last_of_run.take();
        for (call, mut entry) in self.pending.take(|_| true) {
            let payload = queued.remove(&call);
            let payload = match go_over {
                GoOver::Everything if !entry.repeat.is_reapplied() => payload,
                GoOver::Since if last_of_run.is_some_and(|last| call > last) => payload,
                // Not completely sent, so it has not run.
                GoOver::Idempotent if entry.repeat.is_idempotent() => {
                    payload.or_else(|| entry.repeat.again())
                }
                _ => None,
            };
            match payload {
                Some(payload) => {
                    entry.limit.begin_again();
                    let head = head_of(call, &entry);
                    self.pending.insert(call, entry);
                    self.queue.push(head, None, payload);
                }
                None => lost.push((call, entry)),
            }
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::mpsc;

    use proptest::prelude::*;

    use super::*;
    use crate::controller::model::pending::{CallReply, SharedThen};
    use crate::controller::model::repeat::Repeat;
    use crate::wire::packets::credit::charge;
    use crate::wire::packets::kinds::Lane;
    use crate::wire::packets::packet::{Assembler, PacketError};

    const WINDOW: u32 = 96 << 10;
    const BOUNDS: QueueBound = QueueBound { entries: 8, bytes: 600 << 10 };

    #[derive(Debug, Clone)]
    enum Step {
        Submit(Kind, usize),
        SubmitUnencoded(Kind),
        /// The encoder finishes the oldest call, with success or not.
        Encoded(Result<usize, ()>),
        /// Cancels the n-th newest call.
        Cancel(usize),
        /// The child has read this many packets, and reports it.
        Read(usize),
        /// The child sends the outcome of the oldest call that it has.
        Return,
        OpenLane,
        CloseLane,
        Stop,
        /// For the next run.
        Restart,
        Finish,
        End,
    }

    fn step() -> impl Strategy<Value = Step> {
        let length = || prop_oneof![Just(0usize), 0..1000usize, 60_000..200_000usize];
        let kind = || {
            prop_oneof![
                2 => Just(Kind::Command),
                3 => (0..2u16).prop_map(Kind::Write),
                1 => Just(Kind::EveryWrite),
            ]
        };
        prop_oneof![
            8 => (kind(), length()).prop_map(|(kind, length)| Step::Submit(kind, length)),
            4 => kind().prop_map(Step::SubmitUnencoded),
            4 => length().prop_map(|length| Step::Encoded(Ok(length))),
            1 => Just(Step::Encoded(Err(()))),
            6 => (0..6usize).prop_map(Step::Cancel),
            8 => (1..6usize).prop_map(Step::Read),
            6 => Just(Step::Return),
            3 => Just(Step::OpenLane),
            1 => Just(Step::CloseLane),
            1 => Just(Step::Stop),
            1 => Just(Step::Restart),
            1 => Just(Step::Finish),
            2 => Just(Step::End),
        ]
    }

    /// Regression: an overrun that the controller had reported hid the one of the next run.
    #[test]
    fn a_repeated_command_begins_with_a_fresh_deadline() {
        let mut traffic = Traffic::new(BOUNDS, Duration::from_secs(1));
        let mut repeat = Repeat::never().idempotent();
        let payload = repeat.keep(vec![1]);
        let limit = Limit { overran: true, foretold: true, ..Limit::default() };
        let (reply, _receiver) = oneshot::channel();
        let then = SharedThen::new(Mutex::default());
        let call = traffic.next_call();
        let entry = Entry { command: 0, reply, then, limit, repeat };
        assert!(traffic.submit(call, Kind::Command, entry, payload).is_ok());
        assert!(traffic.end(GoOver::Idempotent).is_empty());
        let limit = traffic.pending.get_mut(call).unwrap().limit;
        assert!(!limit.overran && !limit.foretold);
    }

    /// A `Traffic` with its surroundings: one child after the other, the encoder, and the outcomes
    /// of the calls.
    struct Model {
        traffic: Traffic,
        generation: u32,
        /// The child's end of the lane, while there is one.
        lane: Option<mpsc::Receiver<Vec<u8>>>,
        /// The packets on the lane.
        sent: Vec<Vec<u8>>,
        assembler: Assembler,
        consumed: u64,
        /// The calls that the child has read and not answered.
        child_has: Vec<u64>,
        /// The calls whose arguments are being encoded, oldest first.
        encoding: Vec<u64>,
        outcomes: BTreeMap<u64, usize>,
        calls: BTreeSet<u64>,
        /// The accepted calls, and those of them whose arguments are in the queue.
        kinds: BTreeMap<u64, Kind>,
        ready: BTreeSet<u64>,
        newest_read: u64,
        /// The run has ended, or the first has not begun.
        ended: bool,
        /// While it ends for the next run: the newest call of this one.
        newest_of_run: Option<u64>,
    }

    impl Model {
        fn new() -> Self {
            Self {
                traffic: Traffic::new(BOUNDS, Duration::from_secs(1)),
                generation: 0,
                lane: None,
                sent: Vec::new(),
                assembler: Assembler::default(),
                consumed: 0,
                child_has: Vec::new(),
                encoding: Vec::new(),
                outcomes: BTreeMap::new(),
                calls: BTreeSet::new(),
                kinds: BTreeMap::new(),
                ready: BTreeSet::new(),
                newest_read: 0,
                ended: true,
                newest_of_run: None,
            }
        }

        fn resolved(&mut self, call: u64, entry: Entry) {
            drop(entry);
            *self.outcomes.entry(call).or_default() += 1;
        }

        fn has_ended(&self, call: u64) -> bool {
            self.outcomes.contains_key(&call)
        }

        /// Checks that write `by` may supersede write `call`.
        fn superseded(&mut self, call: u64, entry: Entry, by: u64) -> Result<(), TestCaseError> {
            let write = matches!(self.kinds[&call], Kind::Write(_));
            prop_assert!(write && self.kinds[&call] == self.kinds[&by], "{call} by {by}");
            let mut between = self.kinds.range(call..by).map(|(_, kind)| *kind);
            prop_assert!(!between.any(|kind| kind == Kind::Command), "{call} by {by}");
            prop_assert!(!self.child_has.contains(&call));
            prop_assert!(self.ready.contains(&by), "{by} may fail to be encoded");
            self.resolved(call, entry);
            Ok(())
        }

        /// Of each property at most one write waits, behind the newest other command.
        fn writes_are_superseded(&self) -> Result<(), TestCaseError> {
            let mut waiting = BTreeSet::new();
            let newest = self.kinds.iter().rev().take_while(|(_, kind)| **kind != Kind::Command);
            for (call, kind) in newest {
                let waits = self.ready.contains(call) && self.traffic.waits(*call);
                if let Kind::Write(property) = kind
                    && waits
                {
                    prop_assert!(waiting.insert(property), "{call} waits in vain");
                }
            }
            Ok(())
        }

        fn submit(&mut self, kind: Kind, payload: QueuedPayload) -> Result<(), TestCaseError> {
            let (reply, _receiver) = oneshot::channel::<CallReply>();
            let call = self.traffic.next_call();
            prop_assert!(self.calls.insert(call), "a number twice");
            let encoding = matches!(payload, QueuedPayload::Encoding);
            let (then, limit) = (SharedThen::default(), Limit::default());
            let entry = Entry { command: 0, reply, then, limit, repeat: Repeat::never() };
            if encoding {
                self.encoding.push(call);
            }
            match self.traffic.submit(call, kind, entry, payload) {
                Ok(superseded) => {
                    self.kinds.insert(call, kind);
                    self.ready.extend((!encoding).then_some(call));
                    for (older, entry) in superseded {
                        self.superseded(older, entry, call)?;
                    }
                }
                Err((entry, _)) => self.resolved(call, entry),
            }
            Ok(())
        }

        fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
            match *step {
                Step::Submit(kind, length) => {
                    self.submit(kind, QueuedPayload::Ready(vec![7; length]))?;
                }
                Step::SubmitUnencoded(kind) => self.submit(kind, QueuedPayload::Encoding)?,
                Step::Encoded(payload) => {
                    if !self.encoding.is_empty() {
                        let call = self.encoding.remove(0);
                        let payload = payload
                            .map(|length| vec![8; length])
                            .map_err(|()| Outcome::Encode(String::new()));
                        let refused = payload.is_err() && !self.has_ended(call);
                        self.ready.extend(payload.is_ok().then_some(call));
                        for (ended, entry, outcome) in self.traffic.encoded(call, payload) {
                            match outcome {
                                Outcome::Superseded => self.superseded(ended, entry, call)?,
                                _ => self.resolved(ended, entry),
                            }
                        }
                        prop_assert!(!refused || self.has_ended(call), "{call} waits for its end");
                    }
                }
                Step::Cancel(back) => {
                    let call = self.calls.iter().rev().nth(back).copied();
                    let waiting =
                        call.and_then(|call| Some((call, self.traffic.cancel_waiting(call)?)));
                    if let Some((call, entry)) = waiting {
                        self.resolved(call, entry);
                    }
                }
                Step::Read(packets) => {
                    let packets = packets.min(self.sent.len());
                    for packet in self.sent.drain(..packets).collect::<Vec<_>>() {
                        self.read(&packet)?;
                    }
                    if self.lane.is_some() {
                        self.traffic.report(self.consumed).expect("it was sent");
                    }
                }
                Step::Return => {
                    if !self.child_has.is_empty() {
                        let call = self.child_has.remove(0);
                        let entry = self.traffic.returned(call);
                        prop_assert!(
                            entry.is_some(),
                            "the child has call {call}, so it is pending"
                        );
                        entry.into_iter().for_each(|entry| self.resolved(call, entry));
                    }
                }
                Step::OpenLane if self.ended => {
                    self.ended = false;
                    self.generation += 1;
                    let (sender, receiver) = mpsc::channel();
                    (self.lane, self.consumed, self.assembler) =
                        (Some(receiver), 0, Assembler::default());
                    let (lane, grant) = (Arc::new(sender), Arc::default());
                    self.traffic.begin_run(|_| Limit::default());
                    self.traffic.open_lane(lane, self.generation, grant, WINDOW, vec![1]);
                    self.traffic.ready();
                    self.newest_of_run = None;
                }
                Step::CloseLane => {
                    self.lane = None;
                    self.sent.clear();
                }
                Step::Stop => {
                    self.newest_of_run = None;
                    for (call, entry) in self.traffic.stop() {
                        self.resolved(call, entry);
                    }
                }
                Step::Restart if !self.ended => {
                    self.newest_of_run = Some(self.calls.last().copied().unwrap_or(0));
                    for (call, entry) in self.traffic.stop_for_next() {
                        self.resolved(call, entry);
                    }
                }
                Step::Finish if !self.ended => {
                    // A child that stops for good has nothing to finish.
                    if !matches!(self.traffic.gate, Gate::Stopping { .. }) {
                        self.traffic.finish();
                    }
                }
                Step::End if !self.ended => {
                    let newest = self.newest_of_run.take();
                    let go_over = newest.map_or(GoOver::Nothing, |_| GoOver::Since);
                    for (call, entry) in self.traffic.end(go_over) {
                        prop_assert!(
                            newest.is_none_or(|newest| call <= newest),
                            "{call} goes over"
                        );
                        self.resolved(call, entry);
                    }
                    // It refuses commands as an ended run does, unless another run follows.
                    let gate = if newest.is_some() {
                        Gate::Open
                    } else {
                        Gate::Stopping { finished: false }
                    };
                    (self.traffic.gate, self.ended) = (gate, true);
                    self.lane = None;
                    self.sent.clear();
                    self.child_has.clear();
                }
                Step::OpenLane | Step::Restart | Step::Finish | Step::End => {}
            }
            self.look_at_the_lane()
        }

        /// A child that reads and answers gets everything, up to the first call that is not encoded
        /// yet.
        fn nothing_waits_for_ever(&mut self) -> Result<(), TestCaseError> {
            let works = matches!(self.traffic.gate, Gate::Open | Gate::Finishing);
            if self.lane.is_none() || !works || self.newest_of_run.is_some() {
                return Ok(());
            }
            while !self.sent.is_empty() || !self.child_has.is_empty() {
                self.step(&Step::Read(usize::MAX))?;
                self.step(&Step::Return)?;
            }
            let encoding = self.encoding.iter().copied().find(|call| !self.has_ended(*call));
            let waits = self.traffic.pending.oldest();
            prop_assert!(waits.is_none_or(|call| Some(call) == encoding), "{waits:?} waits");
            let finishes = matches!(self.traffic.gate, Gate::Finishing);
            prop_assert_eq!(self.traffic.is_done(), finishes && waits.is_none());
            Ok(())
        }

        /// Checks that the packets sent by this step begin only calls without an outcome.
        fn look_at_the_lane(&mut self) -> Result<(), TestCaseError> {
            let new: Vec<_> = self.lane.iter().flat_map(mpsc::Receiver::try_iter).collect();
            for packet in &new {
                let (head, body) =
                    Head::parse(packet, self.generation, Lane::Requests).expect("a packet of ours");
                if head.kind == PacketKind::Items {
                    let take =
                        |item: ItemHead, _: crate::wire::packets::packet::ReceivedPayload<'_>| {
                            let is_call = item.kind == ItemKind::Call;
                            match self.newest_of_run {
                                _ if is_call && self.has_ended(item.call) => {
                                    Err(Wrong::Ended(item.call))
                                }
                                Some(newest) if is_call && item.call > newest => {
                                    Err(Wrong::NextRun(item.call))
                                }
                                _ => Ok(()),
                            }
                        };
                    let sent = Assembler::default().take(head.kind, body, take);
                    prop_assert!(sent.is_ok(), "{sent:?}");
                }
            }
            self.sent.extend(new);
            Ok(())
        }

        fn read(&mut self, packet: &[u8]) -> Result<(), TestCaseError> {
            self.consumed += charge(packet.len());
            let (head, body) =
                Head::parse(packet, self.generation, Lane::Requests).expect("a packet of ours");
            let (child_has, newest) = (&mut self.child_has, &mut self.newest_read);
            let take = |item: ItemHead, _: crate::wire::packets::packet::ReceivedPayload<'_>| {
                if item.kind == ItemKind::Call {
                    if item.call <= *newest {
                        return Err(Wrong::Order(item.call, *newest));
                    }
                    *newest = item.call;
                    child_has.push(item.call);
                }
                Ok(())
            };
            let read = self.assembler.take(head.kind, body, take);
            prop_assert!(read.is_ok(), "{read:?}");
            Ok(())
        }
    }

    #[derive(Debug)]
    #[allow(dead_code, reason = "shown where a case fails")]
    enum Wrong {
        Ended(u64),
        NextRun(u64),
        Order(u64, u64),
        Packet(PacketError),
    }

    impl From<PacketError> for Wrong {
        fn from(error: PacketError) -> Self {
            Self::Packet(error)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        /// Whatever happens to calls in whatever order: each has exactly one outcome; they arrive
        /// in the order of their numbers; no call is sent after it has its outcome; and a waiting
        /// write is superseded by the next write of its property, unless a command of another kind
        /// is in between.
        #[test]
        fn every_call_has_one_outcome(steps in prop::collection::vec(step(), 1..80)) {
            let mut model = Model::new();
            // Commands submitted for the next run end with that run.
            let ends = [Step::OpenLane, Step::End, Step::OpenLane, Step::End];
            for step in steps.iter().chain(&ends) {
                if matches!(step, Step::End) {
                    model.nothing_waits_for_ever()?;
                }
                model.step(step)?;
                let twice = model.outcomes.iter().find(|(_, times)| **times != 1);
                prop_assert_eq!(twice, None, "after {:?}", step);
                model.writes_are_superseded()?;
            }
            let ended: BTreeSet<u64> = model.outcomes.keys().copied().collect();
            prop_assert_eq!(ended, model.calls);
            prop_assert_eq!(model.traffic.pending.len(), 0);
        }
    }
}
