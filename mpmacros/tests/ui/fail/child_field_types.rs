#[mpcore::process(config = u8)]
pub trait Laser {
    fn fire(&mut self);
}

#[mpcore::process]
pub trait Motor {
    fn run(&mut self);
}

struct NoDefault;

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation {
    cx: MotorContext,
    config: String,
    #[child(default)]
    value: NoDefault,
    #[child(default = "3")]
    count: u8,
}

impl Laser for Simulation {
    fn fire(&mut self) {}
}

fn main() {}
