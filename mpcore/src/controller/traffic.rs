//! What callers touch: the table of pending calls and the queue of the requests lane, under one lock.
//!
//! A call is numbered, entered and queued under the lock, so numbers rise on the lane; if there is
//! credit, the caller's own thread sends, which never blocks. Decisions only: whoever takes an entry
//! out resolves it after the lock is released.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::escalation::Limit;
use super::exit::SharedReport;
use super::grant::Grant;
use super::health::{Health, Look};
use super::outcome::Outcome;
use super::pending::{Entry, Pending, SharedThen, Then};
use super::repeat::AcceptedWrites;
use crate::sync::Mutex;
use crate::transport::Sender;
use crate::wire::credit::FalseReport;
use crate::wire::outgoing::{Bounds, Next, Outgoing, Payload};
use crate::wire::packet::{Head, ItemHead, ItemKind, PacketKind};

/// Whether commands are taken.
#[derive(Debug, Clone)]
pub(crate) enum Gate {
    Open,
    Stopping,
    Ended(SharedReport),
}

/// The requests lane of a run.
struct Lane {
    sender: Sender,
    generation: u32,
    /// Credit for the events lane travels along.
    grant: Arc<Grant>,
}

/// Which commands without an outcome go over to the next run, when one has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GoOver {
    /// There is no next run, or it was asked for.
    Nothing,
    /// The run never was ready, so nothing of a command had been sent.
    Everything,
    /// It had been ready: only what is idempotent, once.
    Idempotent,
}

pub(crate) struct Traffic {
    pub(crate) gate: Gate,
    last_call: u64,
    pub(crate) pending: Pending,
    /// Those to be made again with every start.
    pub(crate) writes: AcceptedWrites,
    pub(crate) health: Health,
    queue: Outgoing,
    lane: Option<Lane>,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Traffic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Traffic").field("gate", &self.gate).finish_non_exhaustive()
    }
}

/// How a command is announced to the child.
fn head(call: u64, entry: &Entry) -> ItemHead {
    let mut head = ItemHead::new(ItemKind::Call, entry.command, call);
    head.deadline = entry.limit.milliseconds;
    head.flags = entry.limit.flags;
    head
}

impl Traffic {
    pub(crate) fn new(bounds: Bounds, ping_interval: Duration) -> Self {
        Self {
            gate: Gate::Open,
            last_call: 0,
            pending: Pending::default(),
            writes: AcceptedWrites::default(),
            health: Health::new(ping_interval),
            queue: Outgoing::new(0, bounds),
            lane: None,
            buffer: Vec::new(),
        }
    }

    /// The number of the next call: rising, from 1, over all runs.
    pub(crate) fn next_call(&mut self) -> u64 {
        self.last_call += 1;
        self.last_call
    }

    /// Takes a command, or says with what it ends at once.
    pub(crate) fn submit(
        &mut self,
        call: u64,
        mut entry: Entry,
        payload: Payload,
    ) -> Result<(), (Entry, Outcome)> {
        let length = payload.ready().map_or(crate::limits::ENCODE_INLINE, <[u8]>::len);
        match &self.gate {
            Gate::Open if self.queue.has_room(length) => {}
            Gate::Open => return Err((entry, Outcome::QueueFull)),
            Gate::Stopping => return Err((entry, Outcome::Stopped)),
            Gate::Ended(report) => return Err((entry, Outcome::Exited(Arc::clone(report)))),
        }
        let head = head(call, &entry);
        let payload = match payload {
            Payload::Ready(args) => entry.repeat.keep(args),
            payload => payload,
        };
        self.pending.insert(call, entry);
        self.queue.push(head, None, payload);
        self.pump();
        Ok(())
    }

    /// Sends what there is credit for.
    fn pump(&mut self) {
        let Self { lane, queue, pending, buffer, .. } = self;
        while let Some(Lane { sender, generation, grant }) = lane {
            let mut head = Head::new(PacketKind::Items, *generation);
            head.consumed = grant.granted();
            let wanted =
                |item: &ItemHead| item.kind == ItemKind::Welcome || pending.contains(item.call);
            match queue.next_packet(head, buffer, wanted) {
                Next::Packet => {
                    if sender.send(buffer).is_err() {
                        // The child is gone; the watcher will tell, and what is pending is resolved.
                        *lane = None;
                        return;
                    }
                    grant.told(head.consumed);
                }
                Next::Empty | Next::Wait => return,
            }
        }
    }

    /// The encoder is done with a call's arguments. Returns the entry if they cannot be sent.
    pub(crate) fn encoded(
        &mut self,
        call: u64,
        payload: Result<Vec<u8>, Outcome>,
    ) -> Option<(Entry, Outcome)> {
        let queued = payload.and_then(|payload| {
            let payload = match self.pending.get_mut(call) {
                Some(entry) => entry.repeat.keep(payload),
                None => Payload::Ready(payload),
            };
            let fits = self.queue.encoded(call, payload);
            if fits { Ok(()) } else { Err(Outcome::QueueFull) }
        });
        let refused = match queued {
            Ok(()) => None,
            Err(outcome) => {
                self.queue.forget(call);
                self.pending.remove(call).map(|entry| (entry, outcome))
            }
        };
        self.pump();
        refused
    }

