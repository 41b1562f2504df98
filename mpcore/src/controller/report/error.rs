//! Why a child cannot be created or started, is not ready, or cannot be joined.

use std::sync::Arc;

use crate::child::startup::registry::SharedKey;
use crate::controller::report::exit::{ExitReport, ProcessState};
use crate::controller::report::failure::RunFailure;
use crate::controller::report::script_error::ScriptError;
use crate::controller::report::wait_error::WaitError;
use crate::wire::messages::fault::Fault;

/// Why a child could not be created or started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// This binary is its own child program, but it has not called `mpcore::init`.
    #[error(
        "this binary cannot be its own child yet: call `mpcore::init()` first thing in `main` \
         (or write `#[mpcore::main]`), and in a test binary `mpcore::test_support!()`"
    )]
    InitMissing,
    /// This process was started as a child, but has called neither `mpcore::init` nor `child_main`.
    /// It would start children as its controller does, and each of them would do the same,
    /// endlessly.
    #[error(
        "this process is a child (`--mpcore-child`) that was not initialized, so it starts nothing: \
         call `mpcore::init()` first thing in `main`, or write `#[mpcore::main]`, or \
         `mpcore::child_main` in a binary that is only a child"
    )]
    InitForgotten,
    /// The child is already running; the next run can begin only after this one has ended.
    #[error("the child is {state} already; {}, or use `restart`", before_a_start(*state))]
    AlreadyRunning {
        /// What the child is doing.
        state: ProcessState,
    },
    /// The last control of this child was dropped; a [`Process`](crate::Process) alone cannot start
    /// it.
    #[error("the last control of this child was dropped: keep a clone of it, or create a new one")]
    ControlGone,
    /// The builder has neither a child nor a program.
    #[error("no child was named: call `.child::<P>()`, `.program(..)` or `.in_process::<P>()`")]
    ChildMissing,
    /// The interface has a config, but the builder has none.
    #[error("no config was given: call `.config(..)`")]
    ConfigMissing,
    /// A planned fault would also hit this process, because the child is one of its threads.
    #[error(
        "`{fault}` in a child on a thread would strike this process too: use `.child::<P>()` or \
         `.program(..)` in place of `.in_process::<P>()`"
    )]
    FaultNeedsProcess {
        /// The fault.
        fault: Fault,
    },
    /// The script of a scripted child does not fit the interface, or contradicts itself.
    #[error("the script cannot be played: {0}")]
    Script(ScriptError),
    /// A scripted child does only what its script says, so it accepts no fault plan.
    #[error(
        "a scripted child accepts no fault plan: remove `.faults(..)`, and write the faults \
         into the script"
    )]
    FaultsInScript,
    /// The child cannot be distinguished from another child of this binary.
    #[error("the child cannot be distinguished from another one: {0}")]
    SharedKey(SharedKey),
    /// The config could not be encoded. For a config of more than 64 KiB this is reported later, as
    /// [`RunFailure::Config`](crate::RunFailure::Config).
    #[error("the config could not be encoded: {0}")]
    Config(crate::EncodeError),
    /// The limits are invalid, or not available here.
    #[error("the child's limits cannot be set: {0}")]
    Limits(crate::LimitsError),
    /// This process is a forked copy of one that has started children.
    #[error(
        "this process is a forked copy of one that has started children: fork before the first `start`, or start \
         a program of its own instead of forking"
    )]
    ForkedCopy,
}

// By hand: each text contains its cause. If the cause were a `source` too, it would be printed
// twice.

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

/// What to do with a live child before it can be started.
fn before_a_start(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Stopping => "wait for its end with `join`",
        _ => "`stop` it first",
    }
}

/// Why a child is not ready.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadyError {
    /// The child was never started.
    #[error("the child was not started; call `start` first")]
    NotStarted,
    /// The run failed.
    #[error("{0}")]
    Failed(RunFailure),
    /// The child was stopped, or ended, before it was ready.
    #[error("{0}")]
    Ended(Arc<ExitReport>),
    /// The wait ended first; the child may still become ready.
    #[error("the child is not ready: {0}")]
    Wait(WaitError),
}

/// Why a child cannot be joined.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The child was never started.
    #[error("the child was not started; call `start` first")]
    NotStarted,
    /// No process was ever created.
    #[error("there was no process to join: {0}")]
    NeverRan(RunFailure),
    /// The wait ended before the child did.
    #[error("the child has not ended: {0}")]
    Wait(WaitError),
}
