// What syn says about a broken item, once; the other items are still there.
#[mpcore::process]
pub trait Laser {
    fn add_two(&mut self, num1: i32, num2: i32) -> ;
    fn fire(&mut self);
}

fn controller(laser: &LaserControl) {
    laser.fire();
}

fn main() {}
