//! The result of waiting for a process, and how a wait is ended.

use crate::process::exit::ExitStatus;

/// The result of waiting for a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It is running, or a tracer has not yet released it after its end.
    NotYet,
    Status(ExitStatus),
    /// Something else reaped it, so its status is unknown and its number may belong to another
    /// process.
    ReapedElsewhere,
}

impl Wait {
    /// Returns whether its number still refers to it.
    #[cfg(unix)]
    pub(crate) fn holds_its_number(self) -> bool {
        self != Self::ReapedElsewhere
    }
}

/// Ends the wait of an [`Exits`](super::Exits).
pub(crate) type Waker = std::sync::Arc<dyn Fn() + Send + Sync>;
