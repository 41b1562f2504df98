#[mpcore::process]
pub trait Laser {
    fn merge(&mut self, other: Self);
    fn copies(&mut self) -> Vec<Self>;
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation;

impl Laser for Simulation {
    fn merge(&mut self, _other: Self) {}
    fn copies(&mut self) -> Vec<Self> {
        vec![]
    }
}

fn main() {}
