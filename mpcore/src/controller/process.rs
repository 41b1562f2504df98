//! The life cycle of a child: start, stop, wait for it, and what it tells of itself.

use crate::controller::report::error::JoinError;
use crate::controller::report::error::ReadyError;
use crate::controller::report::error::StartError;
use crate::controller::signals::process_signals::ProcessSignals;
use crate::controller::start::start;
use crate::controller::stopping::AfterEnd;
use crate::controller::stopping::not_run;
use crate::controller::stopping::request;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::controller::finish;
use crate::controller::report::escalation::Executing;
use crate::controller::report::exit::{ExitReport, State};
use crate::controller::state::run::Ask;
use crate::controller::state::{Life, Shared};
use crate::limits::DRAIN_DEADLINE;
use crate::process::{End, ExitStatus, sys};
use crate::wait_policy::wait_forbidden;
use crate::wire::messages::at_exit::AtExit;
use crate::wire::messages::stop_reason::StopReason;

/// The life cycle of one child; see [`ProcessSignals`] for what it tells.
///
/// Nothing here waits but what is named `wait…` or `join`.
///
/// A clone is one more handle of the same child, for a list of all children for example. It does not keep
/// the child: with the last control the child is stopped, whatever clones of its `Process` there are.
/// From then on they tell how it ended, and [`start`](Self::start) and [`restart`](Self::restart) refuse
/// with [`StartError::ControlGone`], since a child without a control could be neither called nor stopped
/// by dropping it.
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
        if let Some(report) = report.filter(|it| state.has_ended() && it.end != End::NeverRan) {
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

    /// The signals of the child's life.
    #[must_use]
    pub fn signals(&self) -> &ProcessSignals {
        &self.shared.signals
    }

    /// Starts the child, and returns at once: what goes wrong later comes as signal `failed`, and as
    /// the outcome of every command.
    ///
    /// # Errors
    /// What can be known before there is a process: see [`StartError`].
    pub fn start(&self) -> Result<(), StartError> {
        start(&self.shared)
    }

    /// Asks the child to stop, and returns at once. The running command sees it at its next check,
    /// what waits ends as stopped, `cleanup` runs; after the grace (3 s) the child is sent SIGTERM,
    /// a second later it is killed.
    ///
    /// `exception_raised` reports once how many commands were taken before they ran
    /// ([`NotRun`](crate::ExceptionKind::NotRun)) and stands in the [`ExitReport`]; for an end that does them first
    /// there is [`finish`](Self::finish).
    ///
    /// A [restart](Self::restart_pending) that is to come is called off, by `terminate` and `kill` as well.
    pub fn stop(&self) {
        self.ask(Ask::Stop, StopReason::Asked);
    }

    /// As [`stop`](Self::stop), with a reason: the child has it in
    /// [`ChildContext::stop_reason`](crate::ChildContext::stop_reason), and the report of its end says it. What is
    /// longer than 1024 bytes is cut.
    pub fn stop_with(&self, reason: impl Into<String>) {
        self.ask(Ask::Stop, StopReason::because(reason));
    }

    /// Lets the child do what is queued, and then stops it in order; returns at once.
    ///
    /// From now on commands are refused, as [`CallError::Finishing`](crate::CallError::Finishing). When the last
    /// one has its outcome the child stops, and `cleanup` runs; if nothing is queued it stops now, also before it
    /// is ready. `stop`, `terminate`, `kill` and `restart` end it without waiting for the rest, and so does a
    /// signal that ends the application; the drop of the last control does not, nor does the end of
    /// [`main`](crate::main), which waits for it.
    ///
    /// If the child crashes meanwhile, its [`RestartPolicy`](crate::RestartPolicy) says what of the rest is done in
    /// the next run (what waits for the first `ready`, and `#[idempotent]` commands), which then finishes too;
    /// without such a rest none begins. A child that was not started has nothing to finish: what waits for its
    /// `start` goes on waiting.
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

    /// As [`finish`](Self::finish), but what is not done after this time is [stopped](Self::stop).
    pub fn finish_within(&self, within: Duration) {
        finish::finish(&self.shared, Some(within));
    }

    /// Whether the child was asked to [`finish`](Self::finish) and has something left to do. Its
    /// [state](Self::state) is `Finishing` from `ready` on.
    #[must_use]
    pub fn is_finishing(&self) -> bool {
        self.shared.life().finish.is_some()
    }

    /// Sends SIGTERM, and returns at once: a stop request whose grace is over.
    pub fn terminate(&self) {
        self.ask(Ask::Terminate, StopReason::Asked);
    }

    /// Kills the child and what it has started, and returns at once. `cleanup` does not run.
    ///
    /// Children that the child has itself are neither killed nor waited for: they notice its end, and end by
    /// themselves, with their `cleanup`, within their own grace and a second.
    ///
    /// A process that cannot be killed, since it hangs in a driver or has become another user, is given up after a
    /// second, as [`Failure::Unkillable`]: its commands have their outcomes then, and it may be started again.
    pub fn kill(&self) {
        self.ask(Ask::Kill, StopReason::Asked);
    }

    /// Stops the child, if it is running, and starts it again after its end. Returns at once.
    ///
    /// What is queued ends as stopped; what is submitted from now on waits for the next run. Between two runs of
    /// its policy's it is started now, without the rest of the delay.
    ///
    /// # Errors
    /// As [`start`](Self::start), if it was not running; [`StartError::ControlGone`] also if it was.
    pub fn restart(&self) -> Result<(), StartError> {
        if sys::is_copy() {
            return Err(StartError::ForkedCopy);
        }
        if self.shared.life().released {
            return Err(StartError::ControlGone);
        }
        if request(&self.shared, Ask::Stop, AfterEnd::StartAgain, StopReason::Restart) {
            return Ok(());
        }
        match self.start() {
            // Its policy has just begun the next run.
            Err(StartError::AlreadyRunning { .. }) => Ok(()),
            started => started,
        }
    }

    fn ask(&self, ask: Ask, reason: StopReason) {
        request(&self.shared, ask, AfterEnd::Rest, reason);
    }

    /// The last control is gone.
    pub(crate) fn release(&self) {
        if sys::is_copy() {
            return; // it is a copy of a control
        }
        let (state, finishes) = {
            let mut life = self.shared.life();
            life.released = true;
            (life.state, life.finish.is_some())
        };
        // No run follows any more, so one that is to finish does so in this one.
        match self.shared.options.at_exit {
            _ if finishes && state.is_alive() => {}
            AtExit::Finish(within) if state.is_alive() && state != State::Stopping => {
                finish::finish(&self.shared, Some(within));
            }
            AtExit::Stop | AtExit::Finish(_) => self.ask(Ask::Stop, StopReason::Released),
        }
        if state == State::Created {
            let waiting = self.shared.traffic().stop();
            not_run(&self.shared, waiting, &StopReason::Released);
        }
    }

    /// Waits until this run has ended, at most `timeout`; `None` if it has not. Any number of times. A
    /// restart that follows does not count: it is the next run's. The descriptors of the run are closed by then,
    /// but for output that a program holds open which the child has started.
    ///
    /// In a command of a child, on its thread, the wait ends as that of [`Call::wait`](crate::Call::wait) does, with
    /// [`JoinError::WaitEnded`]; so does that of [`wait_ready`](Self::wait_ready).
    ///
    /// What is returned is the exit status, as a rule; see [`End`] for when it is unknown. An in-process child has
    /// the code that its process would have had; one that did not end, so that its thread was given up, counts as
    /// killed.
    ///
    /// # Errors
    /// If there was nothing to join.
    pub fn join(&self, timeout: Duration) -> Result<Option<End>, JoinError> {
        if sys::is_copy() {
            return Err(JoinError::ForkedCopy);
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
            return Err(JoinError::WaitEnded);
        }
        // A thread that hangs may hold one for ever.
        let left = timeout.saturating_sub(begun.elapsed()).min(DRAIN_DEADLINE);
        let holds = |life: &Life| !busy(life) && life.holding.contains(&generation);
        let life = self.shared.wait_for(left, holds, || false);
        match (life.state, &life.report) {
            (State::Created, _) => Err(JoinError::NotStarted),
            _ if busy(&life) && wait_forbidden() => Err(JoinError::WaitForbidden),
            _ if runs(&life) => Ok(None),
            (_, Some(report)) => match (report.end, &report.failure) {
                (End::NeverRan, Some(failure)) => Err(JoinError::NeverRan(failure.clone())),
                (end, _) => Ok(Some(end)),
            },
            (_, None) => Ok(None),
        }
    }

    /// Waits until the child is ready, at most `timeout`; also through restarts.
    ///
    /// # Errors
    /// Why it is not.
    pub fn wait_ready(&self, timeout: Duration) -> Result<(), ReadyError> {
        if sys::is_copy() {
            return Err(ReadyError::ForkedCopy);
        }
        let busy = |life: &Life| {
            let stopped_early = life.state == State::Stopping && !life.ready;
            let comes = life.restart || life.restarting.is_some();
            life.state == State::Starting
                || stopped_early
                || self.shared.is_being_told(life)
                || comes
        };
        let (life, over) = self.shared.wait_while(timeout, busy);
        match (life.state, &life.report) {
            (State::Created, _) => Err(ReadyError::NotStarted),
            _ if over => Err(ReadyError::WaitEnded),
            _ if busy(&life) && wait_forbidden() => Err(ReadyError::WaitForbidden),
            _ if life.restart || life.restarting.is_some() => Err(ReadyError::TimedOut(timeout)),
            (State::Running | State::Finishing, _) => Ok(()),
            (State::Stopping, _) if life.ready => Ok(()),
            (State::Starting | State::Stopping, _) | (_, None) => {
                Err(ReadyError::TimedOut(timeout))
            }
            (_, Some(report)) => Err(match &report.failure {
                Some(failure) => ReadyError::Failed(failure.clone()),
                None => ReadyError::Ended(Arc::clone(report)),
            }),
        }
    }

    /// The process's number while there is a process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.shared.life().pid
    }

    /// The child's name.
    #[must_use]
    pub fn name(&self) -> String {
        self.shared.name()
    }

    /// Renames the child; the process itself learns it with its next start.
    pub fn set_name(&self, name: impl Into<String>) {
        self.shared.set_name(name.into());
    }

    /// Where in its life the child is.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.life().state
    }

    /// Whether there is, or is about to be, a process.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.state().is_alive()
    }

    /// Whether a run is to follow: the child has ended and waits for its [`RestartPolicy`] to start it again,
    /// or it is stopping for a [`restart`](Self::restart).
    ///
    /// [`RestartPolicy`]: crate::RestartPolicy
    #[must_use]
    pub fn restart_pending(&self) -> bool {
        let life = self.shared.life();
        life.restart || life.restarting.is_some()
    }

    /// Whether the mirrors of the properties are those of a child that has ended: from the end of a run until the
    /// values of the next one are there. [`stale_changed`](ProcessSignals::stale_changed) tells.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.shared.life().stale
    }

    /// Counts the runs: 0 before the first.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.shared.life().generation
    }

    /// The exit status of the last run's process, if it is known; [`ExitReport::end`] says more.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.exit_report().and_then(|report| report.status)
    }

    /// How the last run ended.
    #[must_use]
    pub fn exit_report(&self) -> Option<Arc<ExitReport>> {
        self.shared.life().report.clone()
    }

    /// Commands without an outcome.
    #[must_use]
    pub fn pending_commands(&self) -> usize {
        self.shared.traffic().pending.len()
    }

    /// Asks for a call to be cancelled, by its number, as [`Call::cancel`](crate::Call::cancel) does. A
    /// call that has its outcome stays as it is. Returns at once.
    pub fn cancel(&self, call: u64) {
        self.shared.cancel(call);
    }

    /// As [`Call::cancel_or_kill`](crate::Call::cancel_or_kill), by the call's number.
    pub fn cancel_or_kill(&self, call: u64, grace: Duration) {
        self.shared.cancel_or_kill(call, grace);
    }

    /// Whether the child answered when it was last asked; also `true` while nothing is asked of it.
    #[must_use]
    pub fn is_responsive(&self) -> bool {
        self.state().has_ended() || !self.shared.traffic().health.is_unresponsive()
    }

    /// What the child is executing, as it has told last.
    ///
    /// It is asked once per [interval](crate::Builder::ping_interval) while a command has no outcome, so
    /// a command that has been running for less may not be known yet.
    #[must_use]
    pub fn executing(&self) -> Option<Executing> {
        self.shared.executing()
    }

    /// Cancels every command that has no outcome yet. Returns at once.
    pub fn cancel_all(&self) {
        if sys::is_copy() {
            return;
        }
        let calls = self.shared.traffic().pending.calls();
        // The newest first: the end of the running one must not let the next begin.
        for call in calls.into_iter().rev() {
            self.shared.cancel(call);
        }
    }
}
