//! Carries out the decisions about a child that keeps its controller waiting: pings, the verdict
//! [unresponsive](crate::controller::model::health), commands over their deadline, and ignored
//! cancels. The deadlines of calls are set and inherited here too.
//!
//! Runs on the thread that triggers it: the caller's (a command is submitted), the reader (an
//! answer, an overrun), and the watcher's for alarms, so nothing here waits. Reports belong to
//! their run, so they are posted under the run's `finished`, like everything that is read.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::call_id::CallId;
use crate::chaos;
use crate::controller::model::health::{Answer, CheckTicket, FalseWord};
use crate::controller::model::limit::{Blame, milliseconds};
use crate::controller::model::requests::Traffic;
use crate::controller::report::escalation::{
    Escalation, ExecutingCommand, IgnoredRequest, Unresponsive,
};
use crate::controller::report::exit::ProcessState;
use crate::controller::report::failure::RunFailure;
use crate::controller::report::outcome::{CallError, Exception, ExceptionKind};
use crate::controller::report::traced;
use crate::controller::signals::notice::Notice;
use crate::controller::state::posting::post;
use crate::controller::state::run::Run;
use crate::controller::state::{Life, Shared};
use crate::error::Never;
use crate::limits::{HELD_UP_PATIENCE, LOOK_AGAIN, OVERRUN_GRACE};
use crate::process::{sys, watch};
use crate::this_process::inherited;
use crate::trace::{self, event, ms};
use crate::wire::messages::report::{InExecution, Pong};
use crate::wire::packets::packet::CallFlags;

impl Shared {
    // ---- whether it answers

    /// Called when something may have become outstanding: makes sure that the child is checked.
    pub(crate) fn keep_watch(self: &Arc<Self>) {
        let first = self.traffic().begin_watch();
        if let Some((ticket, at)) = first {
            self.check_at(ticket, at);
        }
    }

    /// Schedules a check.
    pub(crate) fn check_at(self: &Arc<Self>, ticket: CheckTicket, at: Instant) {
        let shared = Arc::downgrade(self);
        watch::alarm(at, move || {
            if let Some(shared) = Weak::upgrade(&shared) {
                shared.check_health(ticket);
            }
        });
    }

    /// Carries out a check: sends a ping, or reports a child that does not answer and a command
    /// that is late.
    fn check_health(self: &Arc<Self>, ticket: CheckTicket) {
        let Some(run) = self.life().run.clone().filter(|_| !self.is_patient()) else { return };
        let _traced = trace::later();
        let checked = run.try_while_it_lasts(|| {
            let mut traffic = self.traffic();
            let outstanding = traffic.is_outstanding();
            let seen = traffic.health.check(ticket, outstanding, Instant::now());
            let executing = executing(self, &traffic);
            let late = executing.and_then(|it| {
                let limit = &traffic.pending.get_mut(it.call.get())?.limit;
                Some((it.call.get(), limit.unreported_overrun(it.since.elapsed())?))
            });
            let oldest = traffic.pending.oldest();
            drop(traffic);
            // A child that a debugger holds is not late.
            let is_judged = late.is_some() || seen.unresponsive.is_some();
            let tracer = is_judged.then(|| self.held_by()).flatten();
            let late = late.filter(|_| tracer.is_none());
            if let Some(ping) = seen.ping {
                self.control().ping(ping);
                event!(TRACE, "mpcore::health", in run.span.id(), "pinged", ping = ping);
            }
            if let Some((ticket, at)) = seen.next {
                self.check_at(ticket, at);
            }
            if let Some(since) = seen.unresponsive {
                let verdict = Unresponsive { since, executing, tracer };
                let is_news = self.traffic().health.judged(tracer.is_some(), Instant::now());
                if is_news {
                    event!(
                        WARN, "mpcore::health", in run.span.id(), "unresponsive",
                        silent_ms = ms(since.elapsed()), call = executing.map(|it| it.call.get()),
                        command = executing.map(|it| it.command), tracer = tracer,
                    );
                    post(self, Notice::Unresponsive(Box::new(verdict)));
                }
                if tracer.is_none() {
                    self.act_on_silence(&run, &verdict, oldest);
                }
            }
            if let Some((call, after)) = late
                && self.overran(call, after).is_ok()
                && let Some(entry) = self.traffic().pending.get_mut(call)
            {
                entry.limit.foretold = true;
            }
        });
        if checked.is_err() {
            // The watcher must not wait, so it checks again later.
            self.check_at(ticket, Instant::now() + LOOK_AGAIN.get());
        }
    }

