//! Runs a program with a deadline and leaves no process behind.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Generous: a machine may be busy.
const DEADLINE: Duration = Duration::from_secs(120);

/// A running program.
pub(crate) struct Run {
    pub(crate) child: Child,
    shown: String,
    deadline: Instant,
    lines: Receiver<String>,
    stderr: JoinHandle<String>,
    stdout: String,
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let shown = format!("{command:?}");
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
        let (tell, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines() {
                let _ = tell.send(line.unwrap());
            }
        });
        let mut pipe = child.stderr.take().unwrap();
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).unwrap();
            text
        });
        let deadline = Instant::now() + DEADLINE;
        Self { child, shown, deadline, lines, stderr, stdout: String::new() }
    }

    /// The next line on stdout; `None` if there are no more.
    pub(crate) fn line(&mut self) -> Option<String> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => {
                self.stdout.push_str(&line);
                self.stdout.push('\n');
                Some(line)
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => self.too_late(),
        }
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > self.deadline {
                self.too_late();
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end, and then until every other process that holds its stdout or stderr is
    /// gone.
    pub(crate) fn end(mut self) -> Ended {
        let status = self.wait();
        while self.line().is_some() {}
        let stderr = self.stderr.join().unwrap();
        Ended { status, stdout: self.stdout, stderr }
    }

    fn too_late(&mut self) -> ! {
        let _ = self.child.kill();
        panic!("{} did not end within {DEADLINE:?}; it said:\n{}", self.shown, self.stdout);
    }
}
