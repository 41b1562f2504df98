//! What `waitid` says of a process, without ever waiting for "any child", and signals that only reach a process
//! whose number is still its own.
//!
//! SIGCHLD may be ignored in this program, or a library of its may wait for every child: then a process is reaped
//! before the watcher comes to it, and its number may be another's by then.

use std::io;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, kill_process_group, waitid,
};

use super::Wait;
use crate::process::ExitStatus;

fn wait(id: &WaitId<'_>, options: WaitIdOptions) -> Result<Wait, Errno> {
    loop {
        match waitid(id.clone(), options | WaitIdOptions::EXITED) {
            Err(Errno::INTR) => {}
            Ok(None) => return Ok(Wait::NotYet),
            Ok(Some(status)) => return Ok(Wait::Status(status_of(&status))),
            Err(Errno::CHILD | Errno::SRCH) => return Ok(Wait::ReapedElsewhere),
            Err(error) => return Err(error),
        }
    }
}

/// What there is to reap, or why the system cannot be asked like this: it may know pidfds, and not in `waitid`.
pub(super) fn try_look(id: &WaitId<'_>) -> Result<Wait, Errno> {
    wait(id, WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG)
}

fn status_of(status: &WaitIdStatus) -> ExitStatus {
    let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| -signal));
    ExitStatus::from_code(code.unwrap_or(-1))
}

/// What there is to reap; it stays.
pub(super) fn look(id: &WaitId<'_>) -> Wait {
    try_look(id).unwrap_or(Wait::NotYet)
}

/// Reaps it, if it has ended.
pub(super) fn reap(id: &WaitId<'_>) -> Wait {
    wait(id, WaitIdOptions::NOHANG).unwrap_or(Wait::NotYet)
}

/// Waits until it has ended, and does not reap it. For a thread of its own.
pub(super) fn wait_unreaped(pid: Pid) {
    let _ = wait(&WaitId::Pid(pid), WaitIdOptions::NOWAIT);
}

/// Reaps what else of a group has become this process's child (`CLONE_PARENT` does that) and has ended. Whether
/// some of it has yet to end.
pub(super) fn reap_group(group: Pid) -> bool {
    loop {
        match reap(&WaitId::Pgid(Some(group))) {
            Wait::Status(_) => {}
            Wait::NotYet => return true,
            Wait::ReapedElsewhere => return false,
        }
    }
}

/// SIGKILL to its group, if the number still stands for it; `id` is what it is waited for by.
pub(super) fn kill_group_of(id: &WaitId<'_>, group: Pid) {
    if look(id).holds_its_number() {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// A signal by its number, if that still stands for it.
pub(super) fn signal_by_number(pid: Pid, signal: Signal) -> io::Result<()> {
    if !look(&WaitId::Pid(pid)).holds_its_number() {
        return Ok(());
    }
    delivered(kill_process(pid, signal))
}

/// A process that is gone needs no signal.
pub(super) fn delivered(sent: Result<(), Errno>) -> io::Result<()> {
    match sent {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
