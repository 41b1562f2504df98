#[mpcore::process]
pub unsafe trait Laser {
    fn fire(&mut self);
}

struct Simulation;

unsafe impl Laser for Simulation {
    fn fire(&mut self) {}
}

fn main() {}
