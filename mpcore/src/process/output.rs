//! The stdout and stderr of children: split into lines, handed over, passed on, and the last lines
//! kept for the exit report.
//!
//! Three threads read the pipes of all children if the system can poll pipes; elsewhere there is
//! one thread per pipe. Threads that pass output on may block on the controller's own stdout or
//! stderr, so they do not read pipes whose lines another thread waits for. All other pipes are
//! always read, so a child never waits for its controller to read.
//!
//! The thread that ends a run [finishes](Stream::finish) its streams: by then everything that the
//! child has written is in the pipe, and that thread reads it, regardless of the other threads and
//! of other processes that hold the pipe. After that nothing of the stream is reported any more.
//! [`flush`] waits until everything that was read is passed on.

use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use super::lines::{Lines, Tail};
use super::sys;
use crate::chaos::InParts;
use crate::limits::{OUTPUT_LINE_BYTES, STDERR_LINE_BYTES, STDERR_LINES};
use crate::sync::{lock, wait_timeout};

/// Receives each line. Called on a thread that reads other children's pipes too: must not block.
pub(crate) type Sink = Box<dyn FnMut(String) + Send>;

/// What happens to the bytes that are read.
pub(crate) struct Fate {
    /// Keeps the last lines.
    pub(crate) tail: Option<Tail>,
    /// Receives each line.
    pub(crate) sink: Option<Sink>,
    pub(crate) passed_on: PassedOn,
    /// Dropped when the pipe is closed, or when the run has ended while another process holds the
    /// pipe.
    #[cfg_attr(not(unix), allow(dead_code))]
    pub(crate) keep: Option<Keep>,
}

/// Kept with a pipe and dropped with it, so that its owner can detect when the pipe is closed.
pub(crate) type Keep = Arc<dyn Send + Sync>;

/// Whether the bytes also go to one of the controller's own streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassedOn {
    ToStdout,
    ToStderr,
    Nowhere,
}

/// Returns a tail for the last lines of stderr, for the exit report.
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
    /// Bytes that were read and not yet passed on.
    to_pass_on: Vec<u8>,
    /// Such bytes are being passed on.
    passing_on: bool,
    /// The pipe has reached its end, or the run is over.
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

/// Waits until the output of children that was read has been written to this process's stdout and
/// stderr; returns whether it has. If a stream accepts nothing, such as a terminal after Ctrl-S,
/// the wait ends at the deadline.
pub(crate) fn flush(deadline: Instant) -> bool {
    source::flush(deadline)
}

impl Stream {
    /// Ensures that there is a thread for such a stream, before the stream exists.
    pub(crate) fn prepare(passed_on: PassedOn) -> io::Result<()> {
        source::prepare(passed_on)
    }

    /// Reads `pipe` to its end in the background. Fails if no thread can be started for that; the
    /// child would then find its pipe broken.
    pub(crate) fn follow(pipe: File, fate: Fate) -> io::Result<Arc<Self>> {
        source::follow(pipe, fate)
    }

    /// The process is gone: reads the rest of the pipe, and returns the last lines if they were to
    /// be kept. If that cannot be done immediately it waits for the pipe's end, until the deadline.
    pub(crate) fn finish(&self, deadline: Instant) -> Vec<String> {
        self.drain(deadline);
        self.await_passed_on(deadline);
        let mut state = lock(&self.state);
        state.end();
        state.fate.tail.as_mut().map(Tail::take).unwrap_or_default()
    }

    /// Runs on the thread that may block.
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
            PassedOn::ToStderr => drop(InParts(io::stderr().lock()).write_all(&bytes)),
            PassedOn::Nowhere => {}
        }
        lock(&self.state).passing_on = false;
        self.passed_on.notify_all();
    }

    /// The child's output is written before its end is reported, as if the child had written it
    /// directly; a reader that accepts nothing delays that only until the deadline.
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

/// Three threads for all streams: pipes that can be polled.
#[cfg(unix)]
mod source {
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::sync::Condvar;
    use std::thread;
    use std::time::Duration;

    use rustix::io::Errno;

    use super::{
        Arc, Fate, File, InParts, Instant, Keep, Mutex, PassedOn, State, Stream, io, lock,
    };
    use crate::chaos;
    use crate::limits::OUTPUT_CHUNK;
    use crate::process::sys::{self, poll_readable};
    use crate::sync::made_once::MadeOnce;
    use crate::sync::wait_timeout;

    /// Reading it never blocks. It is closed at its end, whatever the thread that passes output on
    /// is doing.
    pub(super) struct Source {
        pipe: Mutex<Option<Arc<Open>>>,
    }

