//! The life cycle of a child: start, stop, wait for it, and what it tells of itself.

use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use crate::child::registry::SharedKey;
use crate::child::{init, registry};
use crate::controller::builder::Program;
use crate::controller::call::wait_forbidden;
use crate::controller::escalation::{Executing, Unresponsive};
use crate::controller::exit::{ExitReport, Failure, State};
use crate::controller::finish;
use crate::controller::inbox::enqueue;
use crate::controller::inbox::enqueue_change;
use crate::controller::inbox::post;
use crate::controller::inbox::{Notice, Wake};
use crate::controller::outcome::{CallEnd, Exception, ExceptionKind, Outcome};
use crate::controller::pending::Entry;
use crate::controller::relief;
use crate::controller::restart;
use crate::controller::restart::{GaveUp, Restarting};
use crate::controller::run;
use crate::controller::run::{Ask, Held, Run};
use crate::controller::shared::{Life, Shared};
use crate::controller::signal::Signal;
use crate::controller::traffic::{Gate, Traffic};
use crate::inherited;
use crate::limits::DRAIN_DEADLINE;
use crate::nested;
use crate::process::output::OutputStream;
use crate::process::{End, ExitStatus, sys};
use crate::sync::{lock, wait_timeout};
use crate::testing::ScriptError;
use crate::wire::at_exit::AtExit;
use crate::wire::fault::Fault;
use crate::wire::stop_reason::StopReason;

/// Why a child could not be made or started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The own binary is to be the child, but `mpcore::init` has not run in it.
    #[error(
        "this binary cannot be its own child yet: call `mpcore::init()` first thing in `main` \
         (or write `#[mpcore::main]`), and in a test binary `mpcore::test_support!()`"
    )]
    InitMissing,
    /// This process was started as a child, but neither `mpcore::init` nor `child_main` has run in it. It would start
    /// children as its controller does, each of which would do the same, without an end.
    #[error(
        "this process is a child (`--mpcore-child`) and does not know it, so it starts nothing: call `mpcore::init()` \
         first thing in `main`, or write `#[mpcore::main]`, or `mpcore::child_main` in a binary that is only a child"
    )]
    InitForgotten,
    /// It runs already; a second run begins after the end of the first.
    #[error("the child is {state} already; {}, or use `restart`", before_a_start(*state))]
    AlreadyRunning {
        /// What it is doing.
        state: State,
    },
    /// The last control of this child is gone; a [`Process`] alone starts nothing.
    #[error("the last control of this child was dropped: keep a clone of it, or make a new one")]
    ControlGone,
    /// The builder was told neither a child nor a program.
    #[error("no child was named: call `.child::<P>()`, `.program(..)` or `.in_process::<P>()`")]
    ChildMissing,
    /// The interface has a config, and the builder was not given one.
    #[error("no config was given: call `.config(..)`")]
    ConfigMissing,
    /// A planned fault would strike this process, since the child is a thread of it.
    #[error(
        "`{fault}` in a child on a thread would strike this process too: use `.child::<P>()` or \
         `.program(..)` in place of `.in_process::<P>()`"
    )]
    FaultNeedsProcess {
        /// The fault.
        fault: Fault,
    },
    /// The script of a scripted child does not fit the interface, or itself.
    #[error("the script cannot be played: {0}")]
    Script(#[from] ScriptError),
    /// A scripted child does what its script says, and nothing else goes wrong in it.
    #[error(
        "a scripted child takes no plan of faults: leave out `.faults(..)`, and write what goes wrong \
         into the script"
    )]
    FaultsInScript,
    /// The child cannot be told from another one of this binary.
    #[error("the child cannot be told from another one: {0}")]
    SharedKey(#[from] SharedKey),
    /// The config could not be encoded; of one of more than 64 KiB that shows later, as
    /// [`Failure::Config`](crate::Failure::Config).
    #[error("the config could not be encoded: {0}")]
    Config(#[from] crate::EncodeError),
    /// No child can have such limits here.
    #[error("the child's limits cannot be set: {0}")]
    Limits(#[from] crate::LimitsError),
    /// This process is a forked copy of one that has started children.
    #[error(
        "this process is a forked copy of one that has started children: fork before the first `start`, or start \
         a program of its own in place of the fork"
    )]
    ForkedCopy,
}

