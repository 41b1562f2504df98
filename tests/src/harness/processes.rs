//! Inspects processes through `/proc`: state, memory, descriptors, threads, children; sends them
//! signals, and waits for their end.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::patience::until;

/// Returns the state letter of `/proc/PID/stat`: R, S, D, T (stopped), Z (ended, not reaped);
/// `None` if there is no such process.
#[must_use]
pub fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in brackets and may contain anything, brackets included.
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// Returns the processor time of the process and its threads, in the kernel's ticks; 0 if there is
/// no such process.
#[must_use]
pub fn cpu_ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    // `utime` and `stime`; the first field after the name is the third.
    fields.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum()
}

/// Returns whether the process has ended. A process that was not reaped counts as ended: an
/// orphan's new parent may be slow.
#[must_use]
pub fn has_ended(pid: u32) -> bool {
    matches!(state(pid), None | Some('Z' | 'X'))
}

/// Returns whether the process is gone without a trace: it was reaped.
#[must_use]
pub fn is_gone(pid: u32) -> bool {
    state(pid).is_none()
}

/// Waits until all of these have ended.
#[track_caller]
pub fn until_ended(pids: &[u32]) {
    until(&format!("the end of {pids:?}"), || pids.iter().all(|pid| has_ended(*pid)));
}

/// Sends a signal.
///
/// # Panics
/// If there is no such process.
#[track_caller]
pub fn signal(pid: u32, signal: Signal) {
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process number");
    kill_process(raw, signal).expect("the process takes signals");
}

/// SIGKILL.
#[track_caller]
pub fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

/// Sends SIGKILL to a process that may have ended meanwhile.
pub fn kill_if_there(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Sends SIGSTOP, and waits until the process has stopped.
#[track_caller]
pub fn freeze(pid: u32) {
    signal(pid, Signal::STOP);
    until("the process has stopped", || state(pid) == Some('T'));
}

/// SIGCONT.
#[track_caller]
pub fn thaw(pid: u32) {
    signal(pid, Signal::CONT);
}

/// Runs this while the process stands still: what it is sent meanwhile is all there before it
/// comes to the first.
#[track_caller]
pub fn while_frozen<R>(pid: u32, run: impl FnOnce() -> R) -> R {
    freeze(pid);
    let result = run();
    thaw(pid);
    result
}

/// Returns the processes whose environment contains this text: those that a marked process has
/// started, and so on, whatever happened to their parents. Excludes processes that have ended and
/// were not reaped.
#[must_use]
pub fn marked(mark: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_marked = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.windows(mark.len()).any(|window| window == mark.as_bytes())
    };
    pids.filter(is_marked).collect()
}

/// Returns the resident memory, in MiB.
///
/// # Panics
/// If there is no such process.
#[must_use]
pub fn resident_mib(pid: u32) -> u64 {
    resident_kib(pid) / 1024
}

/// The same in KiB.
///
/// # Panics
/// If there is no such process.
#[must_use]
pub fn resident_kib(pid: u32) -> u64 {
    memory_kib(pid, "VmRSS:")
}

/// Returns the peak resident memory, in MiB.
///
/// # Panics
/// If there is no such process.
#[must_use]
pub fn peak_mib(pid: u32) -> u64 {
    memory_kib(pid, "VmHWM:") / 1024
}

fn memory_kib(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    let kib = line.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok());
    kib.unwrap_or_default()
}

fn entries(folder: impl AsRef<Path>) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Returns how many descriptors a process has.
#[must_use]
pub fn descriptors(pid: u32) -> usize {
    entries(format!("/proc/{pid}/fd"))
}

/// The names of this process's threads.
#[must_use]
pub fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).ok();
    let mut names: Vec<_> = tasks.filter_map(name).map(|name| name.trim().to_owned()).collect();
    names.sort_unstable();
    names
}

/// Returns the children of a process, including those that have ended and were not reaped.
///
/// Excludes those in state X: where SIGCHLD is ignored, a process that has ended is not reaped, and
/// the kernel takes it off the list some milliseconds after it reports the end.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let list = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).ok();
    let lists: Vec<_> = tasks.filter_map(list).collect();
    lists
        .iter()
        .flat_map(|list| list.split_whitespace())
        .filter_map(|pid| pid.parse().ok())
        .filter(|pid| !matches!(state(*pid), None | Some('X')))
        .collect()
}
