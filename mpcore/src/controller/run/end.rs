//! The end of a run: every command gets its outcome, then the last signals are posted.
//!
//! The exit report is created here, with the failure and what is known about `cleanup`. The end is
//! classified for the exception and for the restart policy, and traced.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::child::startup::exit_code;
use crate::controller::model::restart_policy::RunEnd;
use crate::controller::report::exit::{CleanupStatus, ExitReport, ProcessState};
use crate::controller::report::failure::{RunFailure, StartPhase, StatusLost};
use crate::controller::report::outcome::{Exception, ExceptionKind, Outcome};
use crate::controller::report::traced;
use crate::controller::run::next::Next;
use crate::controller::signals::notice::Notice;
use crate::controller::state::Shared;
use crate::controller::state::posting::{post, tell_dropped_lines};
use crate::controller::state::run::{Run, RunKnowledge};
use crate::controller::state::streams::Written;
use crate::controller::stopping::tell_not_run;
use crate::limits::DRAIN_DEADLINE;
use crate::process::{ExitStatus, ProcessEnd, sys};
use crate::sync::{lock, wait_timeout};
use crate::trace::{event, ms};
use crate::wire::messages::handshake::parse_mismatch_line;
use crate::wire::messages::stop_reason::StopReason;
use crate::wire::packets::packet::PROTOCOL;

/// SIGTERM, as an exit status reports it.
const TERMINATED: ExitStatus = ExitStatus::from_code(-15);

/// The exit code of a program that is not a child of this controller.
const NOT_A_CHILD: i32 = 2;

/// How many lines of stderr are in the text of a failed start.
const LAST_WORDS: usize = 4;

/// Ends the run: every command gets its outcome, then the last signals are posted. Only the first
/// caller does it, and gets what follows.
pub(crate) fn end(shared: &Arc<Shared>, run: &Arc<Run>) -> Option<(Next, Arc<ExitReport>)> {
    if !run.finished.end() {
        return None;
    }
    let written = run.output.finish();
    tell_dropped_lines(shared);
    let (report, lost, blame, next, was_stale) = {
        let mut life = shared.life();
        // A thread that has just requested the end may still be resolving commands.
        let deadline = Instant::now() + DRAIN_DEADLINE;
        while life.posting > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break; // an executor's waker that does not return must not hold up the outcomes
            }
            life = wait_timeout(shared.life_changed(), life, left);
        }
        let mut known = lock(&run.known);
        known.events_end = None;
        let mut report = report(shared, run, &known, life.pid, written);
        if known.introduced {
            life.supervisor.has_met();
        }
        let next = Next::after(&mut life, run_end(&known, &report));
        let mut traffic = shared.traffic();
        // The command for which the run was killed is not sent again.
        let guilty = known.blame.and_then(|blame| traffic.pending.get_mut(blame.call));
        guilty.into_iter().for_each(|entry| entry.repeat.cancel());
        let lost = traffic.end(next.go_over(known.ready));
        let finishes = life.finish.is_some();
        let next = if finishes { next.if_any_left(traffic.pending.len()) } else { next };
        if !next.is_run() {
            life.finish = None;
        }
        let called = lost.iter().filter(|(_, entry)| !entry.repeat.is_reapplied());
        report.commands_lost = called.count();
        report.reason =
            life.reason.clone().or_else(|| known.bye.as_ref().map(|bye| bye.reason.clone()));
        report.commands_stopped = std::mem::take(&mut traffic.not_run);
        if known.bye.is_some() && report.failure.is_none() {
            // A child that has said goodbye has sent the outcome of everything it had begun.
            report.commands_stopped += report.commands_lost;
        }
        let report = Arc::new(report);
        traffic.gate = next.gate(&report, finishes);
        drop(traffic);
        shared.control().close();
        life.state = report.state;
        life.report = Some(Arc::clone(&report));
        life.pid = None;
        life.run = None;
        life.restarting = next.restarting(&report);
        let was_stale = std::mem::replace(&mut life.stale, true);
        life.being_told = true;
        life.hooks += 1;
        (report, lost, known.blame, next, was_stale)
    };
    drop(lock(&run.held).take());
    shared.life_changed().notify_all();
    shared.encoder.end_run();
    let orderly = lock(&run.known).bye.is_some() && report.failure.is_none();
    // Outcomes first, then the exception, `failed`, and `finished` last: handlers rely on this
    // order.
    for (call, entry) in lost {
        let own = blame.and_then(|blame| blame.outcome(call));
        let outcome = own.unwrap_or_else(|| match orderly {
            true => Outcome::Stopped,
            false => Outcome::Exited(Arc::clone(&report)),
        });
        shared.resolve(call, entry, outcome);
    }
    tell_not_run(shared, report.commands_stopped, report.reason.as_ref(), report.pid);
    if let Some(failure) = &report.failure {
        let exception = Exception {
            process: report.name.clone(),
            pid: report.pid,
            command: None,
            call: None,
            kind: kind(failure, &report),
            message: failure.to_string(),
            backtrace: String::new(),
        };
        post(shared, Notice::Exception(Box::new(exception)));
        post(shared, Notice::Failed(Box::new(failure.clone())));
    }
    if !was_stale {
        post(shared, Notice::Stale(true));
    }
    post(shared, Notice::State(report.state));
    post(shared, Notice::Finished(Arc::clone(&report)));
    Some((next, report))
}

