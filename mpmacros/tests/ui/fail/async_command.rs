#[mpcore::process]
pub trait Laser {
    #[signal]
    async fn add_two(&mut self, num1: i32, num2: i32) -> i32;
    fn fire(&mut self);
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation;

impl Laser for Simulation {
    async fn add_two(&mut self, num1: i32, num2: i32) -> i32 {
        num1 + num2
    }
    fn fire(&mut self) {}
}

fn controller(laser: &LaserControl) {
    laser.signals().add_two_changed.connect(|sum| println!("{sum}"));
    laser.add_two(1, 2);
    laser.fire();
}

fn main() {}
