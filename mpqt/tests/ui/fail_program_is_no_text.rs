#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
}

mpqt::qobject! { pub struct LaserObject: LaserControl, program = 5 }
fn main() {}
