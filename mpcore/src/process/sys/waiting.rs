//! Queries processes with `waitid`, without ever waiting for "any child", and sends signals only to
//! a process whose number is still its own.
//!
//! This program may ignore SIGCHLD, or a library in it may wait for every child. Then a process is
//! reaped before the watcher sees its end, and its number may already belong to another process.

use std::io;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, kill_process_group, waitid,
};

use super::wait::Wait;
use crate::process::exit::ExitStatus;

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

/// Returns the state of a process, or why `waitid` cannot report it: the system may support pidfds,
/// but not in `waitid`.
pub(super) fn try_look(id: &WaitId<'_>) -> Result<Wait, Errno> {
    wait(id, WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG)
}

fn status_of(status: &WaitIdStatus) -> ExitStatus {
    let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| -signal));
    ExitStatus::from_code(code.unwrap_or(-1))
}

/// Returns the state of a process without reaping it.
pub(super) fn look(id: &WaitId<'_>) -> Wait {
    try_look(id).unwrap_or(Wait::NotYet)
}

/// Reaps the process if it has ended.
pub(super) fn reap(id: &WaitId<'_>) -> Wait {
    wait(id, WaitIdOptions::NOHANG).unwrap_or(Wait::NotYet)
}

/// Waits until the process has ended, without reaping it. Runs on its own thread.
pub(super) fn wait_unreaped(pid: Pid) {
    let _ = wait(&WaitId::Pid(pid), WaitIdOptions::NOWAIT);
}

/// Reaps members of a group that have become children of this process (`CLONE_PARENT` does that)
/// and have ended. Returns whether some have not ended yet.
pub(super) fn reap_group(group: Pid) -> bool {
    loop {
        match reap(&WaitId::Pgid(Some(group))) {
            Wait::Status(_) => {}
            Wait::NotYet => return true,
            Wait::ReapedElsewhere => return false,
        }
    }
}

/// Sends SIGKILL to the group if the number still refers to it; `id` is used to wait for the
/// process.
pub(super) fn kill_group_of(id: &WaitId<'_>, group: Pid) {
    if look(id).holds_its_number() {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Sends a signal by process id, if the id still refers to the process.
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
