//! Limits of a child (resources, nice level, privileges, access to files): requested by the
//! controller, set by the child itself.
//!
//! The limits travel in the first record ([`handshake`](crate::wire::messages::handshake)), so that
//! the child can set them before it has decoded anything else. This module only collects and checks
//! them; a [`LimitsError`] reports limits that no child can have.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limits::{CHILD_MEMORY, CHILD_OPEN_FILES, SANDBOX_BYTES};
use crate::wire::messages::sandbox::Sandbox;

/// Limits of a child, for [`ControlBuilder::limits`](crate::ControlBuilder::limits).
///
/// The child sets them itself at the very start of [`init`](crate::init()), before its config is
/// decoded. Processes that it starts inherit them, each with a full allowance of its own. They only
/// ever lower the controller's limits: a child never has more than its controller. If a limit
/// cannot be set, the start ends with [`RunFailure::Limits`](crate::RunFailure::Limits); if the system
/// does not support it, `build` refuses it.
///
/// ```no_run
/// # #[mpcore::process] trait Laser { fn fire(&mut self); }
/// # fn f() -> Result<(), mpcore::StartError> {
/// use std::time::Duration;
///
/// use mpcore::ChildLimits;
///
/// let limits = ChildLimits::new()
///     .memory(2 << 30)
///     .cpu_time(Duration::from_secs(3600))
///     .open_files(256)
///     .nice(10)
///     .no_new_privileges();
/// let laser = LaserControl::builder().program("laser-child").limits(limits).spawn()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildLimits {
    pub(crate) memory: Option<u64>,
    pub(crate) cpu_time: Option<Duration>,
    pub(crate) open_files: Option<u64>,
    pub(crate) nice: Option<i32>,
    pub(crate) no_new_privileges: bool,
    pub(crate) sandbox: Option<Sandbox>,
}

/// Why no child can have these limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitsError {
    /// The framework could not work in such a child.
    #[error("a child that may open {asked} files cannot serve; allow at least {need}")]
    OpenFiles {
        /// The requested limit.
        asked: u64,
        /// The number that the framework needs.
        need: u64,
    },
    /// The framework could not work in such a child.
    #[error("a child with {asked} bytes of memory cannot serve; allow at least {need}")]
    Memory {
        /// The requested limit.
        asked: u64,
        /// The number that the framework needs.
        need: u64,
    },
    /// The system counts whole seconds.
    #[error("CPU time is counted in whole seconds; allow at least one")]
    CpuTime,
    /// Out of range.
    #[error("there is no nice level {0}; levels go from -20, which comes first, to 19")]
    Nice(i32),
    /// The paths do not fit into the first record.
    #[error(
        "the paths of the sandbox take {bytes} bytes and must not take more than {most}; name folders \
         instead of the files in them"
    )]
    TooManyPaths {
        /// The size of the paths.
        bytes: usize,
        /// The allowed size.
        most: usize,
    },
    /// A child on a thread has no limits of its own.
    #[error("an in-process child shares its process with the controller, so it can have no limits")]
    InProcess,
    /// The system does not support a limit. Ignoring that silently would be worse.
    #[error("this system cannot limit {0}; leave that limit out here")]
    NotSupported(&'static str),
}

impl ChildLimits {
    /// Sets no limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the child's own data to this many bytes of memory: heap, stacks of threads, private
    /// maps. At least 16 MiB. Linux.
    ///
    /// An allocation beyond the limit fails, which ends a Rust program with SIGABRT; its last line
    /// on stderr, which is in the exit report, names the requested size. This is `RLIMIT_DATA`, and
    /// not `RLIMIT_AS`: address space is reserved in large pieces that are never used, so a limit
    /// on it is hit at random, for example by another thread. Files and shared memory that are
    /// mapped do not count.
    ///
    /// ```
    /// # use mpcore::ChildLimits;
    /// let limits = ChildLimits::new().memory(512 << 20);
    /// ```
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Limits the child's CPU time, over all its threads, in whole seconds, rounded up. Waiting
    /// does not count. Unix.
    ///
    /// A child that has used up its time is ended by SIGXCPU, which the exit report names; one that
    /// ignores the signal is killed a second later.
    ///
    /// ```
    /// # use mpcore::ChildLimits;
    /// let limits = ChildLimits::new().cpu_time(std::time::Duration::from_secs(60));
    /// ```
    #[must_use]
    pub fn cpu_time(mut self, time: Duration) -> Self {
        self.cpu_time = Some(time);
        self
    }

    /// Limits how many files, sockets and pipes the child may have open at once, including those of
    /// the framework. At least 24, more if the program inherits open files. Opening one more fails
    /// with an error that names this cause. Unix.
    ///
    /// ```
    /// # use mpcore::ChildLimits;
    /// let limits = ChildLimits::new().open_files(64);
    /// ```
    #[must_use]
    pub fn open_files(mut self, files: u64) -> Self {
        self.open_files = Some(files);
        self
    }

