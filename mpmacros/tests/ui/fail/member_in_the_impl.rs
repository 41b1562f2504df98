#[mpcore::process]
pub trait Laser {
    fn fire(&mut self) -> u8;
    #[property]
    fn power(&self) -> f64;
    #[event]
    fn voltage(&self, volts: f64);
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct LaserProcess {
    cx: LaserContext,
}

impl Laser for LaserProcess {
    fn fire(&mut self) -> u8 {
        1
    }
    fn power(&self) -> f64 {
        1.0
    }
    fn voltage(&self, volts: f64) {
        println!("{volts}");
    }
}

fn main() {}
