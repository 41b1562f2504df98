#[allow(unused_macros)]
macro_rules! more {
    () => {
        fn more(&mut self);
    };
}

#[mpcore::process]
pub trait Laser {
    more!();
    fn fire(&mut self);
}

fn main() {}