    /// A run begins: what waits is sent when it is ready, and the accepted writes go before it.
    /// `limit` says how long a command may run.
    pub(crate) fn begin_run(&mut self, limit: impl Fn(u16) -> Limit) {
        self.gate = Gate::Open;
        self.health.reset();
        self.queue.hold();
        // Each goes to the front.
        for write in self.writes.in_order().into_iter().rev() {
            // Only a child that answers out of order gets an older command behind it.
            if self.pending.oldest().is_some_and(|oldest| oldest < write.call) {
                continue;
            }
            let then = SharedThen::new(Mutex::new(Then { uncalled: true, ..Then::default() }));
            let (reply, _) = oneshot::channel();
            let (limit, repeat) = (limit(write.command), write.repeat());
            let entry = Entry { command: write.command, reply, then, limit, repeat };
            self.queue.push_front(head(write.call, &entry), write.payload());
            self.pending.insert_first(write.call, entry);
        }
    }

    /// The child is ready for commands.
    pub(crate) fn ready(&mut self) {
        self.queue.release();
        self.pump();
    }

    /// A run's lanes are there: the welcome goes before everything that has queued.
    pub(crate) fn open_lane(
        &mut self,
        sender: Sender,
        generation: u32,
        grant: Arc<Grant>,
        window: u32,
        welcome: Vec<u8>,
    ) {
        self.queue.reset_lane(window);
        let welcome = Payload::Ready(welcome);
        self.queue.push_front(ItemHead::new(ItemKind::Welcome, 0, 0), welcome);
        self.lane = Some(Lane { sender, generation, grant });
        self.pump();
    }

    /// The child's report of what it has consumed of the requests lane.
    pub(crate) fn report(&mut self, total: u64) -> Result<(), FalseReport> {
        self.queue.report(total)?;
        if !self.queue.is_empty() {
            self.pump();
        }
        Ok(())
    }

    /// Whether the child owes something: an outcome, or its end.
    pub(crate) fn is_outstanding(&self) -> bool {
        let owes = self.pending.len() > 0 || matches!(self.gate, Gate::Stopping);
        owes && self.lane.is_some()
    }

    /// The first look at the child's health, if something is outstanding and no look is due.
    pub(crate) fn begin_watch(&mut self) -> Option<(Look, Instant)> {
        if self.health.is_watching() || !self.is_outstanding() {
            return None;
        }
        self.health.begin(Instant::now())
    }

    /// Gives a call another deadline; returns whether the child is to be told, because the call is under
    /// way.
    pub(crate) fn set_timeout(&mut self, call: u64, milliseconds: u32) -> bool {
        let Some(entry) = self.pending.get_mut(call) else { return false };
        entry.limit.allow(milliseconds);
        !self.queue.set_deadline(call, milliseconds)
    }

    /// Takes out a call of which nothing has been sent yet: it is never started.
    pub(crate) fn cancel_waiting(&mut self, call: u64) -> Option<Entry> {
        let entry = self.pending.get_mut(call)?;
        if entry.repeat.is_reapplied() || !self.queue.waits(call) {
            return None;
        }
        self.queue.forget(call);
        self.pending.remove(call)
    }

    /// Notes that the end of a call is wanted of which something has been sent; returns whether there is
    /// such a call.
    pub(crate) fn cancel_sent(&mut self, call: u64) -> bool {
        let entry = self.pending.get_mut(call).filter(|entry| !entry.repeat.is_reapplied());
        entry.map(|entry| entry.repeat.cancel()).is_some()
    }

    /// No further commands; takes out those of which nothing has been sent.
    pub(crate) fn stop(&mut self) -> Vec<(u64, Entry)> {
        if matches!(self.gate, Gate::Open) {
            self.gate = Gate::Stopping;
        }
        let queue = &self.queue;
        let waiting = self.pending.take(|call| queue.waits(call));
        self.queue.clear();
        waiting
    }

    /// The run has ended; takes out everything but what goes over to the next.
    pub(crate) fn end(&mut self, go_over: GoOver) -> Vec<(u64, Entry)> {
        self.lane = None;
        let queued = self.queue.take().into_iter();
        let mut queued: HashMap<_, _> =
            queued.map(|(head, payload)| (head.call, payload)).collect();
        let mut lost = Vec::new();
        for (call, mut entry) in self.pending.take(|_| true) {
            let payload = queued.remove(&call);
            let payload = match go_over {
                GoOver::Everything if !entry.repeat.is_reapplied() => payload,
                // Not even whole on the lane: it has not been run.
                GoOver::Idempotent if entry.repeat.is_idempotent() => {
                    payload.or_else(|| entry.repeat.again())
                }
                _ => None,
            };
            match payload {
                Some(payload) => {
                    self.queue.push(head(call, &entry), None, payload);
                    self.pending.insert(call, entry);
                }
                None => lost.push((call, entry)),
            }
        }
        lost
    }
}
