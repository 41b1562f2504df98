#[mpcore::process(control = "Laser", signals = "Handle", context = "Handle", blocking = "a b")]
pub trait Laser {
    fn fire(&mut self);
}

fn main() {}
