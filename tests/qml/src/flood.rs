//! A child that sends at full speed, for the benchmark.

use crate::clock::nanoseconds;

/// Sends at full speed.
#[mpcore::process]
pub trait Flood {
    /// Sets the property `stamp` this many times; returns the last value.
    #[signal(name = "all_set")]
    fn set_away(&mut self, times: u32) -> u64;

    /// Emits the event `tick` this many times; returns the number.
    #[signal(name = "all_emitted")]
    fn emit_away(&mut self, times: u32) -> u32;

    /// The time of the change, in nanoseconds of the clock that all processes share.
    #[property]
    fn stamp(&self) -> u64;

    /// Every one arrives.
    #[event]
    fn tick(&self, number: u32);
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Flood)]
pub struct FloodProcess {
    cx: FloodContext,
}

impl Flood for FloodProcess {
    fn set_away(&mut self, times: u32) -> u64 {
        let mut last = 0;
        for _ in 0..times {
            // A different value each time, since an equal one would not be a change.
            last = nanoseconds().max(last + 1);
            self.cx.stamp.set(last);
        }
        last
    }

    fn emit_away(&mut self, times: u32) -> u32 {
        for number in 1..=times {
            self.cx.tick.emit(number);
        }
        times
    }
}