/// What a child that is alive needs first.
fn before_a_start(state: State) -> &'static str {
    match state {
        State::Stopping => "wait for its end with `join`",
        _ => "`stop` it first",
    }
}

/// Why a child did not get ready.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadyError {
    /// Never started.
    #[error("the child was not started; call `start` first")]
    NotStarted,
    /// It failed.
    #[error("{0}")]
    Failed(Failure),
    /// It was stopped, or ended, before.
    #[error("{0}")]
    Ended(Arc<ExitReport>),
    /// Not yet; it may still get ready.
    #[error("the child was not ready within {0:?}")]
    TimedOut(Duration),
    /// It is not ready yet, and waiting is not allowed on this thread.
    #[error("this thread must not wait for a child; use signal `ready`")]
    WaitForbidden,
    /// This process is a forked copy of the one that started it.
    #[error("this process is a forked copy: wait in the process that started the child")]
    ForkedCopy,
    /// It is not ready yet, and the command that waited for it is to end.
    #[error("the wait was ended: the command that waited was cancelled, or its child is to stop")]
    WaitEnded,
}

/// Why there is nothing to join.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// Never started.
    #[error("the child was not started; call `start` first")]
    NotStarted,
    /// The process never came to be.
    #[error("there was no process to join: {0}")]
    NeverRan(Failure),
    /// It has not ended, and waiting is not allowed on this thread.
    #[error("this thread must not wait for a child; use signal `finished`")]
    WaitForbidden,
    /// This process is a forked copy of the one that started it.
    #[error("this process is a forked copy: join in the process that started the child")]
    ForkedCopy,
    /// It has not ended, and the command that waited for it is to end.
    #[error("the wait was ended: the command that waited was cancelled, or its child is to stop")]
    WaitEnded,
}

/// How far one command is.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The call's number, [`Call::id`](crate::Call::id).
    pub call: u64,
    /// From 0 to 1.
    pub fraction: f64,
}

/// A gap in the captured lines of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinesDropped {
    /// Which stream.
    pub stream: OutputStream,
    /// How many lines are missing.
    pub lines: u64,
}

