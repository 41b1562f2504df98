//! Decides when the next sample is due: at a steady rate, however long a sample takes.

use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    next: Instant,
}

impl Pace {
    pub(super) fn new(every: Duration, now: Instant) -> Self {
        Self { every, next: now }
    }

    pub(super) fn change(&mut self, every: Duration, now: Instant) {
        *self = Self { every, next: now + every };
    }

    pub(super) fn left(&self, now: Instant) -> Duration {
        self.next.saturating_duration_since(now)
    }

    /// Notes that a sample was taken. Samples missed because the machine slept are not made up for.
    pub(super) fn taken(&mut self, now: Instant) {
        self.next += self.every;
        if self.next < now {
            self.next = now + self.every;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_sample_shifts_no_other_and_missed_ones_are_skipped() {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let left = |pace: &Pace, now| pace.left(at(now)).as_millis();
        let mut pace = Pace::new(Duration::from_millis(50), at(0));
        assert_eq!(left(&pace, 0), 0);
        pace.taken(at(20));
        assert_eq!(left(&pace, 20), 30);
        pace.taken(at(1000));
        assert_eq!(left(&pace, 1000), 50);
        pace.change(Duration::from_millis(10), at(1010));
        assert_eq!(left(&pace, 1010), 10);
    }
}
