//! The stop ladder: stop request → grace → SIGTERM → one second → SIGKILL to the group.
//!
//! Pure: takes the time as an argument and says what to do now; the watcher does it.

use std::time::{Duration, Instant};

/// What to do to a child that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rung {
    /// Send it SIGTERM.
    Terminate,
    /// Kill its group.
    Kill,
}

/// Where on the ladder a child stands.
#[derive(Debug, Default)]
pub(crate) struct StopLadder {
    next: Option<(Instant, Rung)>,
}

impl StopLadder {
    /// A stop request has gone out. One that is under way is not put off by a second one, only
    /// brought forward.
    pub(crate) fn ask(&mut self, now: Instant, grace: Duration) {
        // A grace beyond the clock's end has none.
        if let Some(at) = now.checked_add(grace) {
            self.advance_to(at, Rung::Terminate);
        }
    }

    /// SIGTERM, now.
    pub(crate) fn terminate(&mut self, now: Instant) {
        self.advance_to(now, Rung::Terminate);
    }

    /// SIGKILL, now.
    pub(crate) fn kill(&mut self, now: Instant) {
        self.next = Some((now, Rung::Kill));
    }

    fn advance_to(&mut self, at: Instant, rung: Rung) {
        match self.next {
            Some((_, Rung::Kill)) => {}
            Some((earlier, _)) if earlier <= at => {}
            _ => self.next = Some((at, rung)),
        }
    }

    /// When [`StopLadder::due`] has something to say.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.next.map(|(at, _)| at)
    }

    /// The rung that is due, once.
    pub(crate) fn due(&mut self, now: Instant, terminate_grace: Duration) -> Option<Rung> {
        let (at, rung) = self.next?;
        if now < at {
            return None;
        }
        self.next = match rung {
            Rung::Terminate => Some((now + terminate_grace, Rung::Kill)),
            Rung::Kill => None,
        };
        Some(rung)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(3);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn every_rung_comes_once_and_in_order() {
        let start = Instant::now();
        let mut ladder = StopLadder::default();
        assert_eq!(ladder.due(start, SECOND), None);
        ladder.ask(start, GRACE);
        assert_eq!(ladder.due(start + SECOND, SECOND), None);
        assert_eq!(ladder.deadline(), Some(start + GRACE));
        assert_eq!(ladder.due(start + GRACE, SECOND), Some(Rung::Terminate));
        assert_eq!(ladder.due(start + GRACE, SECOND), None);
        assert_eq!(ladder.due(start + GRACE + SECOND, SECOND), Some(Rung::Kill));
        assert_eq!(ladder.due(start + GRACE * 9, SECOND), None);
    }

    #[test]
    fn an_endless_grace_has_no_end() {
        let start = Instant::now();
        let mut ladder = StopLadder::default();
        ladder.ask(start, Duration::MAX);
        assert_eq!(ladder.deadline(), None);
        ladder.kill(start);
        assert_eq!(ladder.due(start, SECOND), Some(Rung::Kill));
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
        assert_eq!(ladder.due(start, SECOND), Some(Rung::Kill));
    }
}
