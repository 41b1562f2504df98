//! The interface and child that the whole-system tests share.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// What the test child is told at its start.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BenchConfig {
    /// What goes wrong before the first command.
    pub fault: Option<InitFault>,
    /// Where `cleanup` appends a line, to be seen from outside.
    pub cleanup_log: Option<String>,
    /// Values that no two builds agree on by chance.
    pub settings: BTreeMap<String, u32>,
}

/// Where a start goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InitFault {
    /// The constructor returns an error.
    ConstructorErrs,
    /// The constructor panics.
    ConstructorPanics,
    /// `postrun_init` returns an error.
    PostrunInitErrs,
    /// `postrun_init` panics.
    PostrunInitPanics,
    /// The constructor sleeps for ever.
    ConstructorHangs,
}

/// The error of [`Bench::divide`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DivideError {
    /// By zero.
    ByZero,
    /// Ended on request.
    Cancelled,
}

impl std::fmt::Display for DivideError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ByZero => "division by zero",
            Self::Cancelled => "cancelled",
        })
    }
}

impl From<mpcore::Cancelled> for DivideError {
    fn from(_: mpcore::Cancelled) -> Self {
        Self::Cancelled
    }
}

/// A bench of instruments, one command per thing that can happen.
#[mpcore::process(config = BenchConfig)]
pub trait Bench {
    /// Adds two numbers.
    #[signal(name = "add_two_finished")]
    fn add_two(&mut self, num1: i32, num2: i32) -> i32;

    /// Divides.
    #[signal(postfix = "_finished")]
    fn divide(&mut self, a: i32, b: i32) -> Result<i32, DivideError>;

    /// A result of two parts.
    #[signal]
    fn calibrate(&mut self) -> (f64, f64);

    /// No result at all.
    #[signal]
    fn reset_counters(&mut self);

    /// Gives back what it gets.
    fn echo(&mut self, bytes: Vec<u8>) -> Vec<u8>;

    /// Bytes, as many as asked for.
    fn make_bytes(&mut self, length: usize) -> Vec<u8>;

    /// Panics with this text.
    fn panic_with(&mut self, text: String) -> i32;

    /// Runs for this long unless it is ended; returns how often it looked.
    #[signal]
    fn work(&mut self, milliseconds: u64) -> mpcore::Result<u64>;

    /// The same, without an error type.
    fn work_on(&mut self, milliseconds: u64) -> u64;

    /// Runs for this long, whatever is asked of it.
    fn ignore_everything(&mut self, milliseconds: u64);

    /// Emits `count` numbered events, then returns.
    fn flood(&mut self, count: u32) -> u32;

    /// Sets `level` to 1, 2, 3 … and returns the last.
    fn raise_level(&mut self, count: u32) -> u32;

    /// Emits `count` `latest` events and the same number of ordinary ones.
    fn wave(&mut self, count: u32);

    /// Tells progress in this many steps.
    fn step_through(&mut self, steps: u32);

    /// Ends the process with this code, in the middle of the command.
    fn exit_with(&mut self, code: i32);

    /// Aborts the process.
    fn abort(&mut self);

    /// Starts a grandchild that sleeps; returns its number.
    fn start_grandchild(&mut self) -> mpcore::Result<u32>;

    /// Emits another command's signal.
    fn emit_sum(&mut self, sum: i32);

    /// Writes a line to stderr.
    fn complain(&mut self, text: String);

    /// What the child was told.
    fn settings(&mut self) -> BTreeMap<String, u32>;

    /// Whether the instrument is there.
    #[property]
    fn connected(&self) -> bool;

    /// In volts; the child refuses more than 5.
    #[property(write, notify = "power_set", default = 1.0)]
    fn power(&self) -> f64;

    /// A number that only rises.
    #[property]
    fn level(&self) -> u32;

    /// Numbered from 0.
    #[event]
    fn tick(&self, number: u32);

    /// Where the stage is.
    #[event(latest)]
    fn position(&self, x: f64, y: f64);
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Bench, new = BenchProcess::open)]
pub struct BenchProcess {
    cx: BenchContext,
    config: BenchConfig,
}

