//! How a command ended: encoded until it is used, then decoded into the types of the command. Also
//! the payloads of the signals that report it: [`CallEnd`], and [`Exception`], which reports every
//! other problem too.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::call_id::CallId;
use crate::controller::report::exit::{ExitReport, SharedReport};
use crate::controller::report::wait_error::WaitError;
use crate::error::Never;
use crate::escape::escaped;
use crate::wire::interface::description::InterfaceTable;
use crate::wire::messages::report::{PanicReport, What};
use crate::wire::packets::packet::Bytes;
use crate::wire::value::codec::{Codec, DecodeError, ErrorCodec, raise, wire};

/// Why a call has no result. A command has exactly one outcome: a result, or one of these.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError<E = Never> {
    /// The command returned its own error.
    #[error("{0}")]
    Raised(E),
    /// The command panicked; the child continues.
    #[error("the command panicked: {0}")]
    Panicked(PanicReport),
    /// The child ended before the command did.
    #[error("{0}")]
    Exited(Arc<ExitReport>),
    /// The child stopped, or was stopping, before the command ended.
    #[error("the child was stopped before the command ended")]
    Stopped,
    /// The child [finishes](crate::Process::finish), so it accepts no more commands.
    #[error("the child is finishing and accepts no more commands")]
    Finishing,
    /// The command was cancelled.
    #[error("the command was cancelled")]
    Cancelled,
    /// A newer write of the same property superseded this one before it was sent; the newer write
    /// has its own outcome. Happens only if nothing but property writes was submitted in between,
    /// and never to a property with `#[property(write, every)]`. Not reported as an exception.
    #[error("the write was superseded by a newer one before it was sent")]
    Superseded,
    /// The command was over its deadline; see [`Call::timeout`](crate::Call::timeout).
    #[error("the command was still running after {after:?}")]
    TimedOut {
        /// The time that it had, counted from its start.
        after: Duration,
    },
    /// Too many commands, or too many bytes of arguments, are already queued for the child.
    #[error("the command queue is full; wait for outcomes, or raise `builder().queue_bound(..)`")]
    QueueFull,
    /// The call could not be sent because the system refused a resource.
    #[error("the call could not be sent: {0}; check the limits on threads and memory")]
    Resources(String),
    /// The arguments (here) or the result (in the child) could not be encoded.
    #[error("could not encode: {}", escaped(.0))]
    Encode(String),
    /// The arguments (in the child) or the result (here) could not be decoded.
    #[error("could not decode: {}", escaped(.0))]
    Decode(String),
    /// The outcome was lost in the controller, which is a bug in mpcore. Whether the command ran is
    /// unknown.
    #[error("the outcome was lost, which is a bug in mpcore; please report it")]
    Lost,
    /// The wait for the outcome ended first. Not an outcome: see [`WaitError`] for what becomes of
    /// the command.
    #[error("the command has no outcome yet: {0}")]
    Wait(WaitError),
    /// This process is a forked copy of the process that started the child. Nothing was sent.
    #[error(
        "this process is a forked copy: call the child from the process that started it, or start a program \
         of its own instead of forking"
    )]
    ForkedCopy,
}

impl<E> CallError<E> {
    /// Returns a word for the kind of error, as the log and QML name it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Raised(_) => "raised",
            Self::Panicked(_) => "panicked",
            Self::Exited(_) => "exited",
            Self::Stopped => "stopped",
            Self::Finishing => "finishing",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
            Self::TimedOut { .. } => "timed_out",
            Self::QueueFull => "queue_full",
            Self::Resources(_) => "resources",
            Self::Encode(_) => "encode",
            Self::Decode(_) => "decode",
            Self::Lost => "lost",
            Self::Wait(_) => "wait",
            Self::ForkedCopy => "forked_copy",
        }
    }

    /// Returns whether the command was ended or refused because of a cancel, a stop, a `finish` or
    /// a newer write of the same property. None of these is a failure.
    #[must_use]
    pub fn is_ended_on_request(&self) -> bool {
        matches!(
            self,
            Self::Cancelled
                | Self::Stopped
                | Self::Finishing
                | Self::Superseded
                | Self::Wait(WaitError::Interrupted)
        )
    }
}

/// An encoded outcome, shared between the waiting thread and the inbox.
#[derive(Debug)]
pub(crate) enum Outcome {
    Returned(Bytes),
    Raised(Bytes),
    Panicked(PanicReport),
    Exited(SharedReport),
    Stopped,
    Finishing,
    Cancelled,
    Superseded,
    TimedOut(Duration),
    QueueFull,
    Resources(String),
    Encode(String),
    Decode(String),
    /// The owner of the call's entry dropped it without resolving the call.
    Lost,
    ForkedCopy,
}

