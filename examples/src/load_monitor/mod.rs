//! A child that monitors the machine: its processor load and memory use.

mod cpu;
mod pace;
mod sampler;

use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use mpcore::Refused;
use serde::{Deserialize, Serialize};

use self::sampler::{Order, Sampler};

/// The bounds of the property `interval_ms`. Shorter intervals would be a noticeable load
/// themselves, longer ones no live picture.
pub const INTERVALS_MS: std::ops::RangeInclusive<u32> = 10..=5000;

/// Monitors the machine.
#[mpcore::process]
pub trait LoadMonitor {
    /// Sent once per interval: the load of all processors together in percent, averaged over about
    /// the last fifth of a second; and the bytes of memory in use and in total.
    #[event]
    fn sampled(&self, cpu_percent: f64, memory_used: u64, memory_total: u64);

    /// Sent twice a second: the memory of every process in `watched`.
    #[event(latest)]
    fn processes_sampled(&self, processes: Vec<ProcessMemory>);

    /// Milliseconds between two samples. Refused outside of [`INTERVALS_MS`].
    #[property(write, default = 50)]
    fn interval_ms(&self) -> u32;

    /// The pids of the processes whose memory is reported.
    #[property(write)]
    fn watched(&self) -> Vec<u32>;
}

/// The memory of one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMemory {
    /// The pid.
    pub pid: u32,
    /// Its resident memory in bytes; `None` if there is no such process.
    pub bytes: Option<u64>,
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(LoadMonitor)]
pub struct LoadMonitorProcess {
    cx: LoadMonitorContext,
    /// The channel to the sampling thread, which ends when this is dropped.
    #[child(default)]
    orders: Option<Sender<Order>>,
}

impl LoadMonitor for LoadMonitorProcess {
    /// Samples on another thread, since the main thread runs commands.
    fn postrun_init(&mut self) -> mpcore::Result<()> {
        let (orders, to_do) = mpsc::channel();
        let interval = Duration::from_millis(u64::from(self.cx.interval_ms.get()));
        let sampler = Sampler::new(self.cx.clone(), interval);
        thread::Builder::new().name("load-sampler".into()).spawn(move || sampler.run(&to_do))?;
        self.orders = Some(orders);
        Ok(())
    }

    fn set_interval_ms(&mut self, interval_ms: u32) -> Result<u32, Refused> {
        if !INTERVALS_MS.contains(&interval_ms) {
            let (from, to) = (INTERVALS_MS.start(), INTERVALS_MS.end());
            return Err(format!("{interval_ms} ms is not between {from} and {to} ms").into());
        }
        self.order(Order::Interval(Duration::from_millis(u64::from(interval_ms))));
        Ok(interval_ms)
    }

    fn set_watched(&mut self, watched: Vec<u32>) -> Result<Vec<u32>, Refused> {
        self.order(Order::Watch(watched.clone()));
        Ok(watched)
    }
}

impl LoadMonitorProcess {
    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            let _ = orders.send(order); // the thread has panicked, which has been reported
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(30);

    fn monitor() -> LoadMonitorControl {
        let builder = LoadMonitorControl::builder().in_process::<LoadMonitorProcess>();
        builder.config(()).build().unwrap()
    }

    #[test]
    fn samples_come_and_make_sense() {
        let monitor = monitor();
        let samples = monitor.signals().sampled.receiver();
        monitor.process().start().unwrap();
        for _ in 0..10 {
            let (cpu, used, total) = samples.recv_timeout(SOON).unwrap();
            assert!((0.0..=100.0).contains(&cpu), "{cpu}");
            assert!(0 < used && used <= total, "{used} of {total}");
        }
    }

    #[test]
    fn an_interval_is_confirmed_or_refused() {
        let monitor = monitor();
        monitor.process().start().unwrap();
        monitor.set_interval_ms(20).wait().unwrap();
        assert_eq!(monitor.interval_ms(), 20);
        for nonsense in [0, 9, 5001, u32::MAX] {
            let refused = monitor.set_interval_ms(nonsense).wait().unwrap_err().to_string();
            assert!(refused.contains("is not between 10 and 5000 ms"), "{refused}");
            assert_eq!(monitor.interval_ms(), 20);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_is_reported_for_an_existing_process_only() {
        let monitor = monitor();
        let sampled = monitor.signals().processes_sampled.receiver();
        monitor.process().start().unwrap();
        let (own, nobody) = (std::process::id(), u32::MAX - 1);
        monitor.set_watched(vec![own, nobody]).wait().unwrap();
        let (processes,) = sampled.recv_timeout(SOON).unwrap();
        let [first, second] = &processes[..] else { panic!("{processes:?}") };
        assert_eq!((first.pid, second.pid), (own, nobody));
        assert!(first.bytes.unwrap() > 1 << 20, "{processes:?}");
        assert_eq!(second.bytes, None);
    }
}
