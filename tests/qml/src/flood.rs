//! A child that sends as fast as it can, for the benchmark.

use crate::clock::nanoseconds;

/// Sends as fast as it can.
#[mpcore::process]
pub trait Flood {
    /// Sets the property `stamp` this often; the result is the last value.
    #[signal(name = "all_set")]
    fn set_away(&mut self, times: u32) -> u64;

    /// Emits the event `tick` this often; the result is how often.
    #[signal(name = "all_emitted")]
    fn emit_away(&mut self, times: u32) -> u32;

    /// When it was set, in nanoseconds of the clock that all processes share.
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
            // Another value each time, or it would be none.
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
