//! A child and the terminal of its controller.
//!
//! A child is in the background there, because its group is its own. The system stops a background process, and the
//! whole group with it, when it reads from the terminal, sets it, or (with `tostop`) prints on it: with SIGTTIN or
//! SIGTTOU, unless it ignores them. Then it may print and set, and reading is an error at once. What a child starts
//! inherits that.
#![allow(unsafe_code)]

use nix::sys::signal::{SigHandler, Signal, signal};

/// In a child: the terminal does not stop it.
pub(crate) fn ignore_stops_by_the_terminal() {
    for stop in [Signal::SIGTTIN, Signal::SIGTTOU] {
        // SAFETY: no handler is set, so no code runs that would have to be fit for a signal.
        let _ = unsafe { signal(stop, SigHandler::SigIgn) };
    }
}
