#[mpcore::process(confg = String, config = u8, config = u16, postfix, crate = "m p", postfix = 3)]
pub trait Laser {
    fn fire(&mut self);
}

fn main() {}
