#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
}

mpqt::qobject! { pub struct LaserObject: Laser }
fn main() {}
