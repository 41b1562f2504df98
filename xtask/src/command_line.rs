//! A command line, as one would type it: `show` prints it, and there are three ways to run it.
//! `become_it` hands it the terminal, `stream` forwards its output and reads it too, `answer` only
//! reads it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;

/// How often a silent command is checked.
const GLANCE: Duration = Duration::from_millis(100);

/// How long the output may stay open after the command has ended. Longer than a child of a test may
/// live on (3 s to stop, 1 s to be killed); a process that is still there then was left behind.
const LINGER: Duration = Duration::from_secs(6);

/// A program with its arguments and additional environment variables. Displayed as one would type
/// it.
#[derive(Debug)]
pub(crate) struct CommandLine {
    program: Program,
    args: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
}

#[derive(Debug)]
enum Program {
    /// The cargo that runs this program, whatever else is in the path.
    Cargo,
    Named(OsString),
}

/// How a streamed command ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) output: Output,
}

/// What happened to the output of a command that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// It was read to its end.
    Closed,
    /// A process that the command left behind still holds it open.
    Held,
}

impl CommandLine {
    pub(crate) fn cargo(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        CommandLine { program: Program::Cargo, args: Vec::new(), variables: Vec::new() }.args(args)
    }

    pub(crate) fn new(program: impl Into<OsString>) -> Self {
        let program = Program::Named(program.into());
        CommandLine { program, args: Vec::new(), variables: Vec::new() }
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(crate) fn variables(mut self, variables: &[(&'static str, &'static str)]) -> Self {
        self.variables.extend(variables.iter().map(|(name, value)| (*name, value.into())));
        self
    }

    pub(crate) fn variable(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    pub(crate) fn show(self) -> Self {
        println!("$ {self}");
        self
    }

    /// Replaces this program with the command, which thus owns the terminal: it handles Ctrl-C
    /// itself, and no process in between dies of it.
    pub(crate) fn become_it(self) -> Result<ExitCode, Error> {
        io::stdout().flush().map_err(|error| self.error(error))?;
        #[cfg(unix)]
        {
            Err(self.error(std::os::unix::process::CommandExt::exec(&mut self.command())))
        }
        #[cfg(not(unix))]
        {
            let status = self.command().status().map_err(|error| self.error(error))?;
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
        }
    }

    /// Runs the command in `folder`, forwards its output as it arrives, and also passes each line
    /// to `line`.
    pub(crate) fn stream(&self, folder: &Path, mut line: impl FnMut(&str)) -> Result<Ended, Error> {
        let mut command = self.command();
        command.current_dir(folder).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // Pipes would disable the colours.
        let plain = ["CARGO_TERM_COLOR", "NO_COLOR"].map(env::var_os).iter().any(Option::is_some);
        if io::stderr().is_terminal() && !plain {
            command.env("CARGO_TERM_COLOR", "always");
        }

        let mut child = command.spawn().map_err(|error| self.error(error))?;
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (sender, chunks) = mpsc::channel();
        read_in_thread("stdout", stdout, Stream::Stdout, sender.clone())
            .and_then(|()| read_in_thread("stderr", stderr, Stream::Stderr, sender))
            .map_err(|error| self.error(error))?;

        let mut lines = [Lines::default(), Lines::default()];
        let mut ended_at = None;
        let output = loop {
            match chunks.recv_timeout(GLANCE) {
                Ok((stream, chunk)) => {
                    stream.pass_on(&chunk);
                    lines[stream as usize].feed(&chunk, &mut line);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break Output::Closed,
            }
            if ended_at.is_none() && child.try_wait().map_err(|error| self.error(error))?.is_some()
            {
                ended_at = Some(Instant::now());
            }
            if ended_at.is_some_and(|ended_at| ended_at.elapsed() > LINGER) {
                break Output::Held;
            }
        };
        lines.iter_mut().for_each(|lines| lines.finish(&mut line));
        let status = child.wait().map_err(|error| self.error(error))?;
        Ok(Ended { status, output })
    }

    /// Runs the command in `folder` without printing it and returns its output if it succeeded. Its
    /// stderr goes to `stderr`.
    pub(crate) fn answer(&self, folder: &Path, stderr: Stdio) -> Result<Option<Vec<u8>>, Error> {
        let mut command = self.command();
        command.current_dir(folder).stdin(Stdio::null()).stderr(stderr);
        let output = command.output();
        let output = output.map_err(|error| self.error(error))?;
        Ok(output.status.success().then_some(output.stdout))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(match &self.program {
            Program::Cargo => env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
            Program::Named(program) => program.clone(),
        });
        command.args(&self.args).envs(self.variables.iter().map(|(name, value)| (*name, value)));
        command
    }

    fn error(&self, source: io::Error) -> Error {
        Error::Run { command: self.to_string(), source }
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.variables {
            write!(f, "{name}={} ", quoted(&value.to_string_lossy()))?;
        }
        match &self.program {
            Program::Cargo => f.write_str("cargo")?,
            Program::Named(program) => f.write_str(&quoted(&program.to_string_lossy()))?,
        }
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(&arg.to_string_lossy())))
    }
}

#[derive(Debug, Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    fn pass_on(self, chunk: &[u8]) {
        fn write(mut to: impl Write, chunk: &[u8]) -> io::Result<()> {
            to.write_all(chunk)?;
            to.flush()
        }
        // The reader of our output may be gone; the tests are counted all the same.
        _ = match self {
            Stream::Stdout => write(io::stdout().lock(), chunk),
            Stream::Stderr => write(io::stderr().lock(), chunk),
        };
    }
}

