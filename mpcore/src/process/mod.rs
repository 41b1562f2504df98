//! One operating-system process: spawning it, watching it, ending it, and what it writes.
//!
//! Knows nothing of commands or lanes. [`spawn`](mod@spawn) has the threads that perform every spawn,
//! [`watch`] is one that hears of every end and climbs every [`stop`] ladder, three that read every child's
//! [`output`]. What differs between systems stands in [`sys`].

mod lines;
pub(crate) mod output;
pub(crate) mod spawn;
mod start_deadline;
pub(crate) mod stop;
pub(crate) mod sys;
pub(crate) mod watch;

use std::fmt;

/// How a process ended: the code it returned, or −N for signal N.
///
/// ```
/// # use mpcore::ExitStatus;
/// let killed = ExitStatus::from_code(-9);
/// assert_eq!(killed.to_string(), "killed by signal 9 (SIGKILL)");
/// assert_eq!(killed.signal(), Some(9));
/// assert_eq!(ExitStatus::from_code(3).to_string(), "exit code 3");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitStatus {
    code: i32,
}

impl ExitStatus {
    /// From a code as [`ExitStatus::code`] returns it.
    #[must_use]
    pub const fn from_code(code: i32) -> Self {
        Self { code }
    }

    /// The code that the process returned, or −N if signal N ended it.
    #[must_use]
    pub const fn code(self) -> i32 {
        self.code
    }

    /// The signal that ended the process.
    #[must_use]
    pub const fn signal(self) -> Option<i32> {
        if cfg!(unix) && self.code < 0 { self.code.checked_neg() } else { None }
    }

    /// Whether the process returned 0.
    #[must_use]
    pub const fn success(self) -> bool {
        self.code == 0
    }
}

/// What is known of the end of a run.
///
/// ```
/// # use mpcore::{End, ExitStatus};
/// let end = End::Status(ExitStatus::from_code(3));
/// assert_eq!(end.to_string(), "exit code 3");
/// assert_eq!(end.status().map(ExitStatus::code), Some(3));
/// assert_eq!(End::Unknown.status(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The process has ended with this status. A child on a thread has the one that its process would have had.
    Status(ExitStatus),
    /// The process has ended, and its status is unknown: SIGCHLD is ignored in this program, so the system keeps
    /// none, or another part of the program has waited for the process.
    Unknown,
    /// The controller has closed its link to the process without having seen its end, since the process cannot
    /// be killed: it may still be there.
    LinkLost,
    /// There never was a process.
    NeverRan,
}

impl End {
    /// The process's exit status, where there is one and it is known.
    #[must_use]
    pub const fn status(self) -> Option<ExitStatus> {
        match self {
            Self::Status(status) => Some(status),
            _ => None,
        }
    }

    /// The code that the process returned, or −N if signal N ended it; `None` where that is unknown.
    #[must_use]
    pub const fn code(self) -> Option<i32> {
        match self {
            Self::Status(status) => Some(status.code()),
            _ => None,
        }
    }

    /// Whether the process is known to have returned 0.
    #[must_use]
    pub const fn success(self) -> bool {
        matches!(self, Self::Status(status) if status.success())
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            Self::Unknown => f.write_str("exit status unknown"),
            Self::LinkLost => f.write_str("it was not seen to end"),
            Self::NeverRan => f.write_str("it never ran"),
        }
    }
}

/// Why a process is still there a second after it was to be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unkillable {
    /// It belongs to another user, as a set-user-id program does, or a sandbox of this process forbids the signal.
    #[error(
        "this process has no permission to; the child has become another user, or a sandbox forbids it"
    )]
    NotPermitted,
    /// The kernel does not let it go (state D): a driver or a network file system does not answer.
    #[error(
        "it hangs in a system call (state D); look at the device, driver or network drive that it uses"
    )]
    Uninterruptible,
    /// A debugger or tracer holds it.
    #[error("process {tracer} traces it; let the debugger go on or detach")]
    Traced {
        /// The tracer's number.
        tracer: u32,
    },
    /// The reason is not known.
    #[error("it has not ended within a second of SIGKILL")]
    StillThere,
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.signal() {
            // Windows' codes for crashes are known by their hexadecimal form.
            None if self.code < 0 => write!(f, "exit code {:#x}", self.code),
            None => write!(f, "exit code {}", self.code),
            Some(signal) => {
                write!(f, "killed by signal {signal}")?;
                match sys::signal_name(signal) {
                    Some(name) => write!(f, " ({name})"),
                    None => Ok(()),
                }
            }
        }
    }
}
