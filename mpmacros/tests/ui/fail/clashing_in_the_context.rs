#[mpcore::process]
pub trait Laser {
    #[property]
    fn power(&self) -> f64;
    #[signal(name = "power")]
    fn measure(&mut self) -> f64;
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation {
    cx: LaserContext,
}

impl Laser for Simulation {
    fn measure(&mut self) -> f64 {
        self.cx.power.set(1.0);
        1.0
    }
}

fn main() {}
