//! The exit codes of a child, following the conventions of `sysexits` and Rust.

pub(crate) const OK: i32 = 0;
pub(crate) const INIT_FAILED: i32 = 1;
/// The system refused a thread: `EX_OSERR`.
pub(crate) const NO_THREADS: i32 = 71;
/// The lanes to the controller are closed: `EX_IOERR`.
pub(crate) const CONTROLLER_LOST: i32 = 74;
pub(crate) const PANICKED: i32 = 101;
