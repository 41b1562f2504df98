//! What children write to stdout and stderr: taken apart into lines, handed over, passed on, and the last
//! lines kept for the exit report.
//!
//! Three threads read the pipes of all children where the system can poll, one per pipe elsewhere. Those that
//! pass on may block on the controller's own stdout or stderr; so they have no pipe whose lines somebody
//! waits for. Every other pipe is read always, so a child never waits for its controller to listen.
//!
//! Whoever ends a run [finishes](Stream::finish) its streams: what the child has written is in the pipe by
//! then, and is taken out by the thread that finishes, whatever the others do and whoever else holds the
//! pipe. Nothing is told of a stream after that.

use std::fmt;
use std::io::{self, Write as _};
use std::process::{ChildStderr, ChildStdout};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use super::lines::{Lines, Tail};
use super::sys;
use crate::limits::{OUTPUT_LINE_BYTES, STDERR_LINE_BYTES, STDERR_LINES};
use crate::sync::{lock, wait_timeout};

/// One of the two streams that a child writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl fmt::Display for OutputStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        })
    }
}

/// The controller's end of a pipe that a child writes to.
#[derive(Debug)]
pub(crate) enum Pipe {
    Stdout(ChildStdout),
    Stderr(ChildStderr),
}

/// Takes each line. Called on a thread that reads other children's pipes too: must not block.
pub(crate) type Sink = Box<dyn FnMut(String) + Send>;

/// What becomes of what is read.
pub(crate) struct Fate {
    /// The last lines are kept.
    pub(crate) tail: Option<Tail>,
    /// Each line is handed over.
    pub(crate) sink: Option<Sink>,
    pub(crate) passed_on: PassedOn,
}

/// Whether the bytes go to a stream of the controller's own as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassedOn {
    ToStdout,
    ToStderr,
    Nowhere,
}

/// The last lines of stderr, for the exit report.
pub(crate) fn stderr_tail() -> Tail {
    Tail::new(STDERR_LINES, STDERR_LINE_BYTES)
}

/// One stream of one run of a child. See the [module](self).
pub(crate) struct Stream {
    state: Mutex<State>,
    passed_on: Condvar,
    source: source::Source,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

struct State {
    lines: Lines,
    fate: Fate,
    /// Read, and not yet passed on.
    to_pass_on: Vec<u8>,
    /// The same, and being passed on.
    passing_on: bool,
    /// At the pipe's end, or the run is over.
    ended: bool,
}

impl State {
    fn new(fate: Fate) -> Self {
        let longest = if fate.sink.is_some() { OUTPUT_LINE_BYTES } else { STDERR_LINE_BYTES };
        Self {
            lines: Lines::new(longest),
            fate,
            to_pass_on: Vec::new(),
            passing_on: false,
            ended: false,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        if self.fate.passed_on != PassedOn::Nowhere {
            self.to_pass_on.extend_from_slice(bytes);
        }
        if !self.ended {
            let fate = &mut self.fate;
            self.lines.push(bytes, |line| fate.tell(line));
        }
    }

    fn end(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            let fate = &mut self.fate;
            self.lines.end(|line| fate.tell(line));
        }
        self.fate.sink = None;
    }
}

impl Fate {
    fn tell(&mut self, line: String) {
        if let Some(tail) = &mut self.tail {
            tail.push(&line);
        }
        if let Some(sink) = &mut self.sink {
            sink(line);
        }
    }
}

impl Stream {
    /// Reads `pipe` to its end in the background. `None` if there is no thread for that: then the child
    /// finds its pipe broken.
    pub(crate) fn follow(pipe: Pipe, fate: Fate) -> Option<Arc<Self>> {
        source::follow(pipe, fate)
    }

    /// The process is gone: takes what it has left in the pipe, and returns the last lines if they were to
    /// be kept. Where that cannot be done at once it waits for the pipe's end, until the deadline.
    pub(crate) fn finish(&self, deadline: Instant) -> Vec<String> {
        self.drain(deadline);
        self.await_passed_on(deadline);
        let mut state = lock(&self.state);
        state.end();
        state.fate.tail.as_mut().map(Tail::take).unwrap_or_default()
    }

