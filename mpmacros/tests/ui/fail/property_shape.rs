#[mpcore::process]
pub trait Laser {
    #[property]
    fn power(&self, channel: u8, unit: u8) -> f64;
    #[property]
    fn current(&mut self) -> f64;
    #[property]
    fn voltage(&self) -> f64 {
        1.0
    }
}

fn controller(laser: &LaserControl) {
    let _: f64 = laser.power() + laser.current() + laser.voltage();
}

fn main() {}