impl Outcome {
    /// Returns whether this is a result, or an end that was requested or is reported elsewhere.
    pub(crate) fn is_no_failure(&self) -> bool {
        matches!(
            self,
            Self::Returned(_)
                | Self::Exited(_)
                | Self::Stopped
                | Self::Finishing
                | Self::Cancelled
                | Self::Superseded
        )
    }
}

/// The codecs of one command's outcome.
pub(crate) struct OutcomeCodec<T: 'static, E: 'static> {
    pub(crate) result: Codec<T>,
    pub(crate) error: ErrorCodec<E>,
}

impl<T, E> Clone for OutcomeCodec<T, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, E> Copy for OutcomeCodec<T, E> {}

impl<T, E> fmt::Debug for OutcomeCodec<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutcomeCodec").finish_non_exhaustive()
    }
}

impl<T, E> OutcomeCodec<T, E> {
    /// Decodes the outcome into the command's types.
    pub(crate) fn decode(&self, outcome: &Outcome) -> Result<T, CallError<E>> {
        let decode = |error: DecodeError| CallError::Decode(error.to_string());
        Err(match outcome {
            Outcome::Returned(bytes) => {
                return self.result.decode(bytes.as_slice()).map_err(decode);
            }
            Outcome::Raised(bytes) => match self.error.codec.decode(bytes.as_slice()) {
                Ok(error) => CallError::Raised(error),
                Err(error) => decode(error),
            },
            Outcome::Panicked(report) => CallError::Panicked(report.clone()),
            Outcome::Exited(report) => CallError::Exited(report.clone()),
            Outcome::Stopped => CallError::Stopped,
            Outcome::Finishing => CallError::Finishing,
            Outcome::Cancelled => CallError::Cancelled,
            Outcome::Superseded => CallError::Superseded,
            Outcome::TimedOut(after) => CallError::TimedOut { after: *after },
            Outcome::QueueFull => CallError::QueueFull,
            Outcome::Resources(message) => CallError::Resources(message.clone()),
            Outcome::Encode(message) => CallError::Encode(message.clone()),
            Outcome::Decode(message) => CallError::Decode(message.clone()),
            Outcome::Lost => CallError::Lost,
            Outcome::ForkedCopy => CallError::ForkedCopy,
        })
    }
}

impl OutcomeCodec<(), Never> {
    /// Converts an outcome that is neither a result nor the command's own error.
    pub(crate) fn untyped(outcome: &Outcome) -> CallError<String> {
        let codec = Self { result: wire::<()>(), error: raise::<Never>() };
        match codec.decode(outcome) {
            Err(CallError::Panicked(report)) => CallError::Panicked(report),
            Err(CallError::Exited(report)) => CallError::Exited(report),
            Err(CallError::Stopped) => CallError::Stopped,
            Err(CallError::Finishing) => CallError::Finishing,
            Err(CallError::Cancelled) => CallError::Cancelled,
            Err(CallError::Superseded) => CallError::Superseded,
            Err(CallError::TimedOut { after }) => CallError::TimedOut { after },
            Err(CallError::QueueFull) => CallError::QueueFull,
            Err(CallError::Resources(message)) => CallError::Resources(message),
            Err(CallError::Encode(message)) => CallError::Encode(message),
            Err(CallError::Lost) => CallError::Lost,
            Err(CallError::ForkedCopy) => CallError::ForkedCopy,
            Err(error) => CallError::Decode(error.to_string()),
            Ok(()) => CallError::Decode("a result where none was expected".to_owned()),
        }
    }
}

/// Payload of the signal [`call_ended`](crate::ProcessSignals), for callers that track calls by id.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CallEnd {
    /// The call's number, [`Call::id`](crate::Call::id).
    pub call: CallId,
    /// The command's name.
    pub command: &'static str,
    /// Whether the command has a result, or why it has none. The command's own error is included as
    /// text.
    pub result: Result<(), CallError<String>>,
}

/// Payload of the signal `exception_raised`, which reports every problem exactly once, each with
/// its own kind. The signal `failed` reports the failures of a run as well, for code that follows
/// the run; show only one of the two.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Exception {
    /// The child's name.
    pub process: String,
    /// The child's process id, if it has one.
    pub pid: Option<u32>,
    /// The command; `None` if the whole child is affected.
    pub command: Option<&'static str>,
    /// The call's number; `None` if the whole child is affected.
    pub call: Option<CallId>,
    /// What happened.
    pub kind: ExceptionKind,
    /// The text of the error, panic or exit report.
    pub message: String,
    /// The backtrace of a panic, if the child runs with `RUST_BACKTRACE=1`.
    pub backtrace: String,
}