    /// On the thread that may block.
    fn pass_on(&self) {
        let (bytes, to) = {
            let mut state = lock(&self.state);
            state.passing_on = !state.to_pass_on.is_empty();
            (std::mem::take(&mut state.to_pass_on), state.fate.passed_on)
        };
        if bytes.is_empty() {
            return;
        }
        match to {
            PassedOn::ToStdout => sys::write_to_stdout(&bytes),
            PassedOn::ToStderr => drop(io::stderr().write_all(&bytes)),
            PassedOn::Nowhere => {}
        }
        lock(&self.state).passing_on = false;
        self.passed_on.notify_all();
    }

    /// What the child has printed is out when its end is told, as if it had written there itself; a reader
    /// that takes nothing holds that up until the deadline only.
    fn await_passed_on(&self, deadline: Instant) {
        let mut state = lock(&self.state);
        while state.fate.passed_on == PassedOn::ToStdout
            && (state.passing_on || !state.to_pass_on.is_empty())
        {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = wait_timeout(&self.passed_on, state, left);
        }
    }
}

/// Three threads for all: pipes that can be polled.
#[cfg(unix)]
mod source {
    use std::os::fd::{AsFd, OwnedFd};
    use std::sync::OnceLock;
    use std::thread;

    use rustix::io::Errno;

    use super::{Arc, Condvar, Fate, Instant, Mutex, PassedOn, Pipe, State, Stream, io, lock};
    use crate::process::sys::{self, poll_readable};

    /// Never blocks when read.
    pub(super) type Source = OwnedFd;

    /// What is read at once.
    const CHUNK: usize = 64 << 10;

    /// Whether more may come.
    #[derive(PartialEq, Eq)]
    enum Read {
        Some(usize),
        NothingNow,
        Ended,
    }

    pub(super) fn follow(pipe: Pipe, fate: Fate) -> Option<Arc<Stream>> {
        let source = match pipe {
            Pipe::Stdout(pipe) => OwnedFd::from(pipe),
            Pipe::Stderr(pipe) => OwnedFd::from(pipe),
        };
        // It is a flag of this end alone, and not of what the child writes to.
        rustix::io::ioctl_fionbio(&source, true).ok()?;
        let reader = Reader::of(fate.passed_on)?;
        let state = Mutex::new(State::new(fate));
        let stream = Arc::new(Stream { state, passed_on: Condvar::new(), source });
        reader.add(Arc::clone(&stream));
        Some(stream)
    }

    impl Stream {
        fn read(&self, state: &mut State, buffer: &mut [u8]) -> Read {
            loop {
                match rustix::io::read(&self.source, &mut *buffer) {
                    Ok(0) => return Read::Ended,
                    Ok(length) => {
                        state.take(&buffer[..length]);
                        return Read::Some(length);
                    }
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => return Read::NothingNow,
                    Err(_) => return Read::Ended,
                }
            }
        }

        pub(super) fn drain(&self, _deadline: Instant) {
            let mut state = lock(&self.state);
            if state.ended {
                return;
            }
            // Not more than is there now: somebody else may hold the pipe and go on writing.
            let mut left = rustix::io::ioctl_fionread(&self.source).unwrap_or_default();
            let mut buffer = vec![0; CHUNK];
            while left > 0 {
                let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
                match self.read(&mut state, &mut buffer[..most]) {
                    Read::Some(length) => left = left.saturating_sub(length as u64),
                    Read::NothingNow | Read::Ended => break,
                }
            }
            let passes_on = !state.to_pass_on.is_empty();
            let to = state.fate.passed_on;
            drop(state);
            if passes_on && let Some(reader) = Reader::of(to) {
                reader.wake();
            }
        }
    }

    /// One of the three threads.
    struct Reader {
        new: Arc<Mutex<Vec<Arc<Stream>>>>,
        wake: io::PipeWriter,
    }

