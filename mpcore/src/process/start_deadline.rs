//! The time that a child has to become ready.
//!
//! Pure: the time is an argument. The deadline counts checks, not seconds: if the controller itself
//! was stopped (Ctrl-Z, a debugger), the child is not blamed, because it could not become ready
//! without the controller. So a stall of any length takes only one check from the child's time.

use std::time::{Duration, Instant};

use crate::limits::START_LOOKS;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct StartDeadline {
    step: Duration,
    left: u32,
    next: Instant,
}

impl StartDeadline {
    /// Creates a deadline. Returns `None` if it is beyond the end of the clock.
    pub(super) fn new(now: Instant, whole: Duration) -> Option<Self> {
        now.checked_add(whole)?;
        let step = whole / START_LOOKS.get();
        Some(Self { step, left: START_LOOKS.get(), next: now + step })
    }

    /// Returns when to check next.
    pub(super) fn next_look(&self) -> Instant {
        self.next
    }

    /// Performs a check; returns whether the time is over.
    pub(super) fn passed(&mut self, now: Instant) -> bool {
        if now >= self.next && self.left > 0 {
            self.left -= 1;
            self.next = now + self.step;
        }
        self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Returns how long it takes until the deadline has passed, if each check except `late` is
    /// punctual.
    fn passes_after(late: Option<(u32, Duration)>) -> Duration {
        let begin = Instant::now();
        let mut deadline = StartDeadline::new(begin, SECOND * 16).unwrap();
        for look in 0.. {
            let mut now = deadline.next_look();
            now += late.filter(|(it, _)| *it == look).map_or(Duration::ZERO, |(_, late)| late);
            if deadline.passed(now) {
                return now - begin;
            }
        }
        unreachable!()
    }

    #[test]
    fn it_passes_when_its_time_is_over() {
        assert_eq!(passes_after(None), SECOND * 16);
    }

    #[test]
    fn a_standstill_is_not_the_childs_time() {
        for look in 0..15 {
            let after = passes_after(Some((look, SECOND * 3600)));
            assert_eq!(after, SECOND * 3616, "a stall before check {look}");
        }
    }

    #[test]
    fn a_look_before_its_time_does_not_count() {
        let begin = Instant::now();
        let mut deadline = StartDeadline::new(begin, SECOND * 16).unwrap();
        assert!((0..100).all(|_| !deadline.passed(begin)));
        assert_eq!(deadline.next_look(), begin + SECOND);
    }

    #[test]
    fn an_endless_one_and_none_at_all() {
        let now = Instant::now();
        assert!(StartDeadline::new(now, Duration::MAX).is_none());
        let mut none = StartDeadline::new(now, Duration::ZERO).unwrap();
        assert!((0..START_LOOKS.get()).any(|_| none.passed(now)));
    }
}
