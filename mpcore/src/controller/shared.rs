//! What the handles, calls and threads of one child share, over all its runs.
//!
//! Locks, always taken in this order: the run's `finished`, `life`, the run's `known`, `traffic`,
//! `control`, the inbox's. Each is held briefly. User code runs under none of them but the first, which
//! only the reader and the end of its run take; what is [enqueued](crate::controller::inbox::enqueue) under the
//! others wakes the inbox's thread after them.

use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use crate::controller::allowance::Allowance;
use crate::controller::builder::Spec;
use crate::controller::captured::Captured;
use crate::controller::control_lane::ControlLane;
use crate::controller::encoder::EncoderThread;
use crate::controller::escalation::Limit;
use crate::controller::exit::{ExitReport, State};
use crate::controller::finish;
use crate::controller::finish::Finish;
use crate::controller::inbox::post;
use crate::controller::inbox::{ChildInbox, Notice, Source};
use crate::controller::mailbox::Fill;
use crate::controller::mirror::Mirror;
use crate::controller::outcome::Outcome;
use crate::controller::pending::{Entry, Reply, SharedThen, Stage, Then};
use crate::controller::process::ProcessSignals;
use crate::controller::repeat::Repeat;
use crate::controller::restart::Restarting;
use crate::controller::run::Run;
use crate::controller::supersede::Kind;
use crate::controller::traffic::Traffic;
use crate::controller::wiring::Sinks;
use crate::debugging;
use crate::process::sys;
use crate::supervise::restart::Supervisor;
use crate::sync::lock;
use crate::unwind::caught;
use crate::wire::interface::{Delivery, InterfaceTable};
use crate::wire::outgoing::Payload;
use crate::wire::stop_reason::StopReason;

/// Where the child is in its life.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) state: State,
    /// Counts the runs.
    pub(crate) generation: u32,
    /// The current run, from `start` until its end.
    pub(crate) run: Option<Arc<Run>>,
    pub(crate) pid: Option<u32>,
    /// The last run's end.
    pub(crate) report: Option<Arc<ExitReport>>,
    /// The current run has been ready.
    pub(crate) ready: bool,
    /// Start again when the current run has ended.
    pub(crate) restart: bool,
    /// That was asked for by `start`, while the end of the run was being told.
    pub(crate) start: bool,
    /// What is queued is to be done, and then the child is to stop.
    pub(crate) finish: Option<Finish>,
    /// The mirrors have the values of a run that has ended.
    pub(crate) stale: bool,
    /// Why the current run, or the last one, was asked to end.
    pub(crate) reason: Option<StopReason>,
    /// The next run begins by itself, when its time has come.
    pub(crate) restarting: Option<Restarting>,
    pub(crate) supervisor: Supervisor,
    /// Threads that still have something to post which belongs before the run's last signal.
    pub(crate) posting: usize,
    /// The last signals of a run are being posted; the next must not begin before.
    pub(crate) finishing: bool,
    /// Runs of which some thread still holds a descriptor.
    pub(crate) holding: Vec<u32>,
    /// Runs that have ended, but for their `after_exit` hook.
    pub(crate) hooks: usize,
    /// The last control is gone, so nothing of this child is started any more.
    pub(crate) released: bool,
}

/// See the [module](self).
pub(crate) struct Shared {
    pub(crate) spec: Spec,
    pub(crate) table: Arc<InterfaceTable>,
    pub(crate) sinks: Sinks,
    pub(crate) signals: ProcessSignals,
    pub(crate) mirrors: Vec<Arc<Mirror>>,
    pub(crate) inbox: ChildInbox,
    pub(crate) captured: Captured,
    pub(crate) encoder: EncoderThread,
    name: Mutex<String>,
    life: Mutex<Life>,
    life_changed: Condvar,
    traffic: Mutex<Traffic>,
    control: Mutex<ControlLane>,
    /// Threads that wait for this child.
    waiters: AtomicUsize,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.life().state;
        f.debug_struct("Shared").field("name", &self.name()).field("state", &state).finish()
    }
}

