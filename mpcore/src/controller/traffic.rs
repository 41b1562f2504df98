//! What callers touch: the table of pending calls and the queue of the requests lane, under one lock.
//!
//! A call is numbered, entered and queued under the lock, so numbers rise on the lane; if there is
//! credit, the caller's own thread sends, which never blocks. Decisions only: whoever takes an entry
//! out resolves it after the lock is released.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::exit::SharedReport;
use super::grant::Grant;
use super::health::{Health, Look};
use super::outcome::Outcome;
use super::pending::{Entry, Pending};
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

pub(crate) struct Traffic {
    pub(crate) gate: Gate,
    last_call: u64,
    pub(crate) pending: Pending,
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

impl Traffic {
    pub(crate) fn new(bounds: Bounds, ping_interval: Duration) -> Self {
        Self {
            gate: Gate::Open,
            last_call: 0,
            pending: Pending::default(),
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
        entry: Entry,
        payload: Payload,
    ) -> Result<(), (Entry, Outcome)> {
        let length = match &payload {
            Payload::Ready(bytes) => bytes.len(),
            Payload::Encoding => crate::limits::ENCODE_INLINE,
        };
        match &self.gate {
            Gate::Open if self.queue.has_room(length) => {}
            Gate::Open => return Err((entry, Outcome::QueueFull)),
            Gate::Stopping => return Err((entry, Outcome::Stopped)),
            Gate::Ended(report) => return Err((entry, Outcome::Exited(Arc::clone(report)))),
        }
        let mut head = ItemHead::new(ItemKind::Call, entry.command, call);
        head.deadline = entry.limit.milliseconds;
        head.flags = entry.limit.flags;
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
        if self.pending.contains(call) && self.queue.waits(call) {
            self.queue.forget(call);
            return self.pending.remove(call);
        }
        None
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

    /// The run has ended; takes out everything.
    pub(crate) fn end(&mut self) -> Vec<(u64, Entry)> {
        self.lane = None;
        self.queue.clear();
        self.pending.take(|_| true)
    }
}
