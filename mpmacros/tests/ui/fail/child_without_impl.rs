#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation;

fn main() {
    let _ = LaserControl::new::<Simulation>(());
}
