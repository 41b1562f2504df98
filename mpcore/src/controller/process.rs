//! The life cycle of a child: starting, stopping, waiting, querying its state, cancelling its
//! commands, and what follows the drop of its last control.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::call_id::CallId;
use crate::controller::finish;
use crate::controller::report::error::{JoinError, ReadyError, StartError};
use crate::controller::report::escalation::ExecutingCommand;
use crate::controller::report::exit::{ExitReport, ProcessState};
use crate::controller::report::wait_error::WaitError;
use crate::controller::signals::process_signals::ProcessSignals;
use crate::controller::start::start;
use crate::controller::state::run::EndRequest;
use crate::controller::state::{Life, Shared};
use crate::controller::stopping::{AfterEnd, not_run, request};
use crate::limits::DRAIN_DEADLINE;
use crate::process::{ExitStatus, ProcessEnd, sys};
use crate::this_process::wait_policy::wait_forbidden;
use crate::wire::messages::at_exit::ExitPolicy;
use crate::wire::messages::stop_reason::StopReason;

/// The life cycle of one child; see [`ProcessSignals`] for the signals that it emits.
///
/// Only methods named `wait…` or `join` wait.
///
/// A clone is one more handle of the same child, for example for a list of all children. It does
/// not keep the child alive: dropping the last control stops the child, even if clones of its
/// `Process` remain. From then on these report how the child ended, and [`start`](Self::start) and
/// [`restart`](Self::restart) fail with [`StartError::ControlGone`], because a child without a
/// control could neither be called nor be stopped by a drop.
#[derive(Clone)]
pub struct Process {
    shared: Arc<Shared>,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Process {
    /// `<Process(name, state[how it ended])>`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, report) = {
            let life = self.shared.life();
            (life.state, life.report.clone())
        };
        write!(f, "<Process({}, {state}", self.name())?;
        if let Some(report) =
            report.filter(|it| state.has_ended() && it.end != ProcessEnd::NeverRan)
        {
            write!(f, "[{}]", report.end)?;
        }
        f.write_str(")>")
    }
}

impl Process {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Returns the signals of the child's life cycle.
    #[must_use]
    pub fn signals(&self) -> &ProcessSignals {
        &self.shared.signals
    }

    /// Starts the child and returns immediately. Later failures are reported by the signal
    /// `failed`, and as the outcome of every command.
    ///
    /// # Errors
    /// Reports what can be detected before there is a process: see [`StartError`].
    pub fn start(&self) -> Result<(), StartError> {
        start(&self.shared)
    }

    /// Asks the child to stop and returns immediately. The running command sees the request at its
    /// next check, queued commands end as stopped, and `cleanup` runs. After the grace (3 s) the
    /// child is sent SIGTERM, and a second later it is killed.
    ///
    /// `exception_raised` reports once how many commands were dropped before they ran
    /// ([`NotRun`](crate::ExceptionKind::NotRun)); the [`ExitReport`] has this number too. To run
    /// the queued commands first, use [`finish`](Self::finish).
    ///
    /// Calls off a pending [restart](Self::restart_pending), as `terminate` and `kill` do.
    pub fn stop(&self) {
        self.ask(EndRequest::Stop, StopReason::Asked);
    }

    /// Like [`stop`](Self::stop), with a reason: the child gets it from
    /// [`ChildContext::stop_reason`](crate::ChildContext::stop_reason), and the exit report
    /// contains it. It is cut to 1024 bytes.
    pub fn stop_with(&self, reason: impl Into<String>) {
        self.ask(EndRequest::Stop, StopReason::because(reason));
    }

