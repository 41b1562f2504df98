//! Speed over the last second: steady enough to read, fast enough to show that a disk stalls.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const OVER: Duration = Duration::from_secs(1);

/// Samples of how many bytes had been read at a time.
#[derive(Debug, Default)]
pub(super) struct Speed {
    samples: VecDeque<(Instant, u64)>,
}

impl Speed {
    /// Adds a sample; returns bytes per second since the oldest sample that counts.
    pub(super) fn measure(&mut self, now: Instant, bytes: u64) -> f64 {
        self.samples.push_back((now, bytes));
        // The newest sample that is old enough stays, so that there is always one to compare with.
        while self.samples.get(1).is_some_and(|(second, _)| now - *second >= OVER) {
            self.samples.pop_front();
        }
        let (then, before) = self.samples[0];
        let seconds = (now - then).as_secs_f64();
        if seconds > 0.0 { (bytes - before) as f64 / seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_about_the_last_second_counts() {
        let begun = Instant::now();
        let mut speed = Speed::default();
        for (millis, bytes, expected) in [
            (0, 0, 0.0),
            (500, 1000, 2000.0),
            (1000, 1000, 1000.0),
            (1500, 1000, 0.0),      // since 500: it stalls
            (10_000, 9500, 1000.0), // since 1500: nothing came in between
        ] {
            let measured = speed.measure(begun + Duration::from_millis(millis), bytes);
            assert!((measured - expected).abs() < 1e-6, "at {millis}: {measured}");
        }
    }
}
