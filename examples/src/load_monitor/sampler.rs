//! The sampling thread: takes orders, and sends the load of the machine and the memory of the
//! watched processes.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::cpu::Cpu;
use super::pace::Pace;
use super::{LoadMonitorContext, ProcessMemory};

/// How often the memory of processes is read: it changes slowly and is shown as a number.
const PROCESSES_EVERY: Duration = Duration::from_millis(500);

/// Orders from the commands.
#[derive(Debug)]
pub(super) enum Order {
    Interval(Duration),
    Watch(Vec<u32>),
}

#[derive(Debug)]
pub(super) struct Sampler {
    cx: LoadMonitorContext,
    machine: Pace,
    processes: Pace,
    watched: Vec<u32>,
    cpu: Cpu,
    system: System,
}

impl Sampler {
    pub(super) fn new(cx: LoadMonitorContext, interval: Duration) -> Self {
        let now = Instant::now();
        Self {
            cx,
            machine: Pace::new(interval, now),
            processes: Pace::new(PROCESSES_EVERY, now),
            watched: Vec::new(),
            cpu: Cpu::new(),
            system: System::new(),
        }
    }

    /// Samples until the sender of the orders is gone.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let now = Instant::now();
            let left = self.machine.left(now).min(self.processes.left(now));
            match orders.recv_timeout(left) {
                Ok(Order::Interval(every)) => self.machine.change(every, Instant::now()),
                Ok(Order::Watch(watched)) => {
                    self.watched = watched;
                    self.processes = Pace::new(PROCESSES_EVERY, Instant::now());
                }
                Err(RecvTimeoutError::Timeout) => self.sample(Instant::now()),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn sample(&mut self, now: Instant) {
        if self.machine.left(now).is_zero() {
            self.machine.taken(now);
            if let Some(percent) = self.cpu.percent() {
                self.system.refresh_memory();
                let (used, total) = (self.system.used_memory(), self.system.total_memory());
                self.cx.sampled.emit(percent, used, total);
            }
        }
        if self.processes.left(now).is_zero() {
            self.processes.taken(now);
            if !self.watched.is_empty() {
                let processes = self.memory_of_watched();
                self.cx.processes_sampled.emit(processes);
            }
        }
    }

    fn memory_of_watched(&mut self) -> Vec<ProcessMemory> {
        let pids: Vec<_> = self.watched.iter().map(|pid| Pid::from_u32(*pid)).collect();
        let memory = ProcessRefreshKind::nothing().with_memory().without_tasks();
        let which = ProcessesToUpdate::Some(&pids);
        self.system.refresh_processes_specifics(which, true, memory);
        let bytes =
            |pid: u32| self.system.process(Pid::from_u32(pid)).map(sysinfo::Process::memory);
        self.watched.iter().map(|&pid| ProcessMemory { pid, bytes: bytes(pid) }).collect()
    }
}
