//! Whether this process knows what it was started as.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::child::command_line::CommandLine;

static INIT_RAN: AtomicBool = AtomicBool::new(false);

static IN_MAIN: AtomicBool = AtomicBool::new(false);

/// Whether this binary can be started again as a child of its own.
pub(crate) fn has_run() -> bool {
    INIT_RAN.load(Ordering::SeqCst)
}

/// Whether this process was started as a child, and does not know: what it starts would not know either, and so on.
pub(crate) fn is_forgotten() -> bool {
    !has_run() && CommandLine::of_this_process().is_of_child()
}

/// Whether that happens in its `main`, and not in a test of its.
pub(crate) fn in_main() -> bool {
    IN_MAIN.load(Ordering::SeqCst)
}

/// `init` runs in a test of this binary, or in a binary that is only a child.
pub(crate) fn init_runs() {
    INIT_RAN.store(true, Ordering::SeqCst);
}

/// `init` runs in `main`.
pub(crate) fn init_runs_in_main() {
    init_runs();
    IN_MAIN.store(true, Ordering::SeqCst);
}
