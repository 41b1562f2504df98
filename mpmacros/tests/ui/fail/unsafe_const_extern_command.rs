#[mpcore::process]
pub trait Laser {
    unsafe fn fire(&mut self);
    const fn power(&self) -> f64;
    extern "C" fn add_two(&mut self, num1: i32, num2: i32) -> i32;
}

struct Simulation;

impl Laser for Simulation {
    unsafe fn fire(&mut self) {}
    fn power(&self) -> f64 {
        1.0
    }
    extern "C" fn add_two(&mut self, num1: i32, num2: i32) -> i32 {
        num1 + num2
    }
}

fn main() {}
