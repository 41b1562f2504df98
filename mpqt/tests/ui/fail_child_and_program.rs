#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
}

mpqt::qobject! { pub struct LaserObject: LaserControl, child = A, program = "b" }
fn main() {}
