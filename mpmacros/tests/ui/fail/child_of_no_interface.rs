trait Laser {
    fn fire(&mut self);
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation;

impl Laser for Simulation {
    fn fire(&mut self) {}
}

#[derive(mpcore::Child)]
#[child(Lasr)]
struct Misspelled;

fn main() {}
