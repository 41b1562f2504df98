//! Systems without pidfds: one waiting thread per child.
//!
//! On Unix the thread waits without reaping, so the number stays taken until the watcher has killed the
//! group; elsewhere shared_child waits, and handles keep the process apart from any later one.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use super::Waker;
use crate::process::ExitStatus;
use crate::process::spawn::Spawned;

#[cfg(not(unix))]
use self::shared::Waited;
#[cfg(unix)]
use self::unreaped::Waited;

/// A started process that has not been reaped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Waited,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Spawned> {
        let (child, (stdin, stdout, stderr)) = Waited::spawn(command)?;
        Ok(Spawned { process: Self { child }, stdin, stdout, stderr })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reaps a process that has ended.
    pub(crate) fn reap(&mut self) -> io::Result<ExitStatus> {
        self.child.reap().map(super::status)
    }
}

/// The controller's ends of stdin, stdout and stderr.
type Pipes = (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>);

/// Waiting by `waitid` without reaping.
#[cfg(unix)]
mod unreaped {
    use std::io;
    use std::process::{Child, Command, ExitStatus};

    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    use super::Pipes;

    #[derive(Debug)]
    pub(super) struct Waited(Child);

    impl Waited {
        pub(super) fn spawn(command: &mut Command) -> io::Result<(Self, Pipes)> {
            let mut child = command.spawn()?;
            let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
            Ok((Self(child), pipes))
        }

        pub(super) fn id(&self) -> u32 {
            self.0.id()
        }

        pub(super) fn reap(&mut self) -> io::Result<ExitStatus> {
            self.0.wait()
        }

        /// What the waiting thread does.
        pub(super) fn waiter(&self) -> impl FnOnce() + Send + 'static {
            let pid = Pid::from_child(&self.0);
            move || {
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
            }
        }
    }
}

/// Waiting by shared_child.
#[cfg(not(unix))]
mod shared {
    use std::io;
    use std::process::{Command, ExitStatus};
    use std::sync::Arc;

    use shared_child::SharedChild;

    use super::Pipes;

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

        pub(super) fn reap(&mut self) -> io::Result<ExitStatus> {
            self.0.wait()
        }

        /// What the waiting thread does.
        pub(super) fn waiter(&self) -> impl FnOnce() + Send + 'static {
            let child = Arc::clone(&self.0);
            move || drop(child.wait())
        }
    }
}

/// Hears of the ends of many processes.
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

    /// Waits for an end, a wake or the deadline; returns whose process has ended.
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

/// The own program.
pub(crate) fn own_program() -> io::Result<(PathBuf, Option<OsString>)> {
    Ok((std::env::current_exe()?, std::env::args_os().next()))
}

/// Unknown here.
pub(crate) fn tracer_of(_process: u32) -> Option<u32> {
    None
}

/// Nothing has to be done here.
pub(crate) fn let_any_process_trace() {}

/// Not to be had here.
pub(crate) fn name_process(_name: &str) {}

/// Not to be had here; the closed lanes tell the child, unless it is stopped.
pub(crate) fn resume_when_parent_dies() {}

/// Unknown here.
pub(crate) fn socket_buffer() -> Option<u32> {
    None
}