    /// Returns the process that holds the child as its debugger.
    fn held_by(&self) -> Option<u32> {
        let pid = self.life().pid;
        pid.and_then(sys::held_by)
    }

    /// Carries out the escalation for a child that does not answer.
    fn act_on_silence(
        self: &Arc<Self>,
        run: &Arc<Run>,
        verdict: &Unresponsive,
        oldest: Option<u64>,
    ) {
        let escalation = self.options.on_unresponsive;
        match escalation {
            Escalation::Report => {}
            // Commands run in order, so the oldest is the one being executed.
            Escalation::Cancel => oldest.into_iter().for_each(|call| self.cancel(call)),
            Escalation::Kill | Escalation::Restart => {
                let silent = verdict.since.elapsed();
                let failure = RunFailure::Unresponsive { silent, executing: verdict.executing };
                event!(
                    WARN, "mpcore::health", in run.span.id(), "killing for silence",
                    silent_ms = ms(silent),
                );
                self.kill(run, failure, None, escalation);
            }
        }
    }

    /// Handles a child's answer, under the run's `finished`.
    pub(crate) fn answered(self: &Arc<Self>, pong: Pong) -> Result<(), FalseWord> {
        let now = Instant::now();
        let since = |it: InExecution| {
            // However long the child reports: the command cannot have begun before the clock did.
            let begun = now.checked_sub(Duration::from_millis(it.milliseconds)).unwrap_or(now);
            (it.call, begun)
        };
        let answer = self.traffic().health.pong(pong.ping, pong.executing.map(since))?;
        event!(TRACE, "mpcore::health", in self.run_span(), "answered");
        if answer == Answer::Recovered {
            event!(INFO, "mpcore::health", in self.run_span(), "responsive");
            post(self, Notice::Responsive);
        }
        Ok(())
    }

    /// Returns the command that the child is executing, as last reported.
    pub(crate) fn executing(&self) -> Option<ExecutingCommand> {
        executing(self, &self.traffic())
    }

    // ---- deadlines

