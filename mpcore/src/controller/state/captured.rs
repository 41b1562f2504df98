//! Captured lines on their way to the inbox's thread: each stream has a [`Backlog`], and lines
//! beyond it are counted.
//!
//! The threads that read pipes post lines, and the inbox's thread takes them. A backlog's lock is
//! held while a notice is posted, so that a gap comes before the line that follows it. It is taken
//! before the mailbox's lock; no other lock is taken under it.

use std::sync::Mutex;

use crate::controller::flow_control::backlog::Backlog;
use crate::limits::OUTPUT_BYTES;
use crate::process::stream::OutputStream;

/// The backlogs of one child.
#[derive(Debug)]
pub(crate) struct Captured {
    stdout: Mutex<Backlog>,
    stderr: Mutex<Backlog>,
}

impl Default for Captured {
    fn default() -> Self {
        let backlog = || Mutex::new(Backlog::new(OUTPUT_BYTES));
        Self { stdout: backlog(), stderr: backlog() }
    }
}

impl Captured {
    pub(crate) fn of(&self, stream: OutputStream) -> &Mutex<Backlog> {
        match stream {
            OutputStream::Stdout => &self.stdout,
            OutputStream::Stderr => &self.stderr,
        }
    }
}
