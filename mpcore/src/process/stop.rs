//! The stop ladder: stop request → grace → SIGTERM → one second → SIGKILL to the group → one second
//! → given up.
//!
//! The last rung is for a process that SIGKILL does not end: one that hangs in the kernel, or has
//! changed to another user.
//!
//! Pure: the time is an argument. The ladder decides what to do now; the watcher does it.

use std::time::{Duration, Instant};

/// What to do with a child that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rung {
    /// Send SIGTERM to the child.
    Terminate,
    /// Kill the child's group.
    Kill,
    /// The child cannot be killed: stop waiting for it.
    GiveUp,
}

/// How long the ladder waits after a rung.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pauses {
    pub(crate) after_terminate: Duration,
    pub(crate) after_kill: Duration,
}

/// The position of a child on the ladder.
#[derive(Debug, Default)]
pub(crate) struct StopLadder {
    next: Option<(Instant, Rung)>,
    /// The child was killed; no request changes what follows.
    killed: bool,
}

impl StopLadder {
    /// A stop request was sent. A stop that is already in progress is not delayed by a second
    /// request, only brought forward.
    pub(crate) fn ask(&mut self, now: Instant, grace: Duration) {
        // A grace beyond the end of the clock never ends.
        if let Some(at) = now.checked_add(grace) {
            self.advance_to(at, Rung::Terminate);
        }
    }

    /// Requests SIGTERM now.
    pub(crate) fn terminate(&mut self, now: Instant) {
        self.advance_to(now, Rung::Terminate);
    }

    /// Requests SIGKILL now.
    pub(crate) fn kill(&mut self, now: Instant) {
        self.advance_to(now, Rung::Kill);
    }

    fn advance_to(&mut self, at: Instant, rung: Rung) {
        match (self.next, rung) {
            _ if self.killed => {}
            // Only sooner, and never back to a milder rung.
            (Some((earlier, Rung::Kill)), Rung::Kill) if earlier <= at => {}
            (_, Rung::Kill) => self.next = Some((at, rung)),
            // Only a killed child is given up, and no request leads there directly.
            (_, Rung::GiveUp) | (Some((_, Rung::GiveUp)), _) => {}
            (Some((_, Rung::Kill)), Rung::Terminate) => {}
            (Some((earlier, Rung::Terminate)), Rung::Terminate) if earlier <= at => {}
            (_, Rung::Terminate) => self.next = Some((at, rung)),
        }
    }

