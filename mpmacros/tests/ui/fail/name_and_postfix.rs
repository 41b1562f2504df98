#[mpcore::process]
pub trait Laser {
    #[signal(name = "fired", postfix = "_done")]
    fn fire(&mut self);
}

fn controller(laser: &LaserControl) {
    laser.signals().fired.connect(|| ());
}

fn main() {}
