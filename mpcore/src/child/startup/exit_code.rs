//! The exit codes of a child, following the conventions of `sysexits` and Rust.

pub(crate) const OK: i32 = 0;
/// The child was not ready: its limits, its config, its constructor or `postrun_init` failed, or it
/// was not welcomed.
pub(crate) const INIT_FAILED: i32 = 1;
/// The system refused a thread: `EX_OSERR`.
pub(crate) const NO_THREADS: i32 = 71;
/// The lanes to the controller are closed: `EX_IOERR`.
pub(crate) const CONTROLLER_LOST: i32 = 74;
/// The constructor, `postrun_init` or the runtime panicked.
pub(crate) const PANICKED: i32 = 101;
