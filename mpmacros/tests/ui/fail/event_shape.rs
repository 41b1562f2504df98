#[mpcore::process]
pub trait Laser {
    #[event]
    fn voltage(&self, volts: f64) -> bool;
    #[event]
    fn current(&mut self, amperes: f64);
    #[event(latest)]
    fn position(&self, x: f64, y: f64) {
        println!("{x} {y}");
    }
}

fn controller(laser: &LaserControl) {
    laser.signals().voltage.connect(|volts| println!("{volts}"));
    laser.signals().current.connect(|amperes| println!("{amperes}"));
    laser.signals().position.connect(|x, y| println!("{x} {y}"));
}

fn main() {}
