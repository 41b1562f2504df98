pub trait Named {
    fn name(&self) -> String;
}

#[mpcore::process]
pub trait Laser: Named + Clone {
    fn fire(&mut self);
}

#[derive(Clone, mpcore::Child)]
#[child(Laser)]
struct Simulation;

impl Named for Simulation {
    fn name(&self) -> String {
        String::new()
    }
}

impl Laser for Simulation {
    fn fire(&mut self) {}
}

fn main() {}
