//! How far the controller goes with a child that keeps it waiting, and what is told of it.

use std::fmt;
use std::time::{Duration, Instant};

/// How far to go with a child that does not answer
/// ([`Builder::on_unresponsive`](crate::Builder::on_unresponsive)) or with a command whose time is over
/// ([`Builder::on_timeout`](crate::Builder::on_timeout)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Escalation {
    /// Only tell.
    Tell,
    /// Tell, and ask the command for its end: it ends when it next looks.
    Cancel,
    /// Tell, ask, and kill the child if that did not help. Its other commands end with it, and their
    /// report names the reason.
    Kill,
    /// The same, and start the child again.
    Restart,
}

impl Escalation {
    /// Whether it ends with a kill.
    pub(crate) fn kills(self) -> bool {
        matches!(self, Self::Kill | Self::Restart)
    }
}

/// The command that a child is executing, as it has told last: at most an interval of pings ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Executing {
    /// The call's number, [`Call::id`](crate::Call::id).
    pub call: u64,
    /// The command's name.
    pub command: &'static str,
    /// When the child began to execute it.
    pub since: Instant,
}

impl fmt::Display for Executing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (call {})", self.command, self.call)
    }
}

/// A child does not answer: its process stands still, is swapped out, or gets no processor. Signal
/// [`unresponsive`](crate::ProcessSignals) brings it.
///
/// Where a debugger holds the child, that is what it says, and no [`Escalation`] follows; if the child does not answer
/// once it was let go, it comes again.
///
/// A child that executes a long command does answer, since another thread of it does; against a command that
/// takes too long there are deadlines, see [`Call::timeout`](crate::Call::timeout).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unresponsive {
    /// Since when it has not answered.
    pub since: Instant,
    /// What it was executing when it last did, if that has no outcome yet.
    pub executing: Option<Executing>,
    /// The process that holds the child as its debugger.
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

/// What a command did not heed, so that its child had to be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ignored {
    /// Its deadline.
    Deadline {
        /// How long it had.
        after: Duration,
    },
    /// A cancel, see [`Call::cancel_or_kill`](crate::Call::cancel_or_kill).
    Cancel {
        /// How long it had to end then.
        grace: Duration,
    },
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline { after } => write!(f, "ran on after its deadline of {after:?}"),
            Self::Cancel { grace } => write!(f, "had not ended {grace:?} after it was cancelled"),
        }
    }
}
