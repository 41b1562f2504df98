//! How a run of a child went: its states, the reasons of a failure, and the report of its end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::controller::report::escalation::{Executing, Ignored};
use crate::error::Error;
use crate::escape::escaped;
use crate::process::{End, ExitStatus, Unkillable};
use crate::wire::interface::fingerprint::Mismatch;
use crate::wire::messages::report::{InitFailure, PanicReport};
use crate::wire::messages::stop_reason::StopReason;

/// The state of a child's life cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Not started. Commands are queued.
    Created,
    /// Started, not yet ready. Commands are queued.
    Starting,
    /// The constructor and `postrun_init` have succeeded.
    Running,
    /// Asked to [finish](crate::Process::finish): the queued commands still run. New commands end
    /// as [`CallError::Finishing`](crate::CallError::Finishing).
    Finishing,
    /// Asked to stop. New commands end as stopped; if the child stops for a `restart`, they wait
    /// for the next run.
    Stopping,
    /// Ended as requested; the report says whether it had to be killed.
    Finished,
    /// The run failed before the child was ready.
    Failed,
    /// Ended by itself or by a signal, or was killed because it broke the protocol or kept its
    /// controller waiting too long.
    Crashed,
}

impl State {
    /// Returns whether a child exists or is about to.
    #[must_use]
    pub fn is_alive(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Finishing | Self::Stopping)
    }

    /// Returns whether a run has ended.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Crashed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Finishing => "finishing",
            Self::Stopping => "stopping",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Crashed => "crashed",
        })
    }
}

/// Why a run did not end as requested.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The system refused to start the program.
    #[error("`{program}` could not be started: {message}; {advice}")]
    Spawn {
        /// The program.
        program: String,
        /// The system's error message.
        message: String,
        /// What to do.
        advice: &'static str,
    },
    /// The system refused a resource that a run needs: a thread, a descriptor, randomness, or
    /// memory for what the child sends.
    #[error(
        "the system refused a resource that the run needs: {0}; check the limits on open files, \
         threads and memory"
    )]
    Resources(String),
    /// The process ended before it was ready.
    #[error("the child ended before it was ready ({status}){advice}{}", escaped(.stderr))]
    EndedBeforeReady {
        /// How it ended.
        status: ExitStatus,
        /// Where to look, as the rest of a sentence.
        advice: &'static str,
        /// The end of its stderr, as a sentence, or empty.
        stderr: String,
    },
    /// The child was not ready in time.
    #[error(
        "the child was not ready within {deadline:?}; if it needs longer to start, set \
         `builder().start_deadline(..)`, and a program that never calls `mpcore::init()` or \
         `child_main` is no child"
    )]
    StartDeadline {
        /// The time that it had.
        deadline: Duration,
    },
    /// The child was not ready in time because a debugger or another tracer held it.
    #[error(
        "the child was not ready within {deadline:?}, while process {tracer} held it as its debugger; set \
         `MPCORE_DEBUG` to its name, so that no deadline applies"
    )]
    HeldByTracer {
        /// The process id of the debugger.
        tracer: u32,
        /// The time that the child had.
        deadline: Duration,
    },
    /// The two sides were built from different interfaces.
    #[error("{0}")]
    Mismatch(Mismatch),
    /// The two sides were built with different protocol versions of the framework.
    #[error(
        "the child speaks protocol {child}, the controller {controller}; build both with the same mpcore"
    )]
    Protocol {
        /// The child's.
        child: u32,
        /// The controller's.
        controller: u32,
    },
    /// The child could not apply one of its [limits](crate::ChildLimits), so it did not begin.
    #[error("the child could not set its limits ({}): {}", escaped(.what), escaped(.message))]
    Limits {
        /// The limit: memory, CPU time, open files, nice level, no new privileges, or sandbox.
        what: String,
        /// The system's error message, or what is missing.
        message: String,
    },
    /// The child could not read its config, or a large config could not be encoded.
    #[error("the config could not be passed to the child: {}", escaped(.0))]
    Config(String),
    /// The child's constructor returned an error.
    #[error("the constructor failed: {0:#}")]
    Constructor(Error),
    /// The child's constructor panicked.
    #[error("the constructor panicked: {0}")]
    ConstructorPanicked(PanicReport),
    /// The child's `postrun_init` returned an error.
    #[error("postrun_init failed: {0:#}")]
    PostrunInit(Error),
    /// The child's `postrun_init` panicked.
    #[error("postrun_init panicked: {0}")]
    PostrunInitPanicked(PanicReport),
    /// The process ended by itself after it was ready.
    #[error("the child crashed: {status}")]
    Crashed {
        /// How it ended.
        status: ExitStatus,
    },
    /// The process ended by itself, and its exit status is unknown: the system keeps none, or
    /// another part of this program has collected it.
    #[error("the child ended by itself{when}, and its exit status is unknown: {why}{stderr}")]
    EndUnknown {
        /// When, as the rest of a sentence; empty if it had been ready.
        when: &'static str,
        /// Why the status is unknown, and what to do.
        why: &'static str,
        /// The end of its stderr, as a sentence, or empty.
        stderr: String,
    },
    /// The process was killed but has not ended, so the controller stopped waiting for it: its
    /// commands have their outcomes, its lanes are closed, and another run may begin. It is reaped
    /// when it ends.
    #[error(
        "the process {pid} cannot be killed, so it was given up: {why}{}",
        first(because.as_deref())
    )]
    Unkillable {
        /// Its process id.
        pid: u32,
        /// Why it does not end.
        why: Unkillable,
        /// Why it was killed, if its end was not requested.
        because: Option<Box<Failure>>,
    },
    /// The child violated the protocol and was killed.
    #[error("the child broke the protocol and was killed: {}", escaped(.0))]
    Broken(String),
    /// A command ignored its deadline or a cancel, and the child was killed for it. That command
    /// ended as timed out or cancelled; the other commands ended with the child.
    #[error("the child was killed because `{command}` (call {call}) {ignored}")]
    KilledFor {
        /// The command's name.
        command: &'static str,
        /// The call's number.
        call: u64,
        /// What it ignored.
        ignored: Ignored,
    },
    /// The child did not answer and was killed.
    #[error("the child did not answer for {silent:?} and was killed{}", last_seen(executing.as_ref()))]
    Unresponsive {
        /// For how long.
        silent: Duration,
        /// What it was executing when it last answered, if that command had no outcome.
        executing: Option<Executing>,
    },
}