/// Traces how the run has ended and what follows, and closes its span.
pub(crate) fn trace(run: &Run, report: &ExitReport, next: Next) {
    if let Some(failure) = &report.failure {
        event!(
            WARN, "mpcore::run", in run.span.id(), "failed",
            kind = failure.kind(), detail = traced::detail(failure),
        );
    }
    event!(
        INFO, "mpcore::run", in run.span.id(), "ended",
        state = report.state.to_string(),
        end = report.end.to_string(),
        killed = report.killed,
        cleanup = report.cleanup.to_string(),
        reason = report.reason.as_ref().map(StopReason::name),
        commands_lost = report.commands_lost as u64,
        commands_stopped = report.commands_stopped as u64,
        lines_dropped = report.lines_dropped,
    );
    match next {
        Next::Rest => {}
        Next::AtOnce => event!(INFO, "mpcore::restart", in run.span.id(), "restarting now"),
        Next::Later { attempt, delay } => event!(
            WARN, "mpcore::restart", in run.span.id(), "restarting",
            attempt = attempt, delay_ms = ms(delay),
        ),
        Next::GiveUp(reason) => event!(
            ERROR, "mpcore::restart", in run.span.id(), "gave up restarting",
            reason = traced::gave_up(reason),
        ),
    }
    run.span.close();
}

/// Creates the exit report. Its reason and its numbers of commands are filled in later.
fn report(
    shared: &Shared,
    run: &Run,
    known: &RunKnowledge,
    pid: Option<u32>,
    written: Written,
) -> ExitReport {
    let end = known.ended.unwrap_or(ProcessEnd::NeverRan);
    let failure = failure(shared, run, known, end, &written.last_of_stderr);
    let state = match &failure {
        None => ProcessState::Finished,
        Some(_) if known.ready => ProcessState::Crashed,
        Some(_) => ProcessState::Failed,
    };
    ExitReport {
        name: shared.name(),
        generation: run.generation,
        pid,
        state,
        end,
        status: end.status(),
        killed: known.killed,
        cleanup: cleanup(shared, known, end, failure.as_ref()),
        cleanup_panic: known.bye.as_ref().and_then(|bye| bye.cleanup_panic.clone()),
        failure,
        // Counted when it is known what carries over to the next run.
        commands_lost: 0,
        commands_stopped: 0,
        reason: None,
        stderr: written.last_of_stderr,
        lines_dropped: written.lines_dropped,
    }
}

/// Determines whether the child has cleaned up.
fn cleanup(
    shared: &Shared,
    known: &RunKnowledge,
    end: ProcessEnd,
    failure: Option<&RunFailure>,
) -> CleanupStatus {
    if let Some(bye) = &known.bye {
        return if bye.cleaned_up { CleanupStatus::Ran } else { CleanupStatus::Skipped };
    }
    // A broken child may have found a lane closed and have ended in order for that reason.
    let broken = matches!(failure, Some(RunFailure::Broken(_)));
    let asked = known.asked_to_stop || known.terminated;
    // A thread that is left behind finds its lanes closed, and ends in order at some point.
    let left_behind = known.killed && shared.program.is_on_thread();
    // The exit codes of a child's runtime that can no longer say goodbye; it cleans up if it can.
    let mute = [exit_code::PANICKED, exit_code::CONTROLLER_LOST].map(Some).contains(&end.code());
    match end {
        ProcessEnd::NeverRan => CleanupStatus::Skipped,
        ProcessEnd::LinkLost => CleanupStatus::Unknown,
        _ if known.introduced && (asked || broken || left_behind || mute) => CleanupStatus::Unknown,
        _ => CleanupStatus::Skipped,
    }
}

