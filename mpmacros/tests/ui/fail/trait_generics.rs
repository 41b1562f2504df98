#[mpcore::process]
pub trait Laser<T: Send> {
    #[signal]
    fn add_two(&mut self, num1: T, num2: u8) -> T;
    #[property]
    fn power(&self) -> Vec<T>;
    #[event]
    fn voltage(&self, volts: T);
}

#[mpcore::process]
pub trait Motor<const N: usize> {
    fn run(&mut self, steps: [u8; N]);
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation;

impl Laser<f64> for Simulation {
    fn add_two(&mut self, num1: f64, num2: u8) -> f64 {
        num1 + f64::from(num2)
    }
}

fn controller() -> Result<(), Box<dyn std::error::Error>> {
    let laser = LaserControl::new::<Simulation>(())?;
    laser.signals().voltage.connect(|volts| drop(volts));
    laser.add_two(1.0, 2).wait()?;
    Ok(())
}

fn main() {}
