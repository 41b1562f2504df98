//! Payloads of the signals of a child's life cycle: the progress of a command, lines that were
//! dropped, a restart, and why none follows.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::call_id::CallId;
use crate::controller::report::exit::ExitReport;
use crate::process::stream::OutputStream;

/// The progress of one command.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The call's number, [`Call::id`](crate::Call::id).
    pub call: CallId,
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

/// A child that has ended is about to be started again.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Restarting {
    /// The number of this restart since the last run that lasted; 1 for the first.
    pub attempt: u32,
    /// The time between the end of the last run and the restart.
    pub delay: Duration,
    /// How the last run ended.
    pub report: Arc<ExitReport>,
}

impl fmt::Display for Restarting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempt, delay, report } = self;
        write!(f, "child `{}` will be restarted in {delay:?} (attempt {attempt})", report.name)
    }
}

/// A child that has ended is not restarted, although its policy asks for it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RestartGivenUp {
    /// Why.
    pub reason: GiveUpReason,
    /// How the last run ended.
    pub report: Arc<ExitReport>,
}

impl fmt::Display for RestartGivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; not restarted: {}", self.report, self.reason)
    }
}

/// Why a child is not restarted, although its policy asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GiveUpReason {
    /// The child was restarted as often as the policy allows.
    #[error("it was restarted {restarts} times within {within:?}")]
    TooManyRestarts {
        /// The number of restarts.
        restarts: u32,
        /// The time in which they happened.
        within: Duration,
    },
    /// The start failed for a reason that would fail the next one as well.
    #[error("another start would fail in the same way")]
    Hopeless,
}
