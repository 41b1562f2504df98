#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
}

#[mpcore::process]
pub trait Camera {}
#[derive(mpcore::Child)]
#[child(Camera)]
pub struct CameraProcess {}
impl Camera for CameraProcess {}

mpqt::qobject! { pub struct LaserObject: LaserControl, child = CameraProcess }
fn main() {}
