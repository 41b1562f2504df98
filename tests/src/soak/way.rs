//! How a process is killed from outside.

use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use super::random_time;
use super::witness::Witness;

/// One of the ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Kill,
    Segfault,
    StopThenKill,
}

impl Way {
    pub(super) const ALL: [Way; 3] = [Way::Kill, Way::Segfault, Way::StopThenKill];

    /// Kills; returns when the last signal is sent.
    pub(super) fn kill(self, witness: &Witness, random: &mut fastrand::Rng) {
        match self {
            Way::Kill => witness.signal(Signal::KILL),
            Way::Segfault => {
                // Repeatedly: Rust's own handler of SIGSEGV ignores the first.
                while !witness.has_seen_the_end() {
                    witness.signal(Signal::SEGV);
                    thread::sleep(Duration::from_micros(200));
                }
            }
            Way::StopThenKill => {
                witness.signal(Signal::STOP);
                thread::sleep(random_time(random, Duration::from_millis(20)));
                witness.signal(Signal::KILL);
            }
        }
    }
}
