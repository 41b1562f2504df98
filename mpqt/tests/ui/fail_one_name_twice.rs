#[mpcore::process]
pub trait Laser {
    #[signal(name = "volts")]
    fn measure(&mut self) -> f64;
    fn volts(&mut self);
}

mpqt::qobject! { pub struct LaserObject: LaserControl }
fn main() {}
