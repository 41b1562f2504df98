//! Delivery: converts the inbox's notices into calls of handlers, in the inbox's thread. A result
//! goes to its signal; a failed command and a value that cannot be decoded become exceptions. Each
//! notice that is taken may allow the child credit again.
//!
//! All user code that runs here is guarded: a handler, a `Deserialize` or a `Display` that panics
//! costs only its own notice, never the inbox.

use std::sync::Arc;

use crate::DecodeError;
use crate::call_id::CallId;
use crate::controller::flow_control::allowance::Allowance as _;
use crate::controller::model::pending::{Continuation, SharedThen, Stage};
use crate::controller::report::notifications::Progress;
use crate::controller::report::outcome::{
    CallEnd, CallError, Exception, ExceptionKind, Outcome, OutcomeCodec, UndeliveredItem,
};
use crate::controller::signals::inbox::{Budget, Recipient};
use crate::controller::signals::notice::{Notice, Source};
use crate::controller::signals::ring::Turn;
use crate::controller::state::Shared;
use crate::controller::state::posting::line_taken;
use crate::panics::unwind::caught;
use crate::process::stream::OutputStream;
use crate::sync::lock;
use crate::wire::messages::report::What;

/// The error of user code that panicked. The panic hook has already reported the panic.
const PANICKED: &str = "the `Deserialize` or `Display` of its type panicked";

impl Recipient for Shared {
    fn take_turn(self: Arc<Self>, budget: &mut Budget) -> Turn {
        budget.turn(|| {
            // Takes the value under the mailbox's lock: after that, a new run may put its own value
            // into the mirror.
            let next = self.inbox.pop(|notice| notice.with_value(&self.mirrors));
            let Some(notice) = next else { return false };
            self.deliver(notice);
            self.grant_if_allowed();
            true
        })
    }
}

impl Shared {
    /// Runs the handlers of one notice.
    fn deliver(self: &Arc<Self>, notice: Notice) {
        match notice {
            Notice::Outcome { command, call, outcome, then, source } => {
                self.deliver_outcome(command, call, &outcome, &then, source);
            }
            // The inbox converts these into `Value` before it returns them.
            Notice::Property(_) => {}
            Notice::Value { index, bytes, version } => {
                if let Some(Some(sink)) = self.sinks.properties.get(usize::from(index)) {
                    self.check(What::Property, index, guard(|| sink(&bytes, version)));
                }
            }
            Notice::Event(index, bytes) => {
                if let Some(Some(sink)) = self.sinks.events.get(usize::from(index)) {
                    self.check(What::Event, index, guard(|| sink(bytes.as_slice())));
                }
            }
            Notice::Signal(command, bytes) => {
                if let Some(Some(sink)) = self.sinks.results.get(usize::from(command)) {
                    let delivered = guard(|| (sink.deliver)(bytes.as_slice()));
                    self.check(What::Signal, command, delivered);
                }
            }
            Notice::Progress { call, fraction } => {
                self.signals.progress.fire(&(Progress { call: CallId::new(call), fraction },));
            }
            Notice::Line(stream, line) => {
                line_taken(self, stream, line.len());
                let signal = match stream {
                    OutputStream::Stdout => &self.signals.stdout_line,
                    OutputStream::Stderr => &self.signals.stderr_line,
                };
                signal.fire(&(line,));
            }
            Notice::LinesDropped(dropped) => self.signals.lines_dropped.fire(&(dropped,)),
            Notice::Started(pid) => self.signals.started.fire(&(pid,)),
            Notice::Ready => self.signals.ready.fire(&()),
            Notice::State(state) => self.signals.state_changed.fire(&(state,)),
            Notice::Stale(stale) => self.signals.stale_changed.fire(&(stale,)),
            Notice::Stopping(reason) => self.signals.stopping.fire(&(*reason,)),
            Notice::Unresponsive(verdict) => self.signals.unresponsive.fire(&(*verdict,)),
            Notice::Responsive => self.signals.responsive.fire(&()),
            Notice::Exception(exception) => self.sinks.exception_raised.fire(&(*exception,)),
            Notice::Failed(failure) => self.signals.failed.fire(&(*failure,)),
            Notice::Finished(report) => self.signals.finished.fire(&((*report).clone(),)),
            Notice::Restarting(next) => self.signals.restarting.fire(&(*next,)),
            Notice::GaveUp(end) => self.signals.gave_up.fire(&(*end,)),
            Notice::Task(task) => {
                let _ = guard(task);
            }
        }
    }

