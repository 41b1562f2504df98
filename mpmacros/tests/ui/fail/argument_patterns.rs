#[mpcore::process]
pub trait Laser {
    fn pair(&mut self, (a, b): (i32, i32));
    fn unnamed(&mut self, _: i32);
    fn mutable(&mut self, mut a: i32);
    fn twice(&mut self, a: i32, a: i32);
    #[event]
    fn voltage(&self, _: f64);
}

struct Simulation;

impl Laser for Simulation {
    fn pair(&mut self, (_a, _b): (i32, i32)) {}
    fn unnamed(&mut self, _: i32) {}
    fn mutable(&mut self, _a: i32) {}
    fn twice(&mut self, _a: i32, _b: i32) {}
}

fn controller(laser: &LaserControl) {
    laser.pair((1, 2));
    laser.unnamed(1);
    laser.mutable(1);
    laser.twice(1, 2);
}

fn main() {}
