#[mpcore::process]
pub trait Laser {
    fn nothing(num1: i32) -> i32;
    fn value(self);
    fn boxed(self: Box<Self>);
    fn lifetime(&'static mut self);
    #[property]
    fn power() -> f64;
    #[event]
    fn voltage(self, volts: f64);
}

struct Simulation;

impl Laser for Simulation {
    fn nothing(num1: i32) -> i32 {
        num1
    }
    fn value(self) {}
    fn boxed(self: Box<Self>) {}
    fn lifetime(&'static mut self) {}
}

fn controller(laser: &LaserControl) {
    laser.nothing(1);
    laser.signals().voltage.connect(|volts| println!("{volts}"));
    println!("{}", laser.power());
}

fn main() {}
