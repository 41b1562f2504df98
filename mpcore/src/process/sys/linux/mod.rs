//! Linux: processes by their pidfds ([`Process`], [`Exits`]), the parent-death signal,
//! `/proc/self/exe`, and what `/proc` reports about a process: its exit status before it is reaped,
//! its tracer, why a kill has no effect. Also the name of this process, the permission to trace it,
//! and small functions for sockets. [`descendants`] has the search for what a child has started,
//! [`loader`] programs that were started through their loader.

pub(super) mod descendants;
pub(super) mod loader;

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use std::{fs, thread};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, socketpair,
    sockopt,
};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, pidfd_open, pidfd_send_signal, set_parent_process_death_signal,
};

use self::descendants::OtherGroups;
use super::own_program::OwnProgram;
use super::wait::{Wait, Waker};
use super::waiting::{
    delivered, kill_group_of, reap, reap_group, signal_by_number, try_look, wait_unreaped,
};
use crate::chaos::InParts;
use crate::process::exit::{ExitStatus, Unkillable};
use crate::process::pipes::PipeEnds;
use crate::sync::lock;

/// A started process that has not been reaped.
#[derive(Debug)]
pub(crate) struct Process {
    pid: Pid,
    hold: Hold,
}

/// How a process is distinguished from all others.
#[derive(Debug)]
enum Hold {
    Pidfd(Arc<OwnedFd>),
    /// By its number: the system has no pidfds, or refuses them, as old versions of valgrind and
    /// some sandboxes do.
    Number,
    /// Something else reaped the process before a pidfd could be opened.
    Gone,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> io::Result<(Self, PipeEnds)> {
        let mut child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let open = || Ok(pidfd_open(pid, PidfdFlags::empty())?);
        let hold = match super::stdio::above(open, |pidfd| vec![pidfd.as_raw_fd()]) {
            Ok(pidfd) => match try_look(&WaitId::PidFd(pidfd.as_fd())) {
                // If SIGCHLD is ignored, it may have ended and its number may have been reused.
                Ok(Wait::ReapedElsewhere) => Hold::Gone,
                Ok(_) => Hold::Pidfd(Arc::new(pidfd)),
                // Linux 5.3 supports pidfds but not `waitid` on them, and neither do some
                // sandboxes.
                Err(_) => Hold::Number,
            },
            Err(error) if Errno::from_io_error(&error) == Some(Errno::SRCH) => Hold::Gone,
            Err(_) => Hold::Number,
        };
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Ok((Self { pid, hold }, pipes.into()))
    }

    pub(crate) fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    fn waited_by(&self) -> Option<WaitId<'_>> {
        match &self.hold {
            Hold::Pidfd(pidfd) => Some(WaitId::PidFd(pidfd.as_fd())),
            Hold::Number => Some(WaitId::Pid(self.pid)),
            Hold::Gone => None,
        }
    }

    /// Sends SIGTERM, to the process only.
    pub(crate) fn terminate(&self) -> io::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Sends SIGKILL to the process, to its group while the number is still its own, and to its
    /// descendants in other groups, if it has not ended. Fails if the signal was not permitted.
    pub(crate) fn kill(&self) -> io::Result<()> {
        let others = match &self.hold {
            Hold::Pidfd(pidfd) => Some(OtherGroups::of(self.pid, Some(pidfd))),
            _ => None,
        };
        if let Some(id) = self.waited_by() {
            kill_group_of(&id, self.pid);
        }
        let sent = self.signal(Signal::KILL);
        if let Some(others) = others {
            others.kill();
        }
        sent
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        match &self.hold {
            Hold::Pidfd(pidfd) => match pidfd_send_signal(pidfd, signal) {
                // A system call filter may still allow the older call.
                Err(Errno::PERM | Errno::NOSYS) => signal_by_number(self.pid, signal),
                sent => delivered(sent),
            },
            Hold::Number => signal_by_number(self.pid, signal),
            Hold::Gone => Ok(()),
        }
    }

    /// Reaps the process if it has ended; does not wait.
    pub(crate) fn reap(&mut self) -> Wait {
        let reaped = self.waited_by().map_or(Wait::ReapedElsewhere, |id| reap(&id));
        if reaped != Wait::NotYet {
            // From now on its number may belong to another process.
            self.hold = Hold::Gone;
        }
        reaped
    }

    /// Reaps members of its group that have become children of this process. Returns whether some
    /// have not ended yet.
    pub(crate) fn reap_group(&self) -> bool {
        reap_group(self.pid)
    }

    /// Returns how the process has ended, if that is known before it can be reaped: its tracer is
    /// notified first.
    pub(crate) fn status_before_reaping(&self) -> Option<ExitStatus> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).ok()?;
        status_of_zombie(&stat)
    }

    /// Returns why the process is still running a second after SIGKILL.
    pub(crate) fn unkillable(&self) -> Unkillable {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        unkillable(&status)
    }
}

