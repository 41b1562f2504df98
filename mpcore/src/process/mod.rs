//! One operating-system process: spawning it, watching it, ending it, and what it writes.
//!
//! Knows nothing of commands or lanes. [`spawn`](mod@spawn) is one thread that performs every spawn,
//! [`watch`] one that hears of every end and climbs every [`stop`] ladder, two that read every child's
//! [`output`]. What differs between systems stands in [`sys`].

mod lines;
pub(crate) mod output;
pub(crate) mod spawn;
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
