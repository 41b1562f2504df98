//! What children write to stderr: passed on, and the last lines kept for the exit report.
//!
//! One thread for all children where the system can poll, one per child elsewhere. A thread of its own,
//! since passing on may block on the controller's own stderr.

use std::collections::VecDeque;
use std::io::{self, Read, Write as _};
use std::process::ChildStderr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use crate::limits::{STDERR_LINE_BYTES, STDERR_LINES};
use crate::sync::{self, wait_timeout};

/// The last lines of one child's stderr.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    state: Mutex<TailState>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct TailState {
    lines: VecDeque<String>,
    unfinished: Vec<u8>,
    ended: bool,
}

impl TailState {
    fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, complete) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            let room = STDERR_LINE_BYTES - self.unfinished.len();
            self.unfinished.extend_from_slice(&text[..text.len().min(room)]);
            if complete {
                self.finish_line();
            }
        }
    }

    fn finish_line(&mut self) {
        if self.lines.len() == STDERR_LINES {
            self.lines.pop_front();
        }
        let line = std::mem::take(&mut self.unfinished);
        self.lines.push_back(String::from_utf8_lossy(&line).into_owned());
    }

    fn end(&mut self) {
        if !self.unfinished.is_empty() {
            self.finish_line();
        }
        self.ended = true;
    }
}

impl Tail {
    fn lock(&self) -> MutexGuard<'_, TailState> {
        sync::lock(&self.state)
    }

    /// The lines so far; waits until the pipe has ended or the deadline has come.
    pub(crate) fn lines(&self, deadline: Instant) -> Vec<String> {
        let mut state = self.lock();
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = wait_timeout(&self.ended, state, left);
        }
        let mut lines: Vec<_> = state.lines.iter().cloned().collect();
        if !state.unfinished.is_empty() {
            lines.push(String::from_utf8_lossy(&state.unfinished).into_owned());
        }
        lines
    }

    /// No pipe, so nothing will come.
    pub(crate) fn end(&self) {
        self.lock().end();
        self.ended.notify_all();
    }

    /// Reads once; returns whether the pipe has ended.
    fn read(&self, pipe: &mut impl Read, pass_on: bool) -> bool {
        let mut buffer = [0; 8192];
        let length = match pipe.read(&mut buffer) {
            Ok(0) => 0,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return false,
            Err(_) => 0,
        };
        if length == 0 {
            self.end();
            return true;
        }
        self.lock().push(&buffer[..length]);
        if pass_on {
            let _ = io::stderr().write_all(&buffer[..length]);
        }
        false
    }
}

/// Reads `pipe` to its end in the background.
pub(crate) fn follow(pipe: ChildStderr, tail: Arc<Tail>, pass_on: bool) {
    followers::add(Follower { pipe, tail, pass_on });
}

#[derive(Debug)]
struct Follower {
    pipe: ChildStderr,
    tail: Arc<Tail>,
    pass_on: bool,
}

impl Follower {
    fn read(&mut self) -> bool {
        self.tail.read(&mut self.pipe, self.pass_on)
    }
}

/// One thread for all.
#[cfg(unix)]
mod followers {
    use std::os::fd::AsFd;
    use std::sync::OnceLock;

    use super::{Arc, Follower, Mutex, Read as _, io, thread};
    use crate::process::sys::poll_readable;
    use crate::sync::lock;

    struct Inbox {
        new: Arc<Mutex<Vec<Follower>>>,
        wake: io::PipeWriter,
    }

    pub(super) fn add(follower: Follower) {
        static INBOX: OnceLock<Option<Inbox>> = OnceLock::new();
        let inbox = INBOX.get_or_init(|| {
            let (wake, waker) = io::pipe().ok()?;
            let new = Arc::<Mutex<Vec<Follower>>>::default();
            let inbox = Inbox { new: Arc::clone(&new), wake: waker };
            let body = move || run(wake, &new);
            thread::Builder::new().name("mp-stderr".into()).spawn(body).ok()?;
            Some(inbox)
        });
        match inbox {
            Some(inbox) => {
                lock(&inbox.new).push(follower);
                let _ = io::Write::write(&mut &inbox.wake, &[1]);
            }
            // The child gets a broken pipe for a stderr; the report has no lines.
            None => follower.tail.end(),
        }
    }

    fn run(mut wake: io::PipeReader, new: &Mutex<Vec<Follower>>) {
        let mut followers: Vec<Follower> = Vec::new();
        loop {
            let mut fds: Vec<&dyn AsFd> = vec![&wake];
            fds.extend(followers.iter().map(|follower| &follower.pipe as &dyn AsFd));
            let ready = poll_readable(&fds, None);
            // From the back, so that removing does not move what is still to be read.
            for index in ready.into_iter().rev() {
                if index == 0 {
                    let _ = wake.read(&mut [0; 512]);
                    followers.append(&mut lock(new));
                } else if followers[index - 1].read() {
                    followers.swap_remove(index - 1);
                }
            }
        }
    }
}

/// One thread each.
#[cfg(not(unix))]
mod followers {
    use super::{Arc, Follower, thread};

    pub(super) fn add(mut follower: Follower) {
        let tail = Arc::clone(&follower.tail);
        let body = move || while !follower.read() {};
        if thread::Builder::new().name("mp-stderr".into()).spawn(body).is_err() {
            tail.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_long_ones_cut() {
        let tail = Tail::default();
        let mut text = String::new();
        for line in 0..STDERR_LINES + 10 {
            text.push_str(&format!("line {line}\n"));
        }
        text.push_str(&"x".repeat(3 * STDERR_LINE_BYTES));
        for chunk in text.as_bytes().chunks(7) {
            tail.lock().push(chunk);
        }
        tail.end();
        let lines = tail.lines(Instant::now());
        assert_eq!(lines.len(), STDERR_LINES);
        assert_eq!(lines[0], "line 11");
        assert_eq!(lines[STDERR_LINES - 1].len(), STDERR_LINE_BYTES);
    }
}
