//! Decides on the system calls of a program and its descendants: each call with one of the chosen
//! numbers waits until it is let through or failed. [`refuse`] needs no decisions: the chosen calls
//! always fail.
//!
//! This uses Linux's user notification of seccomp. Unlike a tracer it leaves the processes as they
//! are: they remain children of their parent only, and calls with other numbers cost nothing. Every
//! library for it needs a C library that would have to be installed first, and this is all that the
//! tests need.
#![cfg(target_os = "linux")]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::process::{Child, Command};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Receives the calls of a program and its descendants.
#[derive(Debug)]
pub struct Interception {
    listener: OwnedFd,
}

/// A call that waits for the decision, forever if there is none.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct SystemCall {
    id: u64,
    /// The calling thread; the first thread's id is that of the process.
    pub thread: u32,
    /// One of the chosen numbers.
    pub number: i64,
    /// As passed: pointers are those of the caller.
    pub arguments: [u64; 6],
}

/// The program while it is being started, during which it makes calls that need a decision.
pub type Starting = JoinHandle<io::Result<Child>>;

impl Interception {
    /// Starts a program under interception. [`next`](Self::next) must be called from now on, since
    /// otherwise the start itself does not proceed.
    ///
    /// # Errors
    /// If this kernel or this process does not allow it: seccomp's notifications need Linux 5.5 or
    /// newer.
    pub fn start(mut command: Command, numbers: &[i64]) -> io::Result<(Self, Starting)> {
        let filter = filter(numbers);
        let (sender, listener) = mpsc::channel();
        // The filter applies to the thread that sets it and everything it starts, so this thread is
        // not affected.
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

    /// Returns the next call, or `None` if none came within `timeout` or all processes have ended.
    ///
    /// # Errors
    /// The system's error.
    pub fn next(&self, timeout: Duration) -> io::Result<Option<SystemCall>> {
        let mut listener =
            libc::pollfd { fd: self.listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let milliseconds = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: one `pollfd` that outlives the call.
        match unsafe { libc::poll(&raw mut listener, 1, milliseconds) } {
            -1 => return Err(io::Error::last_os_error()),
            0 => return Ok(None),
            _ if listener.revents & libc::POLLIN == 0 => return Ok(None),
            _ => {}
        }
        // SAFETY: the kernel requires zeroes, which are valid for this structure of numbers.
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

    /// Lets the kernel carry the call out.
    ///
    /// # Errors
    /// The system's error; none if the process has ended meanwhile.
    pub fn let_through(&self, call: SystemCall) -> io::Result<()> {
        self.decide(libc::seccomp_notif_resp {
            id: call.id,
            val: 0,
            error: 0,
            flags: libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
        })
    }

    /// Fails the call with this error number, as the kernel would, without carrying it out.
    ///
    /// # Errors
    /// Those of [`let_through`](Self::let_through).
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
        // SAFETY: every caller passes the structure that belongs to its request.
        match unsafe { libc::ioctl(self.listener.as_raw_fd(), request, argument) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }
}

/// A call that always fails.
#[derive(Debug, Clone, Copy)]
pub struct Refused {
    /// The number of the system call.
    pub number: i64,
    /// Only fails with this first argument; `None` means any.
    pub first_argument: Option<u32>,
    /// The error number.
    pub errno: i32,
}

/// Starts a program whose calls, and those of its descendants, are refused like a kernel that does
/// not know them, or does not permit them.
///
/// # Errors
/// If this kernel or this process does not allow it, or the program cannot be started.
pub fn refuse(mut command: Command, refused: &[Refused]) -> io::Result<Child> {
    let filter = refusing(refused);
    // The filter applies to the thread that sets it and everything it starts, so this thread is not
    // affected.
    let starting = thread::Builder::new().name("refused".into()).spawn(move || {
        set(&filter, 0)?;
        command.spawn()
    })?;
    starting.join().map_err(|_| io::Error::other("the thread has panicked"))?
}

fn code(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or_default()
}

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

// `nr` is the first field of `seccomp_data`. The architecture of the numbers need not be checked:
// the program under test is built for the same one as this.
const NUMBER: u32 = 0;
/// The lower half of the first argument, on little-endian systems; no others are supported here.
const FIRST_ARGUMENT: u32 = mem::offset_of!(libc::seccomp_data, args) as u32;

fn step(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// Skips `jf` steps unless the call has this number.
fn is_number(number: i64, jf: u8) -> libc::sock_filter {
    step(EQUAL, 0, jf, u32::try_from(number).unwrap_or(u32::MAX))
}

/// A filter program: calls with these numbers wait for a decision, all others are let through.
fn filter(numbers: &[i64]) -> Vec<libc::sock_filter> {
    let mut filter = vec![step(LOAD, 0, 0, NUMBER)];
    for number in numbers {
        filter.push(is_number(*number, 1));
        filter.push(step(RETURN, 0, 0, libc::SECCOMP_RET_USER_NOTIF));
    }
    filter.push(step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW));
    filter
}

/// A filter program: these calls fail.
fn refusing(refused: &[Refused]) -> Vec<libc::sock_filter> {
    let mut filter = Vec::new();
    for Refused { number, first_argument, errno } in refused {
        let errno = u32::try_from(*errno).unwrap_or_default() & libc::SECCOMP_RET_DATA;
        let fail = step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | errno);
        filter.push(step(LOAD, 0, 0, NUMBER));
        match first_argument {
            None => filter.extend([is_number(*number, 1), fail]),
            Some(argument) => filter.extend([
                is_number(*number, 3),
                step(LOAD, 0, 0, FIRST_ARGUMENT),
                step(EQUAL, 0, 1, *argument),
                fail,
            ]),
        }
    }
    filter.push(step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW));
    filter
}

/// Sets the filter for this thread; returns its listener.
fn install(filter: &[libc::sock_filter]) -> io::Result<OwnedFd> {
    let listener = set(filter, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER)?;
    // SAFETY: a new descriptor, which the kernel creates close-on-exec, and which has no other
    // owner.
    Ok(unsafe { OwnedFd::from_raw_fd(listener) })
}

/// Sets the filter for this thread.
fn set(filter: &[libc::sock_filter], flags: libc::c_ulong) -> io::Result<i32> {
    let len = u16::try_from(filter.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut() };
    let set = || {
        let mode = libc::SECCOMP_SET_MODE_FILTER;
        // SAFETY: the program is read only during the call.
        unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) }
    };
    let mut done = set();
    if done == -1 && code(&io::Error::last_os_error()) == libc::EACCES {
        // Without the privilege, only threads may do it that give up gaining any others.
        // SAFETY: no pointers.
        if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } == -1 {
            return Err(io::Error::last_os_error());
        }
        done = set();
    }
    match i32::try_from(done) {
        Ok(done) if done >= 0 => Ok(done),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(40);

    /// Runs `cat FILE` with a decision for each `openat`; returns how it ended and how many
    /// decisions there were.
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
        // It also opens files for the text of the error.
        assert!(code == Some(1) && asked >= all, "cat fails, and goes on to its end: {code:?}");
    }

    #[test]
    fn calls_are_refused_by_their_number_and_first_argument() {
        let cat = |first_argument| {
            let mut command = Command::new("cat");
            command.arg("/etc/passwd").stdout(std::process::Stdio::null());
            command.stderr(std::process::Stdio::null());
            let refused = [
                Refused { number: libc::SYS_fchmod, first_argument: None, errno: libc::EPERM },
                Refused { number: libc::SYS_write, first_argument, errno: libc::EIO },
            ];
            refuse(command, &refused).unwrap().wait().unwrap().code()
        };
        assert_eq!(cat(Some(1000)), Some(0));
        assert_eq!(cat(Some(1)), Some(1), "stdout");
        assert_eq!(cat(None), Some(1));
    }
}
