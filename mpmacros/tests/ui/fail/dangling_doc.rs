#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
    /// Of nothing.
}

fn main() {}
