#[mpcore::process]
pub trait Laser {
    fn fire(&mut self, watts: f64) -> u8
    fn aim(&mut self, with: fn(u8) -> u8)
    /// Documented.
    #[signal]
    fn reset(&mut self);
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct LaserProcess;

impl Laser for LaserProcess {
    fn fire(&mut self, watts: f64) -> u8 {
        watts as u8
    }
    fn aim(&mut self, with: fn(u8) -> u8) {
        with(1);
    }
    fn reset(&mut self) {}
}

fn main() {
    let laser = LaserControl::new::<LaserProcess>(()).unwrap();
    laser.signals().reset_changed.connect(|| ());
    laser.fire(1.0);
    laser.reset();
}
