#[mpcore::process]
pub trait Laser {
    #[property(write)]
    fn power(&self) -> f64;
    fn set_power(&mut self, watts: f64);
    #[property(write)]
    fn voltage(&self) -> f64;
    #[command(rename = "set_voltage")]
    fn apply(&mut self, volts: f64);
}

struct Simulation;

impl Laser for Simulation {
    fn set_power(&mut self, _watts: f64) {}
    fn apply(&mut self, _volts: f64) {}
}

fn main() {}
