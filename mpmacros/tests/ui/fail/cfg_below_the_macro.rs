#[mpcore::process]
#[cfg(unix)]
pub trait Laser {
    fn fire(&mut self);
}

fn main() {}
