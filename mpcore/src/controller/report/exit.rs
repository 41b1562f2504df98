//! How a run of a child went: its states, what is known about its `cleanup`, and the report of its
//! end.

use std::fmt;
use std::sync::Arc;

use crate::controller::report::failure::RunFailure;
use crate::process::{ExitStatus, ProcessEnd};
use crate::wire::messages::report::PanicReport;
use crate::wire::messages::stop_reason::StopReason;

/// The state of a child's life cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProcessState {
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

impl ProcessState {
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

impl fmt::Display for ProcessState {
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

/// What is known about the child's `cleanup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CleanupStatus {
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

impl fmt::Display for CleanupStatus {
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
    /// [`ProcessState::Finished`], [`ProcessState::Failed`] or [`ProcessState::Crashed`].
    pub state: ProcessState,
    /// What is known about the end of the process.
    pub end: ProcessEnd,
    /// The exit status in `end`, if there is one and it is known.
    pub status: Option<ExitStatus>,
    /// Why it was asked to end, if it was; if it ended in order by itself, the reason that it gave.
    pub reason: Option<StopReason>,
    /// Whether the controller killed it, because it had to or was asked to.
    pub killed: bool,
    /// Whether `cleanup` ran. A kill skips it.
    pub cleanup: CleanupStatus,
    /// The panic of `cleanup`, if it panicked.
    pub cleanup_panic: Option<PanicReport>,
    /// Why it did not end as requested, if so.
    pub failure: Option<RunFailure>,
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
