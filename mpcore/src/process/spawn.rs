//! The one thread that performs every spawn.
//!
//! One, because Linux ties "tell me when my parent dies" to the thread that spawned, so that thread
//! has to live as long as the process.

use std::io;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use std::sync::mpsc;
use std::sync::{Mutex, OnceLock};
use std::thread;

use super::sys;
use crate::sync::lock;

/// A started process and the controller's ends of its pipes.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) process: sys::Process,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
}

struct Job {
    command: Command,
    reply: mpsc::Sender<io::Result<Spawned>>,
}

/// Spawns on the spawn thread and waits for it, which takes about as long as `posix_spawn` does.
pub(crate) fn spawn(command: Command) -> io::Result<Spawned> {
    static JOBS: OnceLock<Mutex<mpsc::Sender<Job>>> = OnceLock::new();
    let jobs = JOBS.get_or_init(|| {
        let (sender, receiver) = mpsc::channel();
        let body = move || run(&receiver);
        // Without the thread the jobs are refused below.
        let _ = thread::Builder::new().name("mp-spawn".into()).spawn(body);
        Mutex::new(sender)
    });
    let no_thread = || io::Error::other("the spawn thread could not be started");
    let (reply, answer) = mpsc::channel();
    let job = Job { command, reply };
    lock(jobs).send(job).map_err(|_| no_thread())?;
    answer.recv().map_err(|_| no_thread())?
}

fn run(jobs: &mpsc::Receiver<Job>) {
    for Job { mut command, reply } in jobs {
        let _ = reply.send(sys::Process::spawn(&mut command));
    }
}
