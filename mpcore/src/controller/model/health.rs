//! Whether a child answers.
//!
//! Pure: takes the time as an argument and returns what to do. While something is outstanding, a
//! check is due once per interval, and a check sends a ping unless one is unanswered. A child that
//! leaves its ping unanswered for a few checks is unresponsive until it answers. With nothing
//! outstanding, no check is due. An answer also names the command that the child is executing.
//! [`FalseWord`] is an answer, or a report of an overrun, that was not asked for.
//!
//! Checks are counted, not seconds: a controller that was itself stopped finds the answers waiting
//! and must not blame the child. Nor must it do so while a tracer holds the child: then the count
//! starts again, and the verdict is repeated if the child still does not answer.

use std::time::{Duration, Instant};

use crate::limits::PINGS_MISSED;

/// The right to one check; one from an ended run is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckTicket(u64);

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CheckResult {
    /// Send a ping with this number.
    pub(crate) ping: Option<u32>,
    /// The child has become unresponsive: it has left a ping of this time unanswered.
    pub(crate) unresponsive: Option<Instant>,
    /// The next check.
    pub(crate) next: Option<(CheckTicket, Instant)>,
}

/// The child answered a ping that was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an answer to a ping that was not sent")]
pub(crate) struct Unasked;

/// The effect of a pong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    InTime,
    /// The child was unresponsive, and no longer is.
    Recovered,
}

#[derive(Debug)]
struct Unanswered {
    ping: u32,
    since: Instant,
    checks: u32,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Health {
    interval: Duration,
    checks: u64,
    due: Option<CheckTicket>,
    pings: u32,
    unanswered: Option<Unanswered>,
    unresponsive: bool,
    /// The last verdict found that a tracer holds the child.
    held: bool,
    /// The command that the last pong named, and when it started.
    executing: Option<(u64, Instant)>,
}

impl Health {
    pub(crate) fn new(interval: Duration) -> Self {
        Self {
            interval,
            checks: 0,
            due: None,
            pings: 0,
            unanswered: None,
            unresponsive: false,
            held: false,
            executing: None,
        }
    }

    /// Begins a run.
    pub(crate) fn reset(&mut self) {
        *self = Self { checks: self.checks, ..Self::new(self.interval) };
    }

    /// Returns whether a check is scheduled; then there is nothing to [`begin`](Self::begin).
    pub(crate) fn is_watching(&self) -> bool {
        self.due.is_some()
    }

    /// Something is outstanding: returns the first check, unless one is scheduled.
    pub(crate) fn begin(&mut self, now: Instant) -> Option<(CheckTicket, Instant)> {
        if self.due.is_some() { None } else { self.again(now) }
    }

    fn again(&mut self, now: Instant) -> Option<(CheckTicket, Instant)> {
        // An interval beyond the clock's range means never.
        let at = now.checked_add(self.interval)?;
        self.checks += 1;
        self.due = Some(CheckTicket(self.checks));
        Some((CheckTicket(self.checks), at))
    }

    /// Carries out a check that is due.
    pub(crate) fn check(
        &mut self,
        ticket: CheckTicket,
        outstanding: bool,
        now: Instant,
    ) -> CheckResult {
        if self.due != Some(ticket) {
            return CheckResult::default();
        }
        self.due = None;
        let mut seen = CheckResult::default();
        if !outstanding {
            return seen;
        }
        match &mut self.unanswered {
            None => {
                self.pings = self.pings.checked_add(1).unwrap_or(1);
                self.unanswered = Some(Unanswered { ping: self.pings, since: now, checks: 0 });
                seen.ping = Some(self.pings);
            }
            Some(unanswered) => {
                unanswered.checks = unanswered.checks.saturating_add(1);
                if unanswered.checks >= PINGS_MISSED && (self.held || !self.unresponsive) {
                    self.unresponsive = true;
                    seen.unresponsive = Some(unanswered.since);
                }
            }
        }
        seen.next = self.again(now);
        seen
    }

    /// Notes whether a tracer was found to hold the child when it became unresponsive. Returns
    /// whether this is news.
    pub(crate) fn judged(&mut self, held: bool, now: Instant) -> bool {
        let known = std::mem::replace(&mut self.held, held) && held;
        if let Some(unanswered) = self.unanswered.as_mut().filter(|_| held) {
            (unanswered.since, unanswered.checks) = (now, 0);
        }
        !known
    }

    /// Handles an answer, with the command that is being executed.
    pub(crate) fn pong(
        &mut self,
        ping: u32,
        executing: Option<(u64, Instant)>,
    ) -> Result<Answer, Unasked> {
        self.unanswered.take_if(|unanswered| unanswered.ping == ping).ok_or(Unasked)?;
        self.executing = executing;
        self.held = false;
        let recovered = std::mem::take(&mut self.unresponsive);
        Ok(if recovered { Answer::Recovered } else { Answer::InTime })
    }

    pub(crate) fn is_unresponsive(&self) -> bool {
        self.unresponsive
    }

