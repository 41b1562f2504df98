//! A command from its submission to its outcome: its rules, its entry in the table and the queue,
//! continuations that are added, a cancel, and the outcome.

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use crate::controller::calls::traced::TracedCall;
use crate::controller::finish;
use crate::controller::model::limit::Limit;
use crate::controller::model::pending::{CallReply, Entry, SharedThen, Stage, Then};
use crate::controller::model::repeat::Repeat;
use crate::controller::model::requests::Traffic;
use crate::controller::model::supersede::Kind;
use crate::controller::report::outcome::Outcome;
use crate::controller::report::traced;
use crate::controller::signals::notice::{Notice, Source};
use crate::controller::state::posting::post;
use crate::controller::state::{Posting, Shared};
use crate::panics::unwind::caught;
use crate::process::sys;
use crate::sync::lock;
use crate::trace::event;
use crate::wire::packets::outgoing::QueuedPayload;

/// What a call keeps of its command.
#[derive(Debug)]
pub(crate) struct Awaited {
    pub(crate) receiver: oneshot::Receiver<CallReply>,
    pub(crate) then: SharedThen,
}

impl Shared {
    /// Submits a command; never blocks.
    pub(crate) fn submit(self: &Arc<Self>, command: u16, args: Vec<u8>) -> (u64, Awaited) {
        self.enter(command, Ok(QueuedPayload::Ready(args)))
    }

    /// Submits a command whose arguments are still to be encoded.
    pub(crate) fn submit_unencoded(self: &Arc<Self>, command: u16) -> (u64, Awaited) {
        self.enter(command, Ok(QueuedPayload::Encoding))
    }

    /// Creates a call whose arguments cannot be encoded.
    pub(crate) fn refuse(self: &Arc<Self>, command: u16, why: String) -> (u64, Awaited) {
        self.enter(command, Err(Outcome::Encode(why)))
    }

    /// Numbers a command, enters it into the table and the queue, and resolves the calls that end
    /// with that.
    fn enter(
        self: &Arc<Self>,
        command: u16,
        payload: Result<QueuedPayload, Outcome>,
    ) -> (u64, Awaited) {
        let (reply, receiver) = oneshot::channel();
        let then = SharedThen::default();
        // A forked copy has none of the threads that would end the call.
        if sys::is_copy() {
            let _ = reply.send(CallReply::Outcome(Arc::new(Outcome::ForkedCopy)));
            return (0, Awaited { receiver, then });
        }
        let traced = TracedCall::begin(self, command, &then);
        let limit = self.limit(command, Self::inherited_time());
        let repeat = self.repeat(command);
        let entry = Entry { command, reply, then: Arc::clone(&then), limit, repeat };
        let kind = self.kind(command);
        // One lock for the number and the queue: calls are sent in the order of their numbers, which
        // the child relies on.
        let (call, submitted, watch, _posting) = {
            let (mut traffic, posting) = self.traffic_for(kind);
            let call = traffic.next_call();
            if let Some(traced) = &traced {
                traced.has_number(call);
            }
            let submitted = match payload {
                Ok(payload) => traffic.submit(call, kind, entry, payload),
                Err(outcome) => Err((entry, outcome)),
            };
            (call, submitted, traffic.begin_watch(), posting)
        };
        if let Some((ticket, at)) = watch {
            self.check_at(ticket, at);
        }
        match submitted {
            Ok(superseded) => {
                if let Some(traced) = &traced {
                    traced.submitted();
                }
                // Not under the lock: an outcome runs the user's wakers.
                for (older, entry) in superseded {
                    self.resolve(older, entry, Outcome::Superseded);
                }
            }
            Err((entry, outcome)) => {
                if let Some(traced) = &traced {
                    traced.refused();
                }
                if !outcome.is_no_failure() {
                    event!(
                        WARN, "mpcore::call", in self.run_span(), "refused",
                        process = self.name(), call = call, command = self.command_name(command),
                        outcome = traced::outcome(&outcome),
                    );
                }
                self.resolve(call, entry, outcome);
            }
        }
        (call, Awaited { receiver, then })
    }

    /// Locks what is needed to submit a command. Only if it is about to end other commands must the
    /// end of the run wait for their outcomes.
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

    /// Returns how a command relates to the writes around it.
    fn kind(&self, command: u16) -> Kind {
        let row = self.table.commands.get(usize::from(command));
        match row.and_then(|row| Some((row.writes?, row.rules.every))) {
            None => Kind::Command,
            Some((property, false)) => Kind::Write(property),
            Some((_, true)) => Kind::EveryWrite,
        }
    }

    /// Returns how long a command may run; `left` is the time that the submitting command has left.
    pub(crate) fn limit(&self, command: u16, left: Option<Duration>) -> Limit {
        let rules = self.table.commands.get(usize::from(command)).map(|row| row.rules);
        Limit::new(rules.unwrap_or_default(), self.options.on_timeout, left)
    }

    /// Returns what a crash means for this command.
    fn repeat(&self, command: u16) -> Repeat {
        let Some(row) = self.table.commands.get(usize::from(command)) else {
            return Repeat::never();
        };
        let mut repeat = Repeat::never();
        if row.rules.idempotent {
            repeat = repeat.idempotent();
        }
        match row.writes.filter(|_| self.options.reapply_properties) {
            Some(property) => repeat.writes(property),
            None => repeat,
        }
    }

    /// Ends a command: wakes the waiter, and posts the notice for the handlers. The code that has
    /// taken the entry out of the table calls this, once.
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
            // Requested, or reported elsewhere: the end of the run by `finish`, an overrun when it is
            // read. `raise_exception` in `delivery` decides the same for what is posted here.
            Outcome::Exited(_) | Outcome::TimedOut(_) => (false, None),
            Outcome::Cancelled | Outcome::Superseded => (false, None),
            Outcome::Stopped | Outcome::Finishing => (false, None),
            // Name and pid as of now: when the notice is delivered, the child may be another
            // process.
            _ => (true, Some(Box::new(Source { name: self.name(), pid: self.life().pid }))),
        };
        let told = told || self.signals.call_ended.is_connected();
        let (post_it, traced) = {
            let mut then = lock(&then);
            let post_it = told || !then.is_empty();
            then.stage = if post_it { Stage::Posted } else { Stage::Silent };
            then.outcome = Some(Arc::clone(&outcome));
            (post_it, then.traced.take())
        };
        if let Some(traced) = traced {
            traced(&outcome);
        }
        let notice = post_it.then(|| {
            let outcome = Arc::clone(&outcome);
            Notice::Outcome { command, call, outcome, then, source }
        });
        // There may be no waiter any more. An executor's waker is user code.
        let _ = caught(|| reply.send(CallReply::Outcome(outcome)).is_ok());
        if let Some(notice) = notice {
            post(self, notice);
        }
    }

    /// Adds to what happens with a call's outcome. If the outcome was already delivered, the
    /// addition runs next.
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

    /// Cancels a call. One of which nothing was sent ends here; any other is cancelled in the
    /// child.
    pub(crate) fn cancel(self: &Arc<Self>, call: u64) {
        if sys::is_copy() {
            return;
        }
        event!(DEBUG, "mpcore::call", in self.run_span(), "cancel requested", call = call);
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
}
