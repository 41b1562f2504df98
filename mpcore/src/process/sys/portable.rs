//! Systems without pidfds: one waiting thread per child, through shared_child.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use shared_child::SharedChild;

use super::Waker;
use crate::process::ExitStatus;
use crate::process::spawn::Spawned;

/// A started process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Arc<SharedChild>,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Spawned> {
        let child = Arc::new(SharedChild::spawn(command)?);
        let (stdin, stderr) = (child.take_stdin(), child.take_stderr());
        Ok(Spawned { process: Self { child }, stdin, stderr })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The status of a process that has ended.
    pub(crate) fn reap(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().map(super::status)
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
        let wake = std::sync::Mutex::new(sender.clone());
        let waker: Waker = Arc::new(move || {
            if let Ok(sender) = wake.lock() {
                let _ = sender.send(None);
            }
        });
        Ok((Self { sender, receiver }, waker))
    }

    pub(crate) fn watch(&mut self, key: u64, process: &Process) -> io::Result<()> {
        let (child, sender) = (Arc::clone(&process.child), self.sender.clone());
        let body = move || {
            let _ = child.wait();
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

/// Not to be had here; the closed lanes tell the child, unless it is stopped.
pub(crate) fn resume_when_parent_dies() {}

/// Unknown here.
pub(crate) fn socket_buffer() -> Option<u32> {
    None
}
