#[mpcore::process]
pub trait Laser {
    const CHANNELS: u8;
    fn fire(&mut self);
}

fn controller(laser: &LaserControl) {
    laser.fire();
}

fn main() {}
