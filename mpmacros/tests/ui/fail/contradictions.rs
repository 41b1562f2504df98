#[mpcore::process]
pub trait Laser {
    #[property]
    #[signal(name = "power_set")]
    fn power(&self) -> f64;
    #[event]
    #[signal]
    fn voltage(&self, volts: f64);
    #[event]
    #[command(rename = "x")]
    fn current(&self, amperes: f64);
}

fn main() {}