    /// Runs the continuations of an outcome, and emits the signals that report it.
    fn deliver_outcome(
        &self,
        command: u16,
        call: u64,
        outcome: &Arc<Outcome>,
        then: &SharedThen,
        source: Option<Box<Source>>,
    ) {
        let (on_done, forward, uncalled) = {
            let mut then = lock(then);
            then.stage = Stage::Delivered;
            (then.on_done.take(), then.forward.take(), then.uncalled)
        };
        if let Some(on_done) = on_done {
            let _ = guard(|| on_done(outcome));
        }
        let result = self.deliver_result(command, outcome, forward);
        if let Err(error) = &result {
            self.raise_exception(command, call, error, source);
        }
        if self.signals.call_ended.is_connected() && !uncalled {
            let command = self.command_name(command).unwrap_or_default();
            self.signals.call_ended.fire(&(CallEnd { call: CallId::new(call), command, result },));
        }
    }

    /// Delivers a result to its signal. Every other outcome, and a result that cannot be delivered,
    /// is an error.
    fn deliver_result(
        &self,
        command: u16,
        outcome: &Arc<Outcome>,
        forward: Option<Continuation>,
    ) -> Result<(), CallError<String>> {
        let sink = self.sinks.results.get(usize::from(command)).and_then(Option::as_ref);
        match (&**outcome, forward, sink) {
            (Outcome::Returned(_), Some(forward), _) => {
                let _ = guard(|| forward(outcome));
                Ok(())
            }
            (Outcome::Returned(bytes), None, Some(sink)) if (sink.is_connected)() => {
                match guard(|| (sink.deliver)(bytes.as_slice())) {
                    Some(Ok(())) => Ok(()),
                    Some(Err(error)) => Err(CallError::Decode(error.to_string())),
                    None => Err(CallError::Decode(PANICKED.to_owned())),
                }
            }
            (Outcome::Returned(_), None, _) => Ok(()),
            (Outcome::Raised(bytes), ..) => {
                let row = self.table.commands.get(usize::from(command));
                let message = guard(|| row.map(|row| (row.message)(bytes.as_slice())));
                Err(CallError::Raised(match message.flatten() {
                    Some(Ok(message)) => message,
                    Some(Err(error)) => error.to_string(),
                    None => PANICKED.to_owned(),
                }))
            }
            (outcome, ..) => Err(OutcomeCodec::untyped(outcome)),
        }
    }

    /// Emits `exception_raised` for a failed command, unless its failure is reported elsewhere.
    fn raise_exception(
        &self,
        command: u16,
        call: u64,
        error: &CallError<String>,
        source: Option<Box<Source>>,
    ) {
        let (kind, message, backtrace) = match error {
            CallError::Raised(message) => (ExceptionKind::Raised, message.clone(), String::new()),
            CallError::Panicked(report) => {
                (ExceptionKind::Panicked, report.to_string(), report.backtrace.clone())
            }
            // The end of the run is reported once, separately, and a requested end is not an
            // exception.
            CallError::Exited(_) => return,
            error if error.is_ended_on_request() => return,
            // Reported when the deadline passed.
            CallError::TimedOut { .. } => return,
            error => (ExceptionKind::Undelivered, error.to_string(), String::new()),
        };
        let source = source.map_or_else(|| Source { name: self.name(), pid: None }, |it| *it);
        let exception = Exception {
            process: source.name,
            pid: source.pid,
            command: self.command_name(command),
            call: Some(CallId::new(call)),
            kind,
            message,
            backtrace,
        };
        self.sinks.exception_raised.fire(&(exception,));
    }

    /// If a type cannot decode its value, the fault is in the type or in a child that lies. Neither
    /// harms the controller, so the error is reported and the child continues.
    fn check(&self, what: What, index: u16, result: Option<Result<(), DecodeError>>) {
        let message = match result {
            Some(Ok(())) => return,
            Some(Err(error)) => error.to_string(),
            None => PANICKED.to_owned(),
        };
        if let Some(item) = UndeliveredItem::named(&self.table, what, index) {
            self.sinks.exception_raised.fire(&(self.undelivered(item, &message),));
        }
    }

    /// Returns the exception for an event or a property's value that did not arrive.
    pub(crate) fn undelivered(&self, item: UndeliveredItem, message: &str) -> Exception {
        let (kind, command, what) = match item {
            UndeliveredItem::Property(property) => {
                (ExceptionKind::UndeliveredProperty { property }, None, "property")
            }
            UndeliveredItem::Event(event) => {
                (ExceptionKind::UndeliveredEvent { event }, None, "event")
            }
            UndeliveredItem::Signal(command) => {
                (ExceptionKind::Undelivered, Some(command), "signal of")
            }
        };
        let (UndeliveredItem::Property(name)
        | UndeliveredItem::Event(name)
        | UndeliveredItem::Signal(name)) = item;
        Exception {
            process: self.name(),
            pid: self.life().pid,
            command,
            call: None,
            kind,
            message: format!("{what} `{name}`: {message}"),
            backtrace: String::new(),
        }
    }
}

/// Runs user code; returns `None` if it panicked.
fn guard<R>(code: impl FnOnce() -> R) -> Option<R> {
    caught(code)
}
