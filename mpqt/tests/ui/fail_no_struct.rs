#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
}

mpqt::qobject! { pub enum LaserObject: LaserControl }
fn main() {}
