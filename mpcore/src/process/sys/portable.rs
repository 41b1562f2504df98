//! Systems without pidfds: one waiting thread per child.
//!
//! On Unix the thread waits without reaping, so the number stays taken until the watcher has killed
//! the group. On other systems shared_child waits, and handles distinguish the process from any
//! later one.
//!
//! The other functions are those of the module for Linux. Most of them do nothing here, or answer
//! that it is unknown.

use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use std::{io, thread};

#[cfg(not(unix))]
use self::shared::Waited;
#[cfg(unix)]
use self::unreaped::Waited;
use super::own_program::OwnProgram;
use super::wait::{Wait, Waker};
use crate::process::exit::{ExitStatus, Unkillable};
use crate::process::pipes::{PipeEnds, Pipes};

/// A started process that has not been reaped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Waited,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> io::Result<(Self, PipeEnds)> {
        let (child, pipes) = Waited::spawn(command)?;
        Ok((Self { child }, pipes.into()))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process gently, if the system supports that.
    pub(crate) fn terminate(&self) -> io::Result<()> {
        self.child.terminate()
    }

    /// Kills the process and its descendants. Fails if that was not permitted.
    pub(crate) fn kill(&self) -> io::Result<()> {
        self.child.kill()
    }

    /// Reaps the process if it has ended; does not wait.
    pub(crate) fn reap(&mut self) -> Wait {
        self.child.reap()
    }

    /// Reaps members of its group that have become children of this process. Returns whether some
    /// have not ended yet.
    pub(crate) fn reap_group(&self) -> bool {
        self.child.reap_group()
    }

    /// Not available here.
    pub(crate) fn status_before_reaping(&self) -> Option<ExitStatus> {
        None
    }

    /// The system does not report it.
    pub(crate) fn unkillable(&self) -> Unkillable {
        Unkillable::StillThere
    }
}

/// Not available here.
pub(crate) fn ignores_sigchld() -> Option<bool> {
    None
}

/// Waiting by `waitid` without reaping.
#[cfg(unix)]
mod unreaped {
    use std::io;
    use std::process::Command;

    use rustix::process::{Pid, Signal, WaitId};

    use super::Pipes;
    use crate::process::sys::wait::Wait;
    use crate::process::sys::waiting::{
        kill_group_of, reap, reap_group, signal_by_number, wait_unreaped,
    };

    #[derive(Debug)]
    pub(super) struct Waited {
        pid: Pid,
        reaped: bool,
    }

    impl Waited {
        pub(super) fn spawn(command: &mut Command) -> io::Result<(Self, Pipes)> {
            let mut child = command.spawn()?;
            let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
            Ok((Self { pid: Pid::from_child(&child), reaped: false }, pipes))
        }

        pub(super) fn id(&self) -> u32 {
            self.pid.as_raw_nonzero().get().unsigned_abs()
        }

        pub(super) fn terminate(&self) -> io::Result<()> {
            self.signal(Signal::TERM)
        }

        pub(super) fn kill(&self) -> io::Result<()> {
            if !self.reaped {
                kill_group_of(&WaitId::Pid(self.pid), self.pid);
            }
            self.signal(Signal::KILL)
        }

        fn signal(&self, signal: Signal) -> io::Result<()> {
            if self.reaped { Ok(()) } else { signal_by_number(self.pid, signal) }
        }

        pub(super) fn reap(&mut self) -> Wait {
            if self.reaped {
                return Wait::ReapedElsewhere;
            }
            let wait = reap(&WaitId::Pid(self.pid));
            self.reaped = wait != Wait::NotYet;
            wait
        }

        pub(super) fn reap_group(&self) -> bool {
            reap_group(self.pid)
        }

        /// Returns the body of the waiting thread.
        pub(super) fn waiter(&self) -> impl FnOnce() + Send + 'static {
            let pid = self.pid;
            move || wait_unreaped(pid)
        }
    }
}

/// Waiting by shared_child.
#[cfg(not(unix))]
mod shared {
    use std::io;
    use std::process::Command;
    use std::sync::Arc;