/// The signals of a child's life.
///
/// One run is `started` → `ready` → … → `failed`? → `finished`, which is the last one and comes
/// exactly once, also when the child is killed.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ProcessSignals {
    /// The process exists; its number.
    pub started: Signal<(u32,)>,
    /// Constructor and `postrun_init` have succeeded.
    pub ready: Signal<()>,
    /// The run ended, or is about to end, other than as asked.
    pub failed: Signal<(Failure,)>,
    /// The run has ended. Nothing of it comes after this.
    pub finished: Signal<(ExitReport,)>,
    /// After `finished`: the child is about to be started again, by its
    /// [`RestartPolicy`](crate::RestartPolicy). It may still be called off, by `stop` for example.
    pub restarting: Signal<(Restarting,)>,
    /// After `finished`: the child is not started again, although its policy would have it.
    pub gave_up: Signal<(GaveUp,)>,
    /// The state has changed.
    pub state_changed: Signal<(State,)>,
    /// The properties' values are [those of a child that has ended](Process::is_stale), or no longer. Comes after
    /// the last value of a run, and after the first ones of the next.
    pub stale_changed: Signal<(bool,)>,
    /// The child was asked to end, and why; comes with the state [`Stopping`](State::Stopping).
    pub stopping: Signal<(StopReason,)>,
    /// The child does not answer while something is asked of it; see
    /// [`Builder::ping_interval`](crate::Builder::ping_interval). What happens then says
    /// [`Builder::on_unresponsive`](crate::Builder::on_unresponsive).
    pub unresponsive: Signal<(Unresponsive,)>,
    /// It answers again. A child that ends before it answers does not tell this.
    pub responsive: Signal<()>,
    /// A running command tells how far it is. Only the newest waiting value of each is delivered.
    pub progress: Signal<(Progress,)>,
    /// A line on stdout of a child whose stdout is [`Captured`](crate::Output::Captured), without its end.
    /// What is not UTF-8 is replaced, what is longer than 64 KiB is cut, with a mark. The lines of one
    /// stream come in order, and all of them before [`finished`](Self::finished), a last one without an end
    /// too.
    ///
    /// Lines of a child that prints faster than the inbox's thread handles them are dropped beyond 16 MiB:
    /// they neither fill the memory nor make the child wait. [`lines_dropped`](Self::lines_dropped) tells.
    pub stdout_line: Signal<(String,)>,
    /// The same of stderr.
    pub stderr_line: Signal<(String,)>,
    /// Lines are missing here, between the one before and the one after.
    pub lines_dropped: Signal<(LinesDropped,)>,
    /// A command has ended, in whatever way, and its named signal or `exception_raised` was told. Once
    /// for every command that was submitted while somebody was connected.
    pub call_ended: Signal<(CallEnd,)>,
}

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
        match self.shared.spec.at_exit {
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
        let busy = |life: &Life| runs(life) || self.is_being_told(life);
        let begun = Instant::now();
        if self.wait_while(timeout, busy).1 {
            return Err(JoinError::WaitEnded);
        }
        // A thread that hangs may hold one for ever.
        let left = timeout.saturating_sub(begun.elapsed()).min(DRAIN_DEADLINE);
        let holds = |life: &Life| !busy(life) && life.holding.contains(&generation);
        let life = self.wait_for(left, holds, || false);
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
            life.state == State::Starting || stopped_early || self.is_being_told(life) || comes
        };
        let (life, over) = self.wait_while(timeout, busy);
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

    /// Waits until nothing of any run is left to do, the `after_exit` hooks included.
    pub(crate) fn wait_idle(&self, timeout: Duration) -> bool {
        let busy = |life: &Life| {
            let follows = life.start || life.finish.is_some();
            let hooks = life.hooks > 0 && !tells_here();
            life.state.is_alive() || follows || self.is_being_told(life) || hooks
        };
        !busy(&self.wait_for(timeout, busy, || false))
    }

    /// Whether the last signals of a run are being posted, and this thread may wait for that.
    fn is_being_told(&self, life: &Life) -> bool {
        life.finishing && !tells_here()
    }

    /// The second is whether it was ended before `wait` was done, since the command of this thread is to end.
    fn wait_while(
        &self,
        timeout: Duration,
        wait: impl Fn(&Life) -> bool,
    ) -> (MutexGuard<'_, Life>, bool) {
        let shared = &self.shared;
        let command = inherited::begin_wait(|| {
            let shared = Arc::clone(shared);
            Box::new(move || {
                // Whoever has just looked waits already.
                drop(shared.life());
                shared.life_changed().notify_all();
            })
        });
        // Calls that the command makes inherit its deadline, and so does this.
        let deadline = command.as_ref().and_then(|_| inherited::deadline());
        let is_late = || deadline.is_some_and(|at| at <= Instant::now());
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = left.map_or(timeout, |left| timeout.min(left));
        let mut over = false;
        let life = self.wait_for(timeout, &wait, || {
            over = command.as_ref().is_some_and(inherited::Waiting::is_over);
            over
        });
        if !over && is_late() && wait(&life) {
            over = true;
            command.iter().for_each(inherited::Waiting::has_ended);
        }
        (life, over)
    }

    fn wait_for(
        &self,
        timeout: Duration,
        wait: impl Fn(&Life) -> bool,
        mut is_over: impl FnMut() -> bool,
    ) -> MutexGuard<'_, Life> {
        let _waiting = self.shared.begin_wait();
        // A thread that must not wait only looks.
        let timeout = if wait_forbidden() { Duration::ZERO } else { timeout };
        let deadline = Instant::now().checked_add(timeout);
        let mut life = self.shared.life();
        while wait(&life) {
            let left = match deadline {
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                None => Duration::from_secs(3600),
            };
            if left.is_zero() || is_over() {
                break;
            }
            life = wait_timeout(self.shared.life_changed(), life, left);
        }
        life
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

