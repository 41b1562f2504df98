//! What the runtime reports, as objects of JavaScript. Every one has `text`, which says it all to a
//! person; show it as plain text, for parts of it come from the child.

use mpcore::{
    CallError, Exception, ExceptionKind, ExitReport, ExitStatus, Failure, GaveUp, Restarting,
    Unresponsive,
};
use qmetaobject::{QString, QVariant, QVariantMap};

use crate::convert::{encode, insert};

/// Builds an object.
#[derive(Default)]
struct Record(QVariantMap);

impl Record {
    fn with(mut self, key: &str, value: impl serde::Serialize) -> Self {
        insert(&mut self.0, key, encode(&value).unwrap_or_default());
        self
    }

    fn with_value(mut self, key: &str, value: QVariant) -> Self {
        insert(&mut self.0, key, value);
        self
    }

    fn done(self) -> QVariant {
        self.0.into()
    }
}

/// `{ process, pid, command, call, kind, message, backtrace, text }`; `command` and `call` are null for
/// a crash, which has `commands_lost`, and for `"not_run"`, which has `commands`; a value that was not delivered has `event` or `property`.
pub fn exception(exception: &Exception) -> QVariant {
    let (kind, lost) = match exception.kind {
        ExceptionKind::Raised => ("raised", None),
        ExceptionKind::Panicked => ("panicked", None),
        ExceptionKind::Crashed { commands_lost } => ("crashed", Some(commands_lost)),
        ExceptionKind::Undelivered => ("undelivered", None),
        ExceptionKind::UndeliveredEvent { .. } => ("undelivered_event", None),
        ExceptionKind::UndeliveredProperty { .. } => ("undelivered_property", None),
        ExceptionKind::TimedOut => ("timed_out", None),
        ExceptionKind::NotRun { .. } => ("not_run", None),
        _ => ("other", None),
    };
    let (event, property) = match exception.kind {
        ExceptionKind::UndeliveredEvent { event } => (Some(event), None),
        ExceptionKind::UndeliveredProperty { property } => (None, Some(property)),
        _ => (None, None),
    };
    let commands = match exception.kind {
        ExceptionKind::NotRun { commands } => Some(commands),
        _ => None,
    };
    Record::default()
        .with("process", &exception.process)
        .with("pid", exception.pid)
        .with("command", exception.command)
        .with("call", exception.call)
        .with("kind", kind)
        .with("message", &exception.message)
        .with("backtrace", &exception.backtrace)
        .with("commands_lost", lost)
        .with("commands", commands)
        .with("event", event)
        .with("property", property)
        .with("text", exception.to_string())
        .done()
}

/// `{ kind, message, text }`
pub(crate) fn call_error(error: &CallError<String>) -> QVariant {
    let kind = match error {
        CallError::Raised(_) => "raised",
        CallError::Panicked(_) => "panicked",
        CallError::Exited(_) => "exited",
        CallError::Stopped => "stopped",
        CallError::Finishing => "finishing",
        CallError::Cancelled => "cancelled",
        CallError::Superseded => "superseded",
        CallError::TimedOut { .. } => "timed_out",
        CallError::QueueFull => "queue_full",
        CallError::Resources(_) => "resources",
        CallError::Encode(_) => "encode",
        CallError::Decode(_) => "decode",
        _ => "other",
    };
    let message = match error {
        CallError::Panicked(report) => report.message.clone(),
        error => error.to_string(),
    };
    Record::default()
        .with("kind", kind)
        .with("message", message)
        .with("text", error.to_string())
        .done()
}

/// `{ name, generation, pid, state, code, killed, cleaned_up, reason, failure, commands_lost, commands_stopped,
/// lines_dropped, stderr, text }`;
/// `code` is what the process returned, or −N after signal N, and null where there was none.
pub(crate) fn exit_report(report: &ExitReport) -> QVariant {
    Record::default()
        .with("name", &report.name)
        .with("generation", report.generation)
        .with("pid", report.pid)
        .with("state", report.state.to_string())
        .with("code", report.status.map(ExitStatus::code))
        .with("killed", report.killed)
        .with("cleaned_up", report.cleaned_up)
        .with("reason", report.reason.as_ref().map(ToString::to_string))
        .with_value("failure", report.failure.as_ref().map_or_else(QVariant::default, failure))
        .with("commands_lost", report.commands_lost)
        .with("commands_stopped", report.commands_stopped)
        .with("lines_dropped", report.lines_dropped)
        .with("stderr", &report.stderr)
        .with("text", report.to_string())
        .done()
}

/// `{ kind, text }`
pub(crate) fn failure(failure: &Failure) -> QVariant {
    let kind = match failure {
        Failure::Spawn { .. } => "spawn",
        Failure::Resources(_) => "resources",
        Failure::EndedBeforeReady { .. } => "ended_before_ready",
        Failure::StartDeadline { .. } => "start_deadline",
        Failure::Mismatch(_) => "mismatch",
        Failure::Protocol { .. } => "protocol",
        Failure::Limits { .. } => "limits",
        Failure::Config(_) => "config",
        Failure::Constructor(_) => "constructor",
        Failure::ConstructorPanicked(_) => "constructor_panicked",
        Failure::PostrunInit(_) => "postrun_init",
        Failure::PostrunInitPanicked(_) => "postrun_init_panicked",
        Failure::Crashed { .. } => "crashed",
        Failure::Broken(_) => "broken",
        Failure::KilledFor { .. } => "killed_for",
        Failure::Unresponsive { .. } => "unresponsive",
        _ => "other",
    };
    start_failure(kind, &failure.to_string())
}

/// `{ command, call, text }`: what it was executing, or null.
pub(crate) fn unresponsive(verdict: &Unresponsive) -> QVariant {
    let executing = verdict.executing.as_ref();
    Record::default()
        .with("command", executing.map(|it| it.command))
        .with("call", executing.map(|it| it.call))
        .with("text", verdict.to_string())
        .done()
}

/// `{ attempt, delay, exit, text }`; `delay` in milliseconds.
pub(crate) fn restarting(restarting: &Restarting) -> QVariant {
    Record::default()
        .with("attempt", restarting.attempt)
        .with("delay", restarting.delay.as_secs_f64() * 1000.0)
        .with_value("exit", exit_report(&restarting.report))
        .with("text", restarting.to_string())
        .done()
}

/// `{ reason, exit, text }`
pub(crate) fn gave_up(end: &GaveUp) -> QVariant {
    Record::default()
        .with("reason", end.reason.to_string())
        .with_value("exit", exit_report(&end.report))
        .with("text", end.to_string())
        .done()
}

/// A start that was refused in this process.
pub(crate) fn start_failure(kind: &str, text: &str) -> QVariant {
    Record::default().with("kind", kind).with("text", text).done()
}

/// A text for Qt.
pub(crate) fn text(text: &str) -> QString {
    text.into()
}
