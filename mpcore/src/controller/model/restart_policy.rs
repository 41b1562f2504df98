//! When a child is restarted: the policy with its delays, and the bookkeeping of one child's
//! restarts.
//!
//! Pure: the time is an argument. The code that ends a run asks [`Supervisor::ended`] what follows,
//! and carries it out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::controller::report::notifications::GiveUpReason;
use crate::limits;

/// Longer than any real wait; adding it to a time must not overflow.
const LONGEST_DELAY: Duration = Duration::from_secs(365 * 24 * 3600);

/// The ends after which a child is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Never,
    OnCrash,
    Always,
}

/// Whether and when a child that has ended by itself is started again; see
/// [`ControlBuilder::restart`](crate::ControlBuilder::restart).
///
/// | policy | restarts after |
/// |---|---|
/// | [`never`](Self::never), the default | nothing |
/// | [`on_crash`](Self::on_crash) | a crash: a signal, an exit of the process in the middle of a command, whatever its code, a protocol violation |
/// | [`always`](Self::always) | the same, and an orderly end that this program did not request, such as after a SIGTERM from outside |
///
/// An end that was requested (`stop`, `terminate`, `kill`, the drop of the last control,
/// `shutdown`) is never followed by a restart.
///
/// A start that fails counts as a crash, with two exceptions. If another attempt cannot succeed,
/// the child is given up immediately: another interface or protocol, a config that the child cannot
/// read. And as long as no child of this control has ever completed the handshake, a failed start
/// is given up as well, so that a program that does not start, or is not a child at all, is not
/// started again and again.
///
/// ```
/// use std::time::Duration;
///
/// use mpcore::{Backoff, RestartPolicy};
///
/// let policy = RestartPolicy::on_crash()
///     .backoff(Backoff { first: Duration::from_millis(50), ..Backoff::default() })
///     .intensity(10, Duration::from_secs(60));
/// # let _ = policy;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartPolicy {
    when: When,
    backoff: Backoff,
    restarts: u32,
    within: Duration,
}

/// How long a child stays down before it is restarted: `first` before the first restart, then
/// `factor` times as long each time, but never longer than `longest`.
///
/// ```
/// use std::time::Duration;
/// use mpcore::Backoff;
///
/// let backoff = Backoff { longest: Duration::from_secs(2), ..Backoff::default() };
/// assert_eq!((backoff.first, backoff.factor), (Duration::from_millis(100), 2));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first delay; 100 ms by default.
    pub first: Duration,
    /// The longest delay; 10 s by default.
    pub longest: Duration,
    /// The factor by which each delay grows; 2 by default. With 1, and with 0, the delay stays the
    /// same.
    pub factor: u32,
}

impl Backoff {
    const DEFAULT: Self = Self {
        first: limits::RESTART_DELAY,
        longest: limits::RESTART_DELAY_MAX,
        factor: limits::RESTART_BACKOFF,
    };

    /// The same delay before every restart.
    #[must_use]
    pub const fn constant(delay: Duration) -> Self {
        Self { first: delay, longest: delay, factor: 1 }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl RestartPolicy {
    const fn new(when: When) -> Self {
        Self {
            when,
            backoff: Backoff::DEFAULT,
            restarts: limits::RESTARTS,
            within: limits::RESTARTS_WITHIN,
        }
    }

    /// Never restarts the child automatically.
    #[must_use]
    pub const fn never() -> Self {
        Self::new(When::Never)
    }

    /// Restarts the child after a crash.
    #[must_use]
    pub const fn on_crash() -> Self {
        Self::new(When::OnCrash)
    }

    /// Restarts the child after every end that was not requested.
    #[must_use]
    pub const fn always() -> Self {
        Self::new(When::Always)
    }

    /// Sets how long the child stays down before each restart. After a run that lasted longer than
    /// the time of the [`intensity`](Self::intensity), the delays begin again.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Allows at most this many restarts within any such time. Beyond that the child is given up,
    /// and the signal [`gave_up`](crate::ProcessSignals::gave_up) reports it; 5 within 60 s by
    /// default. A manual start or restart begins a new count.
    #[must_use]
    pub const fn intensity(mut self, restarts: u32, within: Duration) -> Self {
        self.restarts = restarts;
        self.within = within;
        self
    }
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self::never()
    }
}

/// How a run ended, as far as a restart is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunEnd {
    /// As requested.
    Asked,
    /// By itself, and in order.
    Orderly,
    /// By itself, after it was ready.
    Crashed,
    /// Never ready, but it was a child: it completed the handshake.
    StartFailed,
    /// Never completed the handshake.
    NeverMet,
    /// For a reason that would fail every start.
    Hopeless,
    /// Ended so that the next run can begin, whatever the policy says.
    Replaced,
}

