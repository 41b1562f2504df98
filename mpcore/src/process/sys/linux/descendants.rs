//! The processes that a process has started in their own process groups, which a signal to its
//! group does not reach.
//!
//! They are searched for while the process exists, because its end leaves them without a parent by
//! which they could be found. Spared are processes that have left on purpose, by creating a
//! session, and children of mpcore with their descendants: they detect the end of their controller
//! by themselves, and clean up. The search is bounded, and a stopped process cannot block any file
//! that is read here, as it could block `cmdline` and `environ`.
//!
//! No innocent process is signalled. Each process is first pinned by a pidfd; then its parent is
//! read, and then both are checked again: a process that has not ended by then has kept its number
//! in the meantime.
//!
//! [`end_rest_of_group`] kills the other members of this process's own group, if the process cannot
//! leave it.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};

use crate::limits::DESCENDANTS;

/// A thread that every child process has since before it ran its own code. A copy of the child that
/// was made without `exec` does not have it.
const THREAD_OF_A_CHILD: &str = "mp-control";
/// The thread is among the first ones.
const FIRST_THREADS: usize = 16;
/// How often the members of a group are looked for, at most.
const GROUP_ROUNDS: usize = 16;

/// Descendants of a process in other process groups.
pub(crate) struct OtherGroups(Vec<Found>);

impl OtherGroups {
    /// Finds the descendants of `process` in other groups. `hold` is its pidfd; `None` for this
    /// process.
    ///
    /// Search before the end of the process, and kill after it: a process that restarts its jobs
    /// would otherwise do so meanwhile.
    pub(crate) fn of(process: Pid, hold: Option<&OwnedFd>) -> Self {
        // Numbers from another namespace do not match the pidfds that are opened here.
        let own = fs::read_link("/proc/self").ok();
        if own.and_then(|it| it.to_str()?.parse().ok()) != Some(getpid().as_raw_nonzero().get()) {
            return Self(Vec::new());
        }
        Self(find(process, hold))
    }

    pub(crate) fn kill(self) {
        for found in self.0 {
            let _ = pidfd_send_signal(&found.hold, Signal::KILL);
        }
    }
}

/// Kills every other process of this process's group, each by itself: a signal to the group would
/// end this process too.
pub(crate) fn end_rest_of_group(group: Pid) {
    // A process may be started while the others are killed.
    for _ in 0..GROUP_ROUNDS {
        let is_member = |stat: Stat| stat.group == group.as_raw_nonzero().get();
        let mut killed = false;
        for pid in numbers("/proc").filter(|pid| *pid != getpid()) {
            // Looked at once more through the pidfd's process: the number may have been reused.
            let Ok(hold) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            if Stat::of(pid).is_some_and(is_member) && !has_ended(&hold) {
                killed |= pidfd_send_signal(&hold, Signal::KILL).is_ok();
            }
        }
        if !killed {
            return;
        }
    }
}

/// A descendant, pinned by its pidfd.
struct Found {
    hold: OwnedFd,
    pid: Pid,
    group: i32,
}

/// Returns the descendants in other groups.
fn find(process: Pid, hold: Option<&OwnedFd>) -> Vec<Found> {
    let Some(leader) = Stat::of(process) else { return Vec::new() };
    let mut found: Vec<Found> = Vec::new();
    let mut left = Looks(DESCENDANTS);
    let mut scanned = None;
    let mut next = 0;
    let mut parent = process;
    loop {
        for pid in children(parent, &mut scanned, &mut left) {
            if !left.take() {
                break;
            }
            let Ok(child) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            let Some(stat) = Stat::of(pid) else { continue };
            if stat.parent != parent.as_raw_nonzero().get() || stat.session != leader.session {
                continue;
            }
            let parent_hold = if next == 0 { hold } else { Some(&found[next - 1].hold) };
            if is_child_of_mpcore(pid) || has_ended(&child) || parent_hold.is_some_and(has_ended) {
                continue;
            }
            found.push(Found { hold: child, pid, group: stat.group });
        }
        let Some(following) = found.get(next) else { break };
        parent = following.pid;
        next += 1;
    }
    found.retain(|found| found.group != leader.group);
    found
}

