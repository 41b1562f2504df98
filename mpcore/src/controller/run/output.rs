//! What the child of one run writes to stdout and stderr, and where that goes.

use std::io;
use std::process::{ChildStderr, ChildStdout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::controller::backlog::Offered;
use crate::controller::builder::Output;
use crate::controller::captured::post_line;
use crate::controller::captured::tell_dropped_lines;
use crate::controller::run::Held;
use crate::controller::shared::Shared;
use crate::limits::OUTPUT_DEADLINE;
use crate::process::output::{Fate, Keep, OutputStream, PassedOn, Pipe, Sink, Stream, stderr_tail};
use crate::process::sys;
use crate::sync::lock;

/// The streams of one run.
#[derive(Debug, Default)]
pub(super) struct Streams {
    stdout: Mutex<Option<Arc<Stream>>>,
    stderr: Mutex<Option<Arc<Stream>>>,
    dropped: Arc<AtomicU64>,
}

/// What is known of them at the end.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) last_of_stderr: Vec<String>,
    pub(super) lines_dropped: u64,
}

impl Streams {
    /// Makes sure that what the child will write can be read, before there is a child.
    pub(super) fn prepare(&self, shared: &Shared) -> io::Result<()> {
        match shared.spec.stdout {
            Output::Null => {}
            Output::Inherit if !sys::stdout_may_break() => {}
            stdout => Stream::prepare(stdout_passed_on(stdout))?,
        }
        Stream::prepare(passed_on(shared.spec.stderr))
    }

    /// Reads the pipes of a process that has just been started.
    pub(super) fn follow(
        &self,
        shared: &Arc<Shared>,
        held: Option<Held>,
        stdout: Option<ChildStdout>,
        stderr: Option<ChildStderr>,
    ) -> io::Result<()> {
        let spec = &shared.spec;
        let keep = held.map(|held| Arc::new(held) as Keep);
        let sink = |output, stream| (output == Output::Captured).then(|| self.sink(shared, stream));
        if let Some(pipe) = stdout {
            let sink = sink(spec.stdout, OutputStream::Stdout);
            let passed_on = stdout_passed_on(spec.stdout);
            let fate = Fate { tail: None, sink, passed_on, keep: keep.clone() };
            *lock(&self.stdout) = Some(Stream::follow(Pipe::Stdout(pipe), fate)?);
        }
        if let Some(pipe) = stderr {
            let passed_on = passed_on(spec.stderr);
            let sink = sink(spec.stderr, OutputStream::Stderr);
            let fate = Fate { tail: Some(stderr_tail()), sink, passed_on, keep };
            *lock(&self.stderr) = Some(Stream::follow(Pipe::Stderr(pipe), fate)?);
        }
        Ok(())
    }

    fn sink(&self, shared: &Arc<Shared>, stream: OutputStream) -> Sink {
        let (shared, dropped) = (Arc::clone(shared), Arc::clone(&self.dropped));
        Box::new(move |line| {
            let signals = &shared.signals;
            let signal = match stream {
                OutputStream::Stdout => &signals.stdout_line,
                OutputStream::Stderr => &signals.stderr_line,
            };
            // What nobody listens to need not wait.
            if signal.is_connected() && post_line(&shared, stream, line) == Offered::Dropped {
                dropped.fetch_add(1, Ordering::SeqCst);
            }
        })
    }

    /// The process is gone: posts the last lines and what was dropped; nothing follows.
    pub(super) fn finish(&self, shared: &Arc<Shared>) -> Written {
        let deadline = Instant::now() + OUTPUT_DEADLINE;
        // Taken out, so that the pipes are closed with their ends.
        let finish = |stream: &Mutex<Option<Arc<Stream>>>| {
            let stream = lock(stream).take();
            stream.map(|stream| stream.finish(deadline)).unwrap_or_default()
        };
        finish(&self.stdout);
        let last_of_stderr = finish(&self.stderr);
        tell_dropped_lines(shared);
        Written { last_of_stderr, lines_dropped: self.dropped.load(Ordering::SeqCst) }
    }
}

/// Where it is inherited through the controller.
fn stdout_passed_on(stdout: Output) -> PassedOn {
    match stdout {
        Output::Inherit => PassedOn::ToStdout,
        Output::Null | Output::Captured => PassedOn::Nowhere,
    }
}

fn passed_on(stderr: Output) -> PassedOn {
    match stderr {
        Output::Inherit => PassedOn::ToStderr,
        Output::Null | Output::Captured => PassedOn::Nowhere,
    }
}
