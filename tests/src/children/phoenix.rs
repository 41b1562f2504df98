//! A child that crashes on request, up to a generation, and marks everything it sends with its run.
//! It logs the commands that it runs, and its starts can be made to fail.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::children::blob::Blob;
use crate::children::mood::Mood;

/// The configuration of the child.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PhoenixConfig {
    /// The file to which each run of a counted command appends a line.
    pub log: String,
    /// While this file exists, the start fails in the way that its content says.
    pub bad_start: Option<String>,
    /// Whether later runs refuse a `power` above 3.
    pub grows_timid: bool,
}

/// The same interface in each run; the values show the run.
#[mpcore::process(config = PhoenixConfig)]
pub trait Phoenix {
    /// Adds two numbers.
    #[signal(postfix = "_finished")]
    fn add(&mut self, a: i32, b: i32) -> i32;

    /// Returns the number of the run.
    fn generation(&mut self) -> u32;

    /// Counted; aborts unless the generation is greater than `bad`; returns the generation.
    #[idempotent]
    fn measure(&mut self, name: String, bad: u32) -> u32;

    /// The same with an argument that is encoded on another thread.
    #[idempotent]
    fn weigh(&mut self, load: Blob, bad: u32) -> u32;

    /// The same, but not idempotent.
    fn measure_once(&mut self, name: String, bad: u32) -> u32;

    /// Counted; runs until it is ended.
    #[idempotent]
    fn wait_for_the_end(&mut self, name: String) -> mpcore::Result<()>;

    /// Emits this many of every kind of signal, then aborts.
    fn burn(&mut self, count: u32);

    /// Starts a thread that emits until the receiver is gone, and returns.
    fn glow(&mut self);

    /// Sends a value that cannot be decoded, and aborts.
    fn babble(&mut self);

    /// Ends the process.
    fn exit_with(&mut self, code: i32);

    /// Raises an error.
    fn fail(&mut self) -> mpcore::Result<()>;

    /// Refuses values above 5.
    #[property(write, default = 1.0)]
    fn power(&self) -> f64;

    /// Accepts any value.
    #[property(write)]
    fn label(&self) -> String;

    /// Run and number, as `1000 × generation + number`.
    #[property]
    fn level(&self) -> u32;

    /// How many of the counted commands have begun.
    #[property]
    fn begun(&self) -> u32;

    /// Carries the run's number.
    #[event]
    fn spark(&self, generation: u32, number: u32);

    /// Carries the run's number.
    #[event(latest)]
    fn flicker(&self, generation: u32);

    /// A mood.
    #[event]
    fn mutter(&self, mood: Mood);
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Phoenix, new = PhoenixProcess::open)]
pub struct PhoenixProcess {
    cx: PhoenixContext,
    config: PhoenixConfig,
}

impl PhoenixProcess {
    fn open(cx: PhoenixContext, config: PhoenixConfig) -> mpcore::Result<Self> {
        let fault = config.bad_start.as_ref().and_then(|file| fs::read_to_string(file).ok());
        match fault.as_deref() {
            Some("abort") => std::process::abort(),
            Some("error") => Err(mpcore::Error::new("no ashes")),
            _ => Ok(Self { cx, config }),
        }
    }

    /// Appends a line to the log, and counts a command that has begun.
    fn count(&self, line: &str) {
        if !self.config.log.is_empty() {
            let log = fs::OpenOptions::new().append(true).create(true).open(&self.config.log);
            let mut log = log.expect("the log can be opened");
            writeln!(log, "{line} {}", self.cx.generation()).expect("a line can be written");
        }
        self.cx.begun.modify(|begun| *begun += 1);
    }

    /// Counts the command, and aborts unless the generation is greater than `bad`.
    fn counted(&self, name: &str, bad: u32) -> u32 {
        self.count(name);
        if self.cx.generation() <= bad {
            std::process::abort();
        }
        self.cx.generation()
    }
}

/// Returns the lines of a log, each a command's name and the generation that ran it.
#[must_use]
pub fn runs(log: &Path) -> Vec<String> {
    fs::read_to_string(log).unwrap_or_default().lines().map(str::to_owned).collect()
}

impl Phoenix for PhoenixProcess {
    fn add(&mut self, a: i32, b: i32) -> i32 {
        a + b
    }

    fn generation(&mut self) -> u32 {
        self.cx.generation()
    }

    fn measure(&mut self, name: String, bad: u32) -> u32 {
        self.counted(&name, bad)
    }

    fn weigh(&mut self, load: Blob, bad: u32) -> u32 {
        self.counted(if load.is_numbered(load.0.len()) { "load" } else { "other load" }, bad)
    }

    fn measure_once(&mut self, name: String, bad: u32) -> u32 {
        self.counted(&name, bad)
    }

    fn wait_for_the_end(&mut self, name: String) -> mpcore::Result<()> {
        self.count(&name);
        loop {
            self.cx.check_cancelled()?;
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn burn(&mut self, count: u32) {
        let generation = self.cx.generation();
        for number in 1..=count {
            self.cx.spark.emit(generation, number);
            self.cx.level.set(1000 * generation + number);
            self.cx.flicker.emit(generation);
            self.cx.progress(f64::from(number) / f64::from(count));
        }
        // Lets the emitted signals reach the lane before it is lost.
        thread::sleep(Duration::from_millis(50));
        std::process::abort();
    }

    fn glow(&mut self) {
        let cx = self.cx.clone();
        thread::spawn(move || {
            let generation = cx.generation();
            let mut number = 0;
            while cx.spark.try_emit(generation, number) != Err(mpcore::EmitError::ControllerGone) {
                number += 1;
                cx.level.set(1000 * generation + number % 1000);
                cx.flicker.emit(generation);
            }
        });
    }

    fn babble(&mut self) {
        self.cx.mutter.emit(Mood::RefusesToArrive);
        thread::sleep(Duration::from_millis(50));
        std::process::abort();
    }

    fn exit_with(&mut self, code: i32) {
        std::process::exit(code)
    }

    fn fail(&mut self) -> mpcore::Result<()> {
        Err(mpcore::Error::new("on purpose"))
    }

    fn set_power(&mut self, power: f64) -> Result<f64, mpcore::Refused> {
        let most = if self.config.grows_timid && self.cx.generation() > 1 { 3.0 } else { 5.0 };
        if power > most {
            return Err("too bright".into());
        }
        Ok(power)
    }
}