/// What follows the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Rest,
    Restart {
        /// Counts the restarts since the last successful run, from 1.
        attempt: u32,
        delay: Duration,
    },
    GiveUp(GiveUpReason),
}

/// The restarts of one child.
#[derive(Debug)]
pub(crate) struct Supervisor {
    policy: RestartPolicy,
    /// A child has completed the handshake in some run.
    met: bool,
    /// When the current run began.
    begun: Option<Instant>,
    /// Restarts since the last successful run.
    attempts: u32,
    /// When the restarts that still count were decided.
    recent: VecDeque<Instant>,
}

impl Supervisor {
    pub(crate) fn new(policy: RestartPolicy) -> Self {
        Self { policy, met: false, begun: None, attempts: 0, recent: VecDeque::new() }
    }

    /// The child is started manually: resets the count.
    pub(crate) fn by_hand(&mut self) {
        self.attempts = 0;
        self.recent.clear();
    }

    /// A child has completed the handshake.
    pub(crate) fn has_met(&mut self) {
        self.met = true;
    }

    /// A run begins.
    pub(crate) fn begun(&mut self, now: Instant) {
        self.begun = Some(now);
    }

    /// A run has ended. Returns what follows.
    pub(crate) fn ended(&mut self, now: Instant, end: RunEnd) -> Verdict {
        let lasted =
            self.begun.take().map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let first_meeting = !self.met && end == RunEnd::NeverMet;
        self.met |= matches!(end, RunEnd::Orderly | RunEnd::Crashed | RunEnd::StartFailed);
        let wanted = match (end, self.policy.when) {
            (RunEnd::Replaced, _) => true,
            (RunEnd::Asked, _) | (_, When::Never) | (RunEnd::Orderly, When::OnCrash) => false,
            _ => true,
        };
        if !wanted {
            return Verdict::Rest;
        }
        if first_meeting || end == RunEnd::Hopeless {
            return Verdict::GiveUp(GiveUpReason::Hopeless);
        }
        let RestartPolicy { backoff, restarts, within, .. } = self.policy;
        let Backoff { first, longest, factor } = backoff;
        if lasted > within {
            self.attempts = 0;
        }
        self.recent.retain(|at| now.saturating_duration_since(*at) < within);
        if self.recent.len() >= restarts as usize {
            return Verdict::GiveUp(GiveUpReason::TooManyRestarts { restarts, within });
        }
        self.recent.push_back(now);
        let longer = factor.max(1).checked_pow(self.attempts).unwrap_or(u32::MAX);
        let delay = first.saturating_mul(longer).min(longest).min(LONGEST_DELAY);
        self.attempts = self.attempts.saturating_add(1);
        Verdict::Restart { attempt: self.attempts, delay }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn restart(attempt: u32, milliseconds: u64) -> Verdict {
        Verdict::Restart { attempt, delay: Duration::from_millis(milliseconds) }
    }

    /// Whatever became of the run that completed a handshake: a later start that fails is retried.
    #[test]
    fn a_child_that_was_met_once_is_not_hopeless() {
        let now = Instant::now();
        let mut supervisor = Supervisor::new(RestartPolicy::on_crash());
        supervisor.has_met();
        assert!(matches!(supervisor.ended(now, RunEnd::Replaced), Verdict::Restart { .. }));
        assert!(matches!(supervisor.ended(now, RunEnd::NeverMet), Verdict::Restart { .. }));
        let mut stranger = Supervisor::new(RestartPolicy::on_crash());
        let hopeless = Verdict::GiveUp(GiveUpReason::Hopeless);
        assert_eq!(stranger.ended(now, RunEnd::NeverMet), hopeless);
    }

    /// The ends that each policy answers with a restart, once a child has completed a handshake.
    #[test]
    fn each_policy_restarts_after_its_own_ends() {
        use RunEnd::{Asked, Crashed, Hopeless, NeverMet, Orderly, Replaced, StartFailed};
        let check = |policy: RestartPolicy, restarted: &[RunEnd]| {
            for end in [Asked, Orderly, Crashed, StartFailed, NeverMet, Hopeless, Replaced] {
                let mut supervisor = Supervisor::new(policy);
                supervisor.met = true;
                supervisor.begun(Instant::now());
                let verdict = supervisor.ended(Instant::now(), end);
                let is_restart = matches!(verdict, Verdict::Restart { .. });
                assert_eq!(is_restart, restarted.contains(&end), "{policy:?} {end:?} {verdict:?}");
            }
        };
        check(RestartPolicy::never(), &[Replaced]);
        check(RestartPolicy::on_crash(), &[Crashed, StartFailed, NeverMet, Replaced]);
        check(RestartPolicy::always(), &[Orderly, Crashed, StartFailed, NeverMet, Replaced]);
    }

    #[test]
    fn what_was_never_a_child_is_not_started_again() {
        let hopeless = Verdict::GiveUp(GiveUpReason::Hopeless);
        let mut supervisor = Supervisor::new(RestartPolicy::always());
        assert_eq!(supervisor.ended(Instant::now(), RunEnd::NeverMet), hopeless);
        supervisor.by_hand();
        assert_eq!(supervisor.ended(Instant::now(), RunEnd::StartFailed), restart(1, 100));
        assert_eq!(supervisor.ended(Instant::now(), RunEnd::NeverMet), restart(2, 200));
        assert_eq!(supervisor.ended(Instant::now(), RunEnd::Hopeless), hopeless);
    }

    #[test]
    fn delays_grow_to_the_longest_and_a_long_run_resets_them() {
        let policy = RestartPolicy::on_crash()
            .backoff(Backoff { first: SECOND, longest: 5 * SECOND, factor: 2 })
            .intensity(100, 60 * SECOND);
        let (mut supervisor, mut now) = (Supervisor::new(policy), Instant::now());
        let mut crash_after = |seconds| {
            supervisor.begun(now);
            now += seconds * SECOND;
            supervisor.ended(now, RunEnd::Crashed)
        };
        let verdicts: Vec<_> = (0..5).map(|_| crash_after(1)).collect();
        let delays = [(1, 1000), (2, 2000), (3, 4000), (4, 5000), (5, 5000)];
        assert_eq!(verdicts, delays.map(|(attempt, delay)| restart(attempt, delay)));
        assert_eq!(crash_after(60), restart(6, 5000), "not longer than the window");
        assert_eq!(crash_after(61), restart(1, 1000));
        assert_eq!(crash_after(1), restart(2, 2000));
    }

    #[test]
    fn exceeding_the_intensity_gives_up_until_a_manual_start() {
        let policy = RestartPolicy::on_crash().intensity(2, 10 * SECOND);
        let (mut supervisor, now) = (Supervisor::new(policy), Instant::now());
        let too_many = GiveUpReason::TooManyRestarts { restarts: 2, within: 10 * SECOND };
        let at = |seconds| now + seconds * SECOND;
        assert_eq!(supervisor.ended(at(0), RunEnd::Crashed), restart(1, 100));
        assert_eq!(supervisor.ended(at(5), RunEnd::Crashed), restart(2, 200));
        assert_eq!(supervisor.ended(at(9), RunEnd::Crashed), Verdict::GiveUp(too_many));
        assert_eq!(supervisor.ended(at(10), RunEnd::Crashed), restart(3, 400), "the first is old");
        supervisor.by_hand();
        assert_eq!(supervisor.ended(at(10), RunEnd::Crashed), restart(1, 100));
        let none = RestartPolicy::always().intensity(0, SECOND);
        let verdict = Supervisor::new(none).ended(now, RunEnd::Crashed);
        assert!(matches!(verdict, Verdict::GiveUp(_)), "{verdict:?}");
    }

    #[test]
    fn no_number_overflows() {
        let policy = RestartPolicy::always()
            .backoff(Backoff { first: Duration::MAX, longest: Duration::MAX, factor: u32::MAX })
            .intensity(u32::MAX, Duration::MAX);
        let (mut supervisor, now) = (Supervisor::new(policy), Instant::now());
        for _ in 0..40 {
            let verdict = supervisor.ended(now, RunEnd::Crashed);
            let Verdict::Restart { delay, .. } = verdict else { panic!("{verdict:?}") };
            assert!(now.checked_add(delay).is_some());
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        ByHand,
        /// A run of this many milliseconds with this end.
        Run(u64, RunEnd),
    }

    fn step() -> impl Strategy<Value = Step> {
        let end = prop_oneof![
            1 => Just(RunEnd::Asked),
            2 => Just(RunEnd::Orderly),
            8 => Just(RunEnd::Crashed),
            2 => Just(RunEnd::StartFailed),
            1 => Just(RunEnd::NeverMet),
            1 => Just(RunEnd::Hopeless),
            1 => Just(RunEnd::Replaced),
        ];
        let lasts = prop_oneof![4 => 0u64..300, 1 => 0u64..20_000];
        prop_oneof![1 => Just(Step::ByHand), 12 => (lasts, end).prop_map(|(ms, end)| Step::Run(ms, end))]
    }

    fn policy() -> impl Strategy<Value = RestartPolicy> {
        let when = prop_oneof![Just(When::Never), Just(When::OnCrash), Just(When::Always)];
        let numbers = (when, 0u64..2000, 0u64..5000, 0u32..4, 0u32..8, 0u64..5000);
        numbers.prop_map(|(when, first, longest, factor, restarts, within)| {
            RestartPolicy::new(when)
                .backoff(Backoff {
                    first: Duration::from_millis(first),
                    longest: Duration::from_millis(longest),
                    factor,
                })
                .intensity(restarts, Duration::from_millis(within))
        })
    }

    proptest! {
        /// Whatever happens in whatever order: a requested end is not followed by a restart, no
        /// period has more restarts than the intensity, the child is given up only then or if it is
        /// hopeless, and delays keep their bounds.
        #[test]
        fn the_policy_is_kept(policy in policy(), steps in prop::collection::vec(step(), 0..80)) {
            let (mut supervisor, mut now) = (Supervisor::new(policy), Instant::now());
            let Backoff { first, longest, .. } = policy.backoff;
            let mut restarts: Vec<Instant> = Vec::new();
            let mut delay_before = Duration::ZERO;
            for step in steps {
                let Step::Run(lasts, end) = step else {
                    supervisor.by_hand();
                    restarts.clear();
                    delay_before = Duration::ZERO;
                    continue;
                };
                supervisor.begun(now);
                let lasts = Duration::from_millis(lasts);
                now += lasts;
                let counted = restarts.iter().filter(|at| now - **at < policy.within).count();
                match supervisor.ended(now, end) {
                    Verdict::Rest => {
                        let rests = end == RunEnd::Asked
                            || (policy.when == When::Never && end != RunEnd::Replaced)
                            || (policy.when == When::OnCrash && end == RunEnd::Orderly);
                        prop_assert!(rests, "{end:?} rests");
                    }
                    Verdict::Restart { attempt, delay } => {
                        prop_assert!(!matches!(end, RunEnd::Asked | RunEnd::Hopeless));
                        prop_assert!(policy.when != When::Never || end == RunEnd::Replaced);
                        prop_assert!(counted < policy.restarts as usize, "{counted} before");
                        prop_assert!(delay <= longest && (delay >= first.min(longest)));
                        if attempt == 1 {
                            prop_assert_eq!(delay, first.min(longest));
                        } else {
                            prop_assert!(lasts <= policy.within, "a long run resets the delay");
                            prop_assert!(delay >= delay_before, "it never gets shorter");
                        }
                        restarts.push(now);
                        delay_before = delay;
                        now += delay;
                    }
                    Verdict::GiveUp(GiveUpReason::TooManyRestarts { .. }) => {
                        prop_assert!(counted >= policy.restarts as usize, "{counted} before");
                    }
                    Verdict::GiveUp(GiveUpReason::Hopeless) => {
                        prop_assert!(matches!(end, RunEnd::NeverMet | RunEnd::Hopeless));
                    }
                }
            }
        }
    }
}
