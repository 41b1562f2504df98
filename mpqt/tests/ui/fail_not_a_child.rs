#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
}

pub struct NoChild;

mpqt::qobject! { pub struct LaserObject: LaserControl, child = NoChild }
fn main() {}
