#[mpcore::process]
pub trait Laser {
    fn values(&mut self, values: impl Iterator<Item = f64>);
    #[signal]
    fn sweep(&mut self) -> impl Iterator<Item = f64>;
}

struct Simulation;

impl Laser for Simulation {
    fn values(&mut self, values: impl Iterator<Item = f64>) {
        drop(values);
    }
    fn sweep(&mut self) -> impl Iterator<Item = f64> {
        std::iter::once(1.0)
    }
}

fn controller(laser: &LaserControl) {
    laser.values(std::iter::once(1.0));
    let _ = laser.sweep().wait();
    laser.signals().sweep_changed.connect(|values| drop(values));
}

fn main() {}