/// What a call holds of its command.
#[derive(Debug)]
pub(crate) struct Awaited {
    pub(crate) receiver: oneshot::Receiver<Reply>,
    pub(crate) then: SharedThen,
}

impl Shared {
    pub(crate) fn new(
        spec: Spec,
        name: String,
        table: Arc<InterfaceTable>,
        sinks: Sinks,
    ) -> Arc<Self> {
        let mirrors = table.properties.iter().map(|row| Arc::new(Mirror::new(row.initial.clone())));
        let life = Life {
            state: State::Created,
            generation: 0,
            run: None,
            pid: None,
            report: None,
            ready: false,
            restart: false,
            start: false,
            finish: None,
            stale: false,
            reason: None,
            restarting: None,
            supervisor: Supervisor::new(spec.restart),
            posting: 0,
            finishing: false,
            holding: Vec::new(),
            hooks: 0,
            released: false,
        };
        let traffic = Traffic::new(spec.queue, spec.vigilance.ping_interval);
        Arc::new(Self {
            mirrors: mirrors.collect(),
            spec,
            table,
            sinks,
            signals: ProcessSignals::default(),
            inbox: ChildInbox::default(),
            captured: Captured::default(),
            encoder: EncoderThread::default(),
            name: Mutex::new(name),
            life: Mutex::new(life),
            life_changed: Condvar::new(),
            traffic: Mutex::new(traffic),
            control: Mutex::default(),
            waiters: AtomicUsize::new(0),
        })
    }

    pub(crate) fn name(&self) -> String {
        lock(&self.name).clone()
    }

    pub(crate) fn set_name(&self, name: String) {
        *lock(&self.name) = name;
    }