pub(crate) fn start(shared: &Arc<Shared>) -> Result<(), StartError> {
    if sys::is_copy() {
        return Err(StartError::ForkedCopy);
    }
    if init::is_forgotten() {
        return Err(StartError::InitForgotten);
    }
    if let Program::Own { key } = &shared.spec.program {
        if !init::has_run() && registry::test_arguments().is_none() {
            return Err(StartError::InitMissing);
        }
        let _ = registry::find(key)?;
    }
    if lock(&shared.spec.config).is_none() {
        return Err(StartError::ConfigMissing);
    }
    #[cfg(panic = "abort")]
    tell_of_abort();
    let mut life = shared.life();
    if life.released {
        return Err(StartError::ControlGone);
    }
    if life.state.is_alive() {
        return Err(StartError::AlreadyRunning { state: life.state });
    }
    if life.start {
        return Err(StartError::AlreadyRunning { state: State::Starting });
    }
    sys::this_is_the_original();
    life.finish = None;
    if life.finishing {
        // The last signals of the run before are being posted, which may take as long as a waker does: the thread
        // that posts them begins the next run.
        (life.restart, life.start) = (true, true);
        shared.traffic().gate = Gate::Open;
        crate::controller::shutdown::register(shared);
        return Ok(());
    }
    life.supervisor.by_hand();
    let (run, wake) = begin_run(shared, &mut life);
    let first = life.generation == 1;
    drop(life);
    shared.life_changed().notify_all();
    wake.wake();
    if first {
        tell_of_short_grace(shared);
    }
    crate::controller::shutdown::register(shared);
    run::begin(shared, &run);
    Ok(())
}

/// This process is a child itself, and its grace does not cover that of its own child.
fn tell_of_short_grace(shared: &Arc<Shared>) {
    let grace = shared.spec.stop_grace;
    let Some(own) = nested::too_short_for(grace) else { return };
    let name = shared.name();
    let message = format!(
        "its grace of {grace:?} does not fit into that of the child that starts it, {own:?}, which has to be half a \
         second longer: give that one a longer `stop_grace`; where it is stopped, `{name}` gets what is left"
    );
    let exception = Exception {
        process: name,
        pid: None,
        command: None,
        call: None,
        kind: ExceptionKind::ShortGrace,
        message,
        backtrace: String::new(),
    };
    post(shared, Notice::Exception(Box::new(exception)));
}

/// Said once: without unwinding, a child's hostile bytes can end its controller.
#[cfg(panic = "abort")]
#[allow(clippy::print_stderr)]
fn tell_of_abort() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        eprintln!(
            "mpcore: this program was built with `panic = \"abort\"`, so a panic of a handler, or a \
             child that sends garbage, ends it; build the controller with `panic = \"unwind\"`"
        );
    });
}

/// Everything of a start that others must see at once.
pub(crate) fn begin_run(shared: &Arc<Shared>, life: &mut Life) -> (Arc<Run>, Wake) {
    let run = Arc::new(Run::new(life.generation + 1));
    life.generation += 1;
    life.state = State::Starting;
    life.pid = None;
    (life.restart, life.start) = (false, false);
    life.restarting = None;
    life.reason = None;
    life.supervisor.begun(Instant::now());
    life.ready = false;
    life.run = Some(Arc::clone(&run));
    life.holding.push(run.generation());
    run.hold(Held::new(shared, run.generation()));
    let reapplied = {
        let mut traffic = shared.traffic();
        let reapplied = traffic.begin_run(|command| shared.limit(command, None));
        if life.finish.is_some() {
            traffic.finish();
        }
        reapplied
    };
    shared.control().reset();
    shared.inbox.begin_run(&shared.mirrors);
    let mut wake = enqueue(shared, Notice::State(State::Starting));
    // Nothing of the run before is to be seen when this one is heard of, but what is to be as it was.
    for (property, row) in (0..).zip(&shared.table.properties) {
        let change = enqueue_change(shared, property, |mirror| {
            if reapplied.contains(&property) {
                mirror.keep(&row.initial);
                return false;
            }
            mirror.begin(&row.initial)
        });
        wake = wake.and(change);
    }
    (run, wake)
}

/// What a run's end shall lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterEnd {
    Rest,
    StartAgain,
}

/// Stops, terminates or kills the current run; returns whether there is one.
pub(crate) fn request(shared: &Arc<Shared>, ask: Ask, after: AfterEnd, reason: StopReason) -> bool {
    request_if(shared, ask, after, reason, |_, _| true)
}

