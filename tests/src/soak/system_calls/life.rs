//! One run of `bin/fixed_life.rs` with a decision for each of its system calls.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use intercept::{Interception, SystemCall};

use super::super::panic_in;
use super::kinds::{KINDS, Kind};

/// Longer than a life takes to end, including all its deadlines.
const PATIENCE: Duration = Duration::from_secs(240);
/// How long a line of the program may wait while there is no system call.
const GLANCE: Duration = Duration::from_millis(20);

/// Which child is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The first of its process: the resources shared by all children are created meanwhile.
    First,
    /// One beside another that was started before.
    Beside,
}

impl Place {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Beside => "beside",
        }
    }
}

/// Which calls fail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failing {
    pub(super) kind: &'static Kind,
    /// The n-th call, counted from 1.
    pub(super) nth: usize,
    pub(super) errno: i32,
    /// Whether all later ones fail too.
    pub(super) from_then_on: bool,
}

impl std::fmt::Display for Failing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let error = std::io::Error::from_raw_os_error(self.errno);
        let Self { kind, nth, from_then_on, .. } = self;
        let until = if *from_then_on { " and all later ones" } else { "" };
        write!(f, "{} {nth}{until} with `{error}`", kind.name)
    }
}

/// The result of a life.
#[derive(Debug, Default)]
pub(super) struct Life {
    /// How often each kind was called while calls could fail.
    pub(super) counts: HashMap<&'static str, usize>,
    /// How many calls were made to fail.
    pub(super) failed: usize,
    /// Its output.
    pub(super) lines: Vec<String>,
    /// What must never happen.
    pub(super) findings: Vec<String>,
    /// The descriptors and threads at the end.
    pub(super) left: String,
}

/// Runs one life, with or without failing calls; `usual` is what is usually left at the end.
pub(super) fn run(
    program: &str,
    child: &str,
    place: Place,
    failing: Option<(Failing, &str)>,
) -> Life {
    let stderr = tempfile::tempfile().expect("a file can be made");
    let mut command = Command::new(program);
    command.args([child, place.name()]).args(failing.map(|(_, left)| left));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(stderr.try_clone().expect("a descriptor is left"));
    let numbers: Vec<i64> = KINDS.iter().map(|kind| kind.number).collect();
    let (interception, starting) =
        Interception::start(command, &numbers).expect("seccomp's notifications are there");
    let failing = failing.map(|(failing, _)| failing);
    let mut decisions = Decisions { failing, ..Decisions::default() };
    // The program starts only while its calls are decided on.
    while !starting.is_finished() {
        decisions.next(&interception);
    }
    let started = starting.join().expect("the thread that starts it lives");
    let mut controller = started.expect("the program can be started");
    decisions.controller = controller.id();
    let lines = lines(controller.stdout.take().expect("stdout is a pipe"));
    let mut answer = controller.stdin.take().expect("stdin is a pipe");

    let mut life = Life::default();
    let deadline = Instant::now() + PATIENCE;
    loop {
        decisions.next(&interception);
        match lines.try_recv() {
            Ok(line) => {
                match line.split_once(' ').unwrap_or((&line, "")) {
                    ("bystander", pid) => decisions.bystander = pid.parse().unwrap_or_default(),
                    ("arm", _) => decisions.armed = true,
                    ("disarm", _) => decisions.armed = false,
                    ("left", what) => what.clone_into(&mut life.left),
                    ("finding", what) => life.findings.push(what.to_owned()),
                    _ => {}
                }
                if line == "arm" || line == "disarm" {
                    let _ = answer.write_all(b"\n");
                }
                life.lines.push(line);
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => break,
        }
        if Instant::now() > deadline {
            life.findings.push(format!("it has not ended within {PATIENCE:?}"));
            let _ = controller.kill();
        }
    }
    let status = controller.wait().expect("it can be waited for");
    if !status.success() || life.lines.last().is_none_or(|line| line != "end") {
        life.findings.push(format!("the controller ended with {status}"));
    }
    life.findings.extend(panic_in(stderr));
    life.counts = decisions.counts;
    life.failed = decisions.failed;
    life
}

fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (to_here, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if to_here.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Decides which calls fail, and counts all of them.
#[derive(Default)]
struct Decisions {
    failing: Option<Failing>,
    /// Whether calls may fail now.
    armed: bool,
    controller: u32,
    bystander: u32,
    /// The process of each thread that has made a call.
    processes: HashMap<u32, u32>,
    counts: HashMap<&'static str, usize>,
    failed: usize,
}

impl Decisions {
    /// Decides on the next call, if there is one soon.
    fn next(&mut self, interception: &Interception) {
        let Some(call) = interception.next(GLANCE).expect("the listener works") else { return };
        let decided = match self.fails(&call) {
            Some(errno) => {
                self.failed += 1;
                interception.fail(call, errno)
            }
            None => interception.let_through(call),
        };
        decided.expect("the listener works");
    }

    fn fails(&mut self, call: &SystemCall) -> Option<i32> {
        if !self.armed || self.is_spared(call) {
            return None;
        }
        let kind = KINDS.iter().find(|kind| kind.number == call.number)?;
        let count = self.counts.entry(kind.name).or_default();
        *count += 1;
        let failing = self.failing.filter(|failing| failing.kind.number == call.number)?;
        let hit = match failing.from_then_on {
            true => *count >= failing.nth,
            false => *count == failing.nth,
        };
        hit.then_some(failing.errno)
    }

    /// Whether the call belongs to the other child, or carries the program's own output to this
    /// process.
    fn is_spared(&mut self, call: &SystemCall) -> bool {
        let thread = call.thread;
        let process = *self.processes.entry(thread).or_insert_with(|| process_of(thread));
        let speaks = match call.number {
            libc::SYS_read => call.arguments[0] == 0,
            libc::SYS_write => call.arguments[0] == 1,
            _ => false,
        };
        process == self.bystander || (process == self.controller && speaks)
    }
}

fn process_of(thread: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    line.and_then(|process| process.trim().parse().ok()).unwrap_or(thread)
}
