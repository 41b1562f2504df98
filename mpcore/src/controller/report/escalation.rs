//! How far the controller goes with a child that keeps it waiting, and what its reports say: that
//! the child does not answer, what it is executing, which request it ignored.

use std::fmt;
use std::time::{Duration, Instant};

use crate::call_id::CallId;

/// How far to go with a child that does not answer
/// ([`ControlBuilder::on_unresponsive`](crate::ControlBuilder::on_unresponsive)) or with a command that is over
/// its deadline ([`ControlBuilder::on_timeout`](crate::ControlBuilder::on_timeout)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Escalation {
    /// Only report it.
    Report,
    /// Report it and cancel the command, which ends at its next check.
    Cancel,
    /// Report it, cancel the command, and kill the child if that did not help. The child's other
    /// commands end with it, and their report names the reason.
    Kill,
    /// Like `Kill`, and start the child again.
    Restart,
}

impl Escalation {
    /// Returns whether the last step is a kill.
    pub(crate) fn kills(self) -> bool {
        matches!(self, Self::Kill | Self::Restart)
    }
}

/// The command that a child is executing, as last reported by the child: at most one ping interval
/// ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecutingCommand {
    /// The call's number, [`Call::id`](crate::Call::id).
    pub call: CallId,
    /// The command's name.
    pub command: &'static str,
    /// When the child began to execute it.
    pub since: Instant,
}

impl fmt::Display for ExecutingCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (call {})", self.command, self.call)
    }
}

/// A child does not answer: its process is stopped, swapped out, or gets no CPU time. Payload of
/// the signal [`unresponsive`](crate::ProcessSignals).
///
/// If a debugger holds the child, `tracer` names it and no [`Escalation`] follows; if the child
/// still does not answer after the debugger has released it, the signal is emitted again.
///
/// A child that executes a long command does answer, from another thread. To limit how long a
/// command may take, use a deadline, see [`Call::timeout`](crate::Call::timeout).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unresponsive {
    /// When it stopped answering.
    pub since: Instant,
    /// What it was executing when it last answered, if that command has no outcome yet.
    pub executing: Option<ExecutingCommand>,
    /// The process that holds the child as its debugger, if any.
    pub tracer: Option<u32>,
}

impl fmt::Display for Unresponsive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the child does not answer")?;
        if let Some(tracer) = self.tracer {
            write!(f, ", since process {tracer} holds it as its debugger")?;
        }
        match &self.executing {
            Some(executing) => write!(f, "; it was executing {executing}"),
            None => Ok(()),
        }
    }
}

/// What a command ignored, so that its child had to be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IgnoredRequest {
    /// Its deadline.
    Deadline {
        /// The time that it had.
        after: Duration,
    },
    /// A cancel, see [`Call::cancel_or_kill`](crate::Call::cancel_or_kill).
    Cancel {
        /// The time that it had to end after the cancel.
        grace: Duration,
    },
}

impl fmt::Display for IgnoredRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline { after } => write!(f, "ran on after its deadline of {after:?}"),
            Self::Cancel { grace } => write!(f, "had not ended {grace:?} after it was cancelled"),
        }
    }
}
