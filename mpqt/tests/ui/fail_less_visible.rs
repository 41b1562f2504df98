#[mpcore::process]
trait Laser {
    fn fire(&mut self);
}

mpqt::qobject! { pub struct LaserObject: LaserControl }
fn main() {}
