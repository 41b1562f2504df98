//! A child that takes its time, and keeps a log of what it has executed.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use mpcore::{AtExit, CallError, Output};

use crate::transport::transport;

/// Works for as long as it is told, alone or through a worker of its own.
#[mpcore::process]
pub trait Worker {
    /// Looks whether it shall end, for this long.
    fn work(&mut self, milliseconds: u64) -> mpcore::Result<u64>;

    /// The same, and returns its result all the same.
    fn finish(&mut self, milliseconds: u64) -> mpcore::Result<u64>;

    /// Looks at nothing for this long.
    fn ignore(&mut self, milliseconds: u64);

    /// As `work`, for at most 100 ms.
    #[timeout = "100ms"]
    fn work_briefly(&mut self, milliseconds: u64) -> mpcore::Result<u64>;

    /// As `work`, whatever is cancelled.
    #[no_cancel]
    fn hold(&mut self, milliseconds: u64) -> mpcore::Result<u64>;

    /// As `work`, whatever is cancelled, and should take 100 ms.
    #[no_cancel]
    #[timeout = "100ms"]
    fn hold_briefly(&mut self, milliseconds: u64) -> mpcore::Result<u64>;

    /// Lets a worker of its own, `program`, work for this long; the first deadline is the one that it is
    /// given, if any. Returns how that ended.
    fn delegate(&mut self, program: String, milliseconds: u64, own: Option<u64>) -> String;

    /// Gives a worker of its own, `program`, work for this long and then a line for the file to write, and lets
    /// go of it; told to finish or to stop, or neither. Returns its number.
    fn hand_on(
        &mut self,
        program: String,
        milliseconds: u64,
        file: String,
        finish: Option<bool>,
    ) -> u32;

    /// Milliseconds that this command still has.
    fn time_left(&mut self) -> Option<u64>;

    /// Appends its number to the file.
    fn log(&mut self, file: String, number: u32);

    /// Emits `count` numbered events, then returns.
    fn flood(&mut self, count: u32) -> u32;

    /// Emits until it shall end.
    fn flood_on(&mut self) -> mpcore::Result<()>;

    /// Numbered from 0.
    #[event]
    fn tick(&self, number: u32);

    /// How many of the commands that take their time have begun.
    #[property]
    fn begun(&self) -> u32;
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Worker)]
pub struct WorkerProcess {
    cx: WorkerContext,
}

/// A quiet worker that runs `program`.
#[must_use]
pub fn builder(program: &str) -> mpcore::Builder<WorkerControl> {
    let builder = WorkerControl::builder().program(program).transport(transport());
    builder.stdout(Output::Null).stderr(Output::Null)
}

/// Spawns a worker and waits until it is ready.
///
/// # Panics
/// If it does not get ready.
#[must_use]
#[track_caller]
pub fn ready(builder: mpcore::Builder<WorkerControl>) -> WorkerControl {
    let worker = builder.spawn().expect("the worker starts");
    worker.process().wait_ready(crate::LONG).expect("the worker gets ready");
    worker
}

/// Waits until this many of the commands that take their time have begun in this run.
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
            builder = builder.at_exit(if finish { AtExit::Finish(minute) } else { AtExit::Stop });
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
