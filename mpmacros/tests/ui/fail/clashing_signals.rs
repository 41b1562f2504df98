#[mpcore::process]
pub trait Laser {
    #[signal]
    fn power(&mut self, watts: f64);
    #[signal(name = "power_changed")]
    fn fire(&mut self);
    #[property]
    fn voltage(&self) -> f64;
    #[event]
    fn voltage_changed(&self, volts: f64);
    #[property(notify = "voltage_changed")]
    fn current(&self) -> f64;
}

fn main() {}
