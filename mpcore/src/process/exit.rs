//! How a process or a run ended, and why a process cannot be killed.

use std::fmt;

use crate::process::sys::signal_name::signal_name;

/// How a process ended: its exit code, or −N for signal N.
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
    /// Creates a status from a code as returned by [`ExitStatus::code`].
    #[must_use]
    pub const fn from_code(code: i32) -> Self {
        Self { code }
    }

    /// Returns the exit code, or −N if signal N ended the process.
    #[must_use]
    pub const fn code(self) -> i32 {
        self.code
    }

    /// Returns the signal that ended the process, if any.
    #[must_use]
    pub const fn signal(self) -> Option<i32> {
        if cfg!(unix) && self.code < 0 { self.code.checked_neg() } else { None }
    }

    /// Returns whether the process exited with 0.
    #[must_use]
    pub const fn success(self) -> bool {
        self.code == 0
    }
}

/// How a run ended, as far as known.
///
/// ```
/// # use mpcore::{ProcessEnd, ExitStatus};
/// let end = ProcessEnd::Status(ExitStatus::from_code(3));
/// assert_eq!(end.to_string(), "exit code 3");
/// assert_eq!(end.status().map(ExitStatus::code), Some(3));
/// assert_eq!(ProcessEnd::Unknown.status(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessEnd {
    /// The process has ended with this status. For a child on a thread it is the status that a
    /// process would have had.
    Status(ExitStatus),
    /// The process has ended, and its status is unknown: SIGCHLD is ignored in this program, so the
    /// system keeps no status, or another part of the program has waited for the process.
    Unknown,
    /// The controller has closed its link to the process without having seen its end, because the
    /// process cannot be killed: it may still be running.
    LinkLost,
    /// There was never a process.
    NeverRan,
}

impl ProcessEnd {
    /// Returns a word for the kind of end, as QML names it.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Unknown => "unknown",
            Self::LinkLost => "link_lost",
            Self::NeverRan => "never_ran",
        }
    }

    /// Returns the process's exit status, if there is one and it is known.
    #[must_use]
    pub const fn status(self) -> Option<ExitStatus> {
        match self {
            Self::Status(status) => Some(status),
            _ => None,
        }
    }

    /// Returns the exit code, or −N if signal N ended the process; `None` if it is unknown.
    #[must_use]
    pub const fn code(self) -> Option<i32> {
        match self {
            Self::Status(status) => Some(status.code()),
            _ => None,
        }
    }

    /// Returns whether the process is known to have exited with 0.
    #[must_use]
    pub const fn success(self) -> bool {
        matches!(self, Self::Status(status) if status.success())
    }
}

impl fmt::Display for ProcessEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            Self::Unknown => f.write_str("exit status unknown"),
            Self::LinkLost => f.write_str("it was not seen to end"),
            Self::NeverRan => f.write_str("it never ran"),
        }
    }
}

/// Why a process is still running a second after SIGKILL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unkillable {
    /// The process belongs to another user, as a set-user-id program does, or a sandbox of this
    /// process forbids the signal.
    #[error(
        "this process is not permitted to kill it; the child has become another user, or a sandbox forbids it"
    )]
    NotPermitted,
    /// The kernel does not release it (state D): a driver or a network file system does not
    /// respond.
    #[error(
        "it hangs in a system call (state D); check the device, driver or network drive that it uses"
    )]
    Uninterruptible,
    /// A debugger or tracer holds the process.
    #[error("process {tracer} traces it; continue or detach the debugger")]
    Traced {
        /// The tracer's process id.
        tracer: u32,
    },
    /// The reason is unknown.
    #[error("it has not ended within a second of SIGKILL")]
    StillThere,
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.signal() {
            // Windows codes for crashes are commonly written in hexadecimal.
            None if self.code < 0 => write!(f, "exit code {:#x}", self.code),
            None => write!(f, "exit code {}", self.code),
            Some(signal) => {
                write!(f, "killed by signal {signal}")?;
                match signal_name(signal) {
                    Some(name) => write!(f, " ({name})"),
                    None => Ok(()),
                }
            }
        }
    }
}