/// Cuts one stream into lines.
#[derive(Default)]
struct Lines {
    unfinished: Vec<u8>,
}

impl Lines {
    fn feed(&mut self, chunk: &[u8], mut line: impl FnMut(&str)) {
        self.unfinished.extend_from_slice(chunk);
        while let Some(end) = self.unfinished.iter().position(|&byte| byte == b'\n') {
            let rest = self.unfinished.split_off(end + 1);
            line(String::from_utf8_lossy(&self.unfinished[..end]).trim_end_matches('\r'));
            self.unfinished = rest;
        }
    }

    /// The last line may lack its line ending.
    fn finish(&mut self, mut line: impl FnMut(&str)) {
        if !self.unfinished.is_empty() {
            line(&String::from_utf8_lossy(&self.unfinished));
        }
    }
}

/// The thread ends with the stream or with the receiver.
fn read_in_thread(
    name: &str,
    mut from: impl Read + Send + 'static,
    stream: Stream,
    to: mpsc::Sender<(Stream, Vec<u8>)>,
) -> io::Result<()> {
    let read = move || {
        let mut block = [0; 8192];
        loop {
            match from.read(&mut block) {
                Ok(count) if count > 0 && to.send((stream, block[..count].to_vec())).is_ok() => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => return,
            }
        }
    };
    thread::Builder::new().name(name.to_owned()).spawn(read).map(drop)
}

/// Quotes an argument for a POSIX shell.
fn quoted(arg: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_./=:,+@%".contains(char);
    if !arg.is_empty() && arg.chars().all(plain) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_command_can_be_pasted_into_a_shell() {
        let cargo = CommandLine::cargo(["run", "-p=x", "--"]);
        let cargo = cargo.args(["", "a b", "it's", "$HOME", "*.rs"]);
        assert_eq!(cargo.to_string(), r"cargo run -p=x -- '' 'a b' 'it'\''s' '$HOME' '*.rs'");
        let qmake = CommandLine::new("a b/qmake").args(["-query"]).variables(&[("A", "1 2")]);
        assert_eq!(qmake.to_string(), "A='1 2' 'a b/qmake' -query");
    }

    #[test]
    fn lines_arrive_whole_however_they_are_split() {
        let cases: &[(&[&str], &[&str])] = &[
            (&[], &[]),
            (&["one\ntwo\n"], &["one", "two"]),
            (&["o", "ne", "\n", "\ntwo"], &["one", "", "two"]),
            (&["test a ... ", "ok\r\ntest b ... "], &["test a ... ok", "test b ... "]),
        ];
        for (chunks, expected) in cases {
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            for chunk in *chunks {
                lines.feed(chunk.as_bytes(), |line| seen.push(line.to_owned()));
            }
            lines.finish(|line| seen.push(line.to_owned()));
            assert_eq!(seen, *expected);
        }
    }

    #[test]
    fn a_streamed_command_is_read_on_both_streams() {
        let mut seen = Vec::new();
        let nonsense = CommandLine::cargo(["--refused-by-a-test"]);
        let ended = nonsense.stream(Path::new("."), |line| seen.push(line.to_owned())).unwrap();
        assert!(!ended.status.success());
        assert_eq!(ended.output, Output::Closed);
        assert!(seen.iter().any(|line| line.contains("--refused-by-a-test")), "{seen:?}");
    }
}