    /// Returns the command that the last pong named, and when it started.
    pub(crate) fn executing(&self) -> Option<(u64, Instant)> {
        self.executing
    }
}

/// The child answered or reported something that was not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FalseWord {
    #[error(transparent)]
    Pong(#[from] Unasked),
    #[error("an overrun of a command that has no deadline or has already reported one")]
    Overrun,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_traced_child_is_judged_again_after_its_release() {
        let mut now = Instant::now();
        let mut health = Health::new(SECOND);
        let (mut ticket, _) = health.begin(now).unwrap();
        let mut verdict = |health: &mut Health| {
            for checks in 1.. {
                now += SECOND;
                let seen = health.check(ticket, true, now);
                ticket = seen.next.unwrap().0;
                if let Some(since) = seen.unresponsive {
                    return (checks, (now - since).as_secs(), now);
                }
            }
            unreachable!("it does not answer")
        };
        let missed = PINGS_MISSED;
        let (checks, silent, at) = verdict(&mut health);
        assert_eq!((checks, silent), (missed + 1, missed.into()), "one sends the ping");
        assert!(health.judged(true, at), "it is held");
        let (checks, _, at) = verdict(&mut health);
        assert_eq!(checks, missed);
        assert!(!health.judged(true, at), "it still is");
        let (checks, silent, at) = verdict(&mut health);
        assert_eq!((checks, silent), (missed, missed.into()), "counted from there");
        assert!(health.judged(false, at), "it was let go, and does not answer");
        assert_eq!(health.pong(1, None), Ok(Answer::Recovered));
        assert!(!health.is_unresponsive());
    }

    #[test]
    fn a_ping_per_interval_while_something_is_outstanding() {
        let start = Instant::now();
        let mut health = Health::new(SECOND);
        let (ticket, at) = health.begin(start).unwrap();
        assert_eq!((at, health.begin(start)), (start + SECOND, None), "one check at a time");
        let seen = health.check(ticket, true, at);
        assert_eq!((seen.ping, seen.unresponsive), (Some(1), None));
        assert_eq!(health.pong(1, Some((7, start))), Ok(Answer::InTime));
        assert_eq!(health.executing(), Some((7, start)));
        let (ticket, at) = seen.next.unwrap();
        assert_eq!(at, start + 2 * SECOND);
        assert_eq!(
            health.check(ticket, false, at),
            CheckResult::default(),
            "nothing, and no next check"
        );
        assert!(health.begin(at).is_some());
    }

    #[test]
    fn silence_and_its_end_are_reported_once_each() {
        let start = Instant::now();
        let mut health = Health::new(SECOND);
        let mut next = health.begin(start);
        let mut verdicts = Vec::new();
        for number in 0..10 {
            let (ticket, at) = next.unwrap();
            let seen = health.check(ticket, true, at);
            assert_eq!(seen.ping.is_some(), number == 0, "the unanswered one is enough");
            verdicts.extend(seen.unresponsive.map(|since| (number, since)));
            next = seen.next;
        }
        assert_eq!(verdicts, [(PINGS_MISSED, start + SECOND)]);
        assert!(health.is_unresponsive());
        assert_eq!(health.pong(1, None), Ok(Answer::Recovered));
        assert_eq!(health.pong(1, None), Err(Unasked));
    }

    #[test]
    fn a_check_of_an_older_run_is_worth_nothing() {
        let start = Instant::now();
        let mut health = Health::new(SECOND);
        let (old, at) = health.begin(start).unwrap();
        health.reset();
        let (new, _) = health.begin(start).unwrap();
        assert_eq!(health.check(old, true, at), CheckResult::default());
        assert!(health.check(new, true, at).ping.is_some());
    }

    #[test]
    fn an_interval_without_end_never_checks() {
        assert_eq!(Health::new(Duration::MAX).begin(Instant::now()), None);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Submit,
        EndAll,
        /// The next check comes this many milliseconds late.
        Check(u64),
        Answer,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Submit),
            Just(Step::EndAll),
            (0u64..5000).prop_map(Step::Check),
            (0u64..5000).prop_map(Step::Check),
            Just(Step::Answer),
        ]
    }

    proptest! {
        /// Whatever happens in whatever order: while something is outstanding exactly one check is
        /// due; at most one ping is unanswered; the two verdicts alternate; and a child is blamed
        /// only for a ping that was checked often enough.
        #[test]
        fn it_is_fair_and_watchful(steps in prop::collection::vec(step(), 0..200)) {
            let mut now = Instant::now();
            let mut health = Health::new(SECOND);
            let (mut outstanding, mut due) = (false, None);
            // The model: the unanswered ping, and the number of checks of it.
            let (mut unanswered, mut blamed) = (None::<(u32, u32)>, false);
            for step in steps {
                match step {
                    Step::Submit => {
                        outstanding = true;
                        if let Some(ticket) = health.begin(now) {
                            prop_assert!(due.is_none());
                            due = Some(ticket);
                        }
                    }
                    Step::EndAll => outstanding = false,
                    Step::Check(late) => if let Some((ticket, at)) = due.take() {
                        now = now.max(at) + Duration::from_millis(late);
                        let seen = health.check(ticket, outstanding, now);
                        prop_assert_eq!(seen.next.is_some(), outstanding);
                        due = seen.next;
                        if outstanding {
                            match &mut unanswered {
                                None => unanswered = seen.ping.map(|ping| (ping, 0)),
                                Some((_, checks)) => {
                                    prop_assert_eq!(seen.ping, None);
                                    *checks += 1;
                                }
                            }
                        }
                        if seen.unresponsive.is_some() {
                            prop_assert!(!blamed);
                            prop_assert_eq!(unanswered.map(|(_, checks)| checks), Some(PINGS_MISSED));
                            blamed = true;
                        }
                    },
                    Step::Answer => match unanswered.take() {
                        Some((ping, _)) => {
                            let answer = if blamed { Answer::Recovered } else { Answer::InTime };
                            prop_assert_eq!(health.pong(ping + 1, None), Err(Unasked));
                            prop_assert_eq!(health.pong(ping, None), Ok(answer));
                            blamed = false;
                        }
                        None => prop_assert_eq!(health.pong(1, None), Err(Unasked)),
                    },
                }
                prop_assert!(!outstanding || due.is_some());
                prop_assert_eq!(health.is_unresponsive(), blamed);
                prop_assert_eq!(health.is_watching(), due.is_some());
            }
        }
    }
}
