#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
}

#[mpcore::process]
pub trait Motor {
    fn run(&mut self);
}

#[derive(mpcore::Child)]
#[child(Motor)]
struct MotorProcess;

impl Motor for MotorProcess {
    fn run(&mut self) {}
}

struct NoChild;

fn main() {
    let _ = LaserControl::new::<MotorProcess>(());
    let _ = LaserControl::new::<NoChild>(());
}
