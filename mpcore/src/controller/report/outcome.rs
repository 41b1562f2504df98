//! How a command ended: encoded on its way from the reader, typed where somebody looks at it.

use std::fmt;
use std::time::Duration;

use crate::controller::report::exit::SharedReport;
use crate::error::Never;
use crate::escape::escaped;
use crate::wire::interface::description::InterfaceTable;
use crate::wire::messages::report::{PanicReport, What};
use crate::wire::packets::packet::Bytes;
use crate::wire::value::codec::{Codec, DecodeError, ErrorCodec, raise, wire};

/// Why a call has no result. Exactly one outcome per command: a result, or one of these.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError<E = Never> {
    /// The command returned its own error.
    #[error("{0}")]
    Raised(E),
    /// The command panicked; the child goes on.
    #[error("the command panicked: {0}")]
    Panicked(PanicReport),
    /// The child ended before the command did.
    #[error("{0}")]
    Exited(SharedReport),
    /// The child stopped, or was stopping, before the command ended.
    #[error("the child was stopped before the command ended")]
    Stopped,
    /// The child [finishes](crate::Process::finish), so it takes no more commands.
    #[error("the child is finishing, and takes no more commands")]
    Finishing,
    /// The command was cancelled.
    #[error("the command was cancelled")]
    Cancelled,
    /// A newer write of the same property has made this one superfluous before it was sent; the newer one has
    /// an outcome of its own. That happens only where nothing but writes of properties was submitted in
    /// between, and not to a property with `#[property(write, every)]`. It is no exception.
    #[error("the write was superseded by a newer one before it was sent")]
    Superseded,
    /// The command's time was over before it ended; see [`Call::timeout`](crate::Call::timeout).
    #[error("the command was still running after {after:?}")]
    TimedOut {
        /// How long it had, counted from its start.
        after: Duration,
    },
    /// Too many commands, or too many bytes of arguments, wait for the child already.
    #[error("the command queue is full; wait for outcomes, or raise `builder().queue_bound(..)`")]
    QueueFull,
    /// The call could not be sent, since the system refused what that takes.
    #[error("the call could not be sent: {0}; check the limits on threads and memory")]
    Resources(String),
    /// The arguments (here) or the result (in the child) could not be encoded.
    #[error("could not encode: {}", escaped(.0))]
    Encode(String),
    /// The arguments (in the child) or the result (here) could not be decoded.
    #[error("could not decode: {}", escaped(.0))]
    Decode(String),
    /// The outcome was lost in the controller, which is a mistake of mpcore's: whether the command has run
    /// is not known.
    #[error("the outcome was lost, which is a mistake in mpcore; please report it")]
    Lost,
    /// More signals wait for the inbox's thread than it may hold while a thread waits for a call; this
    /// is no outcome, only the end of the waiting.
    #[error(
        "gave up waiting: the inbox is over its hard limit; drain it, or wait on another thread"
    )]
    InboxOverflow,
    /// Waiting is not allowed on this thread; this is no outcome.
    #[error("this thread must not wait for a child; use `on_done` or a signal")]
    WaitForbidden,
    /// The command that waited for this call is to end. This one was cancelled, and is waited for no longer: this is
    /// no outcome. See [`Call::wait`](crate::Call::wait).
    #[error("the command that waits for this one is to end, so this one was cancelled")]
    WaitEnded,
    /// This process is a forked copy of the one that started the child. Nothing was sent.
    #[error(
        "this process is a forked copy: call the child from the process that started it, or start a program \
         of its own in place of the fork"
    )]
    ForkedCopy,
}

impl<E> CallError<E> {
    /// Whether the command was ended, or not taken, because of a cancel, a stop, a `finish` or a newer write of
    /// the same property, which is no failure.
    #[must_use]
    pub fn is_ended_on_request(&self) -> bool {
        matches!(
            self,
            Self::Cancelled | Self::Stopped | Self::Finishing | Self::Superseded | Self::WaitEnded
        )
    }
}

/// An outcome, encoded. Shared between the waiter and the inbox.
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
    /// Whoever held the call's entry has dropped it.
    Lost,
    ForkedCopy,
}

