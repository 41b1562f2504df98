#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
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
    fn fire(&mut self) {
        let _ = self.power();
        self.voltage(1.0);
    }
}

fn main() {}