    /// Returns the time that this thread's command has left, for the calls that it submits.
    pub(crate) fn inherited_time() -> Option<Duration> {
        inherited::deadline().map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Gives a call another deadline.
    pub(crate) fn set_timeout(&self, call: u64, allowed: Duration) {
        if sys::is_copy() {
            return;
        }
        let allowed = milliseconds(allowed);
        let under_way = self.traffic().set_timeout(call, allowed);
        event!(
            DEBUG, "mpcore::call", in self.run_span(), "deadline set",
            call = call, allowed_ms = allowed,
        );
        if under_way {
            self.control().set_deadline(call, allowed);
        }
    }

    /// Handles a command that has not ended by its deadline, as reported by the child or detected
    /// here, under the run's `finished`.
    pub(crate) fn overran(self: &Arc<Self>, call: u64, after: Duration) -> Result<(), FalseWord> {
        let (command, flags) = {
            let mut traffic = self.traffic();
            let entry = traffic.pending.get_mut(call).ok_or(FalseWord::Overrun)?;
            if std::mem::take(&mut entry.limit.foretold) {
                return Ok(()); // already reported by the controller
            }
            if std::mem::replace(&mut entry.limit.overran, true) || !entry.limit.given {
                return Err(FalseWord::Overrun);
            }
            (entry.command, entry.limit.flags)
        };
        event!(
            WARN, "mpcore::call", in self.run_span(), "deadline passed",
            call = call, command = self.command_name(command), after_ms = ms(after),
        );
        let exception = Exception {
            process: self.name(),
            pid: self.life().pid,
            command: self.command_name(command),
            call: Some(CallId::new(call)),
            kind: ExceptionKind::TimedOut,
            message: CallError::<Never>::TimedOut { after }.to_string(),
            backtrace: String::new(),
        };
        post(self, Notice::Exception(Box::new(exception)));
        let escalation = self.options.on_timeout;
        if escalation.kills() && !flags.has(CallFlags::OUTLIVES_DEADLINE) {
            // It was asked to end, and gets time to notice.
            self.kill_after(call, OVERRUN_GRACE, IgnoredRequest::Deadline { after }, escalation);
        }
        Ok(())
    }

    // ---- cancels

    /// Cancels a call, and kills the child if the call has no outcome after `grace`.
    pub(crate) fn cancel_or_kill(self: &Arc<Self>, call: u64, grace: Duration) {
        if sys::is_copy() {
            return;
        }
        self.cancel(call);
        let may_be_killed = {
            let mut traffic = self.traffic();
            let entry = traffic.pending.get_mut(call);
            entry.is_some_and(|entry| !entry.limit.flags.has(CallFlags::OUTLIVES_CANCEL))
        };
        if may_be_killed {
            self.kill_after(call, grace, IgnoredRequest::Cancel { grace }, Escalation::Kill);
        }
    }

    // ---- the end of patience

    /// Kills this run of the child after `grace`, if the call still has no outcome then. If the
    /// call is sent again in the next run, its time starts again too.
    fn kill_after(
        self: &Arc<Self>,
        call: u64,
        grace: Duration,
        ignored: IgnoredRequest,
        escalation: Escalation,
    ) {
        let at = Instant::now().checked_add(grace).filter(|_| !self.is_patient());
        let Some(at) = at else { return };
        let Some(run) = self.life().run.clone() else { return };
        let (shared, run) = (Arc::downgrade(self), Arc::downgrade(&run));
        watch::alarm(at, move || {
            if let (Some(shared), Some(run)) = (Weak::upgrade(&shared), Weak::upgrade(&run)) {
                shared.let_through_or_kill(run, call, ignored, escalation);
            }
        });
    }

    /// The outcome may be waiting behind signals that a full inbox holds back. It is let through,
    /// once, as for a waiting thread.
    fn let_through_or_kill(
        self: &Arc<Self>,
        run: Arc<Run>,
        call: u64,
        ignored: IgnoredRequest,
        escalation: Escalation,
    ) {
        let is_current =
            |life: &Life| life.run.as_ref().is_some_and(|current| Arc::ptr_eq(current, &run));
        if matches!(ignored, IgnoredRequest::Deadline { .. })
            && is_current(&self.life())
            && self.held_by().is_some()
            && self.traffic().pending.contains(call)
        {
            // The command gets time to notice after the debugger releases it.
            self.kill_after(call, OVERRUN_GRACE, ignored, escalation);
            return;
        }
        if !self.control().is_withheld() || !self.traffic().pending.contains(call) {
            self.kill_for(&run, call, ignored, escalation);
            return;
        }
        let waiting = self.begin_wait();
        let shared = Arc::clone(self);
        watch::alarm(Instant::now() + chaos::patience(HELD_UP_PATIENCE), move || {
            shared.kill_for(&run, call, ignored, escalation);
            drop(waiting);
        });
    }

    /// Kills the run for a call, if that still has no outcome.
    fn kill_for(&self, run: &Arc<Run>, call: u64, ignored: IgnoredRequest, escalation: Escalation) {
        let command = self.traffic().pending.command(call);
        let Some(command) = command.and_then(|command| self.command_name(command)) else { return };
        let failure = RunFailure::KilledFor { command, call: CallId::new(call), ignored };
        self.kill(run, failure, Some(Blame { call, command, ignored }), escalation);
    }

    /// Kills the run, if it is still the current one.
    fn kill(
        &self,
        run: &Arc<Run>,
        failure: RunFailure,
        blame: Option<Blame>,
        escalation: Escalation,
    ) {
        let _later = trace::later();
        let life = self.life();
        if !life.run.as_ref().is_some_and(|current| Arc::ptr_eq(current, run)) {
            return;
        }
        if let Some(Blame { call, command, ignored }) = blame {
            event!(
                WARN, "mpcore::health", in run.span.id(), "killing for a command",
                call = call, command = command, ignored = traced::ignored(ignored),
            );
        }
        // If the end was already requested, this only brings it forward.
        let asked = life.state == ProcessState::Stopping;
        if escalation == Escalation::Restart && !asked {
            run.make_way();
        }
        run.kill_for(blame, (!asked).then_some(failure));
    }
}

/// Returns the command that the last pong named, if it has no outcome yet.
fn executing(shared: &Shared, traffic: &Traffic) -> Option<ExecutingCommand> {
    let (call, since) = traffic.health.executing()?;
    let command = traffic.pending.command(call)?;
    Some(ExecutingCommand {
        call: CallId::new(call),
        command: shared.command_name(command)?,
        since,
    })
}
