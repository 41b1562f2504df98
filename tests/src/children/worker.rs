//! A child with long-running commands, alone or through a worker of its own, that also emits events
//! and writes a log; with functions that start it and wait for its commands.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use mpcore::{CallError, ExitPolicy, OutputMode};

use crate::harness::transport::transport;

/// Works for the requested time, alone or through a worker of its own.
#[mpcore::process]
pub trait Worker {
    /// Checks for this long whether it is asked to end.
    fn work(&mut self, milliseconds: u64) -> mpcore::Result<u64>;

    /// The same, but still returns its result.
    fn finish(&mut self, milliseconds: u64) -> mpcore::Result<u64>;

    /// Checks nothing for this long.
    fn ignore(&mut self, milliseconds: u64);

    /// Like `work`, for at most 100 ms.
    #[timeout = "100ms"]
    fn work_briefly(&mut self, milliseconds: u64) -> mpcore::Result<u64>;

    /// Like `work`, but cannot be cancelled.
    #[no_cancel]
    fn hold(&mut self, milliseconds: u64) -> mpcore::Result<u64>;

    /// Like `work`, but cannot be cancelled; should take at most 100 ms.
    #[no_cancel]
    #[timeout = "100ms"]
    fn hold_briefly(&mut self, milliseconds: u64) -> mpcore::Result<u64>;

    /// Lets a worker of its own, `program`, work for this long, with `own` as the deadline of that
    /// call, if any. Returns how that ended.
    fn delegate(&mut self, program: String, milliseconds: u64, own: Option<u64>) -> String;

    /// Gives a worker of its own, `program`, work for this long and then a line to write to the
    /// file, and drops it; asked to finish or to stop, or neither. Returns its pid.
    fn hand_on(
        &mut self,
        program: String,
        milliseconds: u64,
        file: String,
        finish: Option<bool>,
    ) -> u32;

    /// Returns the milliseconds that this command has left.
    fn time_left(&mut self) -> Option<u64>;

    /// Appends `number` to the file.
    fn log(&mut self, file: String, number: u32);

    /// Emits `count` numbered events, then returns.
    fn flood(&mut self, count: u32) -> u32;

    /// Emits until it is asked to end.
    fn flood_on(&mut self) -> mpcore::Result<()>;

    /// Events numbered from 0.
    #[event]
    fn tick(&self, number: u32);

    /// How many of the long-running commands have begun.
    #[property]
    fn begun(&self) -> u32;
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Worker)]
pub struct WorkerProcess {
    cx: WorkerContext,
}

/// A builder for a worker that runs `program` and sends nothing by itself.
#[must_use]
pub fn builder(program: &str) -> mpcore::ControlBuilder<WorkerControl> {
    let builder = WorkerControl::builder().program(program).transport(transport());
    builder.stdout(OutputMode::Null).stderr(OutputMode::Null)
}

/// Spawns a worker and waits until it is ready.
///
/// # Panics
/// If it does not get ready.
#[must_use]
#[track_caller]
pub fn ready(builder: mpcore::ControlBuilder<WorkerControl>) -> WorkerControl {
    let worker = builder.spawn().expect("the worker starts");
    worker.process().wait_ready(crate::LONG).expect("the worker gets ready");
    worker
}

/// Waits until this many of the long-running commands have begun in this run.
#[track_caller]
pub fn until_begun(worker: &WorkerControl, count: u32) {
    crate::until("the command has begun", || worker.begun() == count);
}

impl WorkerProcess {
    fn begin(&self) {
        self.cx.begun.modify(|begun| *begun += 1);
    }
}

impl Worker for WorkerProcess {
    fn work(&mut self, milliseconds: u64) -> mpcore::Result<u64> {
        self.begin();
        let end = Instant::now() + Duration::from_millis(milliseconds);
        let mut looked = 0;
        while Instant::now() < end {
            self.cx.check_cancelled()?;
            looked += 1;
            thread::sleep(Duration::from_millis(1));
        }
        Ok(looked)
    }

    fn finish(&mut self, milliseconds: u64) -> mpcore::Result<u64> {
        self.work(milliseconds).or(Ok(0))
    }

    fn ignore(&mut self, milliseconds: u64) {
        self.begin();
        thread::sleep(Duration::from_millis(milliseconds));
    }

    fn work_briefly(&mut self, milliseconds: u64) -> mpcore::Result<u64> {
        self.work(milliseconds)
    }

    fn hold(&mut self, milliseconds: u64) -> mpcore::Result<u64> {
        self.work(milliseconds)
    }

    fn hold_briefly(&mut self, milliseconds: u64) -> mpcore::Result<u64> {
        self.work(milliseconds)
    }

    fn delegate(&mut self, program: String, milliseconds: u64, own: Option<u64>) -> String {
        self.begin();
        let worker = ready(builder(&program));
        let mut call = worker.work(milliseconds);
        if let Some(own) = own {
            call = call.timeout(Duration::from_millis(own));
        }
        match crate::outcome(call) {
            Ok(_) => "finished".into(),
            Err(CallError::TimedOut { after }) => format!("timed out after {}", after.as_millis()),
            Err(error) => error.to_string(),
        }
    }

    fn hand_on(
        &mut self,
        program: String,
        milliseconds: u64,
        file: String,
        finish: Option<bool>,
    ) -> u32 {
        let mut builder = builder(&program);
        if let Some(finish) = finish {
            let minute = Duration::from_secs(60);
            builder =
                builder.at_exit(if finish { ExitPolicy::Finish(minute) } else { ExitPolicy::Stop });
        }
        let worker = ready(builder);
        worker.work(milliseconds);
        until_begun(&worker, 1);
        worker.log(file, 1);
        worker.process().pid().expect("there is a process")
    }

    fn time_left(&mut self) -> Option<u64> {
        let left = self.cx.call().deadline()?.saturating_duration_since(Instant::now());
        u64::try_from(left.as_millis()).ok()
    }

    fn log(&mut self, file: String, number: u32) {
        let log = OpenOptions::new().append(true).create(true).open(file);
        writeln!(log.expect("the log can be opened"), "{number}").expect("a line can be written");
    }

    fn flood(&mut self, count: u32) -> u32 {
        for number in 0..count {
            self.cx.tick.emit(number);
        }
        count
    }

    fn flood_on(&mut self) -> mpcore::Result<()> {
        self.begin();
        for number in 0.. {
            self.cx.check_cancelled()?;
            self.cx.tick.emit(number);
        }
        Ok(())
    }
}
