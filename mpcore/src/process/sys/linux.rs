//! Linux: pidfds, `/proc/self/exe`, the parent-death signal.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Instant;

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, socketpair,
    sockopt,
};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, set_parent_process_death_signal};

use super::Waker;
use crate::process::ExitStatus;
use crate::process::spawn::Spawned;

/// A started process that has not been reaped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Until somebody watches it.
    pidfd: Option<OwnedFd>,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Spawned> {
        let mut child = command.spawn()?;
        let open = || Ok(pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?);
        let pidfd = match super::above(open, |pidfd| vec![pidfd.as_raw_fd()]) {
            Ok(pidfd) => pidfd,
            Err(error) => {
                // Without it nobody would notice its end: better none at all.
                super::kill_group(child.id());
                let _ = child.wait();
                return Err(error);
            }
        };
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Ok(Spawned { process: Self { child, pidfd: Some(pidfd) }, stdin, stdout, stderr })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reaps a process that has ended.
    pub(crate) fn reap(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().map(super::status)
    }
}

/// Hears of the ends of many processes.
#[derive(Debug)]
pub(crate) struct Exits {
    wake: io::PipeReader,
    watched: Vec<(u64, OwnedFd)>,
}

impl Exits {
    pub(crate) fn new() -> io::Result<(Self, Waker)> {
        let (wake, waker) = super::pipe()?;
        // A pipe that is full wakes as well as one with a byte in it, so the writer may fail.
        rustix::io::ioctl_fionbio(&waker, true)?;
        let waker: Waker = Arc::new(move || {
            let _ = (&waker).write(&[1]);
        });
        Ok((Self { wake, watched: Vec::new() }, waker))
    }

    pub(crate) fn watch(&mut self, key: u64, process: &mut Process) -> io::Result<()> {
        let pidfd = process.pidfd.take().ok_or(io::ErrorKind::InvalidInput)?;
        self.watched.push((key, pidfd));
        Ok(())
    }

    /// Waits for an end, a wake or the deadline; returns whose process has ended. It is not reaped.
    pub(crate) fn wait(&mut self, deadline: Option<Instant>) -> Vec<u64> {
        let mut fds: Vec<&dyn AsFd> = vec![&self.wake];
        fds.extend(self.watched.iter().map(|(_, pidfd)| pidfd as &dyn AsFd));
        let ready = super::poll_readable(&fds, deadline);
        let mut ended = Vec::new();
        for index in ready {
            if index == 0 {
                let _ = self.wake.read(&mut [0; 512]);
            } else {
                ended.push(self.watched[index - 1].0);
            }
        }
        self.watched.retain(|(key, _)| !ended.contains(key));
        ended
    }
}

/// The own program, even where an update has replaced the file, and the name it was called by.
pub(crate) fn own_program() -> io::Result<(PathBuf, Option<OsString>)> {
    Ok((PathBuf::from("/proc/self/exe"), std::env::args_os().next()))
}

/// Can be read once this process has ended: for a child, which may be in another pid namespace, or have another
/// parent, so that no number would do. `None` where the system has none to give.
pub(crate) fn end_of_this_process() -> Option<OwnedFd> {
    pidfd_open(rustix::process::getpid(), PidfdFlags::empty()).ok()
}

/// What `ps`, `top` and the system's own reports call this process: the first 15 bytes.
pub(crate) fn name_process(name: &str) {
    // A test runs on another thread than the first.
    let Err(_) = std::fs::write("/proc/self/comm", name_bytes(name)) else { return };

    if let Ok(name) = std::ffi::CString::new(name_bytes(name)) {
        let _ = rustix::thread::set_name(&name);
    }
}

/// What the kernel keeps of a name, without half a character.
fn name_bytes(name: &str) -> &[u8] {
    let length = (0..=name.len().min(15)).rev().find(|at| name.is_char_boundary(*at));
    &name.as_bytes()[..length.unwrap_or_default()]
}

/// Who traces a process: a debugger, strace.
pub(crate) fn tracer_of(process: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"))?;
    tracer.trim().parse().ok().filter(|tracer| *tracer != 0)
}

/// A debugger need not be started by this process, where the system would have it so.
pub(crate) fn let_any_process_trace() {
    let _ = rustix::process::set_ptracer(rustix::process::PTracer::Any);
}

/// In a child: a stopped process would not notice that its controller is gone, so let the kernel
/// continue it; a running one does not notice this signal.
pub(crate) fn resume_when_parent_dies() {
    let _ = set_parent_process_death_signal(Some(Signal::CONT));
}

/// Connects to a packet socket by its path, and hangs up: whoever waits there hears that nobody came.
pub(crate) fn knock_at(path: &str) {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    if let Ok(socket) = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
        && let Ok(address) = SocketAddrUnix::new(path)
    {
        let _ = connect(&socket, &address);
    }
}

/// The size of a fresh socket's send buffer.
pub(crate) fn socket_buffer() -> Option<u32> {
    let flags = SocketFlags::CLOEXEC;
    let (socket, _) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).ok()?;
    u32::try_from(sockopt::socket_send_buffer_size(&socket).ok()?).ok()
}
