//! Payloads of the signals of a child's life.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::controller::report::exit::ExitReport;
use crate::process::stream::OutputStream;

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

/// A child that has ended is about to be started again.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Restarting {
    /// Counts the restarts since the last run that lasted, from 1.
    pub attempt: u32,
    /// How long after its end.
    pub delay: Duration,
    /// How it has ended.
    pub report: Arc<ExitReport>,
}

impl fmt::Display for Restarting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempt, delay, report } = self;
        write!(f, "child `{}` is started again in {delay:?} (attempt {attempt})", report.name)
    }
}

/// A child that has ended is not started again, although its policy would have it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GaveUp {
    /// Why.
    pub reason: GiveUpReason,
    /// How it has ended the last time.
    pub report: Arc<ExitReport>,
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; it is given up: {}", self.report, self.reason)
    }
}

/// Why a child is not restarted, although its policy would allow it.
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