    use shared_child::SharedChild;

    use super::Pipes;
    use crate::process::exit::ExitStatus;
    use crate::process::sys::wait::Wait;
    use crate::process::sys::windows::kill_tree;

    #[derive(Debug)]
    pub(super) struct Waited(Arc<SharedChild>);

    impl Waited {
        pub(super) fn spawn(command: &mut Command) -> io::Result<(Self, Pipes)> {
            let child = SharedChild::spawn(command)?;
            let pipes = (child.take_stdin(), child.take_stdout(), child.take_stderr());
            Ok((Self(Arc::new(child)), pipes))
        }

        pub(super) fn id(&self) -> u32 {
            self.0.id()
        }

        /// There is no gentle way here.
        pub(super) fn terminate(&self) -> io::Result<()> {
            self.kill()
        }

        pub(super) fn kill(&self) -> io::Result<()> {
            kill_tree(self.id());
            Ok(())
        }

        pub(super) fn reap(&mut self) -> Wait {
            match self.0.try_wait() {
                Ok(None) => Wait::NotYet,
                Ok(Some(status)) => {
                    Wait::Status(ExitStatus::from_code(status.code().unwrap_or(-1)))
                }
                Err(_) => Wait::ReapedElsewhere,
            }
        }

        /// Does nothing: there are no groups.
        pub(super) fn reap_group(&self) -> bool {
            false
        }

        /// Returns the body of the waiting thread.
        pub(super) fn waiter(&self) -> impl FnOnce() + Send + 'static {
            let child = Arc::clone(&self.0);
            move || drop(child.wait())
        }
    }
}

/// Waits for the ends of many processes.
#[derive(Debug)]
pub(crate) struct Exits {
    sender: mpsc::Sender<Option<u64>>,
    receiver: mpsc::Receiver<Option<u64>>,
}

impl Exits {
    pub(crate) fn new() -> io::Result<(Self, Waker)> {
        let (sender, receiver) = mpsc::channel();
        let wake = Mutex::new(sender.clone());
        let waker: Waker = Arc::new(move || {
            if let Ok(sender) = wake.lock() {
                let _ = sender.send(None);
            }
        });
        Ok((Self { sender, receiver }, waker))
    }

    pub(crate) fn watch(&mut self, key: u64, process: &mut Process) -> io::Result<()> {
        let (wait, sender) = (process.child.waiter(), self.sender.clone());
        let body = move || {
            wait();
            let _ = sender.send(Some(key));
        };
        thread::Builder::new().name("mp-wait".into()).spawn(body).map(drop)
    }

    /// Waits for an end, a wake or the deadline; returns the keys of processes that have ended.
    pub(crate) fn wait(&mut self, deadline: Option<Instant>) -> Vec<u64> {
        let first = match deadline {
            None => self.receiver.recv().ok(),
            Some(at) => {
                match self.receiver.recv_timeout(at.saturating_duration_since(Instant::now())) {
                    Ok(message) => Some(message),
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
                }
            }
        };
        first.into_iter().chain(self.receiver.try_iter()).flatten().collect()
    }
}

/// Returns this program.
pub(crate) fn own_program() -> io::Result<OwnProgram> {
    let (path, argv0) = (std::env::current_exe()?, std::env::args_os().next());
    Ok(OwnProgram { path, argv0, leading: Vec::new() })
}

/// Unknown here.
pub(crate) fn tracer_of(_process: u32) -> Option<u32> {
    None
}

/// Unknown here.
pub(crate) fn held_by(_process: u32) -> Option<u32> {
    None
}

/// Does nothing: not needed here.
pub(crate) fn let_any_process_trace() {}

/// Not available here.
pub(crate) fn name_process(_name: &str) {}

/// Not available here: the child notices the closed lanes, unless it is stopped.
pub(crate) fn resume_when_parent_dies() {}

/// Unknown here.
pub(crate) fn socket_buffer() -> Option<u32> {
    None
}
