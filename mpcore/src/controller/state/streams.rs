//! The stdout and stderr of a run's child: where they go, and what the exit report contains of
//! them.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::controller::state::held::Held;
use crate::controller::state::options::OutputMode;
use crate::limits::OUTPUT_DEADLINE;
use crate::process::output::{Fate, Keep, PassedOn, Sink, Stream, stderr_tail};
use crate::process::stream::OutputStream;
use crate::process::sys;
use crate::sync::lock;

/// The streams of one run.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    stdout: Mutex<Option<Arc<Stream>>>,
    stderr: Mutex<Option<Arc<Stream>>>,
    dropped: Arc<AtomicU64>,
}

/// What is known about the streams at the end of the run.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) last_of_stderr: Vec<String>,
    pub(crate) lines_dropped: u64,
}

impl Streams {
    /// Makes sure that the child's output can be read, before there is a child.
    pub(crate) fn prepare(&self, stdout: OutputMode, stderr: OutputMode) -> io::Result<()> {
        match stdout {
            OutputMode::Null => {}
            OutputMode::Inherit if !sys::stdout_may_break() => {}
            stdout => Stream::prepare(stdout_passed_on(stdout))?,
        }
        Stream::prepare(passed_on(stderr))
    }

    /// Returns the counter of dropped lines.
    pub(crate) fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.dropped)
    }

    /// Reads what a child that was just started writes, until its other end is closed. `sink` gets
    /// the lines, if they are captured; the last lines of stderr are kept for the report.
    pub(crate) fn follow(
        &self,
        stream: OutputStream,
        pipe: File,
        output: OutputMode,
        sink: Option<Sink>,
        held: Option<Held>,
    ) -> io::Result<()> {
        let keep = held.map(|held| Arc::new(held) as Keep);
        let (stream, tail, passed_on) = match stream {
            OutputStream::Stdout => (&self.stdout, None, stdout_passed_on(output)),
            OutputStream::Stderr => (&self.stderr, Some(stderr_tail()), passed_on(output)),
        };
        *lock(stream) = Some(Stream::follow(pipe, Fate { tail, sink, passed_on, keep })?);
        Ok(())
    }

    /// Called when the process is gone: the sinks get the last lines, and nothing follows.
    pub(crate) fn finish(&self) -> Written {
        let deadline = Instant::now() + OUTPUT_DEADLINE;
        // Taken out, so that the pipes are closed when their streams end.
        let finish = |stream: &Mutex<Option<Arc<Stream>>>| {
            let stream = lock(stream).take();
            stream.map(|stream| stream.finish(deadline)).unwrap_or_default()
        };
        finish(&self.stdout);
        let last_of_stderr = finish(&self.stderr);
        Written { last_of_stderr, lines_dropped: self.dropped.load(Ordering::SeqCst) }
    }
}

/// Returns where the controller passes an inherited stdout on.
fn stdout_passed_on(stdout: OutputMode) -> PassedOn {
    match stdout {
        OutputMode::Inherit => PassedOn::ToStdout,
        OutputMode::Null | OutputMode::Captured => PassedOn::Nowhere,
    }
}

/// Returns where the controller passes stderr on.
fn passed_on(stderr: OutputMode) -> PassedOn {
    match stderr {
        OutputMode::Inherit => PassedOn::ToStderr,
        OutputMode::Null | OutputMode::Captured => PassedOn::Nowhere,
    }
}
