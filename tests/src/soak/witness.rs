//! Observes, independently of the runtime, when a process is gone.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::harness::patience::LONG;

/// Refers to one process, even if its pid is reused.
#[derive(Debug, Clone)]
pub(super) struct Witness {
    pidfd: Arc<OwnedFd>,
}

impl Witness {
    /// Returns a witness of an existing process.
    #[track_caller]
    pub(super) fn of(pid: u32) -> Self {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process number");
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).expect("the process is there");
        Self { pidfd: Arc::new(pidfd) }
    }

    /// Sends a signal, unless the process is gone.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&*self.pidfd, signal);
    }

    /// Whether the process has ended.
    pub(super) fn has_seen_the_end(&self) -> bool {
        self.waits_until(Instant::now())
    }

    /// Starts a thread that records when it ended.
    pub(super) fn watch(&self) -> JoinHandle<Option<Instant>> {
        let witness = self.clone();
        thread::spawn(move || {
            let ended = witness.waits_until(Instant::now() + LONG);
            ended.then(Instant::now)
        })
    }

    fn waits_until(&self, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let mut entries = [PollFd::new(&*self.pidfd, PollFlags::IN)];
            match poll(&mut entries, Some(&timeout)) {
                Ok(0) => return false,
                Ok(_) => return true,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("a process can be waited for: {error}"),
            }
        }
    }
}