fn first(because: Option<&Failure>) -> String {
    because.map_or_else(String::new, |failure| format!(" (before that: {failure})"))
}

fn last_seen(executing: Option<&Executing>) -> String {
    executing.map_or_else(String::new, |executing| format!("; it was executing {executing}"))
}

impl From<InitFailure> for Failure {
    fn from(failure: InitFailure) -> Self {
        match failure {
            InitFailure::Limits { what, message } => Self::Limits { what, message },
            InitFailure::Config(message) => Self::Config(message),
            InitFailure::Constructor(error) => Self::Constructor(error),
            InitFailure::ConstructorPanicked(report) => Self::ConstructorPanicked(report),
            InitFailure::PostrunInit(error) => Self::PostrunInit(error),
            InitFailure::PostrunInitPanicked(report) => Self::PostrunInitPanicked(report),
        }
    }
}

/// What is known about the child's `cleanup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cleanup {
    /// It ran: the child's goodbye says so.
    Ran,
    /// It did not run: there was no child to clean up (the constructor failed, for example), or the
    /// child was killed or crashed without a request to stop from here.
    Skipped,
    /// The child was stopping and ended without a goodbye: `cleanup` may have run completely,
    /// partly or not at all. Also used if the child broke the protocol, lost its lane, or was given
    /// up.
    Unknown,
}

impl fmt::Display for Cleanup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ran => "ran",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        })
    }
}

/// The end of one run. Payload of the signal `finished`, and of every command that ended with the
/// run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExitReport {
    /// The child's name.
    pub name: String,
    /// The number of the run: 1 for the first.
    pub generation: u32,
    /// The process id; `None` for an in-process child and for a child that never started.
    pub pid: Option<u32>,
    /// [`State::Finished`], [`State::Failed`] or [`State::Crashed`].
    pub state: State,
    /// What is known about the end of the process.
    pub end: End,
    /// The exit status in `end`, if there is one and it is known.
    pub status: Option<ExitStatus>,
    /// Why it was asked to end, if it was; if it ended in order by itself, the reason that it gave.
    pub reason: Option<StopReason>,
    /// Whether the controller killed it, because it had to or was asked to.
    pub killed: bool,
    /// Whether `cleanup` ran. A kill skips it.
    pub cleanup: Cleanup,
    /// The panic of `cleanup`, if it panicked.
    pub cleanup_panic: Option<PanicReport>,
    /// Why it did not end as requested, if so.
    pub failure: Option<Failure>,
    /// The number of commands that were submitted and ended with this run.
    pub commands_lost: usize,
    /// The number of commands that were dropped, or refused, before they ran because the child was
    /// to end.
    pub commands_stopped: usize,
    /// The last lines of stderr, at most 64, regardless of where stderr goes.
    pub stderr: Vec<String>,
    /// The number of captured lines that were dropped because too many waited for the inbox's
    /// thread; see [`ProcessSignals::lines_dropped`](crate::ProcessSignals::lines_dropped).
    pub lines_dropped: u64,
}

impl fmt::Display for ExitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "child `{}`", self.name)?;
        if let Some(pid) = self.pid {
            write!(f, " (pid {pid})")?;
        }
        match &self.failure {
            Some(failure) => write!(f, ": {failure}")?,
            None => write!(f, " {}: {}", self.way(), self.end)?,
        }
        if let Some(StopReason::Because(text)) = &self.reason {
            write!(f, " ({text})")?;
        }
        if self.commands_lost > 0 {
            let plural = if self.commands_lost == 1 { "" } else { "s" };
            write!(f, "; {} command{plural} ended with it", self.commands_lost)?;
        }
        Ok(())
    }
}

impl ExitReport {
    /// Describes how a child ended that was asked to end.
    fn way(&self) -> &'static str {
        let status = self.end.status();
        match (self.killed, status, status.and_then(ExitStatus::signal)) {
            (true, Some(_), None) => "ended by itself just before it was killed",
            (true, ..) => "was killed",
            (false, _, Some(_)) => "was terminated",
            (false, ..) => "finished",
        }
    }
}

/// A report that many outcomes share.
pub(crate) type SharedReport = Arc<ExitReport>;