/// The same, if this holds at that moment.
pub(crate) fn request_if(
    shared: &Arc<Shared>,
    ask: Ask,
    after: AfterEnd,
    reason: StopReason,
    holds: impl FnOnce(&Life, &Traffic) -> bool,
) -> bool {
    if sys::is_copy() {
        return false;
    }
    let mut wake = Wake::none();
    let (run, waiting, _posting) = {
        let mut life = shared.life();
        if !holds(&life, &shared.traffic()) {
            return false;
        }
        let Some(run) = life.run.clone().filter(|_| life.state.is_alive()) else {
            let waiting = match after {
                AfterEnd::Rest => restart::call_off(shared, &mut life),
                AfterEnd::StartAgain => {
                    (life.restart, life.start) = (false, false);
                    Vec::new()
                }
            };
            drop(life);
            shared.life_changed().notify_all();
            not_run(shared, waiting, &reason);
            return false;
        };
        let again = after == AfterEnd::StartAgain && !life.released;
        life.restart = again;
        life.finish = None;
        if life.state != State::Stopping {
            life.state = State::Stopping;
            life.reason = Some(reason.clone());
            wake = enqueue(shared, Notice::State(State::Stopping));
            wake = wake.and(enqueue(shared, Notice::Stopping(Box::new(reason.clone()))));
        }
        // What is resolved below belongs before the run's last signal.
        let posting = shared.begin_posting(&mut life);
        let mut traffic = shared.traffic();
        let waiting = if again { traffic.stop_for_next() } else { traffic.stop() };
        drop(traffic);
        let mut control = shared.control();
        // A child that is killed must not begin to clean up; one on a thread cannot be killed.
        if ask != Ask::Kill || shared.spec.program.is_on_thread() {
            control.stop(reason);
        }
        // The bound of the inbox does not hold back what a stopping child still has to say.
        control.grant();
        (run, waiting, posting)
    };
    wake.wake();
    shared.keep_watch();
    shared.life_changed().notify_all();
    let grace = if shared.is_patient() { Duration::MAX } else { shared.spec.stop_grace };
    run.ask(ask, grace);
    for (call, entry) in waiting {
        shared.resolve(call, entry, Outcome::Stopped);
    }
    true
}

/// Ends commands that waited for a run which does not come, each as stopped, and reports them once.
fn not_run(shared: &Arc<Shared>, waiting: Vec<(u64, Entry)>, reason: &StopReason) {
    let commands = waiting.iter().filter(|(_, entry)| !entry.repeat.is_reapplied()).count();
    for (call, entry) in waiting {
        shared.resolve(call, entry, Outcome::Stopped);
    }
    tell_not_run(shared, commands, Some(reason), None);
}

/// Tells, once, that an end has taken commands before they ran.
pub(crate) fn tell_not_run(
    shared: &Arc<Shared>,
    commands: usize,
    reason: Option<&StopReason>,
    pid: Option<u32>,
) {
    if commands == 0 {
        return;
    }
    let number =
        if commands == 1 { "1 command was".into() } else { format!("{commands} commands were") };
    let why = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    let exception = Exception {
        process: shared.name(),
        pid,
        command: None,
        call: None,
        kind: ExceptionKind::NotRun { commands },
        message: format!("{number} not run, because the child was to end{why}"),
        backtrace: String::new(),
    };
    post(shared, Notice::Exception(Box::new(exception)));
}

thread_local! {
    static ENDS_HERE: Cell<bool> = const { Cell::new(false) };
}

/// This thread reports the end of a run: what it calls meanwhile, a waker or `after_exit`, must not wait for that,
/// nor for other threads that report, which may wait for this one.
#[derive(Debug)]
pub(crate) struct EndsHere {
    before: bool,
}

impl EndsHere {
    pub(crate) fn new() -> Self {
        Self { before: ENDS_HERE.replace(true) }
    }
}

impl Drop for EndsHere {
    fn drop(&mut self) {
        ENDS_HERE.set(self.before);
    }
}

/// Whether this thread tells the end of a run, or delivers the signals of children without an inbox of their own.
pub(crate) fn tells_here() -> bool {
    ENDS_HERE.get() || relief::drains_here()
}
