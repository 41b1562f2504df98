//! The interface and the child that the `laser` examples share: a simulated laser.

use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The configuration that the controller passes to the child at its start. Any serde type will do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LaserConfig {
    /// Where the laser is plugged in.
    pub port: String,
}

/// The interface, compiled into both sides. It needs no class hierarchy and no toolkit: it is a
/// trait with an attribute on each special item.
#[mpcore::process(config = LaserConfig)]
pub trait Laser {
    /// Adds two numbers. The result arrives as signal `add_two_finished(i32)`.
    #[signal(name = "add_two_finished")]
    fn add_two(&mut self, num1: i32, num2: i32) -> i32;

    /// Measures while the wavelength moves. Signal `sweep_finished(Vec<f64>)`, or an exception.
    #[signal(postfix = "_finished")]
    fn sweep(&mut self, from: f64, to: f64, steps: u32) -> mpcore::Result<Vec<f64>>;

    /// Plain `#[signal]`: the name is `calibrate_changed`. A tuple becomes a signal with two
    /// arguments.
    #[signal]
    fn calibrate(&mut self) -> (f64, f64);

    /// No named signal: the outcome is only in the call. Reports progress, and can be cancelled
    /// although it has no error type.
    fn warm_up(&mut self, steps: u32);

    /// Signal `connected_changed(bool)`.
    #[property]
    fn connected(&self) -> bool;

    /// In watts. The controller may ask to change it; the child refuses more than 5 W.
    #[property(write, notify = "power_set", default = 1.0)]
    fn power(&self) -> f64;

    /// A reading of the detector. Every one is delivered, in order.
    #[event]
    fn voltage(&self, volts: f64);

    /// The position of the stage. Only the newest waiting one is delivered.
    #[event(latest)]
    fn position(&self, x: f64, y: f64);
}

/// The child: runs in the other process.
#[derive(Debug, mpcore::Child)]
#[child(Laser)]
pub struct LaserProcess {
    cx: LaserContext, // generated: properties, events, stop flag, progress
    config: LaserConfig,
    #[child(default)]
    samples: u64,
}

impl Laser for LaserProcess {
    /// Runs after the constructor, before the first command.
    fn postrun_init(&mut self) -> mpcore::Result<()> {
        if self.config.port.is_empty() {
            return Err(mpcore::Error::new("no port was given"));
        }
        self.cx.connected.set(true);
        Ok(())
    }

    fn add_two(&mut self, num1: i32, num2: i32) -> i32 {
        num1 + num2
    }

    fn sweep(&mut self, from: f64, to: f64, steps: u32) -> mpcore::Result<Vec<f64>> {
        let mut volts = Vec::new();
        for i in 0..steps {
            self.cx.check_cancelled()?; // a stop or cancel request ends the command here
            let v = self.read(from + (to - from) * f64::from(i) / f64::from(steps))?;
            self.cx.voltage.emit(v);
            self.cx.progress(f64::from(i + 1) / f64::from(steps));
            volts.push(v);
        }
        Ok(volts)
    }

    fn calibrate(&mut self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn warm_up(&mut self, steps: u32) {
        // The context may be moved to other threads, and so may the handle of the running command,
        // which has no effect after the command's end.
        let (cx, call) = (self.cx.clone(), self.cx.call());
        let stage = thread::spawn(move || {
            for step in 1..=steps {
                if call.cancelled() {
                    return;
                }
                let place = f64::from(step) / f64::from(steps);
                cx.position.emit(place, -place);
                call.progress(place);
                thread::sleep(Duration::from_millis(1));
            }
        });
        let _ = stage.join();
        self.cx.cancel_point(); // ends a command without an error type, by unwinding
    }

    /// The default is `Ok(watts)`. The returned value is stored and sent to the controller.
    fn set_power(&mut self, watts: f64) -> Result<f64, mpcore::Refused> {
        if watts > 5.0 {
            return Err("more than 5 W".into());
        }
        Ok(watts)
    }

    /// Runs once, in the child, on every orderly end.
    fn cleanup(&mut self) {
        println!("the laser on {} is off after {} samples", self.config.port, self.samples);
    }
}

impl LaserProcess {
    /// Takes one measurement, which takes a moment; fails while the laser is off.
    fn read(&mut self, wavelength: f64) -> mpcore::Result<f64> {
        thread::sleep(Duration::from_millis(1));
        let watts = self.cx.power.get();
        if watts <= 0.0 {
            return Err(mpcore::Error::new("the laser is off; set its power first"));
        }
        self.samples += 1;
        Ok(watts * wavelength)
    }
}
