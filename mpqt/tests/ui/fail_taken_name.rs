#[mpcore::process]
pub trait Laser {
    fn destroyed(&mut self);
    #[property]
    fn config(&self) -> i32;
}

mpqt::qobject! { pub struct LaserObject: LaserControl }
fn main() {}
