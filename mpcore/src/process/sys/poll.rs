//! Waits until descriptors are readable, even if there are more of them than may be open.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Resource, getrlimit};

/// Pause before `poll` is retried if it cannot wait.
const POLL_PAUSE: Duration = Duration::from_millis(20);

/// Waits until one of the descriptors is readable; returns which ones are.
pub(crate) fn poll_readable(fds: &[&dyn AsFd], deadline: Option<Instant>) -> Vec<usize> {
    let mut entries: Vec<_> =
        fds.iter().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)).collect();
    let timeout = deadline.map(|at| {
        let left = at.saturating_duration_since(Instant::now()) + Duration::from_micros(1);
        Timespec { tv_sec: left.as_secs() as _, tv_nsec: left.subsec_nanos().into() }
    });
    match poll(&mut entries, timeout.as_ref()) {
        Ok(_) => {}
        // The caller checks its state and waits again.
        Err(rustix::io::Errno::INTR) => return Vec::new(),
        // More descriptors than may be open: the limit was lowered below the number of open ones.
        Err(rustix::io::Errno::INVAL) => poll_in_parts(&mut entries),
        Err(_) => {
            // Out of memory: it may pass, and must not become a busy loop.
            std::thread::sleep(POLL_PAUSE);
            return Vec::new();
        }
    }
    let ready = entries.iter().enumerate().filter(|(_, entry)| !entry.revents().is_empty());
    let mut ready = ready.map(|(index, _)| index).collect();
    crate::chaos::some(&mut ready);
    ready
}

/// `poll` accepts at most as many descriptors as may be open. So this checks them in parts, and
/// does not wait. The caller tries again.
fn poll_in_parts(entries: &mut [PollFd<'_>]) {
    let limit = getrlimit(Resource::Nofile).current.and_then(|it| usize::try_from(it).ok());
    let mut some = false;
    for part in entries.chunks_mut(limit.unwrap_or(usize::MAX).max(1)) {
        some |= poll(part, Some(&Timespec::default())).is_ok_and(|ready| ready > 0);
    }
    if !some {
        std::thread::sleep(POLL_PAUSE);
    }
}
