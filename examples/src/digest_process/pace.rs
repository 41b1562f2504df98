//! Limits how often progress is reported.

use std::time::{Duration, Instant};

/// Lets the first step through, and then one in every interval.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    next: Option<Instant>,
}

impl Pace {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, next: None }
    }

    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        if self.next.is_some_and(|next| now < next) {
            return false;
        }
        self.next = Some(now + self.every);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_is_due_and_then_one_in_every_interval() {
        let begun = Instant::now();
        let mut pace = Pace::new(Duration::from_millis(50));
        let due: Vec<_> = [0, 0, 49, 50, 51, 99, 500, 549, 550]
            .into_iter()
            .filter(|millis| pace.is_due(begun + Duration::from_millis(*millis)))
            .collect();
        assert_eq!(due, [0, 50, 500, 550]);
    }
}
