//! Unix: process groups and signals, of children and of this process; how a child ends its own
//! descendants, and detects the end of its controller. Also here: the name by which a program is
//! called, the stdin of this process, and shortages and limits of descriptors, memory and the
//! stack.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Signal, getpid, getppid, getrlimit, kill_process, kill_process_group, setpgid,
};

#[cfg(target_os = "linux")]
use super::linux::descendants::{OtherGroups, end_rest_of_group};
use super::poll::poll_readable;

/// Makes the child the leader of its own group: Ctrl-C in the terminal reaches only the controller,
/// and the group can be killed as a whole. Does not make std fork.
pub(crate) fn own_group(command: &mut Command) {
    command.process_group(0);
}

/// Sets the name by which the program is called.
pub(crate) fn set_argv0(command: &mut Command, name: &OsStr) {
    command.arg0(name);
}

/// Returns whether the system is out of processes, threads, descriptors or memory.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    let shortages = [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE];
    Errno::from_io_error(error).is_some_and(|errno| shortages.contains(&errno))
}

/// Exit status of a process that ends with a segmentation fault.
pub(crate) const SEGMENTATION_FAULT: i32 = -11;

fn pid(raw: u32) -> Option<Pid> {
    i32::try_from(raw).ok().and_then(Pid::from_raw)
}

/// Sends SIGSEGV to this process until it ends: Rust's own handler ignores the first one.
pub(crate) fn segfault() -> ! {
    loop {
        let _ = kill_process(getpid(), Signal::SEGV);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Sends SIGKILL to this process.
pub(crate) fn kill_self() -> ! {
    loop {
        let _ = kill_process(getpid(), Signal::KILL);
        std::thread::park();
    }
}

/// Sends SIGSTOP to this process; returns when it is continued.
pub(crate) fn freeze() {
    let _ = kill_process(getpid(), Signal::STOP);
}

/// In a child that leads its group: ends its descendants, but not the child itself.
///
/// The controller's watcher does that as well, but a controller that is ending itself may not get
/// to it. So the child moves to its controller's group, and kills the rest of its own.
pub(crate) fn end_descendants(controller: u32) {
    if !leads_its_group() {
        return;
    }
    let (group, controller) = (getpid(), pid(controller));
    if getppid() != controller {
        // No parent is left that could read the exit code.
        return end_own_group();
    }
    #[cfg(target_os = "linux")]
    let others = OtherGroups::of(getpid(), None);
    match controller {
        // A controller that is the first process of its system takes all processes with it.
        None | Some(Pid::INIT) => {}
        Some(controller) => {
            let moved = group_of(controller).is_some_and(|it| setpgid(None, Some(it)).is_ok());
            if moved || getppid() != Some(controller) {
                let _ = kill_process_group(group, Signal::KILL);
            } else {
                // The controller's group is outside of this namespace, as that of the first
                // process of a container may be, so there is no other group to move to.
                #[cfg(target_os = "linux")]
                end_rest_of_group(group);
            }
        }
    }
    #[cfg(target_os = "linux")]
    others.kill();
}

/// Returns `None` for a group outside of this process's namespace, such as that of a container's
/// first processes: rustix considers that impossible.
fn group_of(process: Pid) -> Option<Pid> {
    let process = nix::unistd::Pid::from_raw(process.as_raw_nonzero().get());
    Pid::from_raw(nix::unistd::getpgid(Some(process)).ok()?.as_raw())
}

fn leads_its_group() -> bool {
    group_of(getpid()) == Some(getpid())
}

/// In a child that leads its group: ends the group, including this process.
pub(crate) fn end_own_group() {
    if leads_its_group() {
        // Done first, because killing the group ends this process too.
        #[cfg(target_os = "linux")]
        OtherGroups::of(getpid(), None).kill();
        let _ = kill_process_group(getpid(), Signal::KILL);
    }
}

/// Fails if this process may not open this many more descriptors.
pub(crate) fn room_for_descriptors(count: usize) -> std::io::Result<()> {
    let (reader, _writer) = std::io::pipe()?;
    let others = (2..count).map(|_| reader.try_clone());
    others.collect::<Result<Vec<_>, _>>().map(drop)
}

/// Redirects stdin to /dev/null, so that the bootstrap pipe is closed and nothing waits for a
/// terminal.
pub(crate) fn stdin_to_null() {
    if let Ok(null) = std::fs::File::open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(null);
    }
}

/// If SIGCHLD is ignored, which a process inherits, the system reaps this process's children before
/// they can be waited for. A handler that does nothing prevents that; programs that are started
/// from here get the default.
pub(crate) fn let_children_be_waited_for() {
    if super::ignores_sigchld() != Some(false) {
        let seen = std::sync::Arc::default();
        let _ = signal_hook::flag::register(signal_hook::consts::SIGCHLD, seen);
    }
}

/// A descriptor that becomes readable once the controller has ended, no matter who else holds its
/// lanes.
pub(crate) type ControllerEnd = OwnedFd;

/// Calls `stop` on SIGTERM and SIGHUP, and `lost` once the controller has ended. SIGINT is ignored,
/// because Ctrl-C belongs to the controller.
pub(crate) fn watch_surroundings(
    controller: Option<ControllerEnd>,
    stop: impl Fn() + Send + 'static,
    lost: impl FnOnce() + Send + 'static,
) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::backend::SignalDelivery;
    use signal_hook::iterator::exfiltrator::SignalOnly;
    let pipe = UnixStream::pair();
    let signals = [SIGTERM, SIGHUP, SIGINT];
    let signals =
        pipe.and_then(|(read, write)| SignalDelivery::with_pipe(read, write, SignalOnly, signals));
    // If one of the two is unavailable, the other is still watched.
    let mut signals = signals.ok();
    let body = move || {
        loop {
            let mut fds: Vec<&dyn AsFd> = Vec::new();
            fds.extend(controller.as_ref().map(|it| it as &dyn AsFd));
            fds.extend(signals.as_ref().map(|it| it.get_read() as &dyn AsFd));
            if fds.is_empty() {
                return;
            }
            let ready = poll_readable(&fds, None);
            let stops = signals.iter_mut().flat_map(SignalDelivery::pending);
            if stops.filter(|signal| *signal != SIGINT).count() > 0 {
                stop();
            }
            if controller.is_some() && ready.contains(&0) {
                return lost();
            }
        }
    };
    std::thread::Builder::new().name("mp-signals".into()).spawn(body).map(drop)
}

/// In a child, before it has other threads: unblocks all signals for its threads and the processes
/// that it starts, whatever its controller has blocked.
pub(crate) fn block_no_signal() {
    let _ = nix::sys::signal::SigSet::empty().thread_set_mask();
}

/// Returns the stack size of a process's first thread; `None` if it has no limit.
pub(crate) fn stack_of_process() -> Option<u64> {
    getrlimit(Resource::Stack).current
}
