//! Controllers in processes of their own, so that they can be killed: starts them, reads their
//! output, sends them signals, and waits for their end.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rustix::process::Signal;

use crate::harness::patience::{LONG, until};
use crate::harness::processes;

/// A running controller program, killed at the latest on drop.
#[derive(Debug)]
pub struct ControllerProgram {
    process: Child,
    lines: Receiver<String>,
    heard: Vec<String>,
    /// A file, so that a surviving descendant keeps no test waiting.
    stderr: File,
}

impl ControllerProgram {
    /// Starts `program` with these arguments and reads its stdout line by line.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        Self::start_command(Self::command(program).args(arguments))
    }

    /// A command that starts `program` with the default action for each signal: a test run in the
    /// background of a script ignores SIGINT, and so would every process it starts.
    #[must_use]
    pub fn command(program: &str) -> Command {
        let mut command = Command::new("env");
        command.args(["--default-signal", program]);
        command
    }

    /// The same for a prepared command.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start_command(command: &mut Command) -> Self {
        let stderr = prepare(command);
        Self::of(command.spawn().expect("the controller can be started"), stderr)
    }

    /// The same, started by another program.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start_by(
        mut command: Command,
        start: impl FnOnce(Command) -> std::io::Result<Child>,
    ) -> Self {
        let stderr = prepare(&mut command);
        Self::of(start(command).expect("the controller can be started"), stderr)
    }

    fn of(mut process: Child, stderr: File) -> Self {
        let stdout = process.stdout.take().expect("stdout is a pipe");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { process, lines, heard: Vec::new(), stderr }
    }

    /// The controller's pid.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Returns the rest of the next line that begins with this word.
    ///
    /// # Panics
    /// If none comes in time.
    #[track_caller]
    pub fn line(&mut self, word: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(LONG) else {
                let mut stderr = String::new();
                let _ = self.stderr.rewind().and_then(|()| self.stderr.read_to_string(&mut stderr));
                panic!("no line `{word}`; heard {:#?}; stderr:\n{stderr}", self.heard);
            };
            self.heard.push(line.clone());
            if let Some(rest) = line.strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Returns whether a line that begins with this word comes before its end.
    #[must_use]
    pub fn says(&mut self, word: &str) -> bool {
        self.lines.iter().any(|line| line.starts_with(word))
    }

    /// Returns the number on the next line that begins with this word.
    ///
    /// # Panics
    /// If none comes in time.
    #[track_caller]
    pub fn number(&mut self, word: &str) -> u32 {
        self.line(word).parse().expect("a number")
    }

    /// Reads until its end, and returns all lines it wrote.
    #[track_caller]
    pub fn all_lines(&mut self) -> Vec<String> {
        self.heard.extend(self.lines.iter());
        self.heard.clone()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        processes::signal(self.pid(), signal);
    }

    /// Returns what it has written to stderr so far.
    ///
    /// # Panics
    /// If that cannot be read.
    #[must_use]
    pub fn stderr(&self) -> String {
        use std::os::unix::fs::FileExt as _;
        let mut text = vec![0; 1 << 20];
        let length = self.stderr.read_at(&mut text, 0).expect("the file can be read");
        String::from_utf8_lossy(&text[..length]).into_owned()
    }

    /// Waits for its end; returns the code, or −N for signal N.
    ///
    /// # Panics
    /// If it does not end in time.
    #[track_caller]
    pub fn end(&mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt as _;
        let mut status = None;
        until("the end of the controller", || {
            status = self.process.try_wait().expect("it can be waited for");
            status.is_some()
        });
        let status = status.unwrap_or_default();
        status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or_default()
    }
}

/// Connects stdout to a pipe, and stderr to a file.
fn prepare(command: &mut Command) -> File {
    let stderr = tempfile::tempfile().expect("a file can be made");
    let told = Stdio::from(stderr.try_clone().expect("a descriptor is left"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(told);
    stderr
}

impl Drop for ControllerProgram {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