    /// Sets the child's nice level: 0 is the usual one; at 19 it runs only when no other process
    /// wants the processor. A level below the controller's own needs a privilege. Unix.
    ///
    /// ```
    /// # use mpcore::ChildLimits;
    /// let limits = ChildLimits::new().nice(10);
    /// ```
    #[must_use]
    pub fn nice(mut self, level: i32) -> Self {
        self.nice = Some(level);
        self
    }

    /// Prevents processes that the child starts from gaining more rights than the child itself:
    /// set-user-id programs such as `sudo` run without theirs. Linux.
    ///
    /// ```
    /// # use mpcore::ChildLimits;
    /// let limits = ChildLimits::new().no_new_privileges();
    /// ```
    #[must_use]
    pub fn no_new_privileges(mut self) -> Self {
        self.no_new_privileges = true;
        self
    }

    /// Restricts the files that the child may access. Linux.
    ///
    /// ```
    /// use mpcore::{ChildLimits, Sandbox};
    ///
    /// let sandbox = Sandbox::new().read_only(["/usr", "/etc"]).read_write(["/tmp/laser"]);
    /// let limits = ChildLimits::new().sandbox(sandbox);
    /// ```
    #[cfg(feature = "sandbox")]
    #[must_use]
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.sandbox = Some(sandbox);
        self
    }

    /// Checks whether a child may have these limits on this system.
    pub(crate) fn check(&self) -> Result<(), LimitsError> {
        self.supported_where(cfg!(unix), cfg!(target_os = "linux"))?;
        if let Some(asked) = self.open_files.filter(|asked| *asked < CHILD_OPEN_FILES) {
            return Err(LimitsError::OpenFiles { asked, need: CHILD_OPEN_FILES });
        }
        if let Some(asked) = self.memory.filter(|asked| *asked < CHILD_MEMORY) {
            return Err(LimitsError::Memory { asked, need: CHILD_MEMORY });
        }
        if self.cpu_time.is_some_and(|time| time.is_zero()) {
            return Err(LimitsError::CpuTime);
        }
        if let Some(level) = self.nice.filter(|level| !(-20..=19).contains(level)) {
            return Err(LimitsError::Nice(level));
        }
        let bytes = self.sandbox.as_ref().map_or(0, Sandbox::bytes);
        if bytes > SANDBOX_BYTES {
            return Err(LimitsError::TooManyPaths { bytes, most: SANDBOX_BYTES });
        }
        Ok(())
    }

    /// Checks whether such a system supports the requested limits.
    fn supported_where(&self, is_unix: bool, is_linux: bool) -> Result<(), LimitsError> {
        let asked = [
            ("memory", self.memory.is_some(), is_linux),
            ("CPU time", self.cpu_time.is_some(), is_unix),
            ("open files", self.open_files.is_some(), is_unix),
            ("the nice level", self.nice.is_some(), is_unix),
            ("new privileges", self.no_new_privileges, is_linux),
            ("access to files", self.sandbox.is_some(), is_linux),
        ];
        match asked.iter().find(|(_, asked, supported)| *asked && !supported) {
            Some((what, ..)) => Err(LimitsError::NotSupported(what)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused_with_what_would() {
        let new = ChildLimits::new;
        let cases = [
            (new(), None),
            (new().open_files(24).memory(16 << 20).cpu_time(Duration::from_nanos(1)), None),
            (new().nice(-20), None),
            (new().nice(19), None),
            (new().open_files(23), Some("open 23 files cannot serve; allow at least 24")),
            (new().memory(1), Some("allow at least 16777216")),
            (new().cpu_time(Duration::ZERO), Some("at least one")),
            (new().nice(20), Some("no nice level 20")),
            (new().nice(-21), Some("no nice level -21")),
        ];
        for (limits, expected) in cases {
            let refused = limits.check().err().map(|error| error.to_string());
            match (&refused, expected) {
                (None, None) => {}
                (Some(refused), Some(text)) if refused.contains(text) => {}
                _ => panic!("{limits:?}: {refused:?}"),
            }
        }
    }

    #[test]
    fn what_the_system_lacks_is_refused_by_name() {
        let (everywhere, unix) = (ChildLimits::new(), ChildLimits::new().nice(1).open_files(100));
        let linux = ChildLimits::new().no_new_privileges();
        assert_eq!(everywhere.supported_where(false, false), Ok(()));
        assert_eq!(unix.supported_where(true, false), Ok(()));
        let error = unix.supported_where(false, false).unwrap_err();
        assert_eq!(error, LimitsError::NotSupported("open files"));
        assert_eq!(linux.supported_where(true, true), Ok(()));
        let error = linux.supported_where(true, false).unwrap_err();
        assert!(error.to_string().contains("new privileges"), "{error}");
    }
}
