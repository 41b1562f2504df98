//! A child and the terminal of its controller.
//!
//! A child is a background process of the terminal, because it has its own group. The system stops
//! a background process, together with its group, when it reads from the terminal, sets it, or
//! (with `tostop`) prints on it: with SIGTTIN or SIGTTOU, unless the process ignores them. Then it
//! may print and set, and reading fails immediately. Processes that the child starts inherit that.
#![allow(unsafe_code)]

use nix::sys::signal::{SigHandler, Signal, signal};

/// In a child: prevents the terminal from stopping it.
pub(crate) fn ignore_stops_by_the_terminal() {
    for stop in [Signal::SIGTTIN, Signal::SIGTTOU] {
        // SAFETY: no handler is set, so no code runs that would have to be async-signal-safe.
        let _ = unsafe { signal(stop, SigHandler::SigIgn) };
    }
}