    /// Lets the child run the queued commands and then stops it in order; returns immediately.
    ///
    /// New commands are refused from now on, as
    /// [`CallError::Finishing`](crate::CallError::Finishing). When the last queued command has its
    /// outcome, the child stops and `cleanup` runs; if nothing is queued, the child stops now, even
    /// before it is ready. `stop`, `terminate`, `kill` and `restart` end it without waiting for the
    /// rest, and so does a signal that ends the application. The drop of the last control does not,
    /// and the end of [`main`](crate::main) waits for the child.
    ///
    /// If the child crashes meanwhile, its [`RestartPolicy`](crate::RestartPolicy) decides which of
    /// the remaining commands run in the next run (those that wait for the first `ready`, and
    /// `#[idempotent]` commands), which then finishes too; if none remain, no run follows. A child
    /// that was not started has nothing to finish: commands that wait for its `start` keep waiting.
    ///
    /// ```no_run
    /// # #[mpcore::process] trait Laser { fn fire(&mut self); }
    /// # fn f(laser: &LaserControl) {
    /// laser.fire();
    /// laser.fire();
    /// laser.process().finish(); // fires twice, then cleans up and ends
    /// # }
    /// ```
    pub fn finish(&self) {
        finish::finish(&self.shared, None);
    }

    /// Like [`finish`](Self::finish), but after `within` the child is [stopped](Self::stop).
    pub fn finish_within(&self, within: Duration) {
        finish::finish(&self.shared, Some(within));
    }

    /// Returns whether the child was asked to [`finish`](Self::finish) and still has commands to
    /// run. Its [state](Self::state) is `Finishing` from `ready` on.
    #[must_use]
    pub fn is_finishing(&self) -> bool {
        self.shared.life().finish.is_some()
    }

    /// Sends SIGTERM and returns immediately: a stop request without a grace.
    pub fn terminate(&self) {
        self.ask(EndRequest::Terminate, StopReason::Asked);
    }

    /// Kills the child and the processes that it has started, and returns immediately. `cleanup`
    /// does not run.
    ///
    /// The child's own mpcore children are neither killed nor waited for: they notice its end and
    /// end by themselves, with their `cleanup`, within their own grace plus a second.
    ///
    /// A process that cannot be killed, because it hangs in a driver or has become another
    /// user, is given up after a second, as [`RunFailure::Unkillable`](crate::RunFailure::Unkillable):
    /// its commands then have their outcomes, and the child may be started again.
    pub fn kill(&self) {
        self.ask(EndRequest::Kill, StopReason::Asked);
    }

    /// Stops the child, if it is running, and starts it again after its end. Returns immediately.
    ///
    /// Queued commands end as stopped; commands submitted from now on wait for the next run. If the
    /// child waits for a restart by its policy, it is started now, without the rest of the delay.
    ///
    /// # Errors
    /// Fails as [`start`](Self::start) does if the child was not running, and with
    /// [`StartError::ControlGone`] in both cases.
    pub fn restart(&self) -> Result<(), StartError> {
        if sys::is_copy() {
            return Err(StartError::ForkedCopy);
        }
        if self.shared.life().released {
            return Err(StartError::ControlGone);
        }
        if request(&self.shared, EndRequest::Stop, AfterEnd::StartAgain, StopReason::Restart) {
            return Ok(());
        }
        match self.start() {
            // The policy has just begun the next run.
            Err(StartError::AlreadyRunning { .. }) => Ok(()),
            started => started,
        }
    }

    /// Requests an end that no further run follows.
    fn ask(&self, ask: EndRequest, reason: StopReason) {
        request(&self.shared, ask, AfterEnd::Rest, reason);
    }

    /// Handles the drop of the last control.
    pub(crate) fn release(&self) {
        if sys::is_copy() {
            return; // a forked copy of a control
        }
        let (state, finishes) = {
            let mut life = self.shared.life();
            life.released = true;
            (life.state, life.finish.is_some())
        };
        // No run follows, so a child that is to finish does so in this run.
        match self.shared.options.at_exit {
            _ if finishes && state.is_alive() => {}
            ExitPolicy::Finish(within) if state.is_alive() && state != ProcessState::Stopping => {
                finish::finish(&self.shared, Some(within));
            }
            ExitPolicy::Stop | ExitPolicy::Finish(_) => {
                self.ask(EndRequest::Stop, StopReason::Released);
            }
        }
        if state == ProcessState::Created {
            let waiting = self.shared.traffic().stop();
            not_run(&self.shared, waiting, &StopReason::Released);
        }
    }

