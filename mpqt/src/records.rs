//! Reports of the runtime, and of starts that were refused, as JavaScript objects. Each has a
//! `text` with the whole report for users; show it as plain text, because parts of it come from the
//! child.

use mpcore::{
    CallError, Exception, ExceptionKind, ExitReport, RestartGivenUp, Restarting, RunFailure,
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

/// Returns `{ process, pid, command, call, kind, message, backtrace, text }`; `command` and `call`
/// are null for failures of the child (`start_failed`, `crashed`, `broken`, `killed`,
/// `unkillable`), which have `commands_lost`, and for `not_run`, which has `commands`; a value that
/// was not delivered has `event` or `property`.
pub fn exception(exception: &Exception) -> QVariant {
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
        .with("call", exception.call.map(mpcore::CallId::get))
        .with("kind", exception.kind.name())
        .with("message", &exception.message)
        .with("backtrace", &exception.backtrace)
        .with("commands_lost", exception.kind.commands_lost())
        .with("commands", commands)
        .with("event", event)
        .with("property", property)
        .with("text", exception.to_string())
        .done()
}

/// Returns `{ kind, message, text }`.
pub(crate) fn call_error(error: &CallError<String>) -> QVariant {
    let message = match error {
        CallError::Panicked(report) => report.message.clone(),
        error => error.to_string(),
    };
    Record::default()
        .with("kind", error.kind())
        .with("message", message)
        .with("text", error.to_string())
        .done()
}

/// Returns `{ name, generation, pid, state, end, code, killed, cleanup, reason, failure,
/// commands_lost, commands_stopped, lines_dropped, stderr, text }`; `end` is `status`, `unknown`,
/// `link_lost` or `never_ran`; `code` is the exit code, −N after signal N, or null if it is not
/// known; `cleanup` is `ran`, `skipped` or `unknown`.
pub(crate) fn exit_report(report: &ExitReport) -> QVariant {
    Record::default()
        .with("name", &report.name)
        .with("generation", report.generation)
        .with("pid", report.pid)
        .with("state", report.state.to_string())
        .with("end", report.end.kind())
        .with("code", report.end.code())
        .with("killed", report.killed)
        .with("cleanup", report.cleanup.to_string())
        .with("reason", report.reason.as_ref().map(ToString::to_string))
        .with_value("failure", report.failure.as_ref().map_or_else(QVariant::default, failure))
        .with("commands_lost", report.commands_lost)
        .with("commands_stopped", report.commands_stopped)
        .with("lines_dropped", report.lines_dropped)
        .with("stderr", &report.stderr)
        .with("text", report.to_string())
        .done()
}

/// Returns `{ kind, text }`.
pub(crate) fn failure(failure: &RunFailure) -> QVariant {
    start_failure(failure.kind(), &failure.to_string())
}

/// Returns `{ command, call, tracer, text }`: the command that the child was executing, or null;
/// the process id of a debugger that holds it, or null.
pub(crate) fn unresponsive(verdict: &Unresponsive) -> QVariant {
    let executing = verdict.executing.as_ref();
    Record::default()
        .with("tracer", verdict.tracer)
        .with("command", executing.map(|it| it.command))
        .with("call", executing.map(|it| it.call.get()))
        .with("text", verdict.to_string())
        .done()
}

/// Returns `{ attempt, delay, exit, text }`; `delay` is in milliseconds.
pub(crate) fn restarting(restarting: &Restarting) -> QVariant {
    Record::default()
        .with("attempt", restarting.attempt)
        .with("delay", restarting.delay.as_secs_f64() * 1000.0)
        .with_value("exit", exit_report(&restarting.report))
        .with("text", restarting.to_string())
        .done()
}

/// Returns `{ reason, exit, text }`.
pub(crate) fn gave_up(end: &RestartGivenUp) -> QVariant {
    Record::default()
        .with("reason", end.reason.to_string())
        .with_value("exit", exit_report(&end.report))
        .with("text", end.to_string())
        .done()
}

/// Returns the record of a start that was refused in this process, for `exception_raised`.
pub(crate) fn start_refused(process: &str, why: &str) -> QVariant {
    Record::default()
        .with("process", process)
        .with("pid", None::<u32>)
        .with("command", None::<&str>)
        .with("call", None::<u64>)
        .with("kind", "start_failed")
        .with("message", why)
        .with("backtrace", "")
        .with("commands_lost", 0)
        .with("commands", None::<usize>)
        .with("event", None::<&str>)
        .with("property", None::<&str>)
        .with("text", format!("{process}: {why}"))
        .done()
}

/// Returns `{ kind, text }`, for `failed`: of a run, or of a start that was refused in this
/// process.
pub(crate) fn start_failure(kind: &str, text: &str) -> QVariant {
    Record::default().with("kind", kind).with("text", text).done()
}

/// Converts a text to a `QString`.
pub(crate) fn text(text: &str) -> QString {
    text.into()
}
