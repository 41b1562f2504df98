#[mpcore::process]
pub trait Laser {
    #[property]
    #[inline]
    fn power(&self) -> f64;
    #[sginal]
    #[event]
    fn voltage(&self, volts: f64);
}

fn main() {}