    /// Waits until this run has ended, but no longer than `timeout`. May be called any number of
    /// times. A restart that follows is a new run and is not waited
    /// for. The descriptors of the run are closed by then, except for output that a program started
    /// by the child holds open.
    ///
    /// In a command of a child, on the command's thread, the wait ends as
    /// [`Call::wait`](crate::Call::wait) does, with [`WaitError::Interrupted`]; so does
    /// [`wait_ready`](Self::wait_ready).
    ///
    /// Normally returns the exit status; see [`ProcessEnd`] for when it is unknown. An in-process child
    /// has the code that its process would have had; if it did not end and its thread was given up,
    /// it counts as killed.
    ///
    /// # Errors
    /// Fails if there is nothing to join, or if the wait ended first.
    pub fn join(&self, timeout: Duration) -> Result<ProcessEnd, JoinError> {
        if sys::is_copy() {
            return Err(JoinError::Wait(WaitError::ForkedCopy));
        }
        let generation = {
            let life = self.shared.life();
            life.generation + u32::from(life.start)
        };
        let runs = |life: &Life| match life.generation.cmp(&generation) {
            Ordering::Less => life.start,
            Ordering::Equal => life.state.is_alive(),
            Ordering::Greater => false,
        };
        let busy = |life: &Life| runs(life) || self.shared.is_being_told(life);
        let begun = Instant::now();
        if self.shared.wait_while(timeout, busy).1 {
            return Err(JoinError::Wait(WaitError::Interrupted));
        }
        // A hanging thread may hold a run's descriptors forever.
        let left = timeout.saturating_sub(begun.elapsed()).min(DRAIN_DEADLINE);
        let holds = |life: &Life| !busy(life) && life.holding.contains(&generation);
        let life = self.shared.wait_for(left, holds, || false);
        match (life.state, &life.report) {
            (ProcessState::Created, _) => Err(JoinError::NotStarted),
            _ if busy(&life) && wait_forbidden() => Err(JoinError::Wait(WaitError::Forbidden)),
            _ if runs(&life) => Err(JoinError::Wait(WaitError::Timeout(timeout))),
            (_, Some(report)) => match (report.end, &report.failure) {
                (ProcessEnd::NeverRan, Some(failure)) => Err(JoinError::NeverRan(failure.clone())),
                (end, _) => Ok(end),
            },
            (_, None) => Err(JoinError::Wait(WaitError::Timeout(timeout))),
        }
    }

    /// Waits until the child is ready, but no longer than `timeout`; keeps waiting through
    /// restarts.
    ///
    /// # Errors
    /// Returns why the child is not ready.
    pub fn wait_ready(&self, timeout: Duration) -> Result<(), ReadyError> {
        if sys::is_copy() {
            return Err(ReadyError::Wait(WaitError::ForkedCopy));
        }
        let busy = |life: &Life| {
            let stopped_early = life.state == ProcessState::Stopping && !life.ready;
            let comes = life.restart || life.restarting.is_some();
            life.state == ProcessState::Starting
                || stopped_early
                || self.shared.is_being_told(life)
                || comes
        };
        let (life, over) = self.shared.wait_while(timeout, busy);
        match (life.state, &life.report) {
            (ProcessState::Created, _) => Err(ReadyError::NotStarted),
            _ if over => Err(ReadyError::Wait(WaitError::Interrupted)),
            _ if busy(&life) && wait_forbidden() => Err(ReadyError::Wait(WaitError::Forbidden)),
            _ if life.restart || life.restarting.is_some() => {
                Err(ReadyError::Wait(WaitError::Timeout(timeout)))
            }
            (ProcessState::Running | ProcessState::Finishing, _) => Ok(()),
            (ProcessState::Stopping, _) if life.ready => Ok(()),
            (ProcessState::Starting | ProcessState::Stopping, _) | (_, None) => {
                Err(ReadyError::Wait(WaitError::Timeout(timeout)))
            }
            (_, Some(report)) => Err(match &report.failure {
                Some(failure) => ReadyError::Failed(failure.clone()),
                None => ReadyError::Ended(Arc::clone(report)),
            }),
        }
    }

