#[mpcore::process]
pub trait Laser {
    #[property]
    #[event]
    fn power(&self) -> f64;
}

fn controller(laser: &LaserControl) {
    println!("{}", laser.power());
}

fn main() {}
