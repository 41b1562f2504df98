#[mpcore::process]
pub trait Laser<T: Send, const N: usize> {
    #[signal]
    fn add_two(&mut self, num1: T, num2: [u8; N]) -> T;
    #[property]
    fn power(&self) -> Vec<T>;
    #[event]
    fn voltage(&self, volts: T);
}

fn controller(laser: &LaserControl) {
    laser.signals().voltage.connect(|volts| drop(volts));
    let _ = laser.add_two(1.0, [0; 3]).wait();
}

fn main() {}