    pub(crate) fn life(&self) -> MutexGuard<'_, Life> {
        lock(&self.life)
    }

    pub(crate) fn life_changed(&self) -> &Condvar {
        &self.life_changed
    }

    pub(crate) fn traffic(&self) -> MutexGuard<'_, Traffic> {
        lock(&self.traffic)
    }

    pub(crate) fn control(&self) -> MutexGuard<'_, ControlLane> {
        lock(&self.control)
    }

    /// No deadline of the controller's acts on the child: it is debugged, or runs under a tool.
    pub(crate) fn is_patient(&self) -> bool {
        !self.spec.program.is_on_thread()
            && (debugging::is_for(&self.name()) || debugging::run_under().is_some())
    }

    pub(crate) fn is_latest(&self, event: u16) -> bool {
        let row = self.table.events.get(usize::from(event));
        row.is_some_and(|row| row.delivery == Delivery::Latest)
    }

    pub(crate) fn command_name(&self, command: u16) -> Option<&'static str> {
        self.table.commands.get(usize::from(command)).map(|row| row.name)
    }

    // ---- calls

    /// Submits a command; never blocks.
    pub(crate) fn submit(self: &Arc<Self>, command: u16, args: Vec<u8>) -> (u64, Awaited) {
        self.enter(command, Ok(Payload::Ready(args)))
    }

    /// Submits a command whose arguments are still to be encoded.
    pub(crate) fn submit_unencoded(self: &Arc<Self>, command: u16) -> (u64, Awaited) {
        self.enter(command, Ok(Payload::Encoding))
    }

    /// A command whose arguments cannot be encoded.
    pub(crate) fn refuse(self: &Arc<Self>, command: u16, why: String) -> (u64, Awaited) {
        self.enter(command, Err(Outcome::Encode(why)))
    }

    fn enter(self: &Arc<Self>, command: u16, payload: Result<Payload, Outcome>) -> (u64, Awaited) {
        let (reply, receiver) = oneshot::channel();
        let then = SharedThen::default();
        if sys::is_copy() {
            let _ = reply.send(Reply::Outcome(Arc::new(Outcome::ForkedCopy)));
            return (0, Awaited { receiver, then });
        }
        let limit = self.limit(command, Self::inherited_time());
        let repeat = self.repeat(command);
        let entry = Entry { command, reply, then: Arc::clone(&then), limit, repeat };
        let kind = self.kind(command);
        let (call, submitted, watch, _posting) = {
            let (mut traffic, posting) = self.traffic_for(kind);
            let call = traffic.next_call();
            let submitted = match payload {
                Ok(payload) => traffic.submit(call, kind, entry, payload),
                Err(outcome) => Err((entry, outcome)),
            };
            (call, submitted, traffic.begin_watch(), posting)
        };
        if let Some((look, at)) = watch {
            self.look_at(look, at);
        }
        match submitted {
            Ok(superseded) => {
                for (older, entry) in superseded {
                    self.resolve(older, entry, Outcome::Superseded);
                }
            }
            Err((entry, outcome)) => self.resolve(call, entry, outcome),
        }
        (call, Awaited { receiver, then })
    }

    /// What is locked to submit a command. Only where it is about to end others, their outcomes are to be
    /// waited for.
    fn traffic_for(self: &Arc<Self>, kind: Kind) -> (MutexGuard<'_, Traffic>, Option<Posting>) {
        let traffic = self.traffic();
        match kind {
            Kind::Write(property) if traffic.may_supersede(property) => {
                drop(traffic);
                let posting = self.begin_posting(&mut self.life());
                (self.traffic(), Some(posting))
            }
            _ => (traffic, None),
        }
    }

    fn kind(&self, command: u16) -> Kind {
        let row = self.table.commands.get(usize::from(command));
        match row.and_then(|row| Some((row.writes?, row.rules.every))) {
            None => Kind::Command,
            Some((property, false)) => Kind::Write(property),
            Some((_, true)) => Kind::EveryWrite,
        }
    }

    /// How long a command may run; `left` is what the one that submits it still has itself.
    pub(crate) fn limit(&self, command: u16, left: Option<Duration>) -> Limit {
        let rules = self.table.commands.get(usize::from(command)).map(|row| row.rules);
        Limit::new(rules.unwrap_or_default(), self.spec.vigilance.on_timeout, left)
    }

    /// What a crash means for this command.
    fn repeat(&self, command: u16) -> Repeat {
        let Some(row) = self.table.commands.get(usize::from(command)) else {
            return Repeat::never();
        };
        let mut repeat = Repeat::never();
        if row.rules.idempotent {
            repeat = repeat.idempotent();
        }
        match row.writes.filter(|_| self.spec.reapply_properties) {
            Some(property) => repeat.writes(property),
            None => repeat,
        }
    }

    /// Ends a command: wakes who waits, and posts what handlers shall hear. Whoever has taken the
    /// entry out of the table calls this, once.
    pub(crate) fn resolve(self: &Arc<Self>, call: u64, entry: Entry, outcome: Outcome) {
        let Entry { command, reply, then, repeat, .. } = entry;
        if repeat.is_reapplied() && outcome.is_no_failure() {
            return;
        }
        let outcome = Arc::new(outcome);
        let (told, source) = match &*outcome {
            Outcome::Returned(_) => {
                let sink = self.sinks.results.get(usize::from(command)).and_then(Option::as_ref);
                (sink.is_some_and(|sink| (sink.is_connected)()), None)
            }
            // Told otherwise, or asked for.
            Outcome::Exited(_) | Outcome::TimedOut(_) => (false, None),
            Outcome::Cancelled | Outcome::Superseded => (false, None),
            Outcome::Stopped | Outcome::Finishing => (false, None),
            // As they are now: when it is told, the child may be another.
            _ => (true, Some(Box::new(Source { name: self.name(), pid: self.life().pid }))),
        };
        let told = told || self.signals.call_ended.is_connected();
        let post_it = {
            let mut then = lock(&then);
            let post_it = told || !then.is_empty();
            then.stage = if post_it { Stage::Posted } else { Stage::Silent };
            then.outcome = Some(Arc::clone(&outcome));
            post_it
        };
        let notice = post_it.then(|| {
            let outcome = Arc::clone(&outcome);
            Notice::Outcome { command, call, outcome, then, source }
        });
        // Nobody may wait any more.
        // An executor's waker is user code.
        let _ = caught(|| reply.send(Reply::Outcome(outcome)).is_ok());
        if let Some(notice) = notice {
            post(self, notice);
        }
    }

    /// Adds to what happens with a call's outcome; if that was delivered already, it happens next.
    pub(crate) fn then(
        self: &Arc<Self>,
        call: u64,
        command: u16,
        then: &SharedThen,
        add: impl FnOnce(&mut Then),
    ) {
        if sys::is_copy() {
            return;
        }
        let notice = {
            let mut now = lock(then);
            add(&mut now);
            match (now.stage, now.outcome.clone()) {
                (Stage::Silent, Some(outcome)) => {
                    now.stage = Stage::Posted;
                    let then = Arc::clone(then);
                    Notice::Outcome { command, call, outcome, then, source: None }
                }
                (Stage::Delivered, Some(outcome)) => {
                    let (on_done, forward) = (now.on_done.take(), now.forward.take());
                    Notice::Task(Box::new(move || {
                        for late in [on_done, forward].into_iter().flatten() {
                            late(&outcome);
                        }
                    }))
                }
                _ => return,
            }
        };
        post(self, notice);
    }

    pub(crate) fn cancel(self: &Arc<Self>, call: u64) {
        if sys::is_copy() {
            return;
        }
        let _posting = self.begin_posting(&mut self.life());
        let (waiting, pending, done) = {
            let mut traffic = self.traffic();
            let (waiting, pending) = (traffic.cancel_waiting(call), traffic.cancel_sent(call));
            (waiting, pending, traffic.is_done())
        };
        if let Some(entry) = waiting {
            self.resolve(call, entry, Outcome::Cancelled);
            if done {
                finish::stop_if_done(self);
            }
        } else if pending {
            self.control().cancel(call);
        }
    }

    /// Whoever takes a call out of the table holds this until he has told its outcome: that belongs before
    /// the run's last signal, so the run does not end meanwhile.
    pub(crate) fn begin_posting(self: &Arc<Self>, life: &mut Life) -> Posting {
        life.posting += 1;
        Posting(Arc::clone(self))
    }

    // ---- waiting

    /// While the guard lives, a full inbox does not keep the child from answering.
    pub(crate) fn begin_wait(self: &Arc<Self>) -> Waiting {
        self.enter_wait();
        Waiting(Arc::clone(self))
    }
}

impl Allowance for Shared {
    fn fill(&self) -> Fill {
        self.inbox.fill(self.spec.inbox_bound)
    }

    fn waiters(&self) -> &AtomicUsize {
        &self.waiters
    }

    fn is_stopping(&self) -> bool {
        self.life().state == State::Stopping
    }

    fn is_withheld(&self) -> bool {
        self.control().is_withheld()
    }

    fn give(&self) {
        self.control().grant();
    }

    fn give_up_waiting(&self) {
        let everybody = self.traffic().pending.give_up_waiting();
        for one in everybody {
            let _ = caught(|| one.tell());
        }
    }
}

/// See [`Shared::begin_posting`].
#[must_use]
#[derive(Debug)]
pub(crate) struct Posting(Arc<Shared>);

impl Drop for Posting {
    fn drop(&mut self) {
        self.0.life().posting -= 1;
        self.0.life_changed.notify_all();
    }
}

/// See [`Shared::begin_wait`].
#[derive(Debug)]
pub(crate) struct Waiting(Arc<Shared>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.leave_wait();
    }
}
