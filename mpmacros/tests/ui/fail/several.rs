// All mistakes of an interface are reported at once, each at its own token, and none twice.
#[mpcore::process(confg = String)]
pub trait Laser: Send {
    type Reading;
    #[signal(nmae = "added")]
    fn add_two(&mut self, num1: &i32, num2: i32) -> i32;
    async fn spawn(&mut self);
    #[property]
    fn power(&self);
    #[event]
    fn voltage(&self, volts: f64) -> bool;
    #[signal(name = "power_changed")]
    fn calibrate(&mut self) -> (f64, f64);
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation {
    cx: LaserContext,
    samples: u64,
}

impl Laser for Simulation {
    type Reading = f64;
    fn add_two(&mut self, num1: &i32, num2: i32) -> i32 {
        self.cx.power.set(1.0);
        self.cx.voltage.emit(1.0);
        *num1 + num2
    }
    async fn spawn(&mut self) {}
    fn calibrate(&mut self) -> (f64, f64) {
        (0.0, 1.0)
    }
}

fn controller() -> Result<(), Box<dyn std::error::Error>> {
    let laser = LaserControl::new::<Simulation>(())?;
    laser.signals().add_two_changed.connect(|sum| println!("{sum}"));
    laser.signals().power_changed.connect(|offset, gain| println!("{offset} {gain}"));
    laser.signals().voltage.connect(|volts| println!("{volts}"));
    laser.add_two(&1, 2);
    Ok(())
}

fn main() {}
