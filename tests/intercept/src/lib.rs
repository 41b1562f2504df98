//! Decides on the system calls of a program and of everything that it starts: each call of the chosen numbers waits
//! until it is let through or failed.
//!
//! This is Linux's user notification of seccomp. Unlike a tracer it leaves the processes as they are: they are
//! nobody's but their parent's, and calls of other numbers cost nothing. No library for it goes without a C library
//! that would have to be installed first, and this is all that tests need of it.
#![cfg(target_os = "linux")]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::process::{Child, Command};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Where the calls of a program and its descendants arrive.
#[derive(Debug)]
pub struct Interception {
    listener: OwnedFd,
}

/// A call that waits for the decision, for ever if there is none.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct SystemCall {
    id: u64,
    /// The thread that calls; the first one's is the process's.
    pub thread: u32,
    /// One of the numbers that were chosen.
    pub number: i64,
    /// As they were passed: pointers are those of the caller.
    pub arguments: [u64; 6],
}

/// The program while it is being started, which takes calls that have to be decided on.
pub type Starting = JoinHandle<io::Result<Child>>;

impl Interception {
    /// Starts a program under interception. [`next`](Self::next) has to be called from now on, for the start itself
    /// goes on only then.
    ///
    /// # Errors
    /// If this kernel or this process is not allowed to: seccomp's notifications are in Linux 5.5 and newer.
    pub fn start(mut command: Command, numbers: &[i64]) -> io::Result<(Self, Starting)> {
        let filter = filter(numbers);
        let (sender, listener) = mpsc::channel();
        // The filter holds for the thread that sets it and all that it starts, so this thread stays as it is.
        let starting = thread::Builder::new().name("intercepted".into()).spawn(move || {
            match install(&filter) {
                Ok(listener) => {
                    let _ = sender.send(Ok(listener));
                    command.spawn()
                }
                Err(error) => {
                    let _ = sender.send(Err(io::Error::from(error.kind())));
                    Err(error)
                }
            }
        })?;
        let listener = listener.recv().map_err(|_| io::Error::other("the thread has ended"))??;
        Ok((Self { listener }, starting))
    }

    /// The next call, or `None` if none came within `timeout` or all processes have ended.
    ///
    /// # Errors
    /// What the system says.
    pub fn next(&self, timeout: Duration) -> io::Result<Option<SystemCall>> {
        let mut listener =
            libc::pollfd { fd: self.listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let milliseconds = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: one `pollfd` that lives on.
        match unsafe { libc::poll(&raw mut listener, 1, milliseconds) } {
            -1 => return Err(io::Error::last_os_error()),
            0 => return Ok(None),
            _ if listener.revents & libc::POLLIN == 0 => return Ok(None),
            _ => {}
        }
        // SAFETY: the kernel asks for zeroes, which this structure of numbers may consist of.
        let mut call: libc::seccomp_notif = unsafe { mem::zeroed() };
        match self.ioctl(libc::SECCOMP_IOCTL_NOTIF_RECV, (&raw mut call).cast()) {
            Ok(()) => {}
            // Its process was killed meanwhile, or a signal came.
            Err(error) if [libc::ENOENT, libc::EINTR].contains(&code(&error)) => return Ok(None),
            Err(error) => return Err(error),
        }
        let number = i64::from(call.data.nr);
        Ok(Some(SystemCall { id: call.id, thread: call.pid, number, arguments: call.data.args }))
    }

    /// Lets the kernel do it.
    ///
    /// # Errors
    /// What the system says; not if the process has ended meanwhile.
    pub fn let_through(&self, call: SystemCall) -> io::Result<()> {
        self.decide(libc::seccomp_notif_resp {
            id: call.id,
            val: 0,
            error: 0,
            flags: libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
        })
    }

    /// Fails it with this error number, as the kernel would; nothing is done.
    ///
    /// # Errors
    /// As [`let_through`](Self::let_through).
    pub fn fail(&self, call: SystemCall, errno: i32) -> io::Result<()> {
        self.decide(libc::seccomp_notif_resp { id: call.id, val: 0, error: -errno, flags: 0 })
    }

    fn decide(&self, mut response: libc::seccomp_notif_resp) -> io::Result<()> {
        match self.ioctl(libc::SECCOMP_IOCTL_NOTIF_SEND, (&raw mut response).cast()) {
            // Its process was killed meanwhile.
            Err(error) if code(&error) == libc::ENOENT => Ok(()),
            decided => decided,
        }
    }

    fn ioctl(&self, request: libc::Ioctl, argument: *mut libc::c_void) -> io::Result<()> {
        // SAFETY: every caller passes the structure that its request is for.
        match unsafe { libc::ioctl(self.listener.as_raw_fd(), request, argument) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }
}

fn code(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or_default()
}

/// A program for the kernel: calls of these numbers are asked about, all others are let through.
fn filter(numbers: &[i64]) -> Vec<libc::sock_filter> {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    // `nr` is the first field of `seccomp_data`. Which system's numbers they are needs no look: the program under
    // test is built as this one is.
    let mut filter = vec![step(LOAD, 0, 0, 0)];
    for number in numbers {
        filter.push(step(EQUAL, 0, 1, u32::try_from(*number).unwrap_or(u32::MAX)));
        filter.push(step(RETURN, 0, 0, libc::SECCOMP_RET_USER_NOTIF));
    }
    filter.push(step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW));
    filter
}

/// Sets the filter for this thread.
fn install(filter: &[libc::sock_filter]) -> io::Result<OwnedFd> {
    let len = u16::try_from(filter.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut() };
    let set = || {
        let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
        let mode = libc::SECCOMP_SET_MODE_FILTER;
        // SAFETY: the program is read during the call only.
        unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) }
    };
    let mut listener = set();
    if listener == -1 && code(&io::Error::last_os_error()) == libc::EACCES {
        // Without the privilege, only those may who give up any others.
        // SAFETY: no pointers.
        if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } == -1 {
            return Err(io::Error::last_os_error());
        }
        listener = set();
    }
    match i32::try_from(listener) {
        // SAFETY: a new descriptor, close-on-exec as the kernel makes it, that belongs to no one else.
        Ok(listener) if listener >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(listener) }),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(40);

    /// Runs `cat FILE` with a decision for each `openat`, and returns how it ended and how often it was asked.
    fn cat(mut fails: impl FnMut(usize) -> Option<i32>) -> (Option<i32>, usize) {
        let mut command = Command::new("cat");
        command.arg("/etc/passwd").stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null());
        let (interception, starting) =
            Interception::start(command, &[libc::SYS_openat]).expect("seccomp works here");
        let mut asked = 0;
        while let Some(call) = interception.next(LONG).unwrap() {
            asked += 1;
            assert_eq!(call.number, libc::SYS_openat);
            match fails(asked) {
                None => interception.let_through(call).unwrap(),
                Some(errno) => interception.fail(call, errno).unwrap(),
            }
        }
        let mut child = starting.join().unwrap().unwrap();
        (child.wait().unwrap().code(), asked)
    }

    #[test]
    fn calls_are_let_through_or_failed() {
        let (code, all) = cat(|_| None);
        assert_eq!(code, Some(0));
        assert!(all >= 2, "the C library and the file: {all}");
        let (code, asked) = cat(|number| (number == all).then_some(libc::EMFILE));
        // It also looks for the text of the error.
        assert!(code == Some(1) && asked >= all, "cat fails, and goes on to its end: {code:?}");
    }
}
