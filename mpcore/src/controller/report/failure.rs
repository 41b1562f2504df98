//! Why a run did not end as requested. The details have types of their own: why the system did not
//! start a program, how far a start had come, why an exit status is unknown.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::call_id::CallId;
use crate::controller::report::escalation::{ExecutingCommand, IgnoredRequest};
use crate::error::Error;
use crate::escape::escaped;
use crate::process::{ExitStatus, Unkillable};
use crate::wire::interface::fingerprint::InterfaceMismatch;
use crate::wire::messages::report::{InitFailure, PanicReport};

/// Why a run did not end as requested.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RunFailure {
    /// The system refused to start the program.
    #[error("`{program}` could not be started: {why}")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        why: SpawnError,
    },
    /// The system refused a resource that a run needs: a thread, a descriptor, randomness, or
    /// memory for what the child sends.
    #[error(
        "the system refused a resource that the run needs: {0}; check the limits on open files, \
         threads and memory"
    )]
    Resources(String),
    /// The process ended before it was ready.
    #[error("the child ended before it was ready ({status}){}{}", phase.advice(), LastLines(.stderr))]
    EndedBeforeReady {
        /// How it ended.
        status: ExitStatus,
        /// How far it had come.
        phase: StartPhase,
        /// The last lines of its stderr, at most four.
        stderr: Vec<String>,
    },
    /// The child was not ready in time.
    #[error(
        "the child was not ready within {deadline:?}; if it needs longer to start, set \
         `builder().start_deadline(..)`, and a program that never calls `mpcore::init()` or \
         `child_main` is no child"
    )]
    StartDeadline {
        /// The time that it had.
        deadline: Duration,
    },
    /// The child was not ready in time because a debugger or another tracer held it.
    #[error(
        "the child was not ready within {deadline:?}, while process {tracer} held it as its debugger; set \
         `MPCORE_DEBUG` to its name, so that no deadline applies"
    )]
    HeldByTracer {
        /// The process id of the debugger.
        tracer: u32,
        /// The time that the child had.
        deadline: Duration,
    },
    /// The two sides were built from different interfaces.
    #[error("{0}")]
    Mismatch(InterfaceMismatch),
    /// The two sides were built with different protocol versions of the framework.
    #[error(
        "the child speaks protocol {child}, the controller {controller}; build both with the same mpcore"
    )]
    Protocol {
        /// The child's.
        child: u32,
        /// The controller's.
        controller: u32,
    },
    /// The child could not apply one of its [limits](crate::ChildLimits), so it did not begin.
    #[error("the child could not set its limits ({}): {}", escaped(.what), escaped(.message))]
    Limits {
        /// The limit: memory, CPU time, open files, nice level, no new privileges, or sandbox.
        what: String,
        /// The system's error message, or what is missing.
        message: String,
    },
    /// The child could not read its config, or a large config could not be encoded.
    #[error("the config could not be passed to the child: {}", escaped(.0))]
    Config(String),
    /// The child's constructor returned an error.
    #[error("the constructor failed: {0:#}")]
    Constructor(Error),
    /// The child's constructor panicked.
    #[error("the constructor panicked: {0}")]
    ConstructorPanicked(PanicReport),
    /// The child's `postrun_init` returned an error.
    #[error("postrun_init failed: {0:#}")]
    PostrunInit(Error),
    /// The child's `postrun_init` panicked.
    #[error("postrun_init panicked: {0}")]
    PostrunInitPanicked(PanicReport),
    /// The process ended by itself after it was ready.
    #[error("the child crashed: {status}")]
    Crashed {
        /// How it ended.
        status: ExitStatus,
    },
    /// The process ended by itself, and its exit status is unknown: the system keeps none, or
    /// another part of this program has collected it.
    #[error(
        "the child ended by itself{}, and its exit status is unknown: {why}{}",
        if *ready { "" } else { " before it was ready" },
        LastLines(.stderr)
    )]
    EndUnknown {
        /// Whether it had been ready.
        ready: bool,
        /// Why the status is unknown.
        why: StatusLost,
        /// The last lines of its stderr, at most four.
        stderr: Vec<String>,
    },
    /// The process was killed but has not ended, so the controller stopped waiting for it: its
    /// commands have their outcomes, its lanes are closed, and another run may begin. It is reaped
    /// when it ends.
    #[error(
        "the process {pid} cannot be killed, so it was given up: {why}{}",
        first(because.as_deref())
    )]
    Unkillable {
        /// Its process id.
        pid: u32,
        /// Why it does not end.
        why: Unkillable,
        /// Why it was killed, if its end was not requested.
        because: Option<Box<RunFailure>>,
    },
    /// The child violated the protocol and was killed.
    #[error("the child broke the protocol and was killed: {}", escaped(.0))]
    Broken(String),
    /// A command ignored its deadline or a cancel, and the child was killed for it. That command
    /// ended as timed out or cancelled; the other commands ended with the child.
    #[error("the child was killed because `{command}` (call {call}) {ignored}")]
    KilledFor {
        /// The command's name.
        command: &'static str,
        /// The call's number.
        call: CallId,
        /// What it ignored.
        ignored: IgnoredRequest,
    },
    /// The child did not answer and was killed.
    #[error("the child did not answer for {silent:?} and was killed{}", last_seen(executing.as_ref()))]
    Unresponsive {
        /// For how long.
        silent: Duration,
        /// What it was executing when it last answered, if that command had no outcome.
        executing: Option<ExecutingCommand>,
    },
}

