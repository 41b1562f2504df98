//! Why a wait ended without what was waited for.

use std::time::Duration;

/// Why a wait ended without what was waited for. Not an outcome: the command or the run goes on, and
/// the wait may be repeated; only [`Interrupted`](Self::Interrupted) also cancels the call that was
/// waited for.
///
/// Everything that waits returns it, alone or as variant `Wait` of its own error:
/// [`CallError`](crate::CallError), [`JoinError`](crate::JoinError),
/// [`ReadyError`](crate::ReadyError), [`ReceiveError`](crate::ReceiveError),
/// [`shutdown`](crate::shutdown()).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The time was over.
    #[error("timed out after {0:?}")]
    Timeout(Duration),
    /// This thread [must not wait](crate::forbid_waiting_on_this_thread).
    #[error("this thread must not wait; connect a signal, or use `on_done` or `.await`")]
    Forbidden,
    /// The command that waits, here in a child, was asked to end. See
    /// [`Call::wait`](crate::Call::wait).
    #[error("the wait was ended: the waiting command was cancelled, or its child is being stopped")]
    Interrupted,
    /// More signals are queued for the inbox's thread than it may hold while a thread waits for a
    /// call.
    #[error(
        "gave up waiting: the inbox is over its hard limit; drain it, or wait on another thread"
    )]
    InboxOverflow,
    /// This process is a forked copy of the process that started the child.
    #[error("this process is a forked copy: wait in the process that started the child")]
    ForkedCopy,
}