/// What an [`Exception`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExceptionKind {
    /// A command returned its own error.
    Raised,
    /// A command panicked.
    Panicked,
    /// The child never became ready: its program is missing, its constructor failed, it was too
    /// slow, … This and the next four are reported once, not once per command; the
    /// [`RunFailure`](crate::RunFailure) in the signal `failed` has the details.
    StartFailed {
        /// Commands that ended with it.
        commands_lost: usize,
    },
    /// The child crashed: it ended by itself, without a goodbye.
    Crashed {
        /// Commands that ended with it.
        commands_lost: usize,
    },
    /// The child violated the protocol and was killed.
    Broken {
        /// Commands that ended with it.
        commands_lost: usize,
    },
    /// The child was killed because it did not answer, because a command ignored its deadline or a
    /// cancel, or because memory ran out.
    Killed {
        /// Commands that ended with it.
        commands_lost: usize,
    },
    /// The child cannot be killed and was given up.
    Unkillable {
        /// Commands that ended with it.
        commands_lost: usize,
    },
    /// A command was over its deadline and had not ended. Reported when that happens, regardless of
    /// what follows; see [`ControlBuilder::on_timeout`](crate::ControlBuilder::on_timeout).
    TimedOut,
    /// A command did not reach the child, or its result did not come back.
    Undelivered,
    /// An event's values could not be encoded in the child, or decoded here. Only the event is
    /// lost.
    UndeliveredEvent {
        /// The event.
        event: &'static str,
    },
    /// A property's value could not be encoded in the child, or decoded here. If the child detected
    /// it, the child's property keeps its old value.
    UndeliveredProperty {
        /// The property.
        property: &'static str,
    },
    /// Commands were dropped or refused before they ran because their child ended: a stop, a
    /// `finish`, or the drop of the last control. Reported once per end; each command also has its
    /// outcome, [`CallError::Stopped`] or [`CallError::Finishing`].
    NotRun {
        /// How many.
        commands: usize,
    },
    /// The child is another program, and part of its interface could not be compared. Reported once
    /// per interface. See [`ControlBuilder::compare_strictly`](crate::ControlBuilder::compare_strictly).
    NotCompared,
    /// This process is a child, and its own stop grace does not cover the grace of a child that it
    /// has just started for the first time. At a stop, the inner child gets what is left of the
    /// outer child's grace.
    ShortGrace,
}

impl ExceptionKind {
    /// Returns a word for the kind of exception, as QML names it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Panicked => "panicked",
            Self::StartFailed { .. } => "start_failed",
            Self::Crashed { .. } => "crashed",
            Self::Broken { .. } => "broken",
            Self::Killed { .. } => "killed",
            Self::Unkillable { .. } => "unkillable",
            Self::Undelivered => "undelivered",
            Self::UndeliveredEvent { .. } => "undelivered_event",
            Self::UndeliveredProperty { .. } => "undelivered_property",
            Self::TimedOut => "timed_out",
            Self::NotRun { .. } => "not_run",
            Self::NotCompared => "not_compared",
            Self::ShortGrace => "short_grace",
        }
    }

    /// Returns the number of commands that ended with the child; `None` if this is not the end of a
    /// run.
    #[must_use]
    pub const fn commands_lost(self) -> Option<usize> {
        match self {
            Self::StartFailed { commands_lost }
            | Self::Crashed { commands_lost }
            | Self::Broken { commands_lost }
            | Self::Killed { commands_lost }
            | Self::Unkillable { commands_lost } => Some(commands_lost),
            _ => None,
        }
    }
}

/// An item of the interface whose value was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UndeliveredItem {
    Property(&'static str),
    Event(&'static str),
    /// A command's signal that the child emitted without a call.
    Signal(&'static str),
}

impl UndeliveredItem {
    pub(crate) fn named(table: &InterfaceTable, what: What, index: u16) -> Option<Self> {
        let index = usize::from(index);
        Some(match what {
            What::Property => Self::Property(table.properties.get(index)?.name),
            What::Event => Self::Event(table.events.get(index)?.name),
            What::Signal => Self::Signal(table.commands.get(index)?.name),
        })
    }

    /// Returns its name in the interface.
    pub(crate) fn name(self) -> &'static str {
        let (Self::Property(name) | Self::Event(name) | Self::Signal(name)) = self;
        name
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.command {
            Some(command) => write!(f, "{}.{command}: {}", self.process, escaped(&self.message)),
            None => write!(f, "{}: {}", self.process, escaped(&self.message)),
        }
    }
}