impl Outcome {
    /// A result, or an end that is told otherwise or was asked for.
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
    /// The outcome as its types.
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
    /// An outcome that is neither a result nor the command's own error.
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
            Ok(()) => CallError::Decode("a result where there is none".to_owned()),
        }
    }
}

/// That a command has ended, as signal [`call_ended`](crate::ProcessSignals) brings it: for who follows
/// calls by their numbers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CallEnd {
    /// The call's number, [`Call::id`](crate::Call::id).
    pub call: u64,
    /// The command's name.
    pub command: &'static str,
    /// Whether it has a result, and why not. The command's own error is here as its text.
    pub result: Result<(), CallError<String>>,
}

/// Something that went wrong, as signal `exception_raised` brings it: everything, each once, under its own kind. Of
/// the failures of a run signal `failed` tells as well, for who follows the run; show one of the two.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Exception {
    /// Name of the child.
    pub process: String,
    /// Its process number, if it has one.
    pub pid: Option<u32>,
    /// The command; `None` for what befell the child.
    pub command: Option<&'static str>,
    /// The call's number; `None` for what befell the child.
    pub call: Option<u64>,
    /// What happened.
    pub kind: ExceptionKind,
    /// What the error, panic or exit report says.
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
    /// The child never got ready: its program is missing, its constructor failed, it was too slow, … Of this and
    /// the next four: told once, not once per command; [`Failure`](crate::Failure) says more, in signal `failed`.
    StartFailed {
        /// Commands that ended with it.
        commands_lost: usize,
    },
    /// The child crashed: it ended by itself, without a goodbye.
    Crashed {
        /// Commands that ended with it.
        commands_lost: usize,
    },
    /// The child sent what no child sends, and was killed.
    Broken {
        /// Commands that ended with it.
        commands_lost: usize,
    },
    /// The child was killed because it did not answer, because a command did not heed what it was asked, or for
    /// want of memory.
    Killed {
        /// Commands that ended with it.
        commands_lost: usize,
    },
    /// The child cannot be killed, and is given up.
    Unkillable {
        /// Commands that ended with it.
        commands_lost: usize,
    },
    /// A command's time is over and it has not ended. Told when that happens, whatever comes of it; see
    /// [`Builder::on_timeout`](crate::Builder::on_timeout).
    TimedOut,
    /// A command did not reach the child, or its result did not come back.
    Undelivered,
    /// An event's values could not be encoded in the child, or decoded here. The event is lost, and nothing
    /// else.
    UndeliveredEvent {
        /// The event.
        event: &'static str,
    },
    /// A property's value could not be encoded in the child, or decoded here. The child's property keeps its
    /// old value where the child has found out.
    UndeliveredProperty {
        /// The property.
        property: &'static str,
    },
    /// Commands were taken by the end of their child, or refused because of it, before they ran: a stop, a
    /// `finish`, or the drop of the last control. Told once for each end; each of them has its outcome,
    /// [`CallError::Stopped`] or [`CallError::Finishing`].
    NotRun {
        /// How many.
        commands: usize,
    },
    /// The child is another program, and part of its interface could not be compared; told once for each
    /// interface. See [`Builder::compare_strictly`](crate::Builder::compare_strictly).
    NotCompared,
    /// This process is a child, and its own grace does not cover that of a child which it has just started for the
    /// first time. At a stop, the inner child gets what is left of the outer one's grace.
    ShortGrace,
}

impl ExceptionKind {
    /// The commands that ended with the child; `None` if this is not about the end of a run.
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
pub(crate) enum Item {
    Property(&'static str),
    Event(&'static str),
    /// A command's signal that the child has emitted by itself.
    Signal(&'static str),
}

impl Item {
    pub(crate) fn named(table: &InterfaceTable, what: What, index: u16) -> Option<Self> {
        let index = usize::from(index);
        Some(match what {
            What::Property => Self::Property(table.properties.get(index)?.name),
            What::Event => Self::Event(table.events.get(index)?.name),
            What::Signal => Self::Signal(table.commands.get(index)?.name),
        })
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