impl RunFailure {
    /// Returns a word for the kind of failure, as the log and QML name it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Spawn { .. } => "spawn",
            Self::Resources(_) => "resources",
            Self::EndedBeforeReady { .. } => "ended_before_ready",
            Self::StartDeadline { .. } => "start_deadline",
            Self::Mismatch(_) => "mismatch",
            Self::Protocol { .. } => "protocol",
            Self::Limits { .. } => "limits",
            Self::Config(_) => "config",
            Self::Constructor(_) => "constructor",
            Self::ConstructorPanicked(_) => "constructor_panicked",
            Self::PostrunInit(_) => "postrun_init",
            Self::PostrunInitPanicked(_) => "postrun_init_panicked",
            Self::Crashed { .. } => "crashed",
            Self::EndUnknown { .. } => "end_unknown",
            Self::HeldByTracer { .. } => "held_by_tracer",
            Self::Unkillable { .. } => "unkillable",
            Self::Broken(_) => "broken",
            Self::KilledFor { .. } => "killed_for",
            Self::Unresponsive { .. } => "unresponsive",
        }
    }
}

/// Returns the failure that came before, as the end of a text.
fn first(because: Option<&RunFailure>) -> String {
    because.map_or_else(String::new, |failure| format!(" (before that: {failure})"))
}

/// Returns what the child was executing, as the end of a text.
fn last_seen(executing: Option<&ExecutingCommand>) -> String {
    executing.map_or_else(String::new, |executing| format!("; it was executing {executing}"))
}

impl From<InitFailure> for RunFailure {
    fn from(failure: InitFailure) -> Self {
        match failure {
            InitFailure::Limits { what, message } => Self::Limits { what, message },
            InitFailure::Config(message) => Self::Config(message),
            InitFailure::Constructor(error) => Self::Constructor(error),
            InitFailure::ConstructorPanicked(report) => Self::ConstructorPanicked(report),
            InitFailure::PostrunInit(error) => Self::PostrunInit(error),
            InitFailure::PostrunInitPanicked(report) => Self::PostrunInitPanicked(report),
        }
    }
}

/// Why the system did not start a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The system refused it.
    #[error("{error}; {}", error.advice())]
    System {
        /// Its error.
        error: SystemError,
    },
    /// `/proc/self/exe`, which a program uses to start itself, is missing.
    #[error(
        "`/proc/self/exe`, which a program uses to start itself, is missing; mount `/proc`, or start \
         the child with `builder().program(..)`"
    )]
    NoProc,
    /// The [working directory](crate::ControlBuilder::current_dir) cannot be used.
    #[error("{0}; see `builder().current_dir(..)`")]
    WorkingDirectory(String),
    /// The path, an argument or a variable is one that no program can be given.
    #[error("{0}")]
    InvalidInput(String),
    /// The system has not started it within the [start deadline](crate::ControlBuilder::start_deadline).
    #[error(
        "the system has not started it within {0:?}; check what delays access to the file: a virus \
         scanner, a network drive, FUSE"
    )]
    Timeout(Duration),
}

/// An error of the system, as plain data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct SystemError {
    /// What kind of error it is.
    pub kind: io::ErrorKind,
    /// The system's number of the error, if it has one.
    pub code: Option<i32>,
    /// The system's text.
    pub message: String,
}

impl From<&io::Error> for SystemError {
    fn from(error: &io::Error) -> Self {
        Self { kind: error.kind(), code: error.raw_os_error(), message: error.to_string() }
    }
}

impl SystemError {
    /// What to do if a program was not started for this reason.
    fn advice(&self) -> &'static str {
        match self.kind {
            io::ErrorKind::NotFound => "give the program's full path, or put it on PATH",
            io::ErrorKind::PermissionDenied => "make the file executable (`chmod +x`)",
            io::ErrorKind::ArgumentListTooLong => {
                "arguments and environment together are more than the system accepts: pass the data \
                 in the child's config"
            }
            _ => "check that the program runs by hand",
        }
    }
}

/// How far a child had come that ended before it was ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartPhase {
    /// It had not reached `mpcore::init` or `mpcore::child_main`.
    BeforeInit,
    /// It could not start the threads of the runtime.
    Threads,
    /// It was in its constructor or in `postrun_init`.
    Hooks,
}

impl StartPhase {
    /// Returns where the child was and what to check, as the end of a text.
    fn advice(self) -> &'static str {
        match self {
            Self::BeforeInit => {
                ": is `mpcore::init()` or `mpcore::child_main` the first line of its `main`?"
            }
            Self::Threads => {
                ": it could not start its threads; raise the limit on threads, or start fewer"
            }
            Self::Hooks => ", in its constructor or in `postrun_init`",
        }
    }
}

/// Why the exit status of a process is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatusLost {
    /// SIGCHLD is ignored in this program, so the system keeps no status.
    #[error(
        "SIGCHLD is ignored in this program, so the system keeps none; restore its default action \
         before the first start"
    )]
    SigchldIgnored,
    /// Another part of this program has waited for the process.
    #[error(
        "another part of this program has waited for the process; wait for processes by their ids, \
         never for any child (`waitpid(-1)`)"
    )]
    WaitedForElsewhere,
}

/// Formats the last lines of stderr, if there are any.
struct LastLines<'a>(&'a [String]);

impl fmt::Display for LastLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.iter().all(String::is_empty) {
            return Ok(());
        }
        write!(f, "; last stderr lines: {}", escaped(&self.0.join(" | ")))
    }
}
