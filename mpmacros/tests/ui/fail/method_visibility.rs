#[mpcore::process]
pub trait Laser {
    pub fn fire(&mut self);
    fn reset(&mut self);
}

fn main() {}