/// Classifies the failure of a run for the exception.
fn kind(failure: &RunFailure, report: &ExitReport) -> ExceptionKind {
    let commands_lost = report.commands_lost;
    match failure {
        _ if report.state == ProcessState::Failed => ExceptionKind::StartFailed { commands_lost },
        RunFailure::Broken(_) => ExceptionKind::Broken { commands_lost },
        RunFailure::Unkillable { .. } => ExceptionKind::Unkillable { commands_lost },
        RunFailure::KilledFor { .. }
        | RunFailure::Unresponsive { .. }
        | RunFailure::Resources(_) => ExceptionKind::Killed { commands_lost },
        _ => ExceptionKind::Crashed { commands_lost },
    }
}

/// Classifies the end of a run for the restart policy.
fn run_end(known: &RunKnowledge, report: &ExitReport) -> RunEnd {
    match &report.failure {
        _ if known.asked.is_some() => RunEnd::Asked,
        _ if known.replaced => RunEnd::Replaced,
        None => RunEnd::Orderly,
        Some(
            RunFailure::Mismatch(_)
            | RunFailure::Protocol { .. }
            | RunFailure::Config(_)
            | RunFailure::Limits { .. },
        ) => RunEnd::Hopeless,
        Some(_) if known.ready => RunEnd::Crashed,
        Some(_) if known.introduced => RunEnd::StartFailed,
        Some(_) => RunEnd::NeverMet,
    }
}

/// Returns why the run did not end as requested, if it did not.
fn failure(
    shared: &Shared,
    run: &Run,
    known: &RunKnowledge,
    end: ProcessEnd,
    stderr: &[String],
) -> Option<RunFailure> {
    // Before the start deadline, which passed only because of the tracer.
    if let Some(tracer) = known.tracer.filter(|_| !known.ready) {
        return Some(RunFailure::HeldByTracer { tracer, deadline: shared.options.start_deadline });
    }
    if known.failure.is_some() {
        return known.failure.clone();
    }
    if run.jammed.load(Ordering::SeqCst) {
        return Some(RunFailure::Broken(
            "it reads nothing, although it reported that it did".into(),
        ));
    }
    if known.start_deadline_passed && !known.ready {
        return Some(RunFailure::StartDeadline { deadline: shared.options.start_deadline });
    }
    let status = end.status();
    // First what is known about the end without its status, because the status may be unknown.
    let by_us = known.killed || (known.terminated && status.is_none_or(|it| it == TERMINATED));
    if known.bye.is_some() || (known.asked.is_some() && (by_us || end == ProcessEnd::NeverRan)) {
        return None;
    }
    // Another part of this process may have reaped it.
    let Some(status) = status else {
        return Some(RunFailure::EndUnknown {
            ready: known.ready,
            why: status_lost(),
            stderr: last_lines(stderr),
        });
    };
    if let Some(child) = other_protocol(known, status, stderr) {
        return Some(RunFailure::Protocol { child, controller: PROTOCOL });
    }
    Some(if known.ready {
        RunFailure::Crashed { status }
    } else {
        let phase = match (known.introduced, status.code()) {
            (_, exit_code::NO_THREADS) => StartPhase::Threads,
            (true, _) => StartPhase::Hooks,
            (false, _) => StartPhase::BeforeInit,
        };
        RunFailure::EndedBeforeReady { status, phase, stderr: last_lines(stderr) }
    })
}

/// A panic and most tools end with advice; the problem is in the lines before it.
fn last_lines(stderr: &[String]) -> Vec<String> {
    stderr[stderr.len().saturating_sub(LAST_WORDS)..].to_vec()
}

/// Returns why the watcher did not get the exit status of a process.
fn status_lost() -> StatusLost {
    match sys::ignores_sigchld() {
        Some(true) => StatusLost::SigchldIgnored,
        _ => StatusLost::WaitedForElsewhere,
    }
}

/// Detects a child of protocol 2, which reports its protocol only on stderr before it ends.
fn other_protocol(known: &RunKnowledge, status: ExitStatus, stderr: &[String]) -> Option<u32> {
    let refused = !known.introduced && status.code() == NOT_A_CHILD;
    stderr.iter().rev().find_map(|line| parse_mismatch_line(line)).filter(|_| refused)
}
