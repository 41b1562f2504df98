#[mpcore::process]
pub trait Laser {
    #[signal]
    fn power(&mut self, watts: f64);
    fn fire(&mut self);
    #[property(write)]
    fn power(&self) -> f64;
    #[event]
    fn fire(&self);
    fn fire(&mut self, times: u8);
}

fn main() {}
