pub struct LaserContext {
    pub window: u8,
}

#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
    #[property]
    fn power(&self) -> f64;
}

fn main() {}
