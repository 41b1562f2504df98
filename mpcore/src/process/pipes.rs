//! The controller's ends of the pipes of a process.

use std::fs::File;
#[cfg(unix)]
use std::os::fd::OwnedFd as Owned;
#[cfg(windows)]
use std::os::windows::io::OwnedHandle as Owned;
use std::process::{ChildStderr, ChildStdin, ChildStdout};

/// Those that were asked for.
#[derive(Debug)]
pub(crate) struct PipeEnds {
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<File>,
    pub(crate) stderr: Option<File>,
}

/// Those that the standard library has created.
pub(crate) type Pipes = (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>);

/// Any readable file will do. On Windows these pipes are opened for overlapped reads; the standard
/// library's reads of a `File` wait for one that is pending, and each pipe has one reader.
impl From<Pipes> for PipeEnds {
    fn from((stdin, stdout, stderr): Pipes) -> Self {
        let (stdout, stderr) = (stdout.map(Owned::from), stderr.map(Owned::from));
        Self { stdin, stdout: stdout.map(File::from), stderr: stderr.map(File::from) }
    }
}
