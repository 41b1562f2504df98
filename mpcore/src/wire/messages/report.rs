//! The messages that the two sides exchange besides values: how things ended, which values could
//! not be sent, what the controller requests (stop, cancels, deadlines, pings), and the answer to a
//! ping.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::escape::escaped;
use crate::wire::messages::stop_reason::StopReason;

/// The controller's requests to the child: a state, not a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ControlState {
    /// Stop for this reason, once the running command has returned.
    pub(crate) stop: Option<StopReason>,
    /// Calls that were cancelled since the last message.
    pub(crate) cancelled: Vec<u64>,
    /// Calls that got another deadline since then, and the milliseconds that they may run; 0 means
    /// no deadline.
    pub(crate) deadlines: Vec<(u64, u32)>,
    /// The number of a ping, to be answered with a [`Pong`]; 0 means none.
    pub(crate) ping: u32,
}

/// The child's answer to a ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pong {
    /// The ping's number.
    pub(crate) ping: u32,
    /// The command that is being executed.
    pub(crate) executing: Option<InExecution>,
}

/// A command, and how many milliseconds it has been running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InExecution {
    pub(crate) call: u64,
    pub(crate) milliseconds: u64,
}

/// A panic in the child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PanicReport {
    /// The panic message.
    pub message: String,
    /// File, line and column.
    pub location: String,
    /// The backtrace, from the code that panics to the command or other method of the child; empty
    /// unless the child runs with `RUST_BACKTRACE=1`.
    pub backtrace: String,
}

impl fmt::Display for PanicReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at {})", escaped(&self.message), escaped(&self.location))
    }
}

/// Why a child is not ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum InitFailure {
    /// The limit that could not be set, and why.
    Limits {
        what: String,
        message: String,
    },
    Config(String),
    Constructor(crate::Error),
    ConstructorPanicked(PanicReport),
    PostrunInit(crate::Error),
    PostrunInitPanicked(PanicReport),
}

impl InitFailure {
    /// Returns the name of the failed step in the trace.
    pub(crate) fn step(&self) -> &'static str {
        match self {
            Self::Limits { .. } => "limits",
            Self::Config(_) => "config",
            Self::Constructor(_) | Self::ConstructorPanicked(_) => "constructor",
            Self::PostrunInit(_) | Self::PostrunInitPanicked(_) => "postrun_init",
        }
    }
}

/// The final message of an orderly end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bye {
    pub(crate) reason: StopReason,
    /// There was a child to clean up, and its `cleanup` has run.
    pub(crate) cleaned_up: bool,
    /// `cleanup` panicked.
    pub(crate) cleanup_panic: Option<PanicReport>,
}

/// A value that a child failed to send on its own initiative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    Property,
    Event,
    /// A command's signal that the child emits itself.
    Signal,
}

/// A value that was not sent; the item's head has the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Undelivered {
    pub(crate) what: What,
    pub(crate) message: String,
}
