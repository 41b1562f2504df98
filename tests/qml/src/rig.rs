//! A child with a member of every kind and every type, and ways to fail.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The configuration of the rig.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RigConfig {
    /// Returned by command `configured`.
    pub port: String,
    /// `postrun_init` fails with this text, if set.
    pub refuse: Option<String>,
}

/// A struct, as an argument and in signals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// A text.
    pub name: String,
    /// Numbers.
    pub volts: Vec<f64>,
    /// May be missing.
    #[serde(default)]
    pub note: Option<String>,
}

/// The way in which a command fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The command returns an error.
    Error,
    /// The command panics.
    Panic,
    /// The process aborts.
    Abort,
    /// The process exits with this code.
    Exit(i32),
}

/// An interface with one of everything.
#[mpcore::process(config = RigConfig)]
pub trait Rig {
    /// Adds two numbers.
    #[signal(name = "add_two_finished")]
    fn add_two(&mut self, num1: i32, num2: i32) -> i32;

    /// Has no signal of its own.
    fn rest(&mut self);

    /// Has a signal without arguments.
    #[signal(postfix = "_done")]
    fn nothing(&mut self);

    /// The tuple is spread over the signal's arguments.
    #[signal]
    fn calibrate(&mut self) -> (f64, String);

    /// Returns the port of the config.
    #[signal(name = "configured")]
    fn tell_config(&mut self) -> String;

    /// Returns each value as it arrived.
    #[signal(name = "numbers_echoed")]
    #[allow(clippy::too_many_arguments)]
    fn echo_numbers(
        &mut self,
        yes: bool,
        small: u8,
        int: i32,
        unsigned: u32,
        long: i64,
        large: u64,
        single: f32,
        double: f64,
    ) -> (bool, u8, i32, u32, i64, u64, f32, f64);

    /// Returns each value as it arrived.
    #[signal(name = "values_echoed")]
    fn echo_values(
        &mut self,
        text: String,
        bytes: Vec<u8>,
        sample: Sample,
        maybe: Option<i32>,
        by_name: BTreeMap<String, bool>,
    ) -> (String, Vec<u8>, Sample, Option<i32>, BTreeMap<String, bool>);

    /// Takes this long, in steps, and can be cancelled.
    #[signal(name = "slept")]
    fn sleep(&mut self, milliseconds: u64) -> mpcore::Result<u64>;

    /// Runs until it is killed.
    fn hang(&mut self);

    /// Fails in this way.
    #[signal(name = "survived")]
    fn fail(&mut self, fault: Fault) -> mpcore::Result<()>;

    /// Sets the property `count` this many times, to 1, 2, ..
    #[signal(name = "counted")]
    fn count_up(&mut self, times: u32) -> u32;

    /// Emits `tick` this many times.
    #[signal(name = "ticked")]
    fn tick_away(&mut self, times: u32) -> u32;

    /// Emits `tick` and then sets `count`, to 1, 2, ..
    #[signal(name = "climbed")]
    fn climb(&mut self, times: u32) -> u32;

    /// Emits `position` this many times.
    fn drift(&mut self, times: u32);

    /// Sends events and properties at full speed until it is asked to stop.
    fn flood(&mut self) -> mpcore::Result<()>;

    /// Set by the child.
    #[property]
    fn count(&self) -> u32;

    /// Set by `postrun_init`.
    #[property]
    fn connected(&self) -> bool;

    /// Written by the controller; values above 5 W are refused.
    #[property(write, notify = "power_set", default = 1.0)]
    fn power(&self) -> f64;

    /// A writable property that is not a number.
    #[property(write)]
    fn sample(&self) -> Sample;

    /// Every one is delivered.
    #[event]
    fn tick(&self, number: u32, label: String);

    /// Only the newest waiting one is delivered.
    #[event(latest)]
    fn position(&self, x: f64, y: f64);
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Rig)]
pub struct RigProcess {
    cx: RigContext,
    config: RigConfig,
}

impl Rig for RigProcess {
    fn postrun_init(&mut self) -> mpcore::Result<()> {
        if let Some(refuse) = &self.config.refuse {
            return Err(mpcore::Error::new(refuse));
        }
        self.cx.connected.set(true);
        Ok(())
    }

    fn add_two(&mut self, num1: i32, num2: i32) -> i32 {
        num1.wrapping_add(num2)
    }

    fn rest(&mut self) {}

    fn nothing(&mut self) {}

    fn calibrate(&mut self) -> (f64, String) {
        (0.5, "offset".to_owned())
    }

    fn tell_config(&mut self) -> String {
        self.config.port.clone()
    }

    fn echo_numbers(
        &mut self,
        yes: bool,
        small: u8,
        int: i32,
        unsigned: u32,
        long: i64,
        large: u64,
        single: f32,
        double: f64,
    ) -> (bool, u8, i32, u32, i64, u64, f32, f64) {
        (yes, small, int, unsigned, long, large, single, double)
    }

    fn echo_values(
        &mut self,
        text: String,
        bytes: Vec<u8>,
        sample: Sample,
        maybe: Option<i32>,
        by_name: BTreeMap<String, bool>,
    ) -> (String, Vec<u8>, Sample, Option<i32>, BTreeMap<String, bool>) {
        (text, bytes, sample, maybe, by_name)
    }

    fn sleep(&mut self, milliseconds: u64) -> mpcore::Result<u64> {
        for slept in 0..milliseconds {
            self.cx.check_cancelled()?;
            #[allow(clippy::cast_precision_loss)]
            self.cx.progress(slept as f64 / milliseconds as f64);
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(milliseconds)
    }

    fn hang(&mut self) {
        loop {
            std::thread::park();
        }
    }

    fn fail(&mut self, fault: Fault) -> mpcore::Result<()> {
        match fault {
            Fault::Error => Err(mpcore::Error::new("refused on purpose")),
            Fault::Panic => panic!("panicked on purpose"),
            Fault::Abort => std::process::abort(),
            Fault::Exit(code) => std::process::exit(code),
        }
    }

    fn count_up(&mut self, times: u32) -> u32 {
        for count in 1..=times {
            self.cx.count.set(count);
        }
        times
    }

    fn tick_away(&mut self, times: u32) -> u32 {
        for number in 1..=times {
            self.cx.tick.emit(number, format!("tick {number}"));
            self.cx.position.emit(f64::from(number), -f64::from(number));
        }
        times
    }

    fn climb(&mut self, times: u32) -> u32 {
        for count in 1..=times {
            self.cx.tick.emit(count, "climb".to_owned());
            self.cx.count.set(count);
        }
        times
    }

    fn drift(&mut self, times: u32) {
        (1..=times).for_each(|number| self.cx.position.emit(f64::from(number), 0.0));
    }

    fn flood(&mut self) -> mpcore::Result<()> {
        for number in 1_u32.. {
            self.cx.check_cancelled()?;
            self.cx.count.set(number);
            self.cx.tick.emit(number, "flood".to_owned());
            self.cx.position.emit(f64::from(number), 0.0);
        }
        Ok(())
    }

    fn set_power(&mut self, watts: f64) -> Result<f64, mpcore::Refused> {
        if watts > 5.0 {
            return Err("more than 5 W".into());
        }
        Ok(watts)
    }
}
