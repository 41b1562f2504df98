//! A child that crashes when told to, up to a generation, and says in everything which run it is of.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::blob::Blob;
use crate::mood::Mood;

/// What the child is told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PhoenixConfig {
    /// Where each run of a command that is counted appends a line.
    pub log: String,
    /// While there is such a file, the start goes wrong in the way that the file says.
    pub bad_start: Option<String>,
    /// Later runs take no `power` above 3.
    pub grows_timid: bool,
}

/// In each run the same, but for what it has been through.
#[mpcore::process(config = PhoenixConfig)]
pub trait Phoenix {
    /// Adds two numbers.
    #[signal(postfix = "_finished")]
    fn add(&mut self, a: i32, b: i32) -> i32;

    /// Counts the runs.
    fn generation(&mut self) -> u32;

    /// Counted; aborts unless the generation is greater than `bad`; returns the generation.
    #[idempotent]
    fn measure(&mut self, name: String, bad: u32) -> u32;

    /// The same with an argument that is encoded elsewhere.
    #[idempotent]
    fn weigh(&mut self, load: Blob, bad: u32) -> u32;

    /// The same, to be run once only.
    fn measure_once(&mut self, name: String, bad: u32) -> u32;

    /// Counted; runs until it is ended.
    #[idempotent]
    fn wait_for_the_end(&mut self, name: String) -> mpcore::Result<()>;

    /// Emits so many of everything, then aborts.
    fn burn(&mut self, count: u32);

    /// Starts a thread that emits as long as anybody listens, and returns.
    fn glow(&mut self);

    /// Says what cannot be decoded, and aborts.
    fn babble(&mut self);

    /// Ends the process.
    fn exit_with(&mut self, code: i32);

    /// Raises an error.
    fn fail(&mut self) -> mpcore::Result<()>;

    /// Asked to be more than 5, it refuses.
    #[property(write, default = 1.0)]
    fn power(&self) -> f64;

    /// Whatever it is asked to be.
    #[property(write)]
    fn label(&self) -> String;

    /// Run and number, as `1000 × generation + number`.
    #[property]
    fn level(&self) -> u32;

    /// Begun to run: how many of the commands that are counted.
    #[property]
    fn begun(&self) -> u32;

    /// Of this run.
    #[event]
    fn spark(&self, generation: u32, number: u32);

    /// Of this run.
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
            Some("error") => Err(mpcore::Error::msg("no ashes")),
            _ => Ok(Self { cx, config }),
        }
    }

    fn count(&self, line: &str) {
        if !self.config.log.is_empty() {
            let log = fs::OpenOptions::new().append(true).create(true).open(&self.config.log);
            let mut log = log.expect("the log can be opened");
            writeln!(log, "{line} {}", self.cx.generation()).expect("a line can be written");
        }
        self.cx.begun.modify(|begun| *begun += 1);
    }

    fn counted(&self, name: &str, bad: u32) -> u32 {
        self.count(name);
        if self.cx.generation() <= bad {
            std::process::abort();
        }
        self.cx.generation()
    }
}

/// The lines of a log, each a command's name and the generation that ran it.
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
        // What has been emitted is on its way before the lane is lost.
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
        Err(mpcore::Error::msg("on purpose"))
    }

    fn set_power(&mut self, power: f64) -> Result<f64, mpcore::Refused> {
        let most = if self.config.grows_timid && self.cx.generation() > 1 { 3.0 } else { 5.0 };
        if power > most {
            return Err("too bright".into());
        }
        Ok(power)
    }
}
