//! The controller's ends of the pipes of a process.

use std::process::{ChildStderr, ChildStdin, ChildStdout};

/// Those that were asked for.
#[derive(Debug)]
pub(crate) struct PipeEnds {
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
}
