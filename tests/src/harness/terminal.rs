//! Pseudo-terminals, so that the system itself sends what a terminal sends.

use std::os::fd::OwnedFd;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Opens a new terminal: returns the side where keys are pressed, and the path of the other side.
///
/// # Panics
/// If the system has none.
#[must_use]
pub fn terminal() -> (OwnedFd, String) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
        .expect("the system has a terminal");
    grantpt(&terminal).expect("the terminal is ours");
    unlockpt(&terminal).expect("the terminal can be unlocked");
    let name = ptsname(&terminal, Vec::new()).expect("the other side has a path");
    (terminal, name.into_string().expect("the path is plain"))
}
