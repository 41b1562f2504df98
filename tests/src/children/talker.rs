//! A child that prints, aborts, and leaves processes behind that hold its streams.

use std::fs::File;
use std::io::{BufWriter, Write, stderr, stdout};
use std::process::{Command, Stdio};

use mpcore::{ControlBuilder, OutputMode};

use crate::children::blob::Blob;
use crate::harness::transport::transport;

/// A child that prints in every possible way.
#[mpcore::process]
pub trait Talker {
    /// Writes these bytes to stdout.
    fn say(&mut self, bytes: Blob);

    /// Writes these bytes to stderr.
    fn complain(&mut self, bytes: Blob);

    /// Prints the numbers from `from` to before `to` to stdout, one per line, each followed by
    /// `filling`.
    fn count(&mut self, from: u32, to: u32, filling: String);

    /// The same to stderr.
    fn count_on_stderr(&mut self, from: u32, to: u32, filling: String);

    /// Starts a process that holds both streams, in a session of its own; returns its pid.
    fn leave_an_heir(&mut self) -> mpcore::Result<u32>;

    /// The same, but it writes to both as long as it lives.
    fn leave_a_talking_heir(&mut self) -> mpcore::Result<u32>;

    /// Aborts.
    fn abort(&mut self);
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Talker)]
pub struct TalkerProcess {}

fn write(mut stream: impl Write, bytes: &[u8]) {
    stream.write_all(bytes).and_then(|()| stream.flush()).expect("the stream is open");
}

fn count(stream: impl Write, numbers: std::ops::Range<u32>, filling: &str) {
    let mut stream = BufWriter::with_capacity(1 << 16, stream);
    for number in numbers {
        writeln!(stream, "{number}{filling}").expect("the stream is open");
    }
    stream.flush().expect("the stream is open");
}

/// Runs a shell script in a session of its own; returns its pid.
fn heir(script: &str) -> mpcore::Result<u32> {
    // The script's output must not be mistaken for the answer, so it writes that to a file.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("number");
    let script = format!("echo $$ > {}.new; mv {0}.new {0}; {script}", file.display());
    let mut command = Command::new("setsid");
    command.args(["sh", "-c", &script]).stdin(Stdio::null()).spawn()?;
    crate::until("the heir is there", || file.exists());
    Ok(std::io::read_to_string(File::open(&file)?)?.trim().parse()?)
}

impl Talker for TalkerProcess {
    fn say(&mut self, bytes: Blob) {
        write(stdout(), &bytes.0);
    }

    fn complain(&mut self, bytes: Blob) {
        write(stderr(), &bytes.0);
    }

    fn count(&mut self, from: u32, to: u32, filling: String) {
        count(stdout(), from..to, &filling);
    }

    fn count_on_stderr(&mut self, from: u32, to: u32, filling: String) {
        count(stderr(), from..to, &filling);
    }

    fn leave_an_heir(&mut self) -> mpcore::Result<u32> {
        heir("exec sleep 600")
    }

    fn leave_a_talking_heir(&mut self) -> mpcore::Result<u32> {
        heir("while :; do echo heir; echo heir >&2; done")
    }

    fn abort(&mut self) {
        std::process::abort();
    }
}

/// A builder for a talker with both streams set to `output`.
#[must_use]
pub fn builder(program: &str, output: OutputMode) -> ControlBuilder<TalkerControl> {
    let builder = TalkerControl::builder().program(program).transport(transport());
    builder.stdout(output).stderr(output)
}
