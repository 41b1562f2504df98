//! Captured lines on their way to the inbox's thread: within a [`Backlog`] each stream, or counted.
//!
//! Lines are posted by the threads that read pipes, and taken by the inbox's thread. A backlog's lock is held
//! while a notice is posted, so that a gap stands before the line that follows it; it comes before the
//! mailbox's, and nothing else is taken under it.

use std::sync::{Arc, Mutex};

use crate::controller::backlog::{Backlog, Offered};
use crate::controller::inbox::enqueue;
use crate::controller::inbox::{Notice, Wake};
use crate::controller::process::LinesDropped;
use crate::controller::shared::Shared;
use crate::limits::OUTPUT_BYTES;
use crate::process::output::OutputStream;
use crate::sync::lock;

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
    fn of(&self, stream: OutputStream) -> &Mutex<Backlog> {
        match stream {
            OutputStream::Stdout => &self.stdout,
            OutputStream::Stderr => &self.stderr,
        }
    }
}

/// Posts a line that the child has written, if there is room for it. Never blocks.
pub(crate) fn post_line(shared: &Arc<Shared>, stream: OutputStream, line: String) -> Offered {
    let mut backlog = lock(shared.captured.of(stream));
    let offered = backlog.offer(line.len());
    let wake = match offered {
        Offered::Taken => enqueue(shared, Notice::Line(stream, line)),
        Offered::Dropped => Wake::none(),
    };
    drop(backlog);
    wake.wake();
    offered
}

/// A line has left the inbox: tells of those that were dropped, if there is room for the next.
pub(crate) fn line_taken(shared: &Arc<Shared>, stream: OutputStream, length: usize) {
    post_gap(shared, stream, |backlog| backlog.taken_out(length));
}

/// A run ends: tells of the lines that were dropped last, since none will follow.
pub(crate) fn tell_dropped_lines(shared: &Arc<Shared>) {
    for stream in [OutputStream::Stdout, OutputStream::Stderr] {
        post_gap(shared, stream, Backlog::untold);
    }
}

fn post_gap(
    shared: &Arc<Shared>,
    stream: OutputStream,
    dropped: impl FnOnce(&mut Backlog) -> Option<u64>,
) {
    let mut backlog = lock(shared.captured.of(stream));
    let wake = match dropped(&mut backlog) {
        Some(lines) => enqueue(shared, Notice::LinesDropped(LinesDropped { stream, lines })),
        None => Wake::none(),
    };
    drop(backlog);
    wake.wake();
}
