//! Samples the processor load more often than it can be measured.
//!
//! The load is counted in ticks of some milliseconds, so a measurement has a minimum duration
//! (which sysinfo defines), and two samples may be closer than that. So several measurements are in
//! progress, one begun at each sample, and every sample ends the newest one that is old enough.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use sysinfo::{MINIMUM_CPU_UPDATE_INTERVAL, System};

#[derive(Debug)]
pub(super) struct Cpu {
    under_way: Turns<System>,
    percent: Option<f64>,
}

impl Cpu {
    pub(super) fn new() -> Self {
        Self { under_way: Turns::new(MINIMUM_CPU_UPDATE_INTERVAL), percent: None }
    }

    /// Of all processors together, in percent. `None` until the first measurement is old enough.
    pub(super) fn percent(&mut self) -> Option<f64> {
        let ended = self.under_way.take(Instant::now());
        let is_new = ended.is_none();
        let mut system = ended.unwrap_or_default();
        system.refresh_cpu_usage();
        if !is_new {
            self.percent = Some(f64::from(system.global_cpu_usage()).clamp(0.0, 100.0));
        }
        // Its end is also the beginning of the next one. The time is taken afterwards, so that a
        // measurement that is old enough here is old enough for sysinfo too, which otherwise
        // repeats its last value.
        self.under_way.begin(system, Instant::now());
        self.percent
    }
}

/// Measurements in progress, oldest first.
#[derive(Debug)]
struct Turns<T> {
    lasting: Duration,
    begun: VecDeque<(Instant, T)>,
}

impl<T> Turns<T> {
    fn new(lasting: Duration) -> Self {
        Self { lasting, begun: VecDeque::new() }
    }

    fn begin(&mut self, what: T, now: Instant) {
        self.begun.push_back((now, what));
    }

    /// Takes the newest one that is old enough. Older ones are dropped, since they are not needed.
    fn take(&mut self, now: Instant) -> Option<T> {
        let is_old = |(begun, _): &(Instant, T)| now - *begun > self.lasting;
        let old = self.begun.iter().take_while(|it| is_old(it)).count();
        self.begun.drain(..old).next_back().map(|(_, what)| what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_decides_how_many_readings_are_kept() {
        let begun = Instant::now();
        let mut turns = Turns::new(Duration::from_millis(200));
        let mut made = 0;
        // Samples at this interval until the ages no longer change; then compares the age of the
        // one taken.
        let mut check = |from: u64, every: u64, samples: u64, expected_age: u64| {
            let mut age = None;
            for sample in 0..samples {
                let millis = from + sample * every;
                let now = begun + Duration::from_millis(millis);
                let since = turns.take(now);
                made += u32::from(since.is_none());
                age = since.map(|since: u64| millis - since);
                turns.begin(millis, now);
            }
            assert_eq!((age, turns.begun.len()), (Some(expected_age), samples_within(every)));
        };
        check(0, 50, 20, 250);
        check(1000, 10, 100, 210);
        check(2000, 500, 3, 500);
        assert_eq!(made, 5 + 16, "at first, and when they came closer");
    }

    #[test]
    fn the_newest_old_enough_reading_is_used_and_older_ones_dropped() {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let mut turns = Turns::new(Duration::from_millis(200));
        for millis in [0, 100, 200, 300] {
            turns.begin(millis, at(millis));
        }
        assert_eq!(turns.take(at(200)), None, "as old as that is not older");
        assert_eq!(turns.take(at(401)), Some(200));
        assert_eq!(turns.take(at(401)), None);
        assert_eq!(turns.take(at(501)), Some(300));
    }

    /// As many as fit the 200 ms, and the one that has just begun.
    fn samples_within(every: u64) -> usize {
        usize::try_from(200 / every + 1).unwrap()
    }
}