/// The last field of a zombie's `/proc/<pid>/stat` is the value that `wait` would return.
fn status_of_zombie(stat: &str) -> Option<ExitStatus> {
    let fields = stat.rsplit(')').next()?;
    let mut fields = fields.split_whitespace();
    if !matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    let raw: i32 = fields.next_back()?.parse().ok()?;
    let (code, signal) = ((raw >> 8) & 0xff, raw & 0x7f);
    Some(ExitStatus::from_code(if signal == 0 { code } else { -signal }))
}

fn unkillable(status: &str) -> Unkillable {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()
    };
    let tracer = field("TracerPid:").and_then(|it| it.parse().ok()).filter(|it| *it != 0);
    match (tracer, field("State:")) {
        (Some(tracer), _) => Unkillable::Traced { tracer },
        (None, Some("D")) => Unkillable::Uninterruptible,
        _ => Unkillable::StillThere,
    }
}

/// Returns whether the system keeps no exit statuses for this process because it ignores SIGCHLD;
/// `None` if that is unknown.
pub(crate) fn ignores_sigchld() -> Option<bool> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let ignored = u64::from_str_radix(ignored.trim(), 16).ok()?;
    Some(ignored >> (Signal::CHILD.as_raw() - 1) & 1 == 1)
}

/// Waits for the ends of many processes.
pub(crate) struct Exits {
    wake: io::PipeReader,
    waker: Waker,
    watched: Vec<(u64, Arc<OwnedFd>)>,
    /// Processes without a pidfd that have ended.
    ended: Arc<Mutex<Vec<u64>>>,
}

impl Exits {
    pub(crate) fn new() -> io::Result<(Self, Waker)> {
        let (wake, waker) = super::pipe()?;
        // A full pipe wakes the reader just as well as one with a byte in it, so the write may
        // fail.
        rustix::io::ioctl_fionbio(&waker, true)?;
        let waker: Waker = Arc::new(move || {
            let _ = (&waker).write(&[1]);
        });
        let (ended, watched) = (Arc::default(), Vec::new());
        Ok((Self { wake, waker: Arc::clone(&waker), watched, ended }, waker))
    }

    pub(crate) fn watch(&mut self, key: u64, process: &mut Process) -> io::Result<()> {
        match &process.hold {
            Hold::Pidfd(pidfd) => self.watched.push((key, Arc::clone(pidfd))),
            Hold::Gone => lock(&self.ended).push(key),
            Hold::Number => {
                let (pid, ended, wake) =
                    (process.pid, Arc::clone(&self.ended), Arc::clone(&self.waker));
                let body = move || {
                    wait_unreaped(pid);
                    lock(&ended).push(key);
                    wake();
                };
                thread::Builder::new().name("mp-wait".into()).spawn(body)?;
            }
        }
        Ok(())
    }

    /// Waits for an end, a wake or the deadline; returns the keys of processes that have ended.
    /// They are not reaped.
    pub(crate) fn wait(&mut self, deadline: Option<Instant>) -> Vec<u64> {
        let mut ended = std::mem::take(&mut *lock(&self.ended));
        if !ended.is_empty() {
            return ended;
        }
        let mut fds: Vec<&dyn AsFd> = vec![&self.wake];
        fds.extend(self.watched.iter().map(|(_, pidfd)| pidfd as &dyn AsFd));
        let ready = super::poll_readable(&fds, deadline);
        for index in ready {
            if index == 0 {
                let _ = InParts(&mut self.wake).read(&mut [0; 512]);
            } else {
                ended.push(self.watched[index - 1].0);
            }
        }
        self.watched.retain(|(key, _)| !ended.contains(key));
        ended.append(&mut lock(&self.ended));
        ended
    }
}

/// Returns this program, even if an update has replaced the file, and the name it was called by.
pub(crate) fn own_program() -> io::Result<OwnProgram> {
    let leading = loader::arguments().unwrap_or_default().to_vec();
    let path = PathBuf::from("/proc/self/exe");
    Ok(OwnProgram { path, argv0: std::env::args_os().next(), leading })
}