    /// Returns when [`StopLadder::due`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.next.map(|(at, _)| at)
    }

    /// Returns the rung that is due, once.
    pub(crate) fn due(&mut self, now: Instant, pauses: Pauses) -> Option<Rung> {
        let (at, rung) = self.next?;
        if now < at {
            return None;
        }
        self.next = match rung {
            Rung::Terminate => Some((now + pauses.after_terminate, Rung::Kill)),
            Rung::Kill => Some((now + pauses.after_kill, Rung::GiveUp)),
            Rung::GiveUp => None,
        };
        self.killed |= rung == Rung::Kill;
        Some(rung)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GRACE: Duration = Duration::from_secs(3);
    const SECOND: Duration = Duration::from_secs(1);
    const PAUSES: Pauses = Pauses { after_terminate: SECOND, after_kill: SECOND };

    #[test]
    fn every_rung_comes_once_and_in_order() {
        let start = Instant::now();
        let mut ladder = StopLadder::default();
        assert_eq!(ladder.due(start, PAUSES), None);
        ladder.ask(start, GRACE);
        assert_eq!(ladder.due(start + SECOND, PAUSES), None);
        assert_eq!(ladder.deadline(), Some(start + GRACE));
        assert_eq!(ladder.due(start + GRACE, PAUSES), Some(Rung::Terminate));
        assert_eq!(ladder.due(start + GRACE, PAUSES), None);
        assert_eq!(ladder.due(start + GRACE + SECOND, PAUSES), Some(Rung::Kill));
        assert_eq!(ladder.due(start + GRACE + SECOND, PAUSES), None);
        assert_eq!(ladder.due(start + GRACE + SECOND * 2, PAUSES), Some(Rung::GiveUp));
        assert_eq!(ladder.due(start + GRACE * 9, PAUSES), None);
    }

    #[test]
    fn an_endless_grace_has_no_end() {
        let start = Instant::now();
        let mut ladder = StopLadder::default();
        ladder.ask(start, Duration::MAX);
        assert_eq!(ladder.deadline(), None);
        ladder.kill(start);
        assert_eq!(ladder.due(start, PAUSES), Some(Rung::Kill));
    }

    #[test]
    fn asking_again_never_puts_off() {
        let start = Instant::now();
        let mut ladder = StopLadder::default();
        ladder.ask(start, GRACE);
        ladder.ask(start + SECOND, GRACE);
        assert_eq!(ladder.deadline(), Some(start + GRACE));
        ladder.ask(start, SECOND);
        assert_eq!(ladder.deadline(), Some(start + SECOND));
        ladder.kill(start);
        ladder.terminate(start);
        assert_eq!(ladder.due(start, PAUSES), Some(Rung::Kill));
    }

    #[test]
    fn after_the_last_rung_there_is_none() {
        let start = Instant::now();
        let mut ladder = StopLadder::default();
        ladder.kill(start);
        assert_eq!(ladder.due(start, PAUSES), Some(Rung::Kill));
        for end in [Some(start + SECOND), None] {
            ladder.ask(start, Duration::ZERO);
            ladder.terminate(start);
            ladder.kill(start);
            assert_eq!(ladder.deadline(), end, "a killed child is only given up");
            ladder.due(start + SECOND, PAUSES);
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Ask(Duration),
        Terminate,
        Kill,
        /// The watcher slept for this long, and up to that much longer than it should.
        Sleep(Duration),
    }

    fn step() -> impl Strategy<Value = Step> {
        let milliseconds = |most: u64| (0..=most).prop_map(Duration::from_millis);
        prop_oneof![
            3 => milliseconds(5000).prop_map(Step::Ask),
            1 => Just(Step::Ask(Duration::MAX)),
            1 => Just(Step::Terminate),
            1 => Just(Step::Kill),
            6 => milliseconds(3000).prop_map(Step::Sleep),
        ]
    }

    proptest! {
        /// Whatever is requested in whatever order, and however late the watcher checks: the rungs
        /// come in order, each at most once; the kill comes, either on request or a grace and a
        /// second after the request that reaches it first, and nothing delays it.
        #[test]
        fn every_wish_comes_to_its_end(
            steps in prop::collection::vec(step(), 0..30),
            punctual in any::<bool>(),
        ) {
            let mut now = Instant::now();
            let mut ladder = StopLadder::default();
            let mut climbed: Vec<(Rung, Instant)> = Vec::new();
            // The latest time of the kill, if the watcher is punctual; and whether it was
            // requested.
            let (mut latest, mut asked_to_kill) = (None::<Instant>, false);
            let in_the_end = [Step::Sleep(GRACE * 100); 3];
            for step in steps.into_iter().chain(in_the_end) {
                let before = ladder.deadline();
                let over = climbed.iter().any(|(rung, _)| *rung == Rung::Kill);
                let kill_at = match step {
                    Step::Ask(grace) => now.checked_add(grace).map(|at| at + SECOND),
                    Step::Terminate => Some(now + SECOND),
                    Step::Kill => {
                        asked_to_kill |= !over;
                        Some(now)
                    }
                    Step::Sleep(_) => None,
                };
                match step {
                    Step::Ask(grace) => ladder.ask(now, grace),
                    Step::Terminate => ladder.terminate(now),
                    Step::Kill => ladder.kill(now),
                    Step::Sleep(time) => {
                        let until = now + time;
                        // It wakes at each deadline, or only now.
                        while let Some(at) = ladder.deadline().filter(|at| *at <= until) {
                            now = if punctual { now.max(at) } else { until };
                            let rung = ladder.due(now, PAUSES);
                            climbed.push((rung.expect("its deadline has come"), now));
                        }
                        now = until;
                    }
                }
                if let Some(at) = kill_at.filter(|_| !over) {
                    latest = Some(latest.map_or(at, |latest: Instant| latest.min(at)));
                }
                if !matches!(step, Step::Sleep(_)) && let (Some(before), Some(after)) = (before, ladder.deadline()) {
                    prop_assert!(after <= before, "delayed by {step:?}");
                }
            }
            let given_up = climbed.pop_if(|(rung, _)| *rung == Rung::GiveUp);
            let rungs: Vec<_> = climbed.iter().map(|(rung, _)| *rung).collect();
            let Some(latest) = latest else {
                prop_assert_eq!((rungs, given_up), (Vec::new(), None));
                return Ok(());
            };
            let mildly = [Rung::Terminate, Rung::Kill];
            prop_assert!(rungs == mildly || (asked_to_kill && rungs == [Rung::Kill]), "{rungs:?}");
            let (_, killed) = climbed[climbed.len() - 1];
            prop_assert!(!punctual || killed <= latest, "{:?} too late", killed - latest);
            let (_, given_up) = given_up.expect("a killed child is given up");
            prop_assert!(given_up - killed >= SECOND, "it had no time to end");
            if !asked_to_kill {
                prop_assert!(killed - climbed[0].1 >= SECOND, "SIGTERM had no time to act");
            }
        }
    }
}
