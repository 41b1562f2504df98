#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
}

mpqt::qobject! { pub struct LaserObject: LaserControl, rename_all = "kebab-case" }
fn main() {}
