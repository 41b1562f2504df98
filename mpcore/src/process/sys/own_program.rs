//! How a program starts itself again.

use std::ffi::OsString;
use std::path::PathBuf;

/// How a program starts itself again.
#[derive(Debug)]
pub(crate) struct OwnProgram {
    pub(crate) path: PathBuf,
    /// The name that it was called by.
    pub(crate) argv0: Option<OsString>,
    /// The arguments before its own, if `path` is a loader.
    pub(crate) leading: Vec<OsString>,
}
