//! How far the controller goes with a child that keeps it waiting, and what is told of it.

use std::fmt;
use std::time::{Duration, Instant};

use crate::controller::outcome::Outcome;
use crate::wire::interface::CommandRules;
use crate::wire::packet::CallFlags;

/// How far to go with a child that does not answer
/// ([`Builder::on_unresponsive`](crate::Builder::on_unresponsive)) or with a command whose time is over
/// ([`Builder::on_timeout`](crate::Builder::on_timeout)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Escalation {
    /// Only tell.
    Tell,
    /// Tell, and ask the command for its end: it ends when it next looks.
    Cancel,
    /// Tell, ask, and kill the child if that did not help. Its other commands end with it, and their
    /// report names the reason.
    Kill,
    /// The same, and start the child again.
    Restart,
}

impl Escalation {
    /// Whether it ends with a kill.
    pub(crate) fn kills(self) -> bool {
        matches!(self, Self::Kill | Self::Restart)
    }
}

/// The command that a child is executing, as it has told last: at most an interval of pings ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Executing {
    /// The call's number, [`Call::id`](crate::Call::id).
    pub call: u64,
    /// The command's name.
    pub command: &'static str,
    /// When the child began to execute it.
    pub since: Instant,
}

impl fmt::Display for Executing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (call {})", self.command, self.call)
    }
}

/// A child does not answer: its process stands still, is swapped out, or gets no processor. Signal
/// [`unresponsive`](crate::ProcessSignals) brings it.
///
/// Where a debugger holds the child, that is what it says, and no [`Escalation`] follows; if the child does not answer
/// once it was let go, it comes again.
///
/// A child that executes a long command does answer, since another thread of it does; against a command that
/// takes too long there are deadlines, see [`Call::timeout`](crate::Call::timeout).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unresponsive {
    /// Since when it has not answered.
    pub since: Instant,
    /// What it was executing when it last did, if that has no outcome yet.
    pub executing: Option<Executing>,
    /// The process that holds the child as its debugger.
    pub tracer: Option<u32>,
}

impl fmt::Display for Unresponsive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the child does not answer")?;
        if let Some(tracer) = self.tracer {
            write!(f, ", since process {tracer} holds it as its debugger")?;
        }
        match &self.executing {
            Some(executing) => write!(f, "; it was executing {executing}"),
            None => Ok(()),
        }
    }
}

/// What a command did not heed, so that its child had to be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ignored {
    /// Its deadline.
    Deadline {
        /// How long it had.
        after: Duration,
    },
    /// A cancel, see [`Call::cancel_or_kill`](crate::Call::cancel_or_kill).
    Cancel {
        /// How long it had to end then.
        grace: Duration,
    },
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline { after } => write!(f, "ran on after its deadline of {after:?}"),
            Self::Cancel { grace } => write!(f, "had not ended {grace:?} after it was cancelled"),
        }
    }
}

/// The command for which a run was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blame {
    pub(crate) call: u64,
    pub(crate) command: &'static str,
    pub(crate) ignored: Ignored,
}

impl Blame {
    /// With what `call` ends, if it is the one: as if it had heeded what it was asked.
    pub(crate) fn outcome(&self, call: u64) -> Option<Outcome> {
        (call == self.call).then_some(match self.ignored {
            Ignored::Deadline { after } => Outcome::TimedOut(after),
            Ignored::Cancel { .. } => Outcome::Cancelled,
        })
    }
}

/// How long a command may run, and what the child is told of that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Limit {
    /// Milliseconds from its start; 0: as long as it likes.
    pub(crate) milliseconds: u32,
    pub(crate) flags: CallFlags,
    /// It has, or has had, a deadline.
    pub(crate) given: bool,
    /// Its end was asked for.
    pub(crate) cancelled: bool,
    /// The child has told that its time is over.
    pub(crate) overran: bool,
    /// The controller has said so before the child did.
    pub(crate) foretold: bool,
}

impl Limit {
    /// `left` is what the command that submits this one still has itself.
    pub(crate) fn new(rules: CommandRules, on_timeout: Escalation, left: Option<Duration>) -> Self {
        let allowed = [rules.timeout, left].into_iter().flatten().min();
        let mut flags = CallFlags::default();
        if rules.no_cancel {
            flags = flags.with(CallFlags::OUTLIVES_CANCEL);
        }
        if rules.no_cancel || on_timeout == Escalation::Tell {
            flags = flags.with(CallFlags::OUTLIVES_DEADLINE);
        }
        let mut limit = Self { flags, ..Self::default() };
        limit.allow(allowed.map_or(0, milliseconds));
        limit
    }

    /// Another deadline.
    pub(crate) fn allow(&mut self, milliseconds: u32) {
        self.milliseconds = milliseconds;
        self.given |= milliseconds != 0;
    }
}

/// A duration as it travels: never 0, which means none; one of 49 days and more is none.
pub(crate) fn milliseconds(allowed: Duration) -> u32 {
    let milliseconds = allowed.as_nanos().div_ceil(1_000_000).max(1);
    u32::try_from(milliseconds).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_shorter_of_what_is_allowed_and_what_is_left_counts() {
        let of = |own: Option<u32>, left: Option<u32>| {
            let timeout = own.map(|own| own * MS);
            let rules = CommandRules { timeout, ..CommandRules::default() };
            Limit::new(rules, Escalation::Cancel, left.map(|left| left * MS)).milliseconds
        };
        assert_eq!(of(None, None), 0);
        assert_eq!(of(Some(50), None), 50);
        assert_eq!(of(Some(50), Some(20)), 20);
        assert_eq!(of(Some(50), Some(80)), 50);
        assert_eq!(of(None, Some(0)), 1, "over, not unlimited");
    }

    #[test]
    fn what_travels_is_never_zero_by_chance() {
        assert_eq!(milliseconds(Duration::ZERO), 1);
        assert_eq!(milliseconds(Duration::from_micros(1500)), 2);
        assert_eq!(milliseconds(Duration::MAX), 0);
    }

    #[test]
    fn marks_and_policy_say_what_a_deadline_does() {
        let flags = |no_cancel, on_timeout| {
            let rules = CommandRules { no_cancel, ..CommandRules::default() };
            let flags = Limit::new(rules, on_timeout, None).flags;
            (flags.has(CallFlags::OUTLIVES_CANCEL), flags.has(CallFlags::OUTLIVES_DEADLINE))
        };
        assert_eq!(flags(false, Escalation::Cancel), (false, false));
        assert_eq!(flags(false, Escalation::Tell), (false, true));
        assert_eq!(flags(true, Escalation::Kill), (true, true));
    }
}