/// Returns a descriptor that becomes readable once this process has ended. For a child, which may
/// be in another pid namespace or have another parent, so that a process id is not enough. `None`
/// if the system does not support it.
pub(crate) fn end_of_this_process() -> Option<OwnedFd> {
    let open = || Ok(pidfd_open(rustix::process::getpid(), PidfdFlags::empty())?);
    super::stdio::above(open, |pidfd| vec![pidfd.as_raw_fd()]).ok()
}

/// Sets the name of this process in `ps`, `top` and the system's own reports: the first 15 bytes.
pub(crate) fn name_process(name: &str) {
    // A test does not run on the first thread.
    let Err(_) = std::fs::write("/proc/self/comm", name_bytes(name)) else { return };

    if let Ok(name) = std::ffi::CString::new(name_bytes(name)) {
        let _ = rustix::thread::set_name(&name);
    }
}

/// Returns the part of a name that the kernel keeps, without half a character.
fn name_bytes(name: &str) -> &[u8] {
    let length = (0..=name.len().min(15)).rev().find(|at| name.is_char_boundary(*at));
    &name.as_bytes()[..length.unwrap_or_default()]
}

/// Returns the process that traces a process: a debugger, strace.
pub(crate) fn tracer_of(process: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    tracer(&status)
}

fn tracer(status: &str) -> Option<u32> {
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"))?;
    tracer.trim().parse().ok().filter(|tracer| *tracer != 0)
}

/// Returns the tracer that has stopped a process's first thread, as a debugger does at its prompt.
pub(crate) fn held_by(process: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    holder(&status)
}

fn holder(status: &str) -> Option<u32> {
    let state = status.lines().find_map(|line| line.strip_prefix("State:"))?;
    tracer(status).filter(|_| state.trim_start().starts_with('t'))
}

/// Allows a debugger that was not started by this process, if the system requires that.
pub(crate) fn let_any_process_trace() {
    let _ = rustix::process::set_ptracer(rustix::process::PTracer::Any);
}

/// In a child: a stopped process would not notice that its controller is gone, so the kernel is
/// asked to continue it. A running process is not affected.
pub(crate) fn resume_when_parent_dies() {
    let _ = set_parent_process_death_signal(Some(Signal::CONT));
}

/// Connects to a packet socket by its path, and hangs up, so that the waiting thread sees a failed
/// peer.
pub(crate) fn knock_at(path: &str) {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    if let Ok(socket) = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
        && let Ok(address) = SocketAddrUnix::new(path)
    {
        let _ = connect(&socket, &address);
    }
}

/// Returns the size of a fresh socket's send buffer.
pub(crate) fn socket_buffer() -> Option<u32> {
    let flags = SocketFlags::CLOEXEC;
    let (socket, _) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).ok()?;
    u32::try_from(sockopt::socket_send_buffer_size(&socket).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zombies_status_is_read_from_its_stat() {
        let stat =
            |state: &str, last: i32| format!("12 (a) b) {state} 1 12 12 0 -1 4194560 0 {last}\n");
        let code = |text: String| status_of_zombie(&text).map(ExitStatus::code);
        assert_eq!(code(stat("Z", 7 << 8)), Some(7));
        assert_eq!(code(stat("Z", 9)), Some(-9));
        assert_eq!(code(stat("Z", 11 | 0x80)), Some(-11), "with a core dump");
        assert_eq!(code(stat("S", 0)), None);
        assert_eq!(code("12 (a".to_owned()), None);
    }

    #[test]
    fn a_tracer_holds_what_stands_still_for_it() {
        let status = |state: &str, tracer: u32| {
            holder(&format!("Name:\tx\nState:\t{state} (x)\nTracerPid:\t{tracer}\n"))
        };
        assert_eq!(status("t", 42), Some(42));
        assert_eq!(status("S", 42), None, "it is running, as under strace");
        assert_eq!(status("T", 0), None, "it was stopped by a signal");
        assert_eq!(holder(""), None);
    }

    #[test]
    fn what_keeps_a_process_alive_is_read_from_its_status() {
        let why = |state: &str, tracer: u32| {
            unkillable(&format!("Name:\tx\nState:\t{state} (x)\nTracerPid:\t{tracer}\n"))
        };
        assert_eq!(why("D", 0), Unkillable::Uninterruptible);
        assert_eq!(why("t", 42), Unkillable::Traced { tracer: 42 });
        assert_eq!(why("S", 0), Unkillable::StillThere);
        assert_eq!(unkillable(""), Unkillable::StillThere);
    }
}