impl BenchProcess {
    fn open(cx: BenchContext, config: BenchConfig) -> mpcore::Result<Self> {
        match config.fault {
            Some(InitFault::ConstructorErrs) => Err(mpcore::Error::msg("no lamp")),
            Some(InitFault::ConstructorPanics) => panic!("the lamp fell down"),
            Some(InitFault::ConstructorHangs) => loop {
                std::thread::sleep(Duration::from_secs(1));
            },
            _ => Ok(Self { cx, config }),
        }
    }
}

impl Bench for BenchProcess {
    fn postrun_init(&mut self) -> mpcore::Result<()> {
        match self.config.fault {
            Some(InitFault::PostrunInitErrs) => return Err(mpcore::Error::msg("no power")),
            Some(InitFault::PostrunInitPanics) => panic!("a fuse blew"),
            _ => {}
        }
        self.cx.connected.set(true);
        Ok(())
    }

    fn cleanup(&mut self) {
        if let Some(log) = &self.config.cleanup_log {
            use std::io::Write as _;
            let file = std::fs::OpenOptions::new().append(true).create(true).open(log);
            let mut file = file.expect("the cleanup log can be opened");
            writeln!(file, "cleanup in {}", std::process::id()).expect("a line can be written");
        }
    }

    fn add_two(&mut self, num1: i32, num2: i32) -> i32 {
        num1 + num2
    }

    fn divide(&mut self, a: i32, b: i32) -> Result<i32, DivideError> {
        self.cx.check_cancelled()?;
        a.checked_div(b).ok_or(DivideError::ByZero)
    }

    fn calibrate(&mut self) -> (f64, f64) {
        (0.5, 2.0)
    }

    fn reset_counters(&mut self) {}

    fn echo(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    fn make_bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|index| index as u8).collect()
    }

    fn panic_with(&mut self, text: String) -> i32 {
        panic!("{text}")
    }

    fn work(&mut self, milliseconds: u64) -> mpcore::Result<u64> {
        let end = Instant::now() + Duration::from_millis(milliseconds);
        let mut looked = 0;
        while Instant::now() < end {
            self.cx.check_cancelled()?;
            looked += 1;
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(looked)
    }

    fn work_on(&mut self, milliseconds: u64) -> u64 {
        let end = Instant::now() + Duration::from_millis(milliseconds);
        let mut looked = 0;
        while Instant::now() < end {
            self.cx.cancel_point();
            looked += 1;
            std::thread::sleep(Duration::from_millis(1));
        }
        looked
    }

    fn ignore_everything(&mut self, milliseconds: u64) {
        std::thread::sleep(Duration::from_millis(milliseconds));
    }

    fn flood(&mut self, count: u32) -> u32 {
        for number in 0..count {
            self.cx.tick.emit(number);
        }
        count
    }

    fn raise_level(&mut self, count: u32) -> u32 {
        for level in 1..=count {
            self.cx.level.set(level);
        }
        count
    }

    fn wave(&mut self, count: u32) {
        for number in 0..count {
            self.cx.position.emit(f64::from(number), -f64::from(number));
            self.cx.tick.emit(number);
        }
    }

    fn step_through(&mut self, steps: u32) {
        for step in 1..=steps {
            self.cx.progress(f64::from(step) / f64::from(steps));
        }
    }

    fn exit_with(&mut self, code: i32) {
        std::process::exit(code)
    }

    fn abort(&mut self) {
        std::process::abort()
    }

    fn start_grandchild(&mut self) -> mpcore::Result<u32> {
        let mut sleep = std::process::Command::new("sleep");
        Ok(sleep.arg("600").spawn()?.id())
    }

    fn emit_sum(&mut self, sum: i32) {
        self.cx.add_two_finished.emit(sum);
    }

    fn complain(&mut self, text: String) {
        eprintln!("{text}");
    }

    fn settings(&mut self) -> BTreeMap<String, u32> {
        self.config.settings.clone()
    }

    fn set_power(&mut self, power: f64) -> Result<f64, mpcore::Refused> {
        if power > 5.0 {
            return Err("more than 5 V".into());
        }
        Ok(power)
    }
}
