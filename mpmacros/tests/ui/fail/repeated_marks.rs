#[mpcore::process]
pub trait Laser {
    #[signal(name = "a_done")]
    #[signal(postfix = "_done")]
    fn fire(&mut self);
    #[property(write)]
    #[property(default = 1.0)]
    fn power(&self) -> f64;
    #[event]
    #[event(latest)]
    fn voltage(&self, volts: f64);
    #[command]
    #[command(rename = "x")]
    fn reset(&mut self);
}

fn main() {}