    struct Open {
        pipe: OwnedFd,
        keep: Mutex<Option<Keep>>,
    }

    impl AsFd for Open {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.pipe.as_fd()
        }
    }

    impl Source {
        fn open(&self) -> Option<Arc<Open>> {
            lock(&self.pipe).clone()
        }

        /// Closes the pipe. It is closed once the returned value is dropped, which must not happen
        /// under a lock.
        #[must_use]
        fn close(&self) -> Option<Arc<Open>> {
            lock(&self.pipe).take()
        }
    }

    /// Whether more bytes may come.
    #[derive(PartialEq, Eq)]
    enum Read {
        Some(usize),
        NothingNow,
        Ended,
    }

    pub(super) fn prepare(passed_on: PassedOn) -> io::Result<()> {
        Reader::of(passed_on).map(drop)
    }

    pub(super) fn follow(pipe: File, mut fate: Fate) -> io::Result<Arc<Stream>> {
        let pipe = OwnedFd::from(pipe);
        // The flag affects only this end, not the end that the child writes to.
        rustix::io::ioctl_fionbio(&pipe, true)?;
        let reader = Reader::of(fate.passed_on)?;
        let open = Open { pipe, keep: Mutex::new(fate.keep.take()) };
        let source = Source { pipe: Mutex::new(Some(Arc::new(open))) };
        let state = Mutex::new(State::new(fate));
        let stream = Arc::new(Stream { state, passed_on: Condvar::new(), source });
        reader.add(Arc::clone(&stream));
        Ok(stream)
    }

    /// Reads once from a pipe.
    fn read(pipe: &Open, state: &mut State, buffer: &mut [u8]) -> Read {
        loop {
            let most = chaos::part(buffer.len());
            match rustix::io::read(&pipe.pipe, &mut buffer[..most]) {
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

    impl Stream {
        pub(super) fn drain(&self, _deadline: Instant) {
            let mut state = lock(&self.state);
            let Some(pipe) = self.source.open().filter(|_| !state.ended) else { return };
            // Reads only what is there now, plus one check whether that is the end: another process
            // may hold the pipe and go on writing.
            let mut left = rustix::io::ioctl_fionread(&pipe.pipe).unwrap_or_default();
            let mut buffer = vec![0; OUTPUT_CHUNK.get()];
            let (mut read_on, mut closed) = (true, None);
            while read_on {
                read_on = left > 0;
                let most = usize::try_from(left).unwrap_or(usize::MAX).clamp(1, buffer.len());
                match read(&pipe, &mut state, &mut buffer[..most]) {
                    Read::Some(length) => left = left.saturating_sub(length as u64),
                    Read::NothingNow => break,
                    Read::Ended => {
                        closed = self.source.close();
                        break;
                    }
                }
            }
            let passed_on = state.fate.passed_on;
            drop(state);
            // If another process holds the pipe it stays open, and `join` does not wait for that.
            let keep = if closed.is_some() { None } else { lock(&pipe.keep).take() };
            drop((pipe, closed, keep));
            // The reader passes on what was read, and releases the pipe.
            if let Some(reader) = Reader::made(passed_on) {
                reader.wake();
            }
        }
    }

    /// One of the three threads.
    struct Reader {
        new: Arc<Mutex<Vec<Arc<Stream>>>>,
        wake: io::PipeWriter,
        rounds: Arc<Rounds>,
    }

    static PRINTING: MadeOnce<Reader> = MadeOnce::new();
    static PASSING: MadeOnce<Reader> = MadeOnce::new();
    static QUIET: MadeOnce<Reader> = MadeOnce::new();

    impl Reader {
        /// Returns the thread for such streams, which it starts if there is none.
        fn of(passed_on: PassedOn) -> io::Result<&'static Self> {
            match passed_on {
                PassedOn::ToStdout => PRINTING.get_or_make(|| Reader::start("mp-stdout")),
                PassedOn::ToStderr => PASSING.get_or_make(|| Reader::start("mp-stderr")),
                PassedOn::Nowhere => QUIET.get_or_make(|| Reader::start("mp-output")),
            }
        }

        /// The reader, if it was started.
        fn made(passed_on: PassedOn) -> Option<&'static Self> {
            match passed_on {
                PassedOn::ToStdout => PRINTING.get(),
                PassedOn::ToStderr => PASSING.get(),
                PassedOn::Nowhere => QUIET.get(),
            }
        }

        fn start(name: &str) -> io::Result<Self> {
            let (wake, waker) = sys::pipe()?;
            // A full pipe wakes the reader just as well as one with a byte in it.
            rustix::io::ioctl_fionbio(&waker, true)?;
            let (new, rounds) = (Arc::default(), Arc::default());
            let reader = Self { new: Arc::clone(&new), wake: waker, rounds: Arc::clone(&rounds) };
            let body = move || run(wake, &new, &rounds);
            thread::Builder::new().name(name.into()).spawn(body)?;
            Ok(reader)
        }

        fn add(&self, stream: Arc<Stream>) {
            lock(&self.new).push(stream);
            self.wake();
        }

        fn wake(&self) {
            let _ = io::Write::write(&mut &self.wake, &[1]);
        }
    }

    /// Flush requests: callers wait until everything that has been read is passed on.
    #[derive(Debug, Default)]
    struct Rounds {
        count: Mutex<Count>,
        changed: Condvar,
    }

    #[derive(Debug, Default)]
    struct Count {
        asked: u64,
        done: u64,
    }

    /// Waits until everything that was read from finished streams is passed on; returns whether it
    /// is.
    pub(super) fn flush(deadline: Instant) -> bool {
        let flushed = |reader: &MadeOnce<Reader>| reader.get().is_none_or(|it| it.flush(deadline));
        let (stderr, stdout) = (flushed(&PASSING), flushed(&PRINTING));
        stderr && stdout
    }

    impl Reader {
        fn flush(&self, deadline: Instant) -> bool {
            let Rounds { count, changed } = &*self.rounds;
            let mut count = lock(count);
            count.asked += 1;
            let mine = count.asked;
            self.wake();
            while count.done < mine {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return false;
                }
                count = wait_timeout(changed, count, left.min(Duration::from_secs(3600)));
            }
            true
        }
    }

    /// The body of each of the three threads.
    fn run(mut wake: io::PipeReader, new: &Mutex<Vec<Arc<Stream>>>, rounds: &Rounds) {
        let mut streams: Vec<Arc<Stream>> = Vec::new();
        let mut buffer = vec![0; OUTPUT_CHUNK.get()];
        loop {
            streams.retain(|stream| {
                let open = stream.source.open().is_some();
                if !open {
                    // The rest, to which nothing is added any more.
                    stream.pass_on();
                }
                open
            });
            let pipes: Vec<_> = streams.iter().map(|stream| stream.source.open()).collect();
            let mut fds: Vec<&dyn AsFd> = vec![&wake];
            // A pipe that was closed meanwhile has woken this thread.
            let mut followed = Vec::new();
            for (stream, pipe) in streams.iter().zip(&pipes) {
                if let Some(pipe) = pipe {
                    fds.push(pipe);
                    followed.push((stream, pipe));
                }
            }
            let ready = poll_readable(&fds, None);
            let mut closed = Vec::new();
            for index in &ready {
                let Some((stream, pipe)) = index.checked_sub(1).map(|index| followed[index]) else {
                    continue;
                };
                let mut state = lock(&stream.state);
                if read(pipe, &mut state, &mut buffer) == Read::Ended {
                    state.end();
                    closed.push(stream.source.close());
                }
            }
            // Releases the pipes first, so that a thread that finishes a stream does not wait for
            // the writes below.
            drop(fds);
            drop(followed);
            drop((pipes, closed));
            if ready.contains(&0) {
                let _ = io::Read::read(&mut InParts(&mut wake), &mut [0; 512]);
                streams.append(&mut lock(new));
            }
            // After the wake was consumed: a request from now on wakes this thread again.
            let asked = lock(&rounds.count).asked;
            // A thread that finishes a stream leaves passing on to this thread.
            streams.iter().for_each(|stream| stream.pass_on());
            let mut count = lock(&rounds.count);
            if count.done < asked {
                count.done = asked;
                rounds.changed.notify_all();
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

    use super::{Arc, Fate, File, Instant, Mutex, State, Stream, io, lock};
    use crate::sync::wait_timeout;

    /// Notified when the pipe has ended.
    pub(super) type Source = Condvar;

    /// Each pipe has its own thread.
    pub(super) fn prepare(_passed_on: super::PassedOn) -> io::Result<()> {
        Ok(())
    }

    /// The thread that finishes a stream waits for the stream's thread, which passes on by itself.
    pub(super) fn flush(_deadline: Instant) -> bool {
        true
    }

    pub(super) fn follow(mut pipe: File, fate: Fate) -> io::Result<Arc<Stream>> {
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
        thread::Builder::new().name("mp-output".into()).spawn(body)?;
        Ok(stream)
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
