#[mpcore::process]
pub trait Laser {
    type Reading;
    fn fire(&mut self);
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation;

impl Laser for Simulation {
    type Reading = f64;
    fn fire(&mut self) {}
}

fn main() {}