    /// Returns the process id while there is a process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.shared.life().pid
    }

    /// Returns the child's name.
    #[must_use]
    pub fn name(&self) -> String {
        self.shared.name()
    }

    /// Renames the child; the process itself gets the new name at its next start.
    pub fn set_name(&self, name: impl Into<String>) {
        self.shared.set_name(name.into());
    }

    /// Returns the child's state.
    #[must_use]
    pub fn state(&self) -> ProcessState {
        self.shared.life().state
    }

    /// Returns whether there is, or is about to be, a process.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.state().is_alive()
    }

    /// Returns whether another run is to follow: the child has ended and waits for its
    /// [`RestartPolicy`] to start it again, or it is stopping for a [`restart`](Self::restart).
    ///
    /// [`RestartPolicy`]: crate::RestartPolicy
    #[must_use]
    pub fn restart_pending(&self) -> bool {
        let life = self.shared.life();
        life.restart || life.restarting.is_some()
    }

    /// Returns whether the property mirrors hold the values of a child that has ended: from the end
    /// of a run until the values of the next run have arrived.
    /// [`stale_changed`](ProcessSignals::stale_changed) reports changes.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.shared.life().stale
    }

    /// Returns the number of runs so far: 0 before the first.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.shared.life().generation
    }

    /// Returns the exit status of the last run's process, if it is known; [`ExitReport::end`] has
    /// more details.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.exit_report().and_then(|report| report.status)
    }

    /// Returns how the last run ended.
    #[must_use]
    pub fn exit_report(&self) -> Option<Arc<ExitReport>> {
        self.shared.life().report.clone()
    }

    /// Returns the number of commands without an outcome.
    #[must_use]
    pub fn pending_commands(&self) -> usize {
        self.shared.traffic().pending.len()
    }

    /// Requests cancellation of a call by its number, as [`Call::cancel`](crate::Call::cancel)
    /// does, and returns immediately. A call that has its outcome is not affected.
    pub fn cancel(&self, call: CallId) {
        self.shared.cancel(call.get());
    }

    /// Like [`Call::cancel_or_kill`](crate::Call::cancel_or_kill), by the call's number.
    pub fn cancel_or_kill(&self, call: CallId, grace: Duration) {
        self.shared.cancel_or_kill(call.get(), grace);
    }

    /// Returns whether the child answered the last ping; also `true` while it is not pinged.
    #[must_use]
    pub fn is_responsive(&self) -> bool {
        self.state().has_ended() || !self.shared.traffic().health.is_unresponsive()
    }

    /// Returns the command that the child is executing, as last reported by the child.
    ///
    /// While a command has no outcome, the controller asks once per [ping
    /// interval](crate::ControlBuilder::ping_interval), so a command that has been running for less may
    /// not be known yet.
    #[must_use]
    pub fn executing(&self) -> Option<ExecutingCommand> {
        self.shared.executing()
    }

    /// Cancels every command that has no outcome yet. Returns immediately.
    pub fn cancel_all(&self) {
        if sys::is_copy() {
            return;
        }
        let calls = self.shared.traffic().pending.calls();
        // Newest first: when the running command ends, the next must not begin.
        for call in calls.into_iter().rev() {
            self.shared.cancel(call);
        }
    }
}
