//! How a run of a child went: its states, why it failed, and the report of its end.

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

/// Where in its life a child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Not started. Commands wait.
    Created,
    /// Started, not yet ready. Commands wait.
    Starting,
    /// Constructor and `postrun_init` have succeeded.
    Running,
    /// Asked to [finish](crate::Process::finish): what is queued is done. New commands end as
    /// [`CallError::Finishing`](crate::CallError::Finishing).
    Finishing,
    /// Asked to stop. New commands end as stopped, or wait for the next run if it stops for a `restart`.
    Stopping,
    /// Ended as asked; the report says whether it had to be killed.
    Finished,
    /// Never got ready.
    Failed,
    /// Ended by itself, by a signal, because it broke the protocol, or because it kept its controller
    /// waiting too long.
    Crashed,
}

impl State {
    /// Whether there is, or is about to be, a child.
    #[must_use]
    pub fn is_alive(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Finishing | Self::Stopping)
    }

    /// Whether a run has ended.
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

/// Why a run ended other than as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The system refused to start the program.
    #[error("`{program}` could not be started: {message}; {advice}")]
    Spawn {
        /// The program.
        program: String,
        /// What the system said.
        message: String,
        /// What to do.
        advice: &'static str,
    },
    /// The system refused something that a run needs: a thread, a descriptor, randomness, memory for what the child
    /// sends.
    #[error(
        "the system refused what the run needs: {0}; check the limits on open files, threads and memory"
    )]
    Resources(String),
    /// The process ended before it was ready.
    #[error("the child ended before it was ready ({status}){advice}{}", escaped(.stderr))]
    EndedBeforeReady {
        /// How it ended.
        status: ExitStatus,
        /// Where to look, as the rest of a sentence.
        advice: &'static str,
        /// The end of what it wrote to stderr, as a sentence, or nothing.
        stderr: String,
    },
    /// Not ready in time.
    #[error(
        "the child was not ready within {deadline:?}; if it needs longer to start, set \
         `builder().start_deadline(..)`, and a program that never calls `mpcore::init()` or \
         `child_main` is no child"
    )]
    StartDeadline {
        /// How long it had.
        deadline: Duration,
    },
    /// Not ready in time, while a debugger or another tracer held it.
    #[error(
        "the child was not ready within {deadline:?}, while process {tracer} held it as its debugger; set \
         `MPCORE_DEBUG` to its name, so that no deadline acts"
    )]
    HeldByTracer {
        /// The number of the debugger's process.
        tracer: u32,
        /// How long the child had.
        deadline: Duration,
    },
    /// The two sides were built from different interfaces.
    #[error("{0}")]
    Mismatch(Mismatch),
    /// The two sides were built with different protocols of the framework.
    #[error(
        "the child speaks protocol {child}, the controller {controller}; build both with the same mpcore"
    )]
    Protocol {
        /// The child's.
        child: u32,
        /// The controller's.
        controller: u32,
    },
    /// The child could not set one of its [limits](crate::ChildLimits), and so did not begin.
    #[error("the child could not set its limits ({}): {}", escaped(.what), escaped(.message))]
    Limits {
        /// Which one: memory, CPU time, open files, nice level, no new privileges, or sandbox.
        what: String,
        /// What the system said, or what is missing.
        message: String,
    },
    /// The child could not read its config, or a large one could not be encoded for it.
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
    /// The process ended by itself while it was running.
    #[error("the child crashed: {status}")]
    Crashed {
        /// How it ended.
        status: ExitStatus,
    },
    /// The process ended by itself, and its exit status is unknown: the system keeps none, or it was given to
    /// another part of this program.
    #[error("the child ended by itself{when}, and its exit status is unknown: {why}{stderr}")]
    EndUnknown {
        /// When, as the rest of a sentence; nothing, if it had been ready.
        when: &'static str,
        /// What takes the status away, and what to do.
        why: &'static str,
        /// The end of what it wrote to stderr, as a sentence, or nothing.
        stderr: String,
    },
    /// The process was to be killed, and has not ended. Nothing waits for it any more: its commands have their
    /// outcomes, its lanes are closed, and another run may begin. It is reaped when it ends.
    #[error("the process {pid} cannot be killed, so it is given up: {why}{}", first(because.as_deref()))]
    Unkillable {
        /// Its number.
        pid: u32,
        /// What keeps it.
        why: Unkillable,
        /// Why it was killed, if its end had not been asked for.
        because: Option<Box<Failure>>,
    },
    /// The child sent what no child sends, and was killed.
    #[error("the child broke the protocol and was killed: {}", escaped(.0))]
    Broken(String),
    /// One command did not heed what it was asked, and the child was killed for it. That command ended as
    /// cancelled or timed out; what else it had to do ended with the child.
    #[error("the child was killed because `{command}` (call {call}) {ignored}")]
    KilledFor {
        /// The command's name.
        command: &'static str,
        /// The call's number.
        call: u64,
        /// What it did not heed.
        ignored: Ignored,
    },
    /// The child did not answer, and was killed.
    #[error("the child did not answer for {silent:?} and was killed{}", last_seen(executing.as_ref()))]
    Unresponsive {
        /// For how long.
        silent: Duration,
        /// What it was executing when it last answered, if that had no outcome.
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

/// What is known of the child's `cleanup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cleanup {
    /// It has run: the child's goodbye says so.
    Ran,
    /// It has not: there was no child to clean up, as after a failed constructor, or the child was killed or has
    /// crashed, and nothing here had asked it to stop.
    Skipped,
    /// The child was stopping, and ended without a goodbye: `cleanup` may have run, in whole, in part or not at
    /// all. The same of a child that has broken the protocol or has lost its lane, and of one that is given up.
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

/// The end of one run. Signal `finished` brings it, and every command that the end took along.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExitReport {
    /// The child's name.
    pub name: String,
    /// Counts the runs: 1 for the first.
    pub generation: u32,
    /// The process's number; `None` for an in-process child and one that never started.
    pub pid: Option<u32>,
    /// [`State::Finished`], [`State::Failed`] or [`State::Crashed`].
    pub state: State,
    /// What is known of the process's end.
    pub end: End,
    /// The exit status of `end`, if there is one and it is known.
    pub status: Option<ExitStatus>,
    /// Why it was asked to end, if it was; of one that has ended in order by itself, what it says.
    pub reason: Option<StopReason>,
    /// Whether the controller had to kill it, or did because it was asked to.
    pub killed: bool,
    /// Whether `cleanup` has run. A kill skips it.
    pub cleanup: Cleanup,
    /// What `cleanup` panicked with.
    pub cleanup_panic: Option<PanicReport>,
    /// Why, if it did not end as asked.
    pub failure: Option<Failure>,
    /// Commands that were submitted and ended with this run.
    pub commands_lost: usize,
    /// Commands that the wish to end has taken, or refused, before they ran.
    pub commands_stopped: usize,
    /// The last lines of stderr, at most 64, wherever stderr goes.
    pub stderr: Vec<String>,
    /// Captured lines that were dropped because too many waited for the inbox's thread; see
    /// [`ProcessSignals::lines_dropped`](crate::ProcessSignals::lines_dropped).
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
    /// How a child ended that was asked to.
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
