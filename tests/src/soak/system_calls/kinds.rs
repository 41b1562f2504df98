//! Which system calls fail, and how.

use libc::{
    EACCES, EAGAIN, ECONNRESET, EINTR, EINVAL, EIO, EMFILE, ENFILE, ENOBUFS, ENOENT, ENOMEM,
    ENOPROTOOPT, ENOSYS, ENOTCONN, EPERM, ESRCH, ETOOMANYREFS, ETXTBSY,
};

/// One system call, with the errors it may return.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) number: i64,
    pub(super) errors: &'static [i32],
}

const fn kind(name: &'static str, number: i64, errors: &'static [i32]) -> Kind {
    Kind { name, number, errors }
}

/// The runtime's system calls: files, sockets, processes, threads, signals, and waits.
///
/// Left out are calls made only by the standard library and the C library, which end the process if
/// they fail: `mmap`, `munmap`, `mprotect`, `brk`, `madvise`, `futex`, `rt_sigprocmask`,
/// `sigaltstack`, `set_robust_list`, `rseq`; `getrandom`, without which the standard library keeps
/// a file open; `close`, which closes whatever it returns, while one that is made to fail does not;
/// and `ECHILD` for an existing child (another trial covers foreign reapers). A `write` is
/// interrupted at most: those of the runtime go to pipes of which it holds both ends.
pub(super) const KINDS: &[Kind] = &[
    kind("openat", libc::SYS_openat, &[EMFILE, ENFILE, EACCES, ENOENT]),
    kind("read", libc::SYS_read, &[EIO, EINTR]),
    kind("write", libc::SYS_write, &[EINTR]),
    kind("fcntl", libc::SYS_fcntl, &[EMFILE, EINVAL]),
    kind("dup", libc::SYS_dup, &[EMFILE]),
    kind("dup3", libc::SYS_dup3, &[EMFILE, EINTR]),
    kind("pipe2", libc::SYS_pipe2, &[EMFILE, ENFILE]),
    kind("eventfd2", libc::SYS_eventfd2, &[EMFILE, ENFILE, ENOMEM]),
    kind("readlinkat", libc::SYS_readlinkat, &[EACCES, ENOENT]),
    kind("ioctl", libc::SYS_ioctl, &[EINVAL, EIO]),
    kind("socketpair", libc::SYS_socketpair, &[EMFILE, ENFILE, ENOBUFS, ENOMEM]),
    kind("sendmsg", libc::SYS_sendmsg, &[ENOBUFS, ENOMEM, ETOOMANYREFS, ECONNRESET]),
    kind("recvmsg", libc::SYS_recvmsg, &[ENOBUFS, ENOMEM, EINTR, ECONNRESET]),
    kind("sendto", libc::SYS_sendto, &[ENOBUFS, ENOMEM, EAGAIN, ECONNRESET]),
    kind("recvfrom", libc::SYS_recvfrom, &[ENOBUFS, ENOMEM, EINTR, ECONNRESET]),
    kind("setsockopt", libc::SYS_setsockopt, &[ENOBUFS, ENOPROTOOPT]),
    kind("getsockopt", libc::SYS_getsockopt, &[ENOBUFS, ENOPROTOOPT]),
    kind("shutdown", libc::SYS_shutdown, &[ENOTCONN]),
    kind("clone3", libc::SYS_clone3, &[EAGAIN, ENOMEM]),
    kind("clone", libc::SYS_clone, &[EAGAIN, ENOMEM]),
    kind("execve", libc::SYS_execve, &[EACCES, ENOMEM, ETXTBSY]),
    kind("wait4", libc::SYS_wait4, &[EINTR]),
    kind("waitid", libc::SYS_waitid, &[EINTR]),
    kind("pidfd_open", libc::SYS_pidfd_open, &[EMFILE, EINVAL, ENOSYS, EPERM]),
    kind("pidfd_send_signal", libc::SYS_pidfd_send_signal, &[EPERM, ESRCH, ENOSYS]),
    kind("kill", libc::SYS_kill, &[EPERM, ESRCH]),
    kind("setpgid", libc::SYS_setpgid, &[EACCES, EPERM]),
    kind("prctl", libc::SYS_prctl, &[EINVAL, EPERM]),
    kind("rt_sigaction", libc::SYS_rt_sigaction, &[EINVAL]),
    kind("prlimit64", libc::SYS_prlimit64, &[EPERM, EINVAL]),
    kind("ppoll", libc::SYS_ppoll, &[ENOMEM, EINTR, EINVAL]),
    #[cfg(target_arch = "x86_64")]
    kind("poll", libc::SYS_poll, &[ENOMEM, EINTR, EINVAL]),
    #[cfg(target_arch = "x86_64")]
    kind("vfork", libc::SYS_vfork, &[EAGAIN, ENOMEM]),
    #[cfg(target_arch = "x86_64")]
    kind("readlink", libc::SYS_readlink, &[EACCES, ENOENT]),
    #[cfg(target_arch = "x86_64")]
    kind("dup2", libc::SYS_dup2, &[EMFILE, EINTR]),
];
