//! Whether `init` or `child_main` has run in this process, and where. Until then the process does
//! not know how it was started.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::child::startup::command_line::CommandLine;

/// `init` or `child_main` has run.
static INIT_RAN: AtomicBool = AtomicBool::new(false);

/// `init` has run in `main`.
static IN_MAIN: AtomicBool = AtomicBool::new(false);

/// Returns whether this binary can be started again as its own child.
pub(crate) fn has_run() -> bool {
    INIT_RAN.load(Ordering::SeqCst)
}

/// Returns whether this process was started as a child but `init` has not run: processes that it
/// started would not run it either, and so on.
pub(crate) fn is_forgotten() -> bool {
    !has_run() && CommandLine::of_this_process().is_of_child()
}

/// Returns whether `init` has run in this binary's `main`, and not in one of its tests.
pub(crate) fn in_main() -> bool {
    IN_MAIN.load(Ordering::SeqCst)
}

/// Called when `init` runs in a test of this binary, or in a binary that is only a child.
pub(crate) fn init_runs() {
    INIT_RAN.store(true, Ordering::SeqCst);
}

/// Called when `init` runs in `main`.
pub(crate) fn init_runs_in_main() {
    init_runs();
    IN_MAIN.store(true, Ordering::SeqCst);
}
