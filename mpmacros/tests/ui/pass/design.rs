//! The interface, the child and the controller of the design document, word for word.

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct LaserConfig {
    pub port: String,
}

#[mpcore::process(config = LaserConfig)]
pub trait Laser {
    /// Adds two numbers. The result arrives as signal `add_two_finished(i32)`.
    #[signal(name = "add_two_finished")]
    fn add_two(&mut self, num1: i32, num2: i32) -> i32;

    /// Signal `sweep_finished(Vec<f64>)`, or an exception.
    #[signal(postfix = "_finished")]
    fn sweep(&mut self, from: f64, to: f64, steps: u32) -> mpcore::Result<Vec<f64>>;

    /// Plain `#[signal]`: the name is `calibrate_changed`. Without it: no named signal.
    #[signal]
    fn calibrate(&mut self) -> (f64, f64);

    #[property]
    fn connected(&self) -> bool;

    #[property(write, notify = "power_set", default = 1.0)]
    fn power(&self) -> f64;

    #[event]
    fn voltage(&self, volts: f64);

    #[event(latest)]
    fn position(&self, x: f64, y: f64);
}

#[derive(mpcore::Child)]
#[child(Laser)]
pub struct LaserProcess {
    cx: LaserContext,
    config: LaserConfig,
    #[child(default)]
    samples: u64,
}

impl LaserProcess {
    fn read(&mut self) -> std::io::Result<f64> {
        self.samples += self.config.port.len() as u64;
        Ok(self.samples as f64)
    }
}

impl Laser for LaserProcess {
    fn postrun_init(&mut self) -> mpcore::Result<()> {
        self.cx.connected.set(true);
        Ok(())
    }
    fn add_two(&mut self, num1: i32, num2: i32) -> i32 {
        num1 + num2
    }
    fn sweep(&mut self, from: f64, to: f64, steps: u32) -> mpcore::Result<Vec<f64>> {
        let mut volts = vec![from, to];
        for i in 0..steps {
            self.cx.check_cancelled()?;
            let v = self.read()?;
            self.cx.voltage.emit(v);
            self.cx.progress(f64::from(i + 1) / f64::from(steps));
            volts.push(v);
        }
        Ok(volts)
    }
    fn calibrate(&mut self) -> (f64, f64) {
        self.cx.position.emit(1.0, 2.0);
        self.cx.sweep_finished.emit(vec![1.0]);
        (0.0, 1.0)
    }
    fn set_power(&mut self, watts: f64) -> Result<f64, mpcore::Refused> {
        if watts > 5.0 {
            return Err("more than 5 W".into());
        }
        Ok(watts)
    }
    fn cleanup(&mut self) {}
}

fn controller() -> Result<(), Box<dyn std::error::Error>> {
    let laser = LaserControl::new::<LaserProcess>(LaserConfig { port: "COM3".into() })?;
    laser.signals().add_two_finished.connect(|sum| println!("{sum}"));
    laser.signals().sweep_finished.connect(|volts| println!("{}", volts.len()));
    laser.signals().calibrate_changed.connect(|offset, gain| println!("{offset} {gain}"));
    laser.signals().connected_changed.connect(|on| println!("connected: {on}"));
    laser.signals().power_set.connect(|watts| println!("{watts}"));
    laser.signals().voltage.connect(|volts| println!("{volts}"));
    laser.signals().position.connect(|x, y| println!("{x} {y}"));
    laser.signals().exception_raised.connect(|e| eprintln!("{e}"));
    laser.process().start()?;

    laser.add_two(1, 2);
    let _: i32 = laser.add_two(1, 2).wait()?;
    let _: i32 = laser.blocking().add_two(1, 2)?;
    let volts: Vec<f64> = laser.sweep(0.0, 1.0, 10).wait()?;
    println!("{} {}", volts.len(), laser.power());
    let _: f64 = laser.set_power(2.5).wait()?;
    let _weak = laser.downgrade();
    let _other = LaserControl::builder()
        .child::<LaserProcess>()
        .config(LaserConfig { port: "COM4".into() })
        .build()?;
    Ok(())
}

fn main() {
    let _ = controller;
}