/// How many processes and threads may still be examined.
struct Looks(usize);

impl Looks {
    fn take(&mut self) -> bool {
        let left = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        left
    }
}

fn has_ended(process: &OwnedFd) -> bool {
    let process: &dyn AsFd = process;
    !crate::process::sys::poll::poll_readable(&[process], Some(Instant::now())).is_empty()
}

/// Fields of `/proc/<pid>/stat`.
#[derive(Debug, PartialEq)]
struct Stat {
    parent: i32,
    group: i32,
    session: i32,
}

impl Stat {
    fn of(process: Pid) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name is in parentheses and may contain anything; the state follows.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(1);
        let mut next = || fields.next()?.parse().ok();
        Some(Self { parent: next()?, group: next()?, session: next()? })
    }
}

/// Returns the children of a process. If the kernel keeps no lists, all processes are read once,
/// and those with this parent are its children.
fn children(parent: Pid, scanned: &mut Option<Vec<(Pid, i32)>>, left: &mut Looks) -> Vec<Pid> {
    listed(parent, left).unwrap_or_else(|| {
        let all = scanned.get_or_insert_with(|| scan(left));
        let number = parent.as_raw_nonzero().get();
        all.iter().filter(|(_, of)| *of == number).map(|(pid, _)| *pid).collect()
    })
}

/// Returns `None` if the kernel keeps no lists.
fn listed(parent: Pid, left: &mut Looks) -> Option<Vec<Pid>> {
    let mut children = Vec::new();
    for thread in numbers(&format!("/proc/{parent}/task")).take_while(|_| left.take()) {
        match fs::read_to_string(format!("/proc/{parent}/task/{thread}/children")) {
            Ok(list) => children.extend(list.split_whitespace().filter_map(number)),
            // The thread has ended meanwhile.
            Err(_) if !fs::exists("/proc/thread-self/children").unwrap_or_default() => return None,
            Err(_) => {}
        }
    }
    Some(children)
}

/// Returns all processes with their parents.
fn scan(left: &mut Looks) -> Vec<(Pid, i32)> {
    let parent = |pid| Some((pid, Stat::of(pid)?.parent));
    numbers("/proc").take_while(|_| left.take()).filter_map(parent).collect()
}

/// Returns the entries of a folder that are numbers of processes.
fn numbers(folder: &str) -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| number(entry.file_name().to_str()?))
}

fn number(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok()?)
}

fn is_child_of_mpcore(process: Pid) -> bool {
    let is_control = |thread: Pid| {
        let name = fs::read_to_string(format!("/proc/{process}/task/{thread}/comm"));
        name.is_ok_and(|name| name.trim_end() == THREAD_OF_A_CHILD)
    };
    numbers(&format!("/proc/{process}/task")).take(FIRST_THREADS).any(is_control)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    use super::*;

    #[test]
    fn parent_group_and_session_are_read_from_stat() {
        let stat = Stat { parent: 3, group: 4, session: 5 };
        assert_eq!(Stat::parse("12 (a) b) S 3 4 5 0 -1 4194560 0\n"), Some(stat));
        assert_eq!(Stat::parse("12 (a"), None);
        assert_eq!(Stat::parse("12 (a) S 3 x 5"), None);
    }

    #[test]
    fn lists_and_the_scan_name_the_same_children() {
        let sleep = || Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
        let mut both = [sleep(), sleep()];
        let pids = both.each_ref().map(Pid::from_child);
        let own = getpid();
        let scanned = scan(&mut Looks(usize::MAX));
        let of_own = |(pid, parent): &&(Pid, i32)| {
            *parent == own.as_raw_nonzero().get() && pids.contains(pid)
        };
        assert_eq!(scanned.iter().filter(of_own).count(), 2);
        if let Some(listed) = listed(own, &mut Looks(DESCENDANTS)) {
            assert!(pids.iter().all(|pid| listed.contains(pid)));
        }
        let found = find(own, None);
        assert!(pids.iter().all(|pid| found.iter().any(|it| it.pid == *pid)));
        for process in &mut both {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        assert!(find(own, None).iter().all(|it| !pids.contains(&it.pid)));
    }
}