    impl Reader {
        fn of(passed_on: PassedOn) -> Option<&'static Self> {
            static PASSING: OnceLock<Option<Reader>> = OnceLock::new();
            static PRINTING: OnceLock<Option<Reader>> = OnceLock::new();
            static QUIET: OnceLock<Option<Reader>> = OnceLock::new();
            match passed_on {
                PassedOn::ToStdout => PRINTING.get_or_init(|| Reader::start("mp-stdout")),
                PassedOn::ToStderr => PASSING.get_or_init(|| Reader::start("mp-stderr")),
                PassedOn::Nowhere => QUIET.get_or_init(|| Reader::start("mp-output")),
            }
            .as_ref()
        }

        fn start(name: &str) -> Option<Self> {
            let (wake, waker) = sys::pipe().ok()?;
            // A full pipe wakes as well as one with a byte in it.
            rustix::io::ioctl_fionbio(&waker, true).ok()?;
            let new = Arc::<Mutex<Vec<Arc<Stream>>>>::default();
            let reader = Self { new: Arc::clone(&new), wake: waker };
            let body = move || run(wake, &new);
            thread::Builder::new().name(name.into()).spawn(body).ok()?;
            Some(reader)
        }

        fn add(&self, stream: Arc<Stream>) {
            lock(&self.new).push(stream);
            self.wake();
        }

        fn wake(&self) {
            let _ = io::Write::write(&mut &self.wake, &[1]);
        }
    }

    fn run(mut wake: io::PipeReader, new: &Mutex<Vec<Arc<Stream>>>) {
        let mut streams: Vec<Arc<Stream>> = Vec::new();
        let mut buffer = vec![0; CHUNK];
        loop {
            let mut fds: Vec<&dyn AsFd> = vec![&wake];
            fds.extend(streams.iter().map(|stream| &stream.source as &dyn AsFd));
            let ready = poll_readable(&fds, None);
            // From the back, so that removing does not move what is still to be read.
            for index in ready.into_iter().rev() {
                if index == 0 {
                    let _ = io::Read::read(&mut wake, &mut [0; 512]);
                    streams.append(&mut lock(new));
                    // Whoever finishes a stream leaves what is to be passed on to this thread.
                    streams.iter().for_each(|stream| stream.pass_on());
                    continue;
                }
                let stream = &streams[index - 1];
                let read = {
                    let mut state = lock(&stream.state);
                    let read = stream.read(&mut state, &mut buffer);
                    if read == Read::Ended {
                        state.end();
                    }
                    read
                };
                stream.pass_on();
                if read == Read::Ended {
                    streams.swap_remove(index - 1);
                }
            }
        }
    }
}

/// One thread per pipe.
#[cfg(not(unix))]
mod source {
    use std::io::Read as _;
    use std::sync::Condvar;
    use std::thread;

    use super::{Arc, Fate, Instant, Mutex, Pipe, State, Stream, io, lock};
    use crate::sync::wait_timeout;

    /// Told when the pipe has ended.
    pub(super) type Source = Condvar;

    impl io::Read for Pipe {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self {
                Self::Stdout(pipe) => pipe.read(buffer),
                Self::Stderr(pipe) => pipe.read(buffer),
            }
        }
    }

    pub(super) fn follow(mut pipe: Pipe, fate: Fate) -> Option<Arc<Stream>> {
        let state = Mutex::new(State::new(fate));
        let stream = Arc::new(Stream { state, passed_on: Condvar::new(), source: Condvar::new() });
        let followed = Arc::clone(&stream);
        let body = move || {
            let mut buffer = [0; 8192];
            loop {
                match pipe.read(&mut buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => break,
                    Ok(length) => {
                        lock(&followed.state).take(&buffer[..length]);
                        followed.pass_on();
                    }
                }
            }
            lock(&followed.state).end();
            followed.source.notify_all();
        };
        thread::Builder::new().name("mp-output".into()).spawn(body).ok()?;
        Some(stream)
    }

    impl Stream {
        pub(super) fn drain(&self, deadline: Instant) {
            let mut state = lock(&self.state);
            while !state.ended {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return;
                }
                state = wait_timeout(&self.source, state, left);
            }
        }
    }
}
