//! How long one command may run, and for which command a run was killed.

use std::time::Duration;

use crate::controller::report::escalation::{Escalation, Ignored};
use crate::controller::report::outcome::Outcome;
use crate::wire::interface::description::CommandRules;
use crate::wire::packets::packet::CallFlags;

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
