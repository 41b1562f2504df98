//! Why a child does not start, is not ready, or cannot be joined.

use std::sync::Arc;
use std::time::Duration;

use crate::child::registry::SharedKey;
use crate::controller::report::exit::{ExitReport, Failure, State};
use crate::controller::report::script_error::ScriptError;
use crate::wire::messages::fault::Fault;

/// Why a child could not be made or started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The own binary is to be the child, but `mpcore::init` has not run in it.
    #[error(
        "this binary cannot be its own child yet: call `mpcore::init()` first thing in `main` \
         (or write `#[mpcore::main]`), and in a test binary `mpcore::test_support!()`"
    )]
    InitMissing,
    /// This process was started as a child, but neither `mpcore::init` nor `child_main` has run in it. It would start
    /// children as its controller does, each of which would do the same, without an end.
    #[error(
        "this process is a child (`--mpcore-child`) and does not know it, so it starts nothing: call `mpcore::init()` \
         first thing in `main`, or write `#[mpcore::main]`, or `mpcore::child_main` in a binary that is only a child"
    )]
    InitForgotten,
    /// It runs already; a second run begins after the end of the first.
    #[error("the child is {state} already; {}, or use `restart`", before_a_start(*state))]
    AlreadyRunning {
        /// What it is doing.
        state: State,
    },
    /// The last control of this child is gone; a [`Process`] alone starts nothing.
    #[error("the last control of this child was dropped: keep a clone of it, or make a new one")]
    ControlGone,
    /// The builder was told neither a child nor a program.
    #[error("no child was named: call `.child::<P>()`, `.program(..)` or `.in_process::<P>()`")]
    ChildMissing,
    /// The interface has a config, and the builder was not given one.
    #[error("no config was given: call `.config(..)`")]
    ConfigMissing,
    /// A planned fault would strike this process, since the child is a thread of it.
    #[error(
        "`{fault}` in a child on a thread would strike this process too: use `.child::<P>()` or \
         `.program(..)` in place of `.in_process::<P>()`"
    )]
    FaultNeedsProcess {
        /// The fault.
        fault: Fault,
    },
    /// The script of a scripted child does not fit the interface, or itself.
    #[error("the script cannot be played: {0}")]
    Script(ScriptError),
    /// A scripted child does what its script says, and nothing else goes wrong in it.
    #[error(
        "a scripted child takes no plan of faults: leave out `.faults(..)`, and write what goes wrong \
         into the script"
    )]
    FaultsInScript,
    /// The child cannot be told from another one of this binary.
    #[error("the child cannot be told from another one: {0}")]
    SharedKey(SharedKey),
    /// The config could not be encoded; of one of more than 64 KiB that shows later, as
    /// [`Failure::Config`](crate::Failure::Config).
    #[error("the config could not be encoded: {0}")]
    Config(crate::EncodeError),
    /// No child can have such limits here.
    #[error("the child's limits cannot be set: {0}")]
    Limits(crate::LimitsError),
    /// This process is a forked copy of one that has started children.
    #[error(
        "this process is a forked copy of one that has started children: fork before the first `start`, or start \
         a program of its own in place of the fork"
    )]
    ForkedCopy,
}

// By hand: each text names its cause, so none is a source besides, which would print it twice.

impl From<ScriptError> for StartError {
    fn from(error: ScriptError) -> Self {
        Self::Script(error)
    }
}

impl From<SharedKey> for StartError {
    fn from(error: SharedKey) -> Self {
        Self::SharedKey(error)
    }
}

impl From<crate::EncodeError> for StartError {
    fn from(error: crate::EncodeError) -> Self {
        Self::Config(error)
    }
}

impl From<crate::LimitsError> for StartError {
    fn from(error: crate::LimitsError) -> Self {
        Self::Limits(error)
    }
}

/// What a child that is alive needs first.
fn before_a_start(state: State) -> &'static str {
    match state {
        State::Stopping => "wait for its end with `join`",
        _ => "`stop` it first",
    }
}

/// Why a child did not get ready.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadyError {
    /// Never started.
    #[error("the child was not started; call `start` first")]
    NotStarted,
    /// It failed.
    #[error("{0}")]
    Failed(Failure),
    /// It was stopped, or ended, before.
    #[error("{0}")]
    Ended(Arc<ExitReport>),
    /// Not yet; it may still get ready.
    #[error("the child was not ready within {0:?}")]
    TimedOut(Duration),
    /// It is not ready yet, and waiting is not allowed on this thread.
    #[error("this thread must not wait for a child; use signal `ready`")]
    WaitForbidden,
    /// This process is a forked copy of the one that started it.
    #[error("this process is a forked copy: wait in the process that started the child")]
    ForkedCopy,
    /// It is not ready yet, and the command that waited for it is to end.
    #[error("the wait was ended: the command that waited was cancelled, or its child is to stop")]
    WaitEnded,
}

/// Why there is nothing to join.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// Never started.
    #[error("the child was not started; call `start` first")]
    NotStarted,
    /// The process never came to be.
    #[error("there was no process to join: {0}")]
    NeverRan(Failure),
    /// It has not ended, and waiting is not allowed on this thread.
    #[error("this thread must not wait for a child; use signal `finished`")]
    WaitForbidden,
    /// This process is a forked copy of the one that started it.
    #[error("this process is a forked copy: join in the process that started the child")]
    ForkedCopy,
    /// It has not ended, and the command that waited for it is to end.
    #[error("the wait was ended: the command that waited was cancelled, or its child is to stop")]
    WaitEnded,
}
