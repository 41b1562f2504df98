//! The load of the processors, more often than it can be measured.
//!
//! It is counted in ticks of some milliseconds, so a measurement has to last (sysinfo says how long), and
//! between two samples there may be less. So several measurements are under way, begun one sample after
//! the other, and every sample ends the youngest one that is old enough.

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
        // Its end is the beginning of the next one. The time is that of afterwards: what is old enough
        // here then is so for sysinfo too, which repeats itself otherwise.
        self.under_way.begin(system, Instant::now());
        self.percent
    }
}

/// What was begun, the oldest first.
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

    /// The youngest that is old enough. Older ones are forgotten: there were more than are needed.
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
        // Samples at this interval, until the times no longer change; then how old the one was.
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

    /// As many as fit the 200 ms, and the one that is just begun.
    fn samples_within(every: u64) -> usize {
        usize::try_from(200 / every + 1).unwrap()
    }
}
