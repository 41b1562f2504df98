//! How long one command may run and what the child gets to know about it, and the command for which
//! a run was killed.

use std::time::Duration;

use crate::controller::report::escalation::{Escalation, IgnoredRequest};
use crate::controller::report::outcome::Outcome;
use crate::limits::OVERRUN_GRACE;
use crate::wire::interface::description::CommandRules;
use crate::wire::packets::packet::CallFlags;

/// The command for which a run was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blame {
    pub(crate) call: u64,
    pub(crate) command: &'static str,
    pub(crate) ignored: IgnoredRequest,
}

impl Blame {
    /// Returns the outcome of `call` if it is that command: the same as if it had obeyed.
    pub(crate) fn outcome(&self, call: u64) -> Option<Outcome> {
        (call == self.call).then_some(match self.ignored {
            IgnoredRequest::Deadline { after } => Outcome::TimedOut(after),
            IgnoredRequest::Cancel { .. } => Outcome::Cancelled,
        })
    }
}

/// How long a command may run, and what the child gets to know about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Limit {
    /// Milliseconds from its start; 0: no limit.
    pub(crate) milliseconds: u32,
    pub(crate) flags: CallFlags,
    /// Whether it has, or has had, a deadline.
    pub(crate) given: bool,
    /// Whether it was asked to end.
    pub(crate) cancelled: bool,
    /// Whether it was reported that the deadline passed, by the child or by the controller.
    pub(crate) overran: bool,
    /// Whether the controller has reported the timeout before the child did.
    pub(crate) foretold: bool,
}

impl Limit {
    /// Creates a limit; `left` is the time that the submitting command has left itself.
    pub(crate) fn new(rules: CommandRules, on_timeout: Escalation, left: Option<Duration>) -> Self {
        let allowed = [rules.timeout, left].into_iter().flatten().min();
        let mut flags = CallFlags::default();
        if rules.no_cancel {
            flags = flags.with(CallFlags::OUTLIVES_CANCEL);
        }
        if rules.no_cancel || on_timeout == Escalation::Report {
            flags = flags.with(CallFlags::OUTLIVES_DEADLINE);
        }
        let mut limit = Self { flags, ..Self::default() };
        limit.allow(allowed.map_or(0, milliseconds));
        limit
    }

    /// Its time starts again, in another run.
    pub(crate) fn begin_again(&mut self) {
        (self.overran, self.foretold) = (false, false);
    }

    /// Returns what the command may take if it runs for `runs` by now, which is too long, and the
    /// child does not report that: it is stopped, or its report is stuck behind a full inbox.
    pub(crate) fn unreported_overrun(&self, runs: Duration) -> Option<Duration> {
        let allowed = Duration::from_millis(self.milliseconds.into());
        let over = runs > allowed + OVERRUN_GRACE;
        (self.milliseconds != 0 && !self.overran && over).then_some(allowed)
    }

    /// Sets another deadline.
    pub(crate) fn allow(&mut self, milliseconds: u32) {
        self.milliseconds = milliseconds;
        self.given |= milliseconds != 0;
    }
}

/// Encodes a duration for the wire: never 0, which means no limit; 49 days and more are no limit.
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
    fn the_controller_reports_an_overrun_after_a_grace_and_once() {
        let late = OVERRUN_GRACE + 51 * MS;
        let mut limit = Limit { milliseconds: 50, ..Limit::default() };
        assert_eq!(limit.unreported_overrun(OVERRUN_GRACE + 50 * MS), None);
        assert_eq!(limit.unreported_overrun(late), Some(50 * MS));
        limit.overran = true;
        assert_eq!(limit.unreported_overrun(late), None, "it is reported");
        limit.begin_again();
        assert_eq!(limit.unreported_overrun(late), Some(50 * MS), "in each run");
        limit.allow(0);
        assert_eq!(limit.unreported_overrun(Duration::MAX), None, "no limit");
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
        assert_eq!(flags(false, Escalation::Report), (false, true));
        assert_eq!(flags(true, Escalation::Kill), (true, true));
    }
}
