#[mpcore::process]
pub trait Laser {
    #[signal]
    fn calibrate(&mut self) -> (f64, f64);
}

fn controller(laser: &LaserControl) {
    laser.signals().calibrate_changed.connect(|both| println!("{both:?}"));
}

fn main() {}
